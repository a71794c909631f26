//! What a change of a model package in the registry leads to, for every combination of what the registry says, what
//! changed, what the ledger knows about the version, and the order in time.
//!
//! The table in `docs/transitions.md` is generated from [`transition`] by a test.

/// What the registry says about the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is approved.
    Approved,
    /// It is rejected.
    Rejected,
    /// It waits for an approval.
    Pending,
    /// It was deleted, or is being deleted.
    Deleted,
    /// It has a status that this version does not know, or none.
    Unknown,
}

impl Status {
    /// All of them, in the order of this file.
    pub const ALL: &[Self] = &[Self::Approved, Self::Rejected, Self::Pending, Self::Deleted, Self::Unknown];
}

/// What changed, according to `UpdatedModelPackageFields` of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The approval status, perhaps among other fields.
    Approval,
    /// The life cycle only.
    LifeCycle,
    /// Other fields.
    Metadata,
    /// The event does not list the changed fields.
    Unlisted,
}

impl Changed {
    /// All of them, in the order of this file.
    pub const ALL: &[Self] = &[Self::Approval, Self::LifeCycle, Self::Metadata, Self::Unlisted];
}

/// What the ledger knows about the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// No version was ever promoted.
    NoPromotion,
    /// The version is being promoted, or is deployed everywhere.
    Promoting,
    /// It is the version of the last promotion, which was stopped.
    Stopped,
    /// It is newer than every version that was ever promoted.
    Newest,
    /// It is newer than the version of the last promotion, which took its place.
    Replaced,
    /// It is older than the version of the last promotion.
    Older,
}

impl Known {
    /// All of them, in the order of this file.
    pub const ALL: &[Self] =
        &[Self::NoPromotion, Self::Promoting, Self::Stopped, Self::Newest, Self::Replaced, Self::Older];
}

/// The time of the change, compared with the approval of the current promotion; if that was stopped and the event does not
/// list the changed fields, with its rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The change is later.
    Later,
    /// The change has the same time, or no known time.
    Same,
    /// The change is earlier: its event is late.
    Earlier,
}

impl Order {
    /// All of them, in the order of this file.
    pub const ALL: &[Self] = &[Self::Later, Self::Same, Self::Earlier];
}

/// A change of a package, as the table sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// What the registry says.
    pub status: Status,
    /// What changed.
    pub changed: Changed,
    /// What the ledger knows.
    pub known: Known,
    /// The order in time.
    pub order: Order,
}

/// What a change leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A promotion of the version begins. It enters the first environment when all its gates are open.
    Begin,
    /// The same, and a hold keeps this version: a newer one does not replace it until a person releases the hold.
    BeginAndHold,
    /// The promotion stops. Where the version serves, `rollback.onRejection` says whether the environment goes back.
    Stop,
    /// The promotion stops. Where the version serves, it serves on.
    StopOnly,
    /// Where the version serves, the same applies as when the promotion stops. Nothing else is left to stop.
    Undo,
    /// Where the version serves, people are told so, and how to go back. The last promotion goes on.
    Warn,
    /// The time is recorded, so that a later approval counts as a new one.
    Record,
    /// Nothing happens, for this reason.
    Ignore(Ignored),
}

/// Why a change leads to nothing. The names are those of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// Only the life cycle changed.
    LifecycleOnly,
    /// Only other fields changed.
    MetadataOnly,
    /// The version waits for its approval.
    AwaitingApproval,
    /// The status is unknown.
    UnknownApproval,
    /// This approval is being promoted already.
    AlreadyPromoting,
    /// A later approval is being promoted.
    OlderApproval,
    /// The fields are not listed, and the version may have been promoted before.
    ChangedFieldsUnknown,
    /// The version was approved again after this rejection.
    OlderRejection,
    /// The version is neither promoted nor live.
    NotPromoting,
}

/// What a change leads to. Every combination has exactly one row.
#[must_use]
pub const fn transition(case: Case) -> Transition {
    use Changed::{Approval, LifeCycle, Metadata, Unlisted};
    use Known::{Newest, NoPromotion, Older, Promoting, Replaced, Stopped};
    use Order::{Earlier, Later, Same};
    use Status::{Approved, Deleted, Pending, Rejected, Unknown};
    use Transition::{Begin, BeginAndHold, Ignore, Record, Stop, StopOnly, Undo, Warn};
    match (case.status, case.changed, case.known, case.order) {
        (Deleted, _, Promoting, _) => StopOnly,
        (Deleted, _, Stopped | Newest | Replaced | Older, _) => Warn,
        (Deleted, _, NoPromotion, _) => Ignore(Ignored::NotPromoting),

        // An update of other fields repeats the old status.
        (Approved | Rejected | Pending | Unknown, LifeCycle, _, _) => Ignore(Ignored::LifecycleOnly),
        (Approved | Rejected | Pending | Unknown, Metadata, _, _) => Ignore(Ignored::MetadataOnly),
        (Unknown, Approval | Unlisted, _, _) => Ignore(Ignored::UnknownApproval),

        (Approved, Approval | Unlisted, NoPromotion, _)
        | (Approved, Approval | Unlisted, Newest, Later | Same)
        | (Approved, Approval, Promoting | Stopped, Later)
        | (Approved, Unlisted, Stopped, Later)
        | (Approved, Approval, Replaced, Later | Same) => Begin,
        (Approved, Approval, Older, Later | Same) => BeginAndHold,
        (Approved, Approval, Promoting | Stopped, Same) | (Approved, Unlisted, Stopped, Same | Earlier) => {
            Ignore(Ignored::AlreadyPromoting)
        }
        // Without the list of changed fields, a later time proves nothing: perhaps only metadata changed.
        (Approved, Unlisted, Promoting, _) => Ignore(Ignored::AlreadyPromoting),
        (Approved, Unlisted, Replaced | Older, _) => Ignore(Ignored::ChangedFieldsUnknown),
        (Approved, Approval, Promoting | Stopped | Replaced | Older, Earlier)
        | (Approved, Approval | Unlisted, Newest, Earlier) => Ignore(Ignored::OlderApproval),

        (Rejected, Approval | Unlisted, Promoting, Later | Same) => Stop,
        (Rejected, Approval | Unlisted, Stopped, Later | Same) => Undo,
        (Rejected, Approval | Unlisted, Promoting | Stopped, Earlier) => Ignore(Ignored::OlderRejection),
        (Rejected, Approval | Unlisted, Newest | Replaced | Older, _) => Warn,
        (Rejected, Approval | Unlisted, NoPromotion, _) => Ignore(Ignored::NotPromoting),

        (Pending, Approval, Promoting, Later) => StopOnly,
        (Pending, Approval, Stopped, Later) => Record,
        (Pending, Approval, Promoting | Stopped, Same | Earlier)
        | (Pending, Approval, NoPromotion | Newest | Replaced | Older, _)
        | (Pending, Unlisted, _, _) => Ignore(Ignored::AwaitingApproval),
    }
}

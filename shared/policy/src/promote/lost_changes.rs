//! The changes that a sweep finds in the registry: what their lost events would have said.

use jiff::Timestamp;
use tidegate_events::{ApprovalStatus, ModelPackageChanged, PackageStatus};

use super::{Package, Promotion};

/// A version in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its ARN.
    pub arn: String,
    /// Its version.
    pub version: u64,
}

/// Whether a version is newer than any that was ever promoted. A sweep begins no older one: a person who approved version
/// 5 while 7 ran has decided, and keeps it.
#[must_use]
pub fn is_newer(promotion: &Promotion, candidate: &Candidate) -> bool {
    candidate.version > promotion.newest_version
}

/// The promotion's own version, if it was approved after it was rejected or its approval was taken back.
#[must_use]
pub fn reapproved(
    promotion: &Promotion,
    package: &Package,
    last_modified: Option<Timestamp>,
) -> Option<(Candidate, Option<Timestamp>)> {
    let rejected = promotion.rejected_at?;
    let is_again = package.approval == ApprovalStatus::Approved && last_modified > Some(rejected);
    let candidate = Candidate { arn: promotion.package_arn.clone(), version: promotion.version };
    is_again.then_some((candidate, last_modified))
}

/// That the promotion's version was rejected, or its approval set back to pending, which the state does not know.
#[must_use]
pub fn lost_withdrawal(
    group: &str,
    promotion: &Promotion,
    package: &Package,
    last_modified: Option<Timestamp>,
) -> Option<ModelPackageChanged> {
    let is_gone =
        matches!(package.approval, ApprovalStatus::Rejected | ApprovalStatus::PendingManualApproval);
    let candidate = Candidate { arn: promotion.package_arn.clone(), version: promotion.version };
    is_gone.then(|| ModelPackageChanged {
        approval: package.approval.clone(),
        // It was approved when it was promoted.
        updated_fields: Some(vec!["ModelApprovalStatus".to_owned()]),
        ..approval_of(group, &candidate, last_modified)
    })
}

/// What the event of an approval would have said.
#[must_use]
pub fn approval_of(
    group: &str,
    candidate: &Candidate,
    last_modified: Option<Timestamp>,
) -> ModelPackageChanged {
    ModelPackageChanged {
        arn: candidate.arn.clone(),
        group: Some(group.to_owned()),
        version: Some(candidate.version),
        status: PackageStatus::Completed,
        approval: ApprovalStatus::Approved,
        updated_fields: None,
        last_modified,
        generated_by: None,
        stage: None,
        stage_status: None,
    }
}

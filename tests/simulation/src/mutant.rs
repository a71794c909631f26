//! Mutants of Tidegate that the simulation must find: each removes one safeguard.
//!
//! The code of the product is not changed. A mutant wraps the ledger or the ports of a function, and behaves as the
//! changed code would.

mod ledger;
mod ports;

use std::sync::{Arc, Mutex};

use tidegate_engine::ports::Ledger;
use tidegate_events::Event;
use tidegate_testkit::InMemoryLedger;

pub(crate) use ports::{MutatedPorts, ReadCache, SilencedAlerts, event as mutated_event};

macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// A mutant that must be found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it does, in a sentence.
            #[must_use]
            pub fn does(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

mutants! {
    /// No claim: every copy of an event is decided.
    DropClaim = "drop_claim";
    /// No optimistic concurrency: a decision is written even if its state changed since it was read.
    IgnoreVersion = "ignore_version";
    /// The plan is executed first and recorded afterwards.
    ActBeforeRecord = "act_before_record";
    /// An event is claimed by its envelope id instead of its idempotency key.
    KeyByEnvelopeId = "key_by_envelope_id";
    /// Unknown counts as healthy: unknown statuses, missing metrics, alarms without data.
    UnknownIsHealthy = "unknown_is_healthy";
    /// No version soaks.
    SkipSoak = "skip_soak";
    /// Deployment windows are always open.
    IgnoreWindows = "ignore_windows";
    /// Preconditions are not read again before an action.
    NoRecheck = "no_recheck";
    /// Holds are not stored.
    ForgetHold = "forget_hold";
    /// train does not see the holds that promote stores.
    HideHoldFromTrain = "hide_hold_from_train";
    /// The lease of another invocation is ignored.
    NoLease = "no_lease";
    /// A plan with pending actions counts as finished.
    DropPlan = "drop_plan";
    /// A failed event is not retried.
    SwallowError = "swallow_error";
    /// The approval in the event counts; the registry is not read.
    TrustTheEvent = "trust_the_event";
    /// In service is success: the running configuration is not compared with the requested one.
    InServiceIsSuccess = "in_service_is_success";
    /// A rejection because of another change is final.
    BusyIsFinal = "busy_is_final";
    /// What is not visible yet does not exist.
    NotVisibleIsFinal = "not_visible_is_final";
    /// A model that is still starting has failed.
    StartingIsFailed = "starting_is_failed";
    /// The images that run are not compared with those of the version.
    AnyImage = "any_image";
    /// The sample request counts as answered.
    NoSample = "no_sample";
    /// Retrainings are not stored.
    ForgetRetrainings = "forget_retrainings";
    /// Alerts are recorded as sent and not sent.
    SwallowAlert = "swallow_alert";
    /// Life cycle updates in the registry and one-time schedules are recorded as done and not made.
    SkipCall = "skip_call";
    /// The key of a report is not checked: the sixth folder from the right is taken for the endpoint.
    CountFolders = "count_folders";
    /// Every violation is drift, also of a broken data feed.
    BrokenFeedIsDrift = "broken_feed_is_drift";
    /// A report of a broken data feed is read as one without violations.
    BrokenFeedIsHealthy = "broken_feed_is_healthy";
    /// A finished plan is not recorded: it is executed again when the event is delivered again.
    ForgetOutcome = "forget_outcome";
    /// A hold that keeps a version is not stored.
    ForgetChoice = "forget_choice";
    /// It is not stored when environments went back without a person.
    ForgetRollbacks = "forget_rollbacks";
    /// A promotion that goes back is stored as any other: it goes on to the next environment.
    ForgetCause = "forget_cause";
    /// A model is created without the network of the policy.
    LoseVpc = "lose_vpc";
    /// A model runs with the role of the stack instead of the role of the policy.
    LoseRole = "lose_role";
    /// A configuration is created without the capture of the policy.
    LoseCapture = "lose_capture";
}

impl Mutant {
    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mutant| mutant.name() == name)
    }

    /// The ledger of an invocation.
    pub(crate) fn ledger(
        self,
        real: &Arc<InMemoryLedger>,
        event: &Event,
        (number, function): (usize, &'static str),
        memory: &Arc<Mutex<ReadCache>>,
    ) -> Arc<dyn Ledger> {
        let (real, memory) = (Arc::clone(real), Arc::clone(memory));
        let whose = (number, function);
        Arc::new(ledger::MutatedLedger::new(self, real, &event.envelope.id, whose, memory))
    }
}

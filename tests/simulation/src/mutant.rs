//! Mutants of Tidegate that the simulation must find: each removes one safeguard.
//!
//! The product's code is not touched. A mutant stands at the seams, between the functions and their ledger or between
//! them and AWS, and behaves there as the changed code would.

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
    /// No optimistic concurrency: a decision is written whatever was written since its state was read.
    IgnoreVersion = "ignore_version";
    /// The plan is carried out first and written down when it is through.
    ActBeforeRecord = "act_before_record";
    /// An event is claimed by its id, not by what it means.
    KeyByEnvelopeId = "key_by_envelope_id";
    /// What is not known counts as good: unknown statuses, metrics that are missing, alarms without data.
    UnknownIsHealthy = "unknown_is_healthy";
    /// No version soaks.
    SkipSoak = "skip_soak";
    /// What was true when it was decided is taken to be true when it is done.
    NoRecheck = "no_recheck";
    /// Holds are not remembered.
    ForgetHold = "forget_hold";
    /// train does not see the holds that promote remembers.
    HideHoldFromTrain = "hide_hold_from_train";
    /// A claim that another invocation holds is taken over at once.
    NoLease = "no_lease";
    /// A plan that was left behind is taken to be carried out.
    DropPlan = "drop_plan";
    /// An event that failed is not handed back.
    SwallowError = "swallow_error";
    /// The event's word on an approval counts; the registry is not asked.
    TrustTheEvent = "trust_the_event";
    /// In service is success: the running configuration is not compared with the requested one.
    InServiceIsSuccess = "in_service_is_success";
    /// The sample request counts as answered.
    NoSample = "no_sample";
    /// Retrainings are not remembered.
    ForgetRetrainings = "forget_retrainings";
    /// People are not told, and it is noted that they were.
    SwallowAlert = "swallow_alert";
    /// Calls that nobody would miss at once (notes in the registry, one-time schedules) are noted as done and not made.
    SkipCall = "skip_call";
    /// A finished plan is not noted: it is carried out again when the event is told again.
    ForgetOutcome = "forget_outcome";
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

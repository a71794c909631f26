//! The referee of every decision: what may never be decided, held independently of the functions that decide.
//!
//! Each function here takes what a decision was made from, and the decision, and returns every [`Violation`]. It calls no
//! `decide` function and shares no logic with one: where both need the same thing, such as the name of a configuration,
//! it is worked out a second time. A mistake must be made twice before it reaches AWS.
//!
//! It holds what is forbidden, not what is wise. A decision that does too little passes; that is for the tests of the
//! decide functions.
//!
//! What follows when an action was refused or prevented (`refused` and `prevented` in each function's module) is judged
//! by rules of its own, in [`follow_up`]: it was not made from a snapshot, and may begin nothing.

mod deploy;
pub mod follow_up;
mod holds;
mod invariant;
mod limits;
mod package;
mod promote;
mod respond;
mod scale;
mod train;

use jiff::{SignedDuration, Timestamp};

use crate::decision::{Decision, Verdict};
use crate::step::Step;

pub use deploy::deploy;
pub use invariant::Invariant;
pub use promote::promote;
pub use respond::respond;
pub use scale::scale;
pub use train::train;

/// A decision that must not be carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What it breaks.
    pub invariant: Invariant,
    /// What was seen.
    pub detail: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

/// Violations as they are found.
#[derive(Default)]
struct Violations(Vec<Violation>);

impl Violations {
    /// Violations a violation unless `holds`.
    fn require(&mut self, holds: bool, invariant: Invariant, detail: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { invariant, detail: detail() });
        }
    }

    /// What holds for the shape of every decision. `changes` says which actions change something in AWS; schedules,
    /// notes, reports and messages to people do not.
    fn shape<S, C: PartialEq + std::fmt::Debug>(
        &mut self,
        decision: &Decision<S, C>,
        acting: &[Verdict],
        quiet: &[Verdict],
        changes: fn(&Step<C>) -> bool,
    ) {
        let Decision { verdict, reason, plan, .. } = decision;
        let acts = plan.iter().any(changes);
        let known = acting.contains(verdict) || quiet.contains(verdict);
        self.require(known, Invariant::ForeignVerdict, || format!("the verdict is {verdict}"));
        if quiet.contains(verdict) {
            self.require(!acts, Invariant::QuietVerdictActs, || format!("{verdict} with the plan {plan:?}"));
        }
        if acting.contains(verdict) {
            self.require(acts, Invariant::ActsWithoutPlan, || format!("{verdict} with the plan {plan:?}"));
        }
        let unknown = acts && NOT_KNOWN.contains(&reason.code());
        self.require(!unknown, Invariant::ActsOnUnknown, || {
            format!("{verdict} because of {}: {reason}", reason.code())
        });
        for (index, step) in plan.iter().enumerate() {
            let again = plan.iter().take(index).any(|before| before == step);
            self.require(!again, Invariant::DuplicateAction, || format!("{step:?} is there twice"));
        }
    }

    /// A name must be one that SageMaker takes.
    fn name(&mut self, what: &str, name: &str) {
        self.require(limits::is_name(name, 63), Invariant::BeyondLimits, || {
            format!("the {what} is `{name}`")
        });
    }

    /// A message to people must be one that SNS takes.
    fn message(&mut self, subject: &str, message: &str) {
        let fits = limits::is_subject(subject) && !message.is_empty();
        self.require(fits, Invariant::BeyondLimits, || format!("the subject is `{subject}`"));
    }

    /// What is decided bears the time of the decision.
    fn is_now(&mut self, what: &str, at: Timestamp, now: Timestamp) {
        self.require(at == now, Invariant::WrongTime, || format!("{what} is {at}; now is {now}"));
    }
}

/// Reasons that say that something is not known. None of them is a reason to act.
const NOT_KNOWN: &[&str] = &[
    "definition_invalid",
    "definition_missing",
    "insufficient_data",
    "never_deployed",
    "no_metrics",
    "not_completed",
    "changed_fields_unknown",
    "package_missing",
    "pipeline_missing",
    "source_failed",
    "unknown_approval",
    "unknown_state",
    "unmanaged",
];

/// Whether at least `span` lies between `from` and `now`. A time in the future is not long ago.
fn long_ago(from: Timestamp, span: SignedDuration, now: Timestamp) -> bool {
    from.checked_add(span).unwrap_or(Timestamp::MAX) <= now
}

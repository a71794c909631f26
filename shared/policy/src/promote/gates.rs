//! Gates: the conditions under which a version enters an environment.
//!
//! Every gate has a file and a line in [`GATES`]. The decision, `tidegate why`, replay and the sweep evaluate the
//! same list.

mod alarms;
mod approvals;
mod features;
mod freeze;
mod hold;
mod metrics;
mod previous;
mod reports;
mod requires;
mod soak;
mod windows;

use jiff::Timestamp;

use super::{Action, GateFacts, Inputs, Promotion, SeenGate, State, VersionDetails};
use crate::file::{Environment, Policy};
use crate::reason::Reason;
use crate::step::Step;
pub use features::RECORDED;

pub(super) use approvals::Tally;

/// The input of a gate.
#[derive(Debug, Clone, Copy)]
pub struct GateInput<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The state of promote, which contains the holds.
    pub state: &'a State,
    /// The version that is being promoted.
    pub promotion: &'a Promotion,
    /// The environment that the version would enter.
    pub environment: &'a Environment,
    /// What was read for the gates.
    pub facts: &'a GateFacts,
    /// The current time.
    pub now: Timestamp,
}

impl<'a> GateInput<'a> {
    /// The input for a version that would enter an environment.
    pub(super) fn new(inputs: &Inputs<'a>, promotion: &'a Promotion, environment: &'a Environment) -> Self {
        let Inputs { policy, state, seen, now } = *inputs;
        Self { policy, state, promotion, environment, facts: &seen.gates, now }
    }
}

/// Whether a gate admits the version.
#[derive(Debug, Clone, PartialEq)]
pub enum GateState {
    /// The gate admits the version.
    Open,
    /// The gate opens at a known time: promote schedules a check for that time.
    ClosedUntil {
        /// Why the gate is closed.
        reason: Reason,
        /// When the gate opens.
        until: Timestamp,
        /// The step that shows the wait to people, in addition to the decision.
        progress: Option<Step<Action>>,
    },
    /// The gate opens when people have approved: promote requests the approval once.
    ClosedForPeople {
        /// Why the gate is closed.
        reason: Reason,
        /// The notification that requests the approval.
        ask: Step<Action>,
    },
    /// The gate opens after another event.
    Closed {
        /// Why the gate is closed.
        reason: Reason,
    },
}

impl GateState {
    /// Why the gate is closed; `None` if it is open.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Open => None,
            Self::ClosedUntil { reason, .. }
            | Self::ClosedForPeople { reason, .. }
            | Self::Closed { reason } => Some(reason),
        }
    }
}

/// A condition for entering an environment.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Its name.
    pub name: &'static str,
    /// The function that evaluates it.
    pub state: fn(&GateInput<'_>) -> GateState,
    /// Whether it must also be open when a request without a report is sent again. If the first request was lost, the
    /// deployment begins then.
    pub guards_retries: bool,
    /// Whether it needs facts of AWS. When it opens is then not known in advance: every sweep looks at it again.
    pub reads: bool,
}

/// Every gate, in the order of evaluation. The first closed gate determines what promote waits for.
pub const GATES: &[Gate] = &[
    // The version has succeeded in every environment before this one.
    Gate { name: "previous", state: previous::state, guards_retries: false, reads: false },
    // The version has completed the soak in the preceding environment.
    Gate { name: "soak", state: soak::state, guards_retries: false, reads: false },
    // No hold applies to the environment. Comes before approvals: nobody is requested to approve during a hold.
    Gate { name: "hold", state: hold::state, guards_retries: true, reads: false },
    // Neither people nor the policy stop deployments until a time. Comes before approvals: nobody is requested to approve
    // long before the end.
    Gate { name: "freeze", state: freeze::state, guards_retries: true, reads: false },
    // The registered metrics are good enough. Comes before approvals, as all that follow: nobody is requested to approve a
    // version that does not pass by itself.
    Gate { name: "metrics", state: metrics::state, guards_retries: false, reads: true },
    // The required reports and the model card are registered.
    Gate { name: "requires", state: requires::state, guards_retries: false, reads: true },
    // The feature groups are those of the training.
    Gate { name: "features", state: features::state, guards_retries: false, reads: true },
    // Other tools reported that the version passed.
    Gate { name: "reports", state: reports::state, guards_retries: false, reads: false },
    // The alarms are OK.
    Gate { name: "alarms", state: alarms::state, guards_retries: false, reads: true },
    // Enough people have approved it for this environment.
    Gate { name: "approvals", state: approvals::state, guards_retries: false, reads: false },
    // A deployment window is open. Comes after approvals: people can approve before the window opens.
    Gate { name: "windows", state: windows::state, guards_retries: true, reads: false },
];

/// A gate that is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// The gate's name.
    pub gate: &'static str,
    /// Its state.
    pub state: GateState,
}

/// Every closed gate as far as it is known without AWS, in the order of [`GATES`]: those that need facts as a decision last
/// saw them.
#[must_use]
pub fn known_blockers(input: &GateInput<'_>) -> Vec<SeenGate> {
    let here = |blocker: &&super::Blocker| blocker.environment == input.environment.name.as_str();
    let seen = input.promotion.blocked_by.as_ref().filter(here).map(|blocker| blocker.seen.as_slice());
    let gates = GATES.iter().filter(|gate| applies(gate, input)).filter_map(|gate| {
        if gate.reads {
            return seen.unwrap_or_default().iter().find(|seen| seen.gate == gate.name).cloned();
        }
        let state = (gate.state)(input);
        state.reason().map(|reason| SeenGate::new(gate.name, reason))
    });
    gates.collect()
}

/// Whether a gate needs facts of AWS, so that each sweep looks at it again.
#[must_use]
pub fn needs_facts(name: &str) -> bool {
    GATES.iter().any(|gate| gate.name == name && gate.reads)
}

/// The closed gates that need facts, for `tidegate why`.
pub(super) fn seen(input: &GateInput<'_>) -> Vec<SeenGate> {
    let closed = evaluate(input, |gate| gate.reads);
    closed.filter_map(|closed| Some(SeenGate::new(closed.gate, closed.state.reason()?))).collect()
}

impl SeenGate {
    fn new(gate: &str, reason: &Reason) -> Self {
        let (code, message) = (reason.code().to_owned(), reason.to_string());
        Self { gate: gate.to_owned(), reason: code, message, until: reason.until() }
    }
}

/// The description of the version that would enter the environment.
fn details<'i>(input: &GateInput<'i>, gate: &'static str) -> Result<&'i VersionDetails, Reason> {
    let version = input.promotion.version;
    let Some(facts) = &input.facts.version else {
        return Err(Reason::GateNotRead { gate, what: format!("the description of version {version}") });
    };
    match &facts.details {
        Ok(Some(details)) => Ok(details),
        Ok(None) => Err(Reason::PackageMissing { arn: facts.arn.clone() }),
        Err(cause) => Err(Reason::VersionUnreadable { version, cause: cause.clone() }),
    }
}

/// The gate that determines the decision: the first closed one.
pub(super) fn first_closed(input: &GateInput<'_>) -> Option<Closed> {
    closed(input).next()
}

/// The first closed gate among those that need no facts of AWS.
pub(super) fn first_closed_without_facts(input: &GateInput<'_>) -> Option<Closed> {
    evaluate(input, |gate| !gate.reads).next()
}

/// The gate because of which a request without a report is not sent again now.
pub(super) fn retry_blocker(input: &GateInput<'_>) -> Option<Closed> {
    evaluate(input, |gate| gate.guards_retries).next()
}

fn closed(input: &GateInput<'_>) -> impl Iterator<Item = Closed> {
    evaluate(input, |_| true)
}

fn evaluate(input: &GateInput<'_>, wanted: fn(&Gate) -> bool) -> impl Iterator<Item = Closed> {
    GATES.iter().filter(move |gate| wanted(gate) && applies(gate, input)).filter_map(|gate| {
        let state = (gate.state)(input);
        (state != GateState::Open).then_some(Closed { gate: gate.name, state })
    })
}

/// Whether a gate applies to this promotion. A rollback waits for no gate but a hold. A version that a person forced
/// into the environment still waits for the environments before it, and for a hold that was placed later.
fn applies(gate: &Gate, input: &GateInput<'_>) -> bool {
    match gate.name {
        "hold" => true,
        "previous" => input.promotion.rollback.is_none(),
        _ => {
            let is_forced = input.promotion.forced.contains_key(input.environment.name.as_str());
            input.promotion.rollback.is_none() && !is_forced
        }
    }
}

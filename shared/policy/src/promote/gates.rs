//! Gates: what must hold before a version enters an environment.
//!
//! Every gate is a file and a line in [`GATES`]. The decision, `tidegate why`, replay and the sweep all evaluate the same
//! list.

mod approvals;
mod hold;
mod previous;
mod soak;

use jiff::Timestamp;

use super::{Action, Promotion, State};
use crate::file::{Environment, Policy};
use crate::reason::Reason;
use crate::step::Step;

/// What a gate looks at.
#[derive(Debug, Clone, Copy)]
pub struct GateInput<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What promote remembers: the holds.
    pub state: &'a State,
    /// The version on its way.
    pub promotion: &'a Promotion,
    /// The environment that it would enter.
    pub environment: &'a Environment,
    /// Now.
    pub now: Timestamp,
}

/// Whether a gate lets the version in.
#[derive(Debug, Clone, PartialEq)]
pub enum GateState {
    /// It does.
    Open,
    /// It opens by itself at a time: promote schedules a check then.
    ClosedUntil {
        /// Why.
        reason: Reason,
        /// When it opens.
        until: Timestamp,
        /// What shows the wait to people, besides the decision.
        progress: Option<Step<Action>>,
    },
    /// It opens when people have agreed: promote asks them, once.
    ClosedForPeople {
        /// Why.
        reason: Reason,
        /// The message that asks them.
        ask: Step<Action>,
    },
    /// It opens when something else happens.
    Closed {
        /// Why.
        reason: Reason,
    },
}

impl GateState {
    /// Why it is closed; `None` if it is open.
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

/// A gate's evaluation.
pub type Gate = fn(&GateInput<'_>) -> GateState;

/// Every gate, in the order in which they are evaluated. The first that is closed decides what promote waits for.
pub const GATES: &[(&str, Gate)] = &[
    // The version has succeeded in every environment before this one.
    ("previous", previous::state),
    // It has spent its soak in the environment before.
    ("soak", soak::state),
    // No person has stopped the environment. Before approvals: nobody is asked to approve what is held.
    ("hold", hold::state),
    // Enough people have approved it for this environment.
    ("approvals", approvals::state),
];

/// A gate that is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// The gate's name.
    pub gate: &'static str,
    /// Its state.
    pub state: GateState,
}

/// Every gate that keeps the version out, in the order of [`GATES`].
#[must_use]
pub fn blockers(input: &GateInput<'_>) -> Vec<Closed> {
    closed(input).collect()
}

/// The gate that decides: the first that is closed.
pub(super) fn first_closed(input: &GateInput<'_>) -> Option<Closed> {
    closed(input).next()
}

fn closed(input: &GateInput<'_>) -> impl Iterator<Item = Closed> {
    GATES.iter().filter_map(|(gate, state)| {
        let state = state(input);
        (state != GateState::Open).then_some(Closed { gate, state })
    })
}

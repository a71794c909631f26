//! What gates read besides policy and state.
//!
//! Each fact is absent until it is read. A gate whose fact is absent is closed.

use super::due::due;
use super::{EnvironmentStatus, Promotion, State, Trigger};
use crate::file::{Environment, Policy};
use crate::freeze::Freezes;

/// What the gates of an environment must read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateNeeds {
    /// Whether the freezes of every model are read.
    pub fleet: bool,
}

/// What was read for the gates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GateFacts {
    /// The freezes of every model.
    pub fleet: Option<Freezes>,
}

impl GateNeeds {
    /// The needs of the environments that a promotion may enter because of a trigger. `begins` says that a new promotion
    /// may begin.
    pub(super) fn of(policy: &Policy, state: &State, trigger: &Trigger, begins: bool) -> Self {
        let entered = match (trigger, &state.promotion) {
            (Trigger::Package(_), _) if begins => policy.environments.first(),
            (Trigger::Package(_) | Trigger::Hold(_) | Trigger::Freeze(_), _) | (_, None) => None,
            (_, Some(promotion)) => entered(policy, promotion, trigger),
        };
        entered.map(|_| Self { fleet: true }).unwrap_or_default()
    }
}

/// The environment that the promotion would enter next, or whose request may be sent again.
fn entered<'p>(policy: &'p Policy, promotion: &Promotion, trigger: &Trigger) -> Option<&'p Environment> {
    if promotion.stopped {
        return None;
    }
    let due = match trigger {
        // The report of an environment may be a success, and then the next one is entered.
        Trigger::Report(report) => {
            let mut promotion = promotion.clone();
            let succeeded = EnvironmentStatus::Succeeded { at: report.finished_at };
            promotion.environments.insert(report.environment.clone(), succeeded);
            due(policy, &promotion)
        }
        _ => due(policy, promotion),
    };
    due.map(|due| due.next)
}

//! Safety invariants: conditions that no decision may violate, for any event and any observation.
//!
//! Each function has its own in `<function>/invariants.rs`; the common ones are here. They check the `Effect`s of a
//! plan against the inputs of the decision. They call none of the functions that decide, so a mistake must be made
//! twice before it reaches AWS.
//!
//! They protect against effects that cannot be reverted. The tests of this crate check the other properties of
//! decisions, such as names, texts and the content of the state.

mod effect;
mod holds;
mod invariant;
mod package;

use jiff::{SignedDuration, Timestamp};
use std::fmt::Debug;

use crate::controller::Context;
use crate::decision::{Decision, Verdict};
use crate::hold::Hold;

pub(crate) use effect::{Change, Effect, HasEffect, effect};
pub(crate) use holds::HoldCommand;
pub use invariant::Invariant;
pub(crate) use package::is_version;

/// A decision that must not be carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant that it violates.
    pub invariant: Invariant,
    /// The details of the violation.
    pub detail: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

/// The resources that a function may change.
pub(crate) struct Scope<'a> {
    /// The inputs of the decision.
    pub(crate) cx: &'a Context<'a>,
    /// The function's name.
    pub(crate) function: &'static str,
    /// The resource that the function changes or annotates; if it is empty, none may be changed.
    pub(crate) resource: &'a str,
    /// The inference component on a shared endpoint, which has a name of its own; the resource otherwise.
    pub(crate) component: &'a str,
}

impl Scope<'_> {
    /// Whether the policy contains the target of the effect, in its account and region, and the function may have
    /// such an effect.
    fn covers(&self, effect: &Effect<'_>) -> bool {
        let Self { cx: Context { policy, site, .. }, function, resource, component } = self;
        let is_named = |name: &str| !resource.is_empty() && (name == *resource || name == *component);
        let Some(policy) = policy else {
            // Without a policy nothing is done; a request of the hub is still refused with a report.
            return match effect {
                Effect::Notify => true,
                Effect::ReportDeployment(_) => *function == "deploy",
                Effect::Command(order) => *function == "operate" && order.model().is_none(),
                _ => false,
            };
        };
        let model = policy.model.as_str();
        match effect {
            Effect::Notify => true,
            Effect::ScheduleCheck { check, .. } => {
                let here = *function == "promote" || check.environment == site.environment;
                check.function == *function
                    && check.model == model
                    && here
                    && policy.environment(&check.environment).is_some()
            }
            Effect::RequestDeployment(request) => {
                let environment = policy.environment(&request.environment);
                let there = environment.is_some_and(|environment| {
                    environment.account.as_str() == request.environment_account
                        && environment.region.as_str() == request.region
                });
                let by_policy = request.model == model && request.policy_version == policy.version();
                *function == "promote" && by_policy && there
            }
            Effect::ReportDeployment(_) => *function == "deploy",
            Effect::AnswerWaiting(waiting) => {
                *function == "deploy"
                    && waiting.model == model
                    && waiting.environment == site.environment
                    && waiting.environment_account == site.account
            }
            Effect::ReportHealth(changed) => {
                *function == "deploy"
                    && changed.model == model
                    && changed.environment == site.environment
                    && changed.environment_account == site.account
            }
            Effect::RequestRetraining(request) => {
                let environment = policy.environment(&request.environment);
                *function == "respond"
                    && request.model == model
                    && request.environment == site.environment
                    && environment.is_some_and(|e| e.account.as_str() == request.environment_account)
            }
            Effect::ReportRetraining(finished) => {
                let environment = policy.environment(&finished.environment);
                *function == "train"
                    && finished.model == model
                    && environment.is_some_and(|e| e.account.as_str() == finished.environment_account)
            }
            Effect::Command(order) => *function == "operate" && order.model() == Some(model),
            Effect::Annotate { resource: name } | Effect::Change { resource: name, .. } => is_named(name),
            Effect::Prepare { name } => {
                !resource.is_empty() && (name.starts_with(resource) || name.starts_with(component))
            }
        }
    }
}

/// Collects violations.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<Violation>);

impl Violations {
    /// All violations found so far.
    pub(crate) fn found(self) -> Vec<Violation> {
        self.0
    }

    /// Adds a violation unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, invariant: Invariant, detail: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { invariant, detail: detail() });
        }
    }

    /// Checks the plan of a decision about an event.
    pub(crate) fn plan<S, C: HasEffect>(&mut self, decision: &Decision<S, C>, scope: &Scope<'_>) {
        self.in_scope_and_once(decision, scope);
        let Decision { verdict, reason, plan, .. } = decision;
        let acts = plan.iter().any(|step| effect(step).acts());
        self.require(!acts || !NOT_KNOWN.contains(&reason.code()), Invariant::ActsOnUnknown, || {
            format!("{verdict} because of {}: {reason}", reason.code())
        });
        if matches!(verdict, Verdict::Stop | Verdict::Alert) {
            self.notified(decision);
        }
    }

    /// Checks the plan of a decision after a rejection: it may only notify, schedule a check or raise a minimum.
    pub(crate) fn plan_after_rejection<S, C: HasEffect>(
        &mut self,
        decision: &Decision<S, C>,
        scope: &Scope<'_>,
    ) {
        self.in_scope_and_once(decision, scope);
        for step in &decision.plan {
            let effect = effect(step);
            let lifts = matches!(effect, Effect::Change { change: Change::SetLimits { min: 1.., .. }, .. });
            self.require(lifts || !effect.acts(), Invariant::ActsAfterRejection, || format!("{step:?}"));
        }
        // A rejection of a scale action by AWS is notified once, and a decision that waits is checked again.
        if !matches!(decision.verdict, Verdict::Wait | Verdict::NoChange) {
            self.notified(decision);
        }
    }

    fn in_scope_and_once<S, C: HasEffect>(&mut self, decision: &Decision<S, C>, scope: &Scope<'_>) {
        for (index, step) in decision.plan.iter().enumerate() {
            self.require(scope.covers(&effect(step)), Invariant::OutOfScope, || {
                format!("{} plans {step:?}", scope.function)
            });
            let again = decision.plan.iter().take(index).any(|before| before == step);
            self.require(!again, Invariant::DuplicateAction, || format!("{step:?} is there twice"));
        }
    }

    /// People are notified, or the hub, which then notifies them.
    pub(crate) fn notified<S, C: HasEffect>(&mut self, decision: &Decision<S, C>) {
        let tells = |step| matches!(effect(step), Effect::Notify | Effect::ReportDeployment(_));
        self.require(decision.plan.iter().any(tells), Invariant::NotificationMissing, || {
            format!("{} because of {}, and nobody is notified", decision.verdict, decision.reason)
        });
    }

    /// An event from an unauthorized account changes nothing.
    pub(crate) fn ignores_sender<S: PartialEq, C: HasEffect>(
        &mut self,
        sender: &str,
        state: &S,
        decision: &Decision<S, C>,
    ) {
        let ignored = decision.plan.is_empty() && decision.state.as_ref().is_none_or(|after| after == state);
        self.require(ignored, Invariant::UnauthorizedSender, || {
            format!("{sender} may not send this, and the plan is {:?}", decision.plan)
        });
    }

    /// No automatic action is taken under a hold.
    pub(crate) fn not_held(&mut self, hold: Option<&Hold>) {
        self.require(hold.is_none(), Invariant::ActsWhileHeld, || format!("held: {hold:?}"));
    }
}

/// Reasons that mean that a fact is not known. None of them permits an action.
const NOT_KNOWN: &[&str] = &[
    "changed_fields_unknown",
    "definition_invalid",
    "definition_missing",
    "insufficient_data",
    "never_deployed",
    "no_metrics",
    "not_completed",
    "package_missing",
    "pipeline_missing",
    "source_failed",
    "unknown_approval",
    "unknown_state",
    "unmanaged",
];

/// Whether at least `span` has passed between `from` and `now`. It has not if `from` is in the future.
pub(crate) fn long_ago(from: Timestamp, span: SignedDuration, now: Timestamp) -> bool {
    from.checked_add(span).unwrap_or(Timestamp::MAX) <= now
}

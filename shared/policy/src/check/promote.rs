//! What holds for every decision about a promotion.

mod memory;
mod request;

use jiff::Timestamp;
use tidegate_events::{ApprovalGiven, DeploymentFinished, HoldPlaced, HoldReleased, ModelPackageChanged};

use super::holds::HoldCommand;
use super::{Invariant, Violation, Violations};
use crate::decision::Verdict;
use crate::file::{Environment, Policy};
use crate::promote::{Action, EnvironmentStatus, Home, Package, Promote, Promotion, State};

/// Why a promotion is looked at.
#[derive(Debug, Clone, Copy)]
pub enum PromoteCause<'a> {
    /// The registry changed.
    Package {
        /// The change.
        change: &'a ModelPackageChanged,
        /// What the registry says now, if it was asked.
        package: Option<&'a Package>,
    },
    /// An environment reported.
    Report(&'a DeploymentFinished),
    /// A person approved a version for an environment.
    Approval(&'a ApprovalGiven),
    /// A person placed a hold.
    Hold(&'a HoldPlaced),
    /// A person released one.
    Release(&'a HoldReleased),
    /// What somebody said who may not say it.
    Stranger,
    /// A soak should be over, or a sweep looks.
    Time,
}

/// Everything that a decision about a promotion breaks.
#[must_use]
pub fn promote(
    policy: &Policy,
    state: &State,
    home: &Home,
    cause: PromoteCause<'_>,
    decision: &Promote,
    now: Timestamp,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let quiet = [Verdict::Ignore, Verdict::Wait, Verdict::Stop, Verdict::Complete, Verdict::Reject];
    violations.shape(decision, &[Verdict::Deploy], &quiet, changes);
    let next = decision.state.as_ref().unwrap_or(state);
    let word = match cause {
        PromoteCause::Hold(hold) => HoldCommand::Hold(hold),
        PromoteCause::Release(release) => HoldCommand::Release(release),
        _ => HoldCommand::Nothing,
    };
    violations.holds((&state.holds, &state.released), (&next.holds, &next.released), word);
    let after = next.promotion.as_ref();
    let same = |before: &&Promotion| {
        after.is_some_and(|after| {
            before.approved_at == after.approved_at
                && before.version == after.version
                && before.package_arn.eq_ignore_ascii_case(&after.package_arn)
        })
    };
    let before = state.promotion.as_ref().filter(same);
    let mut checker = Checker { policy, state, next, home, cause, before, after, now, violations };
    checker.memory(decision);
    for action in &decision.plan {
        checker.action(action);
    }
    checker.ends(decision);
    let obeyed = matches!(cause, PromoteCause::Stranger) && (!decision.plan.is_empty() || next != state);
    checker
        .violations
        .require(!obeyed, Invariant::UnauthorizedSender, || format!("the plan is {:?}", decision.plan));
    checker.violations.0
}

fn changes(action: &Action) -> bool {
    matches!(action, Action::RequestDeployment { .. })
}

struct Checker<'a> {
    policy: &'a Policy,
    state: &'a State,
    next: &'a State,
    home: &'a Home,
    cause: PromoteCause<'a>,
    /// The promotion as it was, if the same one goes on.
    before: Option<&'a Promotion>,
    after: Option<&'a Promotion>,
    now: Timestamp,
    violations: Violations,
}

impl Checker<'_> {
    fn action(&mut self, action: &Action) {
        match action {
            Action::RequestDeployment { request } => self.request(request),
            Action::UpdateModelLifeCycle { package_arn, stage, status, description } => {
                let ours = self.after.is_some_and(|p| p.package_arn == *package_arn);
                self.violations.require(ours, Invariant::OutOfScope, || format!("a note on {package_arn}"));
                self.violations.name("stage", stage);
                self.violations.name("status of the stage", status);
                let fits = description.chars().count() <= 1_024;
                self.violations
                    .require(fits, Invariant::BeyondLimits, || format!("the note `{description}`"));
            }
            Action::WakeAt { at, model, environment, version, .. } => {
                let ours = *model == self.policy.model.as_str()
                    && self
                        .after
                        .is_some_and(|p| p.version == *version && succeeded(p, environment).is_some());
                self.violations.require(ours, Invariant::OutOfScope, || format!("{action:?}"));
                let end = self.soak_end(environment);
                self.violations.require(end == Some(*at) && *at >= self.now, Invariant::WrongTime, || {
                    format!("the next look is at {at}, the soak in {environment} ends at {end:?}")
                });
            }
            Action::Alert { subject, message } => self.violations.message(subject, message),
        }
    }

    /// The end of the soak in an environment that has succeeded: the next one asks for it.
    fn soak_end(&self, environment: &str) -> Option<Timestamp> {
        let mut later =
            self.policy.environments.iter().skip_while(|e| e.name.as_str() != environment).skip(1);
        let soak = later.next()?.gates.soak?;
        let at = succeeded(self.after?, environment)?;
        Some(at.checked_add(soak.signed()).unwrap_or(Timestamp::MAX))
    }

    /// What must come with the end of something: people are told of a stop, the next step is called for, and complete is
    /// only what is everywhere.
    fn ends(&mut self, decision: &Promote) {
        let told = decision.plan.iter().any(|action| matches!(action, Action::Alert { .. }));
        let asks = decision.reason.code() == "approval_required";
        let asked_before = |p: &Promotion| {
            let waits = p.blocked_by.as_ref().map(|waiting| waiting.environment.as_str());
            waits.is_some_and(|name| {
                self.before.is_some_and(|before| before.approvals_requested.contains(name))
            })
        };
        let silent = match decision.verdict {
            Verdict::Stop => !told,
            Verdict::Wait => asks && !told && !self.after.is_some_and(asked_before),
            _ => false,
        };
        self.violations.require(!silent, Invariant::NotificationMissing, || {
            format!("{} because of {}", decision.verdict, decision.reason)
        });
        if decision.verdict == Verdict::Complete {
            let missing = |e: &&Environment| {
                self.after.is_none_or(|promotion| succeeded(promotion, e.name.as_str()).is_none())
            };
            let missing = self.policy.environments.iter().find(missing).map(|e| &e.name);
            self.violations.require(missing.is_none(), Invariant::CompleteTooEarly, || {
                format!("{missing:?} is missing")
            });
        }
        // Whoever succeeded last, the soak that runs now is the one before the first environment that is missing.
        let asked = |name: &str| self.after.is_some_and(|after| after.environments.contains_key(name));
        let mut environments = self.policy.environments.iter().map(|e| e.name.as_str());
        let soaks = environments.clone().zip(environments.clone().skip(1));
        let missing = environments.find(|name| self.after.and_then(|after| succeeded(after, name)).is_none());
        let soaks = soaks.clone().find(|(_, next)| Some(*next) == missing && !asked(next));
        let until = soaks.and_then(|(soaked, _)| self.soak_end(soaked)).filter(|until| *until > self.now);
        if let (Some((soaked, _)), Some(until), false) = (soaks, until, self.newly_succeeded().is_empty()) {
            let called = decision.plan.iter().any(|action| {
                matches!(action, Action::WakeAt { at, environment, .. } if *at == until && environment == soaked)
            });
            self.violations.require(called, Invariant::NoFollowUpScheduled, || {
                format!("the soak in {soaked} ends at {until}")
            });
        }
    }

    fn newly_succeeded(&self) -> Vec<String> {
        let Some(after) = self.after else { return Vec::new() };
        let was = |name: &str| self.before.is_some_and(|before| succeeded(before, name).is_some());
        after
            .environments
            .keys()
            .filter(|name| succeeded(after, name).is_some() && !was(name))
            .cloned()
            .collect()
    }
}

/// When a promotion succeeded in an environment.
fn succeeded(promotion: &Promotion, environment: &str) -> Option<Timestamp> {
    match promotion.environments.get(environment) {
        Some(EnvironmentStatus::Succeeded { at }) => Some(*at),
        _ => None,
    }
}

/// Two spellings of a name are one person.
fn people<'p>(names: impl Iterator<Item = &'p String>) -> std::collections::BTreeSet<String> {
    names.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect()
}

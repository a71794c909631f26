//! What holds for every decision about a promotion.

mod memory;
mod request;

use jiff::Timestamp;

use super::holds::HoldCommand;
use super::{Invariant, Violation, Violations};
use crate::decision::Verdict;
use crate::file::{Environment, Policy};
use crate::promote::{Action, EnvironmentStatus, Package, Promote, Promotion, State, Trigger};
use crate::site::Site;
use crate::step::Step;

/// Everything that a decision about a promotion breaks.
#[must_use]
pub fn promote(
    policy: &Policy,
    state: &State,
    site: &Site,
    trigger: &Trigger,
    package: Option<&Package>,
    decision: &Promote,
    now: Timestamp,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let quiet = [Verdict::Ignore, Verdict::Wait, Verdict::Stop, Verdict::Complete, Verdict::Reject];
    violations.shape(decision, &[Verdict::Deploy], &quiet, changes);
    let next = decision.state.as_ref().unwrap_or(state);
    let word = match trigger {
        Trigger::Hold(hold) => HoldCommand::Hold(hold),
        Trigger::Release(release) => HoldCommand::Release(release),
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
    let mut checker = Checker { policy, state, next, site, trigger, package, before, after, now, violations };
    checker.memory(decision);
    for step in &decision.plan {
        checker.step(step);
    }
    checker.ends(decision);
    let obeyed =
        matches!(trigger, Trigger::UnauthorizedSender { .. }) && (!decision.plan.is_empty() || next != state);
    checker
        .violations
        .require(!obeyed, Invariant::UnauthorizedSender, || format!("the plan is {:?}", decision.plan));
    checker.violations.0
}

fn changes(step: &Step<Action>) -> bool {
    matches!(step, Step::RequestDeployment { .. })
}

struct Checker<'a> {
    policy: &'a Policy,
    state: &'a State,
    next: &'a State,
    site: &'a Site,
    trigger: &'a Trigger,
    package: Option<&'a Package>,
    /// The promotion as it was, if the same one goes on.
    before: Option<&'a Promotion>,
    after: Option<&'a Promotion>,
    now: Timestamp,
    violations: Violations,
}

impl Checker<'_> {
    fn step(&mut self, step: &Step<Action>) {
        match step {
            Step::RequestDeployment { request } => self.request(request),
            Step::Call(Action::UpdateModelLifeCycle { package_arn, stage, status, description }) => {
                let ours = self.after.is_some_and(|p| p.package_arn == *package_arn);
                self.violations.require(ours, Invariant::OutOfScope, || format!("a note on {package_arn}"));
                self.violations.name("stage", stage);
                self.violations.name("status of the stage", status);
                let fits = description.chars().count() <= 1_024;
                self.violations
                    .require(fits, Invariant::BeyondLimits, || format!("the note `{description}`"));
            }
            Step::ScheduleCheck { at, check, .. } => {
                let ours = check.model == self.policy.model.as_str()
                    && self.policy.environment(&check.environment).is_some()
                    && self.after.is_some_and(|after| after.version.to_string() == check.subject);
                self.violations.require(ours, Invariant::OutOfScope, || format!("{step:?}"));
                let ahead = *at >= self.now;
                self.violations.require(ahead, Invariant::WrongTime, || format!("the check is at {at}"));
            }
            Step::Notify { subject, message } => self.violations.message(subject, message),
            Step::ReportDeployment { .. } | Step::RequestRetraining { .. } => {
                self.violations.require(false, Invariant::OutOfScope, || format!("promote plans {step:?}"));
            }
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
        let told = decision.plan.iter().any(|step| matches!(step, Step::Notify { .. }));
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
        if let (Some((soaked, next)), Some(until), false) = (soaks, until, self.newly_succeeded().is_empty())
        {
            let called = decision.plan.iter().any(|step| {
                matches!(step, Step::ScheduleCheck { at, check, .. } if *at == until && check.environment == next)
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

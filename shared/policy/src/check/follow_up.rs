//! What holds for what follows from a refusal.
//!
//! When AWS, or the last look, refuses an action of a plan, the rest of that plan is left and a second decision says what
//! follows. It was not made from a snapshot, so it may only take back what the state claimed of the plan, tell people and
//! the hub, look again, and lift a bound. It begins nothing.

use jiff::Timestamp;
use tidegate_events::{DeploymentFinished, DeploymentOutcome};

use super::{Invariant, Violation, Violations};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::promote::{self, EnvironmentStatus, Promote, Promotion};
use crate::respond::{self, Respond};
use crate::scale::{self, ScaleDecision};
use crate::step::Step;
use crate::train::{self, Train};
use crate::{deploy, deploy::Deploy};

/// The longest `StageDescription`, in characters.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelLifeCycle.html>
const NOTE: usize = 1_024;

/// What follows when a start of the pipeline was refused.
#[must_use]
pub fn train(state: &train::State, decision: &Train) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.follows(decision, &[Verdict::Reject], |step| !matches!(step, Step::Notify { .. }));
    let mut told = false;
    for step in &decision.plan {
        if let Step::Notify { subject, message } = step {
            told = true;
            violations.message(subject, message);
        }
    }
    violations.are_told(decision.verdict, told);
    let after = decision.state.as_ref().unwrap_or(state);
    let new = after.commits.iter().find(|(at, commit)| state.commits.get(*at) != Some(*commit));
    violations
        .require(new.is_none(), Invariant::StateWithoutAction, || format!("{new:?} is said to have trained"));
    let started = after.last_start.is_none() || after.last_start == state.last_start;
    violations.require(started, Invariant::StateWithoutAction, || {
        format!("{:?} is said to be started", after.last_start)
    });
    // A commit that was refused is remembered as such, or the sweep would try it for ever.
    let lost = state.commits.iter().find(|(at, commit)| {
        !after.commits.contains_key(*at) && after.rejected_commits.get(*at) != Some(*commit)
    });
    violations.require(lost.is_none(), Invariant::StateLost, || format!("nothing is known of {lost:?}"));
    violations.0
}

/// What follows when a request to an environment was refused or prevented.
#[must_use]
pub fn promote(state: &promote::State, decision: &Promote) -> Vec<Violation> {
    use promote::Action;
    let mut violations = Violations::default();
    violations.follows(decision, &[Verdict::Stop], |step| {
        matches!(step, Step::RequestDeployment { .. } | Step::ScheduleCheck { .. })
    });
    let mut told = false;
    for step in &decision.plan {
        match step {
            Step::Notify { subject, message } => {
                told = true;
                violations.message(subject, message);
            }
            Step::Call(Action::UpdateModelLifeCycle { package_arn, description, .. }) => {
                let ours = state.promotion.as_ref().is_some_and(|now| now.package_arn == *package_arn);
                violations.require(ours, Invariant::OutOfScope, || format!("a note on {package_arn}"));
                let fits = description.chars().count() <= NOTE;
                violations.require(fits, Invariant::BeyondLimits, || format!("the note is `{description}`"));
            }
            Step::RequestDeployment { .. }
            | Step::ScheduleCheck { .. }
            | Step::ReportDeployment { .. }
            | Step::RequestRetraining { .. } => {}
        }
    }
    violations.are_told(decision.verdict, told);
    let after = decision.state.as_ref().unwrap_or(state);
    let same = (&after.holds, &after.released) == (&state.holds, &state.released);
    violations
        .require(same, Invariant::HoldChanged, || format!("{:?} became {:?}", state.holds, after.holds));
    stopped(&mut violations, state.promotion.as_ref(), after.promotion.as_ref());
    violations.0
}

/// The same promotion, stopped, and no step is further than it was.
fn stopped(violations: &mut Violations, before: Option<&Promotion>, after: Option<&Promotion>) {
    let (Some(before), Some(after)) = (before, after) else {
        return violations.require(false, Invariant::StateLost, || format!("{before:?} became {after:?}"));
    };
    violations.require(after.stopped, Invariant::ContinuesAfterFailure, || {
        format!("version {} goes on", after.version)
    });
    let rest =
        Promotion { environments: before.environments.clone(), stopped: before.stopped, ..after.clone() };
    violations.require(rest == *before, Invariant::StateLost, || format!("{before:?} became {after:?}"));
    let lost = before.environments.keys().find(|name| !after.environments.contains_key(*name));
    violations.require(lost.is_none(), Invariant::StateLost, || format!("nothing is known of {lost:?}"));
    let further = after.environments.iter().find(|(name, step)| {
        before.environments.get(*name) != Some(*step) && !matches!(step, EnvironmentStatus::Failed { .. })
    });
    violations
        .require(further.is_none(), Invariant::StateWithoutAction, || format!("{further:?} was not done"));
}

/// What follows when a call of a deployment, or its report, was refused or prevented.
#[must_use]
pub fn deploy(environment: &str, state: &deploy::State, decision: &Deploy, now: Timestamp) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.follows(decision, &[Verdict::Wait, Verdict::Failed, Verdict::Reject], |step| {
        matches!(step, Step::Call(_))
    });
    let after = decision.state.as_ref().unwrap_or(state);
    let mut checker = AfterDeploy { environment, state, after, now, violations };
    checker.plan(decision);
    checker.memory(decision.verdict);
    checker.violations.0
}

struct AfterDeploy<'a> {
    environment: &'a str,
    state: &'a deploy::State,
    after: &'a deploy::State,
    now: Timestamp,
    violations: Violations,
}

impl AfterDeploy<'_> {
    fn plan(&mut self, decision: &Deploy) {
        let (mut told, mut reported, mut looks) = (false, false, false);
        for step in &decision.plan {
            match step {
                Step::Notify { subject, message } => {
                    told = true;
                    self.violations.message(subject, message);
                }
                Step::ReportDeployment { finished } => {
                    reported = true;
                    self.report(finished);
                }
                Step::ScheduleCheck { at, check, .. } => {
                    looks = true;
                    let ahead = *at > self.now || *at == Timestamp::MAX;
                    self.violations
                        .require(ahead, Invariant::WrongTime, || format!("the next look is at {at}"));
                    let flies = self.state.in_flight.as_ref();
                    let ours = flies.is_some_and(|flies| flies.request.request_id == check.subject)
                        && check.environment == self.environment;
                    self.violations.require(ours, Invariant::OutOfScope, || format!("{step:?}"));
                }
                Step::RequestDeployment { .. } | Step::RequestRetraining { .. } | Step::Call(_) => {}
            }
        }
        match decision.verdict {
            // The release of a hold calls.
            Verdict::Wait => self.violations.require(
                looks || !self.state.holds.is_empty(),
                Invariant::NoFollowUpScheduled,
                || "no look".to_owned(),
            ),
            // The hub tells people of a failure.
            Verdict::Failed => self.violations.are_told(decision.verdict, told || reported),
            verdict => self.violations.are_told(verdict, told),
        }
    }

    /// It says of the deployment in flight that it failed, and nothing else.
    fn report(&mut self, said: &DeploymentFinished) {
        let of = self.state.in_flight.as_ref().map(|flies| &flies.request);
        let is_true = of.is_some_and(|request| {
            said.outcome == DeploymentOutcome::Failed
                && said.request_id == request.request_id
                && said.model == request.model
                && said.environment == request.environment
                && said.environment_account == request.environment_account
                && said.version == request.version
                && said.package_arn == request.package_arn
        });
        self.violations.require(is_true, Invariant::ReportMismatch, || format!("{said:?} of {of:?}"));
        self.violations.is_now("the report", said.finished_at, self.now);
        let kept = self.after.last_report.as_ref().map(|report| &report.finished) == Some(said);
        self.violations.require(kept, Invariant::ActionNotInState, || {
            format!("the last report is {:?}", self.after.last_report)
        });
    }

    fn memory(&mut self, verdict: Verdict) {
        let (before, after) = (self.state, self.after);
        let ran = (&before.live, &before.previous, &before.newest_request);
        let runs = (&after.live, &after.previous, &after.newest_request);
        self.violations.require(ran == runs, Invariant::StateLost, || format!("{ran:?} became {runs:?}"));
        let same = (&before.holds, &before.released) == (&after.holds, &after.released);
        self.violations
            .require(same, Invariant::HoldChanged, || format!("{:?} became {:?}", before.holds, after.holds));
        let request = |state: &deploy::State| state.in_flight.as_ref().map(|flies| flies.request.clone());
        let kept = if verdict == Verdict::Failed {
            after.in_flight.is_none()
        } else {
            request(after) == request(before)
        };
        self.violations.require(kept, Invariant::StateWithoutAction, || {
            format!("{verdict}, and {:?} is in flight", request(after))
        });
    }
}

/// What follows when a request to retrain was refused.
#[must_use]
pub fn respond(state: &respond::State, decision: &Respond) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.follows(decision, &[Verdict::Alert], |step| matches!(step, Step::RequestRetraining { .. }));
    let mut told = false;
    for step in &decision.plan {
        if let Step::Notify { subject, message } = step {
            told = true;
            violations.message(subject, message);
        }
    }
    violations.are_told(decision.verdict, told);
    let after = decision.state.as_ref().unwrap_or(state);
    let new = after.retrainings.iter().find(|at| !state.retrainings.contains(at));
    violations.require(
        new.is_none() && after.attempts <= state.attempts,
        Invariant::StateWithoutAction,
        || format!("{state:?} became {after:?}"),
    );
    let heard = (&after.drifting, &after.last_report_at) == (&state.drifting, &state.last_report_at);
    violations.require(heard, Invariant::StateLost, || format!("{state:?} became {after:?}"));
    violations.0
}

/// What follows when a change of capacity was refused or prevented.
#[must_use]
pub fn scale(
    environment: &Environment,
    state: &scale::State,
    decision: &ScaleDecision,
    now: Timestamp,
) -> Vec<Violation> {
    use scale::Action;
    let mut violations = Violations::default();
    violations.follows(decision, &[Verdict::NoChange], |step| match step {
        Step::Call(Action::SetCapacityLimits { min, .. }) => *min == 0,
        Step::Call(Action::SetCopyCount { .. } | Action::EnsureScaleFromZeroAlarm { .. }) => true,
        Step::Notify { .. } => false,
        Step::ScheduleCheck { .. }
        | Step::RequestDeployment { .. }
        | Step::ReportDeployment { .. }
        | Step::RequestRetraining { .. } => true,
    });
    let copies = environment.endpoint.scalable_component().map_or(1, |component| component.copies);
    for step in &decision.plan {
        match step {
            Step::Call(Action::SetCapacityLimits { component, min, max }) => {
                let ours = component == environment.endpoint.name.as_str();
                violations.require(ours, Invariant::OutOfScope, || format!("the component is {component}"));
                let sound = (*min, *max) == (copies, copies);
                violations.require(sound, Invariant::InvalidCapacityLimits, || {
                    format!("{min} to {max}, and the policy wants {copies} copies")
                });
            }
            Step::Notify { subject, message } => violations.message(subject, message),
            Step::Call(Action::SetCopyCount { .. } | Action::EnsureScaleFromZeroAlarm { .. })
            | Step::ScheduleCheck { .. }
            | Step::RequestDeployment { .. }
            | Step::ReportDeployment { .. }
            | Step::RequestRetraining { .. } => {}
        }
    }
    let after = decision.state.as_ref().unwrap_or(state);
    // A wake that was refused says that it is at zero still, and when that was seen.
    let zero = after.zero_since.is_none() || [state.zero_since, Some(now)].contains(&after.zero_since);
    violations.require(
        zero && after.scaled_up_at == state.scaled_up_at,
        Invariant::StateWithoutAction,
        || format!("{state:?} became {after:?}"),
    );
    violations.0
}

impl Violations {
    /// What holds for the shape of everything that follows. `begins` says which actions do more than to tell, to look
    /// again and to lift a bound.
    fn follows<S, C: PartialEq + std::fmt::Debug>(
        &mut self,
        decision: &Decision<S, C>,
        verdicts: &[Verdict],
        begins: fn(&Step<C>) -> bool,
    ) {
        self.shape(decision, &[], verdicts, |_| false);
        let begun = decision.plan.iter().find(|step| begins(step));
        self.require(begun.is_none(), Invariant::ActsAfterRejection, || {
            format!("{} with {begun:?}", decision.verdict)
        });
    }

    fn are_told(&mut self, verdict: Verdict, told: bool) {
        self.require(told, Invariant::NotificationMissing, || format!("{verdict}, and nobody hears of it"));
    }
}

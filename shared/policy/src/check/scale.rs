//! What holds for every decision about capacity.

use jiff::Timestamp;
use tidegate_events::{AlarmChanged, AlarmState};

use super::{Invariant, Violation, Violations, long_ago};
use crate::decision::Verdict;
use crate::endpoint::EndpointKind;
use crate::file::Environment;
use crate::scale::{Action, ScaleDecision, Snapshot, State, Trigger};
use crate::step::Step;

/// What a request that found no copy is counted in.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>
const NO_CAPACITY: &str = "NoCapacityInvocationFailures";

/// Everything that a decision about capacity breaks. `seen` is what a tick observed, `alarm` the alarm that rang: one
/// of the two.
#[must_use]
pub fn scale(
    environment: &Environment,
    state: &State,
    trigger: &Trigger,
    seen: Option<&Snapshot>,
    decision: &ScaleDecision,
    now: Timestamp,
) -> Vec<Violation> {
    let alarm = match trigger {
        Trigger::Alarm(alarm) => Some(alarm),
        Trigger::Tick => None,
    };
    let mut violations = Violations::default();
    let quiet = [Verdict::NoChange, Verdict::Ignore, Verdict::Reject];
    violations.shape(decision, &[Verdict::ScaleToZero, Verdict::ScaleFromZero], &quiet, changes);
    let after = decision.state.as_ref().unwrap_or(state);
    let mut checker = Checker { environment, state, after, now, violations };
    for step in &decision.plan {
        checker.step(step);
    }
    let down = decision.plan.iter().any(goes_down);
    let up = decision.plan.iter().any(changes) && !down;
    if down || decision.verdict == Verdict::ScaleToZero {
        checker.may_sleep(seen);
        checker.way_back(&decision.plan);
    }
    if up || decision.verdict == Verdict::ScaleFromZero {
        checker.may_wake(seen, alarm);
    }
    checker.memory(decision.verdict, down, up);
    checker.violations.0
}

fn changes(step: &Step<Action>) -> bool {
    !matches!(step, Step::Notify { .. })
}

fn goes_down(step: &Step<Action>) -> bool {
    matches!(
        step,
        Step::Call(Action::SetCapacityLimits { min: 0, .. } | Action::SetCopyCount { copies: 0, .. })
    )
}

struct Checker<'a> {
    environment: &'a Environment,
    state: &'a State,
    after: &'a State,
    now: Timestamp,
    violations: Violations,
}

impl Checker<'_> {
    fn foreign(&mut self, step: &Step<Action>) {
        self.violations.require(false, Invariant::OutOfScope, || format!("scale plans {step:?}"));
    }

    fn step(&mut self, step: &Step<Action>) {
        let copies = self.environment.endpoint.scalable_component().map_or(1, |component| component.copies);
        let (component, sound) = match step {
            // The most is what the policy wants while it is awake; the least is that, or none.
            Step::Call(Action::SetCapacityLimits { component, min, max }) => {
                (component, *max == copies && *max >= 1 && (*min == 0 || *min == copies))
            }
            Step::Call(Action::SetCopyCount { component, copies: wanted }) => {
                (component, *wanted == 0 || *wanted == copies)
            }
            Step::Call(Action::EnsureScaleFromZeroAlarm { component }) => (component, true),
            Step::Notify { subject, message } => return self.violations.message(subject, message),
            Step::ScheduleCheck { .. }
            | Step::RequestDeployment { .. }
            | Step::ReportDeployment { .. }
            | Step::RequestRetraining { .. } => return self.foreign(step),
        };
        let ours = component == self.environment.endpoint.name.as_str();
        self.violations.require(ours, Invariant::OutOfScope, || format!("the component is {component}"));
        self.violations.require(sound, Invariant::InvalidCapacityLimits, || {
            format!("{step:?}, the policy wants {copies} copies")
        });
        // A classic endpoint keeps at least one instance, and a serverless one scales itself.
        let kind = self.environment.endpoint.spec.kind();
        self.violations.require(kind == EndpointKind::InferenceComponent, Invariant::CannotBeZero, || {
            format!("the endpoint is {kind:?}")
        });
    }

    /// What must be known before anything goes to zero.
    fn may_sleep(&mut self, seen: Option<&Snapshot>) {
        let Some(to_zero) = self.environment.scale.to_zero.as_ref() else {
            return self
                .violations
                .require(false, Invariant::CannotBeZero, || "the policy does not ask for it".to_owned());
        };
        let Some(seen) = seen else {
            return self
                .violations
                .require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        self.violations
            .require(!seen.deploying, Invariant::Deploying, || "a deployment is in flight".to_owned());
        let old = seen.live_since.is_some_and(|live| long_ago(live, to_zero.grace.signed(), self.now));
        self.violations
            .require(old, Invariant::InGracePeriod, || format!("live since {:?}", seen.live_since));
        let woken = self.state.scaled_up_at.filter(|at| !long_ago(*at, to_zero.idle.signed(), self.now));
        self.violations.require(woken.is_none(), Invariant::InGracePeriod, || format!("woken at {woken:?}"));
        let idle = seen.invocations.is_some_and(|count| count.in_window == 0 && count.since_deployment > 0);
        self.violations.require(idle, Invariant::NotIdle, || format!("{:?}", seen.invocations));
    }

    /// The alarm and the scaling policy need the scalable target, and the copies go only when all of them are there.
    fn way_back(&mut self, plan: &[Step<Action>]) {
        let place = |wanted: fn(&Step<Action>) -> bool| plan.iter().position(wanted);
        let bounds = place(|step| matches!(step, Step::Call(Action::SetCapacityLimits { .. })));
        let armed = place(|step| matches!(step, Step::Call(Action::EnsureScaleFromZeroAlarm { .. })));
        let gone = place(|step| matches!(step, Step::Call(Action::SetCopyCount { copies: 0, .. })));
        let built = bounds.is_some() && bounds < armed && armed < gone;
        self.violations.require(built, Invariant::NoScaleUpPath, || {
            format!("bounds are step {bounds:?}, the alarm {armed:?}, the end {gone:?}")
        });
    }

    /// Who may ask for capacity: an alarm that is ringing for this component, or answered requests where none were
    /// expected.
    fn may_wake(&mut self, seen: Option<&Snapshot>, alarm: Option<&AlarmChanged>) {
        let name = self.environment.endpoint.name.as_str();
        let rings = alarm.is_some_and(|alarm| {
            alarm.state == AlarmState::Alarm
                && alarm.metrics.iter().any(|metric| {
                    let of = metric.dimensions.get("InferenceComponentName");
                    metric.name == NO_CAPACITY && of.is_some_and(|of| of.eq_ignore_ascii_case(name))
                })
        });
        let used = self.state.zero_since.is_some()
            && seen.is_some_and(|seen| seen.invocations.is_some_and(|count| count.in_window > 0));
        self.violations
            .require(rings || used, Invariant::ScaledUpWithoutDemand, || format!("{alarm:?} and {seen:?}"));
    }

    /// What is remembered.
    fn memory(&mut self, verdict: Verdict, down: bool, up: bool) {
        let (before, after, now) = (self.state, self.after, self.now);
        let (known, same) = if down {
            (
                verdict == Verdict::ScaleToZero && after.zero_since == Some(now),
                before.scaled_up_at == after.scaled_up_at,
            )
        } else if up {
            let known = verdict == Verdict::ScaleFromZero
                && after.zero_since.is_none()
                && after.scaled_up_at == Some(now);
            (known, true)
        } else {
            (true, before.zero_since == after.zero_since && before.scaled_up_at == after.scaled_up_at)
        };
        self.violations
            .require(known, Invariant::ActionNotInState, || format!("{verdict} with the state {after:?}"));
        self.violations
            .require(same, Invariant::StateWithoutAction, || format!("{before:?} became {after:?}"));
    }
}

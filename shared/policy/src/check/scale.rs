//! What holds for every decision about capacity.

use jiff::Timestamp;
use tidegate_events::{AlarmChanged, AlarmState};

use super::{Invariant, Notes, Violation, long_ago};
use crate::decision::Verdict;
use crate::file::{EndpointKind, Environment};
use crate::scale::{Action, ScaleDecision, Snapshot, State};

/// What a request that found no copy is counted in.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>
const NO_CAPACITY: &str = "NoCapacityInvocationFailures";

/// Everything that a decision about capacity breaks. `seen` is what a tick observed, `alarm` the alarm that rang: one
/// of the two.
#[must_use]
pub fn scale(
    environment: &Environment,
    state: &State,
    seen: Option<&Snapshot>,
    alarm: Option<&AlarmChanged>,
    decision: &ScaleDecision,
    now: Timestamp,
) -> Vec<Violation> {
    let mut notes = Notes::default();
    let quiet = [Verdict::Keep, Verdict::Ignore, Verdict::Refuse];
    notes.shape(decision, &[Verdict::ToZero, Verdict::Wake], &quiet, changes);
    let after = decision.state.as_ref().unwrap_or(state);
    let mut judge = Judge { environment, state, after, now, notes };
    for action in &decision.plan {
        judge.action(action);
    }
    let down = decision.plan.iter().any(goes_down);
    let up = decision.plan.iter().any(changes) && !down;
    if down || decision.verdict == Verdict::ToZero {
        judge.may_sleep(seen);
        judge.way_back(&decision.plan);
    }
    if up || decision.verdict == Verdict::Wake {
        judge.may_wake(seen, alarm);
    }
    judge.memory(decision.verdict, down, up);
    judge.notes.0
}

fn changes(action: &Action) -> bool {
    !matches!(action, Action::Alert { .. })
}

fn goes_down(action: &Action) -> bool {
    matches!(action, Action::SetBounds { min: 0, .. } | Action::SetCopies { copies: 0, .. })
}

struct Judge<'a> {
    environment: &'a Environment,
    state: &'a State,
    after: &'a State,
    now: Timestamp,
    notes: Notes,
}

impl Judge<'_> {
    fn action(&mut self, action: &Action) {
        let copies = self.environment.endpoint.copies.unwrap_or(1);
        let (component, sound) = match action {
            // The most is what the policy wants while it is awake; the least is that, or none.
            Action::SetBounds { component, min, max } => {
                (component, *max == copies && *max >= 1 && (*min == 0 || *min == copies))
            }
            Action::SetCopies { component, copies: wanted } => (component, *wanted == 0 || *wanted == copies),
            Action::ArmWake { component } => (component, true),
            Action::Alert { subject, message } => return self.notes.message(subject, message),
        };
        let ours = component == self.environment.endpoint.name.as_str();
        self.notes.must(ours, Invariant::Elsewhere, || format!("the component is {component}"));
        self.notes.must(sound, Invariant::BoundsUnsound, || {
            format!("{action:?}, the policy wants {copies} copies")
        });
        // A classic endpoint keeps at least one instance, and a serverless one scales itself.
        let kind = self.environment.endpoint.kind;
        self.notes.must(kind == EndpointKind::InferenceComponent, Invariant::CannotBeZero, || {
            format!("the endpoint is {kind:?}")
        });
    }

    /// What must be known before anything goes to zero.
    fn may_sleep(&mut self, seen: Option<&Snapshot>) {
        let Some(to_zero) = self.environment.scale.to_zero.as_ref() else {
            return self
                .notes
                .must(false, Invariant::CannotBeZero, || "the policy does not ask for it".to_owned());
        };
        let Some(seen) = seen else {
            return self.notes.must(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        self.notes.must(!seen.deploying, Invariant::Deploying, || "a deployment is in flight".to_owned());
        let old = seen.live_since.is_some_and(|live| long_ago(live, to_zero.grace.signed(), self.now));
        self.notes.must(old, Invariant::InsideGrace, || format!("live since {:?}", seen.live_since));
        let woken = self.state.woken_at.filter(|at| !long_ago(*at, to_zero.idle.signed(), self.now));
        self.notes.must(woken.is_none(), Invariant::InsideGrace, || format!("woken at {woken:?}"));
        let idle = seen.invocations.is_some_and(|count| count.in_window == 0 && count.since_deployment > 0);
        self.notes.must(idle, Invariant::NotIdle, || format!("{:?}", seen.invocations));
    }

    /// The alarm and the scaling policy need the scalable target, and the copies go only when all of them are there.
    fn way_back(&mut self, plan: &[Action]) {
        let place = |wanted: fn(&Action) -> bool| plan.iter().position(wanted);
        let bounds = place(|action| matches!(action, Action::SetBounds { .. }));
        let armed = place(|action| matches!(action, Action::ArmWake { .. }));
        let gone = place(|action| matches!(action, Action::SetCopies { copies: 0, .. }));
        let built = bounds.is_some() && bounds < armed && armed < gone;
        self.notes.must(built, Invariant::NoWayBack, || {
            format!("bounds are action {bounds:?}, the alarm {armed:?}, the end {gone:?}")
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
        self.notes.must(rings || used, Invariant::WokenForNothing, || format!("{alarm:?} and {seen:?}"));
    }

    /// What is remembered.
    fn memory(&mut self, verdict: Verdict, down: bool, up: bool) {
        let (before, after, now) = (self.state, self.after, self.now);
        let (known, same) = if down {
            (verdict == Verdict::ToZero && after.zero_since == Some(now), before.woken_at == after.woken_at)
        } else if up {
            let known = verdict == Verdict::Wake && after.zero_since.is_none() && after.woken_at == Some(now);
            (known, true)
        } else {
            (true, before.zero_since == after.zero_since && before.woken_at == after.woken_at)
        };
        self.notes.must(known, Invariant::NotRemembered, || format!("{verdict} with the state {after:?}"));
        self.notes.must(same, Invariant::ClaimedNotDone, || format!("{before:?} became {after:?}"));
    }
}

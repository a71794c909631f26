//! Decisions about capacity that must not be.

use std::collections::BTreeSet;

use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::ScalableTarget;
use tidegate_policy::endpoint::EndpointKind;
use tidegate_policy::file::{Environment, Scale, ScaleTarget};
use tidegate_policy::reason::Reason;
use tidegate_policy::scale::{Action, Invocations, ScaleController, Snapshot, State, TargetMetric, Trigger};
use tidegate_policy::step::Step;

use super::{Break, broken};
use crate::any;
use crate::decide::{self, Decided};

type Scene = Decided<ScaleController>;

impl Scene {
    fn seen(&mut self) -> &mut Snapshot {
        self.seen.as_mut().unwrap()
    }

    fn environment(&mut self) -> &mut Environment {
        self.policy.as_mut().unwrap().environments.last_mut().unwrap()
    }
}

fn decided(state: State, trigger: Trigger, seen: Option<Snapshot>, minutes: i64) -> Scene {
    decided_for(state, trigger, seen, minutes, |_| {})
}

/// The decision under a policy whose last environment is changed.
fn decided_for(
    state: State,
    trigger: Trigger,
    seen: Option<Snapshot>,
    minutes: i64,
    change: impl FnOnce(&mut Environment),
) -> Scene {
    let site = decide::site(&any::environment(&any::policy(), "production"));
    let mut policy = any::policy();
    change(policy.environments.last_mut().unwrap());
    Decided::by(policy, site, state, trigger, seen, any::at(minutes))
}

/// Two days after the deployment, nobody has asked for two hours.
fn sleeps() -> Scene {
    let invocations = Some(Invocations { in_window: 0, since_deployment: 9 });
    let seen = Snapshot {
        live_since: Some(any::at(0)),
        copies_since: Some(any::at(0)),
        deploying: false,
        not_serving: None,
        invocations,
        limits: Some(ScalableTarget { min: 1, max: 4 }),
    };
    let scene = decided(State::default(), Trigger::Tick, Some(seen), 2 * 1_440);
    assert_eq!(scene.decision.verdict, Verdict::ScaleToZero);
    scene
}

fn breaks() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    let mut all = vec![
        on(I::ActsOnUnknown, "nothing was observed", sleeps, |s| s.seen = None),
        on(I::ActsOnUnknown, "the reason is that there are no metrics", sleeps, |s| {
            s.decision.reason = Reason::NoMetrics;
        }),
        on(I::OutOfScope, "another component", sleeps, |s| {
            let Step::Call(Action::EnsureScaleFromZeroAlarm { component }) = &mut s.decision.plan[1] else {
                unreachable!()
            };
            *component = "other".to_owned();
        }),
        on(I::NotAskedToScale, "the policy does not scale it", sleeps, |s| {
            s.environment().scale.to_zero = None
        }),
        on(I::LowersMaximum, "a maximum below the team's", sleeps, |s| {
            let Step::Call(Action::SetCapacityLimits { max, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *max = 3;
        }),
        on(I::NoScaleUpPath, "a most of none", sleeps, |s| {
            let Step::Call(Action::SetCapacityLimits { max, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *max = 0;
        }),
    ];
    all.extend(down());
    all.extend(queue());
    all
}

/// The queue of an asynchronous endpoint is followed down to zero.
fn follows() -> Scene {
    let seen =
        Snapshot { live_since: Some(any::at(0)), copies_since: Some(any::at(0)), ..Snapshot::default() };
    let scene = decided_for(State::default(), Trigger::Tick, Some(seen), 2 * 1_440, |environment| {
        any::serve(environment, EndpointKind::Async);
        let target = ScaleTarget {
            backlog_per_instance: Some(5),
            invocations_per_instance: None,
            min: 0,
            max: 4,
            scale_in_cooldown: None,
            scale_out_cooldown: None,
        };
        environment.scale = Scale { to_zero: None, target: Some(target) };
    });
    assert_eq!(scene.decision.verdict, Verdict::Apply);
    scene
}

fn queue() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::NoScaleUpPath, "no alarm on the queue", follows, |s| {
            s.decision.plan.remove(0);
        }),
        on(I::NoScaleUpPath, "the alarm on the queue comes last", follows, |s| s.decision.plan.swap(0, 1)),
        on(I::CannotBeZero, "a real-time endpoint follows a queue", follows, |s| {
            any::serve(s.environment(), EndpointKind::RealTime);
        }),
        on(I::CannotBeZero, "the policy keeps an instance", follows, |s| {
            s.environment().scale.target.as_mut().unwrap().min = 1;
        }),
        on(I::CannotBeZero, "another metric, which is zero without an instance", follows, |s| {
            let Step::Call(Action::SetTargetTracking { target }) = &mut s.decision.plan[1] else {
                unreachable!()
            };
            target.metric = TargetMetric::Invocations(5);
        }),
        on(I::OutOfScope, "the alarm of another endpoint", follows, |s| {
            let Step::Call(Action::EnsureBacklogAlarm { endpoint, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *endpoint = "other".to_owned();
        }),
        on(I::NotAskedToScale, "instances that nobody asked for", follows, |s| {
            s.decision.plan =
                vec![Step::Call(Action::EnsureInstances { endpoint: "churn".to_owned(), instances: 2 })];
        }),
    ]
}

fn down() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::CannotBeZero, "a classic endpoint", sleeps, |s| {
            any::serve(s.environment(), EndpointKind::RealTime);
        }),
        on(I::CannotBeZero, "a serverless endpoint", sleeps, |s| {
            any::serve(s.environment(), EndpointKind::Serverless);
        }),
        on(I::CannotBeZero, "the policy does not say so", sleeps, |s| s.environment().scale.to_zero = None),
        on(I::NotIdle, "somebody asked", sleeps, |s| {
            s.seen().invocations = Some(Invocations { in_window: 1, since_deployment: 9 });
        }),
        on(I::NotIdle, "no metrics", sleeps, |s| s.seen().invocations = None),
        on(I::NotIdle, "never an invocation, so perhaps no metrics", sleeps, |s| {
            s.seen().invocations = Some(Invocations { in_window: 0, since_deployment: 0 });
        }),
        on(I::InGracePeriod, "deployed an hour ago", sleeps, |s| {
            s.seen().live_since = Some(any::at(2 * 1_440 - 60))
        }),
        on(I::InGracePeriod, "deployed nobody knows when", sleeps, |s| s.seen().live_since = None),
        on(I::InGracePeriod, "woken an hour ago", sleeps, |s| {
            s.state.scaled_up_at = Some(any::at(2 * 1_440 - 60));
            let scaled_up_at = s.state.scaled_up_at;
            s.next().scaled_up_at = scaled_up_at;
        }),
        on(I::ResourceBusy, "a deployment is in flight", sleeps, |s| s.seen().deploying = true),
        on(I::NoScaleUpPath, "no alarm", sleeps, |s| {
            s.decision.plan.remove(1);
        }),
        on(I::NoScaleUpPath, "the alarm comes last", sleeps, |s| s.decision.plan.swap(1, 2)),
        on(I::NoScaleUpPath, "no bounds", sleeps, |s| {
            s.decision.plan.remove(0);
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    broken(&breaks())
}

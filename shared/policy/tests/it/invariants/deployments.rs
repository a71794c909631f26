//! Right decisions about a deployment.

use tidegate_events::{
    ApprovalStatus, DeploymentFinished, DeploymentRequested, EndpointStatus, HoldPlaced, HoldReleased,
};
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::{
    ComponentStatus, DeployController, Endpoint, InFlight, Live, Probe, RunningComponent, RunningConfig,
    Serving, Snapshot, State, Trigger,
};
use tidegate_policy::endpoint::{CopySize, DesiredResources, EndpointKind};
use tidegate_policy::file::{Canary, Environment, Policy};
use tidegate_policy::step::Step;

use crate::any;
use crate::decide::{self, Decided};

pub(super) type Scene = Decided<DeployController>;

impl Scene {
    pub(super) fn seen(&mut self) -> &mut Snapshot {
        self.seen.as_mut().unwrap()
    }

    pub(super) fn endpoint(&mut self) -> &mut Endpoint {
        self.seen().endpoint.as_mut().unwrap()
    }

    pub(super) fn component(&mut self) -> &mut RunningComponent {
        self.seen().component.as_mut().unwrap()
    }

    pub(super) fn production(&mut self) -> &mut Environment {
        self.policy.as_mut().unwrap().environments.last_mut().unwrap()
    }

    pub(super) fn request(&mut self) -> &mut DeploymentRequested {
        let Trigger::Request { request, .. } = &mut self.trigger else { unreachable!() };
        request
    }

    /// What is in flight in the state that follows.
    pub(super) fn flies(&mut self) -> &mut InFlight {
        self.next().in_flight.as_mut().unwrap()
    }

    pub(super) fn finished(&mut self) -> &mut DeploymentFinished {
        let Step::ReportDeployment { finished } = &mut self.decision.plan[0] else { unreachable!() };
        finished
    }
}

pub(super) fn request(version: u64, minutes: i64) -> DeploymentRequested {
    DeploymentRequested {
        request_id: format!("churn-production-{version}-1a2b3c4d"),
        model: "churn".to_owned(),
        environment: "production".to_owned(),
        environment_account: "777788889999".to_owned(),
        region: "us-east-1".to_owned(),
        version,
        package_arn: any::arn(version),
        policy_version: "p".to_owned(),
        requested_at: any::at(minutes),
        approved_at: Some(any::at(minutes - 60)),
        artifacts: Some("a".to_owned()),
        commanded_at: None,
    }
}

/// Production with instances, a canary and an alarm.
pub(super) fn classic() -> Policy {
    let mut policy = any::policy();
    let production = policy.environments.last_mut().unwrap();
    any::serve(production, EndpointKind::RealTime);
    let bake = "10m".to_owned().try_into().unwrap();
    production.rollout.canary = Some(Canary { percent: 50, bake });
    production.rollout.alarms = vec!["churn-5xx".to_owned()];
    policy
}

/// What runs before the deployment: version 6.
pub(super) fn live() -> Live {
    Live {
        version: 6,
        package_arn: any::arn(6),
        config: "churn-v6-0a1b2c3d".to_owned(),
        request_id: "churn-production-6-1a2b3c4d".to_owned(),
        at: any::at(-600),
        serving: Some(Serving {
            endpoint: "churn-production".to_owned(),
            config: Some("churn-v6-0a1b2c3d".to_owned()),
            component: None,
        }),
        unhealthy: None,
    }
}

fn before() -> State {
    State { live: Some(live()), ..State::default() }
}

fn endpoint(config: &str) -> Snapshot {
    let endpoint = Endpoint {
        arn: String::new(),
        status: EndpointStatus::InService,
        config: Some(config.to_owned()),
        pending_config: None,
        failure: None,
        images: Vec::new(),
        desired_instances: None,
        created: None,
        last_modified: Some(any::at(-600)),
    };
    Snapshot {
        approval: Some(ApprovalStatus::Approved),
        artifacts: Some("a".to_owned()),
        containers: Vec::new(),
        endpoint: Some(endpoint),
        endpoint_tags: Some(any::tags("production")),
        component: None,
        component_tags: Some(any::tags("production")),
        running_config: Some(RunningConfig::default()),
        model: None,
        component_limits: None,
        alarms: Vec::new(),
        probe: None,
        sample: 0,
    }
}

fn decided(policy: Policy, state: State, seen: Snapshot, trigger: Trigger, minutes: i64) -> Scene {
    let site = decide::site(&any::environment(&policy, "production"));
    Decided::by(policy, site, state, trigger, Some(seen), any::at(minutes))
}

/// Version 7 is requested.
fn requested() -> Trigger {
    Trigger::Request { from: any::HUB.to_owned(), request: request(7, 0) }
}

/// Version 7 is requested, and the endpoint gets its configuration.
pub(super) fn updates() -> Scene {
    let scene = decided(classic(), before(), endpoint("churn-v6-0a1b2c3d"), requested(), 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Apply, 3));
    scene
}

/// There is no endpoint yet.
pub(super) fn creates() -> Scene {
    let seen = Snapshot { endpoint: None, ..endpoint("none") };
    let scene = decided(classic(), State::default(), seen, requested(), 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Apply, 3));
    scene
}

/// Version 7 finds an endpoint that failed before it ever served, and the policy allows its deletion.
pub(super) fn recreates() -> Scene {
    let mut policy = classic();
    policy.environments.last_mut().unwrap().endpoint.recreate_failed = true;
    let mut seen = endpoint("churn-v6-0a1b2c3d");
    let found = seen.endpoint.as_mut().unwrap();
    (found.status, found.created) = (EndpointStatus::Failed, Some(any::at(-620)));
    seen.endpoint_tags = Some(any::tags("production"));
    let scene = decided(policy, State::default(), seen, requested(), 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Apply, 2));
    scene
}

/// Version 7 finds a component of an endpoint that was deleted, and the policy allows its deletion.
pub(super) fn recreates_component() -> Scene {
    let mut scene = changes_component();
    scene.policy.as_mut().unwrap().environments.last_mut().unwrap().endpoint.recreate_failed = true;
    scene.endpoint().created = Some(any::at(-700));
    scene.component().created = Some(any::at(-900));
    scene.seen().component_tags = Some(any::tags("production"));
    let scene = decided(scene.policy.unwrap(), before(), scene.seen.unwrap(), requested(), 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Apply, 2));
    scene
}

/// The endpoint of components is ready, and its component runs version 6.
pub(super) fn changes_component() -> Scene {
    let policy = any::policy();
    let wanted = DesiredResources::of(&any::environment(&policy, "production"), &request(7, 0));
    let component = RunningComponent {
        image: None,
        arn: String::new(),
        endpoint: None,
        created: None,
        status: ComponentStatus::InService,
        model: Some("churn-v6-0a1b2c".to_owned()),
        size: Some(CopySize { memory_mb: 1024, ..CopySize::default() }),
        copies: Some(1),
        startup: None,
        failure: None,
        last_modified: Some(any::at(-600)),
    };
    let seen = Snapshot { component: Some(component), ..endpoint(&wanted.config.name) };
    let scene = decided(policy, before(), seen, requested(), 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Apply, 3));
    scene
}

/// SageMaker changes the component that was asked to change.
pub(super) fn waits_for_component() -> Scene {
    let mut scene = changes_component();
    let state = scene.decision.state.clone().unwrap();
    scene.component().status = ComponentStatus::Updating;
    let scene = decided(scene.policy.unwrap(), state, scene.seen.unwrap(), Trigger::Sweep, 1);
    assert_eq!(scene.decision.verdict, Verdict::Wait);
    scene
}

/// The endpoint of version 6 failed by itself.
pub(super) fn live_failed() -> Scene {
    let mut seen = endpoint("churn-v6-0a1b2c3d");
    seen.endpoint.as_mut().unwrap().status = EndpointStatus::Failed;
    let scene = decided(classic(), before(), seen, Trigger::Endpoint("churn-production".to_owned()), 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Alert, 2));
    scene
}

/// Somebody deleted the endpoint of version 6.
pub(super) fn live_gone() -> Scene {
    let seen = Snapshot { endpoint: None, ..endpoint("none") };
    let scene = decided(classic(), before(), seen, Trigger::Sweep, 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Alert, 2));
    scene
}

/// The endpoint of version 6 is in service again.
pub(super) fn live_recovered() -> Scene {
    let state = live_failed().decision.state.unwrap();
    let scene = decided(classic(), state, endpoint("churn-v6-0a1b2c3d"), Trigger::Sweep, 5);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::NoChange, 1));
    scene
}

fn after_update(config: &str, probe: Option<Probe>) -> Scene {
    let state = updates().decision.state.unwrap();
    let mut seen = Snapshot { probe, ..endpoint(config) };
    seen.endpoint.as_mut().unwrap().last_modified = Some(any::at(10));
    decided(classic(), state, seen, Trigger::Sweep, 20)
}

/// Version 7 runs and answers.
pub(super) fn succeeds() -> Scene {
    let wanted = DesiredResources::of(&any::environment(&classic(), "production"), &request(7, 0));
    let scene = after_update(&wanted.config.name, Some(Probe::Answered(200)));
    assert_eq!(scene.decision.verdict, Verdict::Succeeded);
    scene
}

/// Version 6 runs again.
pub(super) fn rolled_back() -> Scene {
    let scene = after_update("churn-v6-0a1b2c3d", None);
    assert_eq!(scene.decision.verdict, Verdict::RolledBackSilently);
    scene
}

/// Version 7 was rejected while SageMaker put it in place, and serves.
pub(super) fn serves_rejected() -> Scene {
    let Scene { state, seen, .. } = succeeds();
    let seen = Snapshot { approval: Some(ApprovalStatus::Rejected), probe: None, ..seen.unwrap() };
    let scene = decided(classic(), state, seen, Trigger::Sweep, 20);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Failed, 2));
    scene
}

pub(super) fn placed() -> HoldPlaced {
    HoldPlaced {
        model: "churn".to_owned(),
        environment: Some("production".to_owned()),
        by: "ana".to_owned(),
        reason: "r".to_owned(),
        at: any::at(-30),
    }
}

/// A person holds production.
pub(super) fn held() -> Scene {
    decided(classic(), before(), endpoint("churn-v6-0a1b2c3d"), Trigger::Hold(placed()), -30)
}

/// What was requested under the hold goes on.
pub(super) fn released() -> Scene {
    let state = held().decision.state.unwrap();
    let seen = endpoint("churn-v6-0a1b2c3d");
    let waits = decided(classic(), state, seen.clone(), requested(), 0);
    assert_eq!(waits.decision.verdict, Verdict::Wait);
    let release = HoldReleased {
        model: "churn".to_owned(),
        environment: Some("production".to_owned()),
        by: "ana".to_owned(),
        at: any::at(5),
    };
    let scene = decided(classic(), waits.decision.state.unwrap(), seen, Trigger::Release(release), 5);
    assert_eq!(scene.decision.verdict, Verdict::Apply);
    scene
}

//! Deployments, where a single case says more than many.

use tidegate_events::{ApprovalStatus, DeploymentRequested, EndpointStatus};
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::{self, ComponentStatus, Endpoint, Probe, RunningComponent, Snapshot, State};

use tidegate_policy::endpoint::DesiredResources;

use super::any;
use tidegate_policy::step::Step;

fn request(id: &str, minutes: i64) -> DeploymentRequested {
    DeploymentRequested {
        request_id: id.to_owned(),
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        environment_account: "444455556666".to_owned(),
        region: "us-east-1".to_owned(),
        version: 7,
        package_arn: any::arn(7),
        policy_version: "p".to_owned(),
        requested_at: any::at(minutes),
        approved_at: None,
        artifacts: None,
        commanded_at: None,
    }
}

fn seen(config: &str, last_modified: i64) -> Snapshot {
    Snapshot {
        approval: Some(ApprovalStatus::Approved),
        endpoint: Some(Endpoint {
            images: Vec::new(),
            arn: String::new(),
            status: EndpointStatus::InService,
            config: Some(config.to_owned()),
            pending_config: None,
            failure: None,
            desired_instances: None,
            created: None,
            last_modified: Some(any::at(last_modified)),
        }),
        // Of churn in whatever environment.
        endpoint_tags: Some(tidegate_policy::owner::tags("churn", None).into_iter().collect()),
        running_config: Some(deploy::RunningConfig::default()),
        probe: Some(Probe::Answered(200)),
        ..Snapshot::default()
    }
}

fn converge(state: &State, seen: &Snapshot, minutes: i64) -> deploy::Deploy {
    let policy = any::policy();
    deploy::converge(
        &any::staging(),
        &policy,
        &any::environment(&policy, "staging"),
        state,
        seen,
        any::at(minutes),
    )
}

#[test]
fn a_change_that_was_seen_when_asking_is_no_rollback() {
    // SageMaker's clock is two minutes ahead of ours.
    let state = deploy::accept_request(&State::default(), &request("r", 0), any::at(0)).unwrap();
    let asked = converge(&state, &seen("before", 2), 0);
    assert_eq!(asked.verdict, Verdict::Apply);
    let state = asked.state.unwrap();
    assert_eq!(converge(&state, &seen("before", 2), 1).verdict, Verdict::Apply, "nothing has changed since");
    assert_eq!(converge(&state, &seen("before", 3), 4).verdict, Verdict::RolledBackSilently);
}

#[test]
fn the_same_version_again_leaves_what_ran_before_it() {
    let live = |version: u64| deploy::Live {
        version,
        package_arn: any::arn(version),
        config: "c".to_owned(),
        request_id: "x".to_owned(),
        at: any::at(0),
        serving: None,
        unhealthy: None,
    };
    let before = State { live: Some(live(7)), previous: Some(live(6)), ..State::default() };
    let wanted =
        DesiredResources::of(&any::environment(&any::policy(), "staging"), &request("r", 0)).config.name;
    let state = deploy::accept_request(&before, &request("r", 0), any::at(0)).unwrap();
    let done = converge(&state, &seen(&wanted, 0), 1);
    assert_eq!(done.verdict, Verdict::Succeeded);
    assert_eq!(done.state.unwrap().previous.unwrap().version, 6);
}

#[test]
fn two_deployments_never_share_a_check() {
    let check = |id: &str| {
        let mut policy = any::policy();
        policy.model = "a-model-with-a-name-of-32-letters".get(..32).unwrap().parse().unwrap();
        let environment = any::environment(&any::policy(), "production");
        let state = deploy::accept_request(&State::default(), &request(id, 0), any::at(0)).unwrap();
        let wanted = DesiredResources::of(&environment, &request(id, 0)).config.name;
        let tags = tidegate_policy::owner::tags(policy.model.as_str(), None).into_iter().collect();
        let seen = Snapshot { endpoint_tags: Some(tags), ..seen(&wanted, 0) };
        let decision = deploy::converge(&any::staging(), &policy, &environment, &state, &seen, any::at(1));
        decision.plan.into_iter().find_map(|step| match step {
            Step::ScheduleCheck { name, .. } => Some(name),
            _ => None,
        })
    };
    let long = "a-model-with-a-name-of-32-letter-an-environment-of-as-many-letter";
    assert_ne!(check(&format!("{long}-7-11111111")).unwrap(), check(&format!("{long}-8-22222222")).unwrap());
}

#[test]
fn what_takes_long_is_looked_at_less_and_less_often() {
    let policy = any::policy();
    let environment = any::environment(&policy, "production");
    let state = deploy::accept_request(&State::default(), &request("r", 0), any::at(0)).unwrap();
    let wanted = DesiredResources::of(&environment, &request("r", 0)).config.name;
    let look = |state: &State, seen: &Snapshot, minutes: i64| {
        let decision =
            deploy::converge(&any::staging(), &policy, &environment, state, seen, any::at(minutes));
        let at = decision.plan.iter().find_map(|step| match step {
            Step::ScheduleCheck { at, .. } => Some(at.duration_since(any::at(minutes)).as_secs()),
            _ => None,
        });
        (decision.state.unwrap(), at.unwrap())
    };
    // A hold may have kept it waiting for days: what counts is when SageMaker was told.
    let day = 24 * 60;
    let (state, first) = look(&state, &seen(&wanted, 0), 3 * day);
    assert_eq!(first, 60);
    let component = RunningComponent {
        image: None,
        arn: String::new(),
        endpoint: None,
        created: None,
        status: ComponentStatus::Creating,
        model: None,
        size: None,
        copies: None,
        last_modified: None,
        startup: None,
        failure: None,
    };
    let busy = Snapshot { component: Some(component), ..seen(&wanted, 0) };
    let after = |minutes: i64| look(&state, &busy, 3 * day + minutes).1;
    assert_eq!([1, 8, 40, 120, 15 * day].map(after), [60, 60, 300, 900, 900]);
}

#[test]
fn a_state_of_the_version_before_is_read() {
    let text = r#"{"in_flight": {"request": {"request_id": "r", "model": "churn", "environment": "staging",
        "environment_account": "444455556666", "region": "us-east-1", "version": 7,
        "package_arn": "a", "policy_version": "p", "requested_at": "2026-03-02T09:10:04Z"},
        "accepted_at": "2026-03-02T09:10:06Z", "endpoint_update_requested_at": null, "component_update_requested_at": null, "checks": 0},
        "live": null, "previous": null, "last_report": null}"#;
    let state: State = serde_json::from_str(text).unwrap();
    let older =
        DeploymentRequested { requested_at: "2026-03-02T09:00:00Z".parse().unwrap(), ..request("q", 0) };
    let told = deploy::accept_request(&state, &older, any::at(100)).unwrap_err();
    assert_eq!(told.reason.code(), "older_request");
}

#[test]
fn a_model_that_is_silent_has_a_quarter_of_an_hour() {
    let wanted =
        DesiredResources::of(&any::environment(&any::policy(), "staging"), &request("r", 0)).config.name;
    let silent = Snapshot { probe: Some(Probe::Silent), ..seen(&wanted, 0) };
    let state = deploy::accept_request(&State::default(), &request("r", 0), any::at(0)).unwrap();
    let first = converge(&state, &silent, 0);
    assert_eq!((first.verdict, first.reason.code()), (Verdict::Wait, "awaiting_sample"));
    let state = first.state.unwrap();
    let later = |minutes: i64| {
        let decision = converge(&state, &silent, minutes);
        (decision.verdict, decision.reason.code())
    };
    assert_eq!(later(14), (Verdict::Wait, "awaiting_sample"));
    assert_eq!(later(15), (Verdict::VerificationFailed, "sample_timed_out"));
}

#[test]
fn the_sample_is_sent_once_the_requested_configuration_runs() {
    let environment = any::environment(&any::policy(), "staging");
    let state = deploy::accept_request(&State::default(), &request("r", 0), any::at(0)).unwrap();
    let in_flight = state.in_flight.unwrap();
    let wanted = seen(&DesiredResources::of(&environment, &request("r", 0)).config.name, 0);
    assert!(deploy::needs_probe(&environment, &in_flight, &wanted));
    assert!(!deploy::needs_probe(&environment, &in_flight, &seen("before", 0)));
    let mut updating = wanted.clone();
    updating.endpoint.as_mut().unwrap().status = EndpointStatus::Updating;
    assert!(!deploy::needs_probe(&environment, &in_flight, &updating));
    let mut unsampled = environment.clone();
    unsampled.verify.invoke = None;
    assert!(!deploy::needs_probe(&unsampled, &in_flight, &wanted));
}

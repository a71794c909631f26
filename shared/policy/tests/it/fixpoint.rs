//! Decide, apply, decide again: nothing is left to do.

use jiff::Timestamp;
use proptest::prelude::*;
use tidegate_events::{
    ApprovalGiven, ApprovalStatus, DeploymentFinished, DeploymentOutcome, EndpointStatus, PackageStatus,
};
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::{self, ComponentStatus, Endpoint, Probe, RunningComponent, Snapshot};
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::promote::{self, Package, State};
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Observation};
use tidegate_policy::{scale, train};

use super::{any, decide};
use tidegate_policy::step::Step;

/// A plan of train's, applied to what is there.
fn train_applied(seen: &mut train::Snapshot, plan: &[Step<train::Action>], text: &str) {
    for step in plan {
        match step {
            Step::Call(train::Action::UpsertPipeline { .. }) => {
                seen.pipeline =
                    Some(train::Pipeline { arn: String::new(), definition: text.to_owned(), role: None });
            }
            Step::Call(train::Action::StartExecution { token, .. }) => seen.running.push(token.clone()),
            _ => {}
        }
    }
}

/// A plan of deploy's, applied to what is there, by a SageMaker that does all at once.
fn deploy_applied(seen: &mut Snapshot, plan: &[Step<deploy::Action>], now: Timestamp) {
    for step in plan {
        match step {
            Step::Call(
                deploy::Action::CreateEndpoint { config, .. } | deploy::Action::UpdateEndpoint { config, .. },
            ) => {
                seen.endpoint = Some(Endpoint {
                    images: Vec::new(),
                    arn: String::new(),
                    status: EndpointStatus::InService,
                    config: Some(config.clone()),
                    pending_config: None,
                    failure: None,
                    desired_instances: None,
                    created: None,
                    last_modified: Some(now),
                });
            }
            Step::Call(
                deploy::Action::CreateComponent { component, .. }
                | deploy::Action::UpdateComponent { component, .. },
            ) => {
                seen.component = Some(RunningComponent {
                    image: None,
                    arn: String::new(),
                    endpoint: None,
                    created: None,
                    status: ComponentStatus::InService,
                    model: Some(component.model.clone()),
                    size: Some(component.size),
                    copies: Some(component.copies),
                    startup: None,
                    failure: None,
                    last_modified: Some(now),
                });
            }
            Step::Call(deploy::Action::DeleteEndpoint { .. }) => seen.endpoint = None,
            Step::Call(deploy::Action::DeleteComponent { .. }) => seen.component = None,
            _ => {}
        }
    }
}

/// A whole promotion: environments that answer, people who agree, and time.
struct Journey {
    policy: Policy,
    state: State,
    now: i64,
    /// Requests without an answer, and checks to come.
    open: Vec<Todo>,
    entered: Vec<String>,
}

#[derive(Debug, Clone)]
enum Todo {
    Answer(Box<tidegate_events::DeploymentRequested>),
    Check { at: Timestamp, version: u64 },
    Agree { environment: String, people: u32 },
}

impl Journey {
    fn follow(&mut self, decision: promote::Promote) {
        if let Reason::ApprovalRequired { environment, required, .. } = &decision.reason
            && decision.plan.iter().any(|step| matches!(step, Step::Notify { .. }))
        {
            self.open.push(Todo::Agree { environment: environment.clone(), people: *required });
        }
        for step in decision.plan {
            match step {
                Step::RequestDeployment { request } => {
                    self.entered.push(request.environment.clone());
                    self.open.push(Todo::Answer(Box::new(request)));
                }
                Step::ScheduleCheck { at, check, .. } => {
                    let version = check.subject.parse().unwrap();
                    self.open.push(Todo::Check { at, version });
                }
                _ => {}
            }
        }
        self.state = decision.state.unwrap_or_else(|| self.state.clone());
    }

    fn go(&mut self, todo: Todo) {
        self.now += 5;
        match todo {
            Todo::Answer(request) => {
                let report = DeploymentFinished {
                    failed_by: None,
                    request_id: request.request_id.clone(),
                    model: request.model.clone(),
                    environment: request.environment.clone(),
                    environment_account: request.environment_account.clone(),
                    version: request.version,
                    package_arn: request.package_arn,
                    outcome: DeploymentOutcome::Succeeded,
                    reason: "answered".to_owned(),
                    detail: "d".to_owned(),
                    requested_config: None,
                    running_config: None,
                    finished_at: any::at(self.now),
                };
                self.follow(decide::report(&self.policy, &self.state, &report, any::at(self.now)));
            }
            Todo::Check { at, version } => {
                let minutes = (at.as_second() - any::at(0).as_second()) / 60;
                self.now = self.now.max(minutes);
                let now = any::at(self.now);
                self.follow(decide::check(&self.policy, &self.state, version, now));
            }
            Todo::Agree { environment, people } => {
                for person in 0..people {
                    let given = ApprovalGiven {
                        model: "churn".to_owned(),
                        environment: environment.clone(),
                        version: 1,
                        by: format!("person {person}"),
                        at: any::at(self.now),
                        comment: None,
                    };
                    let now = any::at(self.now);
                    self.follow(decide::approval(&self.policy, &self.state, &given, now));
                }
            }
        }
    }
}

fn names(policy: &Policy) -> Vec<String> {
    policy.environments.iter().map(|e: &Environment| e.name.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_trained_is_not_trained_again(
        policy in any::policies(), state in any::train_state(), push in any::push(), seen in any::train_seen(),
        request in any::retraining(), now in any::time(),
    ) {
        let text = match &seen.definition {
            train::Definition::File { text, .. } => text.clone(),
            _ => String::new(),
        };
        let (mut state, mut seen) = (state, seen);
        seen.pipeline_tags = Some(tidegate_policy::owner::tags("churn", None).into_iter().collect());
        let first = train::decide_commit(&policy, &state, &push, &seen, now);
        train_applied(&mut seen, &first.plan, &text);
        state = first.state.unwrap_or(state);
        let again = train::decide_commit(&policy, &state, &push, &seen, now);
        prop_assert!(again.plan.is_empty(), "{:?}", again);
        // Another commit with the same definition installs nothing.
        if first.verdict == Verdict::Start {
            let other = tidegate_events::CommitPushed { commit: Some("dddd".to_owned()), ..push };
            let next = train::decide_commit(&policy, &state, &other, &seen, now);
            let upserts = next.plan.iter().any(|step| matches!(step, Step::Call(train::Action::UpsertPipeline { .. })));
            prop_assert!(!upserts, "{:?}", next);
        }
        let asked = train::decide_retraining(&policy, &state, &request, &seen, now);
        train_applied(&mut seen, &asked.plan, &text);
        state = asked.state.unwrap_or(state);
        for running in [seen.running.clone(), Vec::new()] {
            let seen = train::Snapshot { running, ..seen.clone() };
            let again = train::decide_retraining(&policy, &state, &request, &seen, now);
            prop_assert!(asked.verdict != Verdict::Start || again.plan.is_empty(), "{:?}", again);
        }
    }

    #[test]
    fn what_was_deployed_is_not_deployed_again(
        (policy, look) in any::look(), minutes in 0..600_i64,
    ) {
        let any::Look { site, environment, state, seen, .. } = look;
        if state.in_flight.is_none() {
            return Ok(());
        }
        let mut state = deploy::State { holds: [].into(), ..state };
        if let Some(in_flight) = &mut state.in_flight {
            // Nothing has been asked of SageMaker yet.
            (in_flight.endpoint_update_requested_at, in_flight.component_update_requested_at) = (None, None);
        }
        let tags = any::tags(environment.name.as_str());
        let mut seen = Snapshot {
            approval: Some(ApprovalStatus::Approved),
            endpoint_tags: Some(tags.clone()),
            component_tags: Some(tags),
            running_config: Some(deploy::RunningConfig::default()),
            // A component of another endpoint is never changed.
            component: seen.component.map(|found| RunningComponent { endpoint: None, created: None, ..found }),
            ..seen
        };
        let mut verdicts = Vec::new();
        for round in 0..5 {
            let now = any::at(minutes + round);
            let decision = deploy::converge(&site, &policy, &environment, &state, &seen, now);
            deploy_applied(&mut seen, &decision.plan, now);
            seen.probe = Some(Probe::Answered(200));
            state = decision.state.unwrap_or(state);
            verdicts.push(decision.verdict);
        }
        let applied = verdicts.iter().filter(|verdict| **verdict == Verdict::Apply).count();
        // The endpoint, the component, and before them the deletion of what had failed.
        prop_assert!(applied <= if environment.endpoint.recreate_failed { 3 } else { 2 }, "{:?}", verdicts);
        // What was begun, of something that serves, ends well; nothing acts after that.
        if applied > 0 && seen.component.as_ref().is_none_or(|c| c.status == ComponentStatus::InService) {
            prop_assert!(verdicts.contains(&Verdict::Succeeded), "{:?} with {:?}", verdicts, seen);
        }
        prop_assert!(!matches!(verdicts.last(), Some(Verdict::Apply)), "{:?}", verdicts);
        if state.in_flight.is_none() {
            prop_assert_eq!(verdicts.last(), Some(&Verdict::Ignore));
        }
    }

    #[test]
    fn a_promotion_reaches_every_environment_once_and_in_order(policy in any::policies()) {
        let change = tidegate_events::ModelPackageChanged {
            arn: any::arn(1),
            group: Some("churn".to_owned()),
            version: Some(1),
            status: PackageStatus::Completed,
            approval: ApprovalStatus::Approved,
            updated_fields: None,
            last_modified: Some(any::at(0)),
            generated_by: None,
            stage: None,
            stage_status: None,
        };
        let good = Package { approval: ApprovalStatus::Approved, status: PackageStatus::Completed, artifacts: None };
        let mut journey = Journey { policy, state: State::default(), now: 0, open: Vec::new(), entered: Vec::new() };
        let first =
            decide::package(&journey.policy, &journey.state, &change, Some(&good), any::at(0));
        journey.follow(first);
        let mut steps = 0;
        while let Some(todo) = journey.open.pop() {
            journey.go(todo);
            steps += 1;
            prop_assert!(steps < 20, "{:?}", journey.open);
        }
        prop_assert_eq!(&journey.entered, &names(&journey.policy));
        // All is done: neither the sweep nor the same event again finds anything.
        let later = any::at(journey.now + 600);
        let swept = decide::sweep(&journey.policy, &journey.state, later);
        prop_assert_eq!((swept.reason.code(), swept.plan.len()), ("nothing_overdue", 0));
        let told =
            decide::package(&journey.policy, &journey.state, &change, Some(&good), later);
        prop_assert_eq!((told.verdict, told.plan.len()), (Verdict::Ignore, 0));
    }

    #[test]
    fn what_sleeps_sleeps_and_what_was_woken_is_awake(
        environment in any::scaled(), state in any::scale_state(), seen in any::scale_seen(), alarm in any::alarm(),
        minutes in 0..100_000_i64,
    ) {
        let now = any::at(minutes);
        // A deployment is not in the future.
        let seen = scale::Snapshot { live_since: seen.live_since.filter(|live| *live < now), ..seen };
        let first = scale::on_tick(&environment, &state, &seen, now);
        let mut state = first.state.clone().unwrap_or(state);
        let again = scale::on_tick(&environment, &state, &seen, any::at(minutes + 1));
        prop_assert!(again.plan.is_empty(), "{:?} after {:?}", again, first);
        let woken = scale::on_capacity_alarm(&environment, &state, &alarm, None, now);
        state = woken.state.clone().unwrap_or(state);
        if woken.verdict == Verdict::ScaleFromZero {
            let quiet = scale::Snapshot {
                invocations: Some(scale::Invocations { in_window: 0, since_deployment: 1 }), ..seen
            };
            let after = scale::on_tick(&environment, &state, &quiet, any::at(minutes + 1));
            prop_assert!(after.plan.is_empty(), "{:?} after {:?}", after, woken);
        }
    }

    #[test]
    fn one_drift_retrains_once(
        policy in any::policies(), state in any::respond_state(), minutes in 0..100_000_i64,
    ) {
        let environment = any::environment(&policy, "staging");
        let drift = Observation::Drift {
            source: "s".to_owned(),
            at: None,
            alarm: None,
            reason: Reason::DriftObserved { metric: "psi".to_owned() },
            numbers: None,
            feed_is_broken: false,
        };
        let decide = |state: &respond::State, later: i64| {
            respond::decide(&policy, &environment, state, &drift, "m", (None, None), any::at(minutes + later))
        };
        let first = decide(&state, 0);
        if first.verdict == Verdict::Retrain {
            let after = first.state.unwrap();
            for later in [0, 1, 59] {
                prop_assert_eq!(decide(&after, later).verdict, Verdict::Suppress);
            }
        }
    }
}

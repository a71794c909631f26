//! Lost events: the sweep finds the changes.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};
use tidegate_world::{EventFault, Fault, Snapshot};

use crate::model::Model;
use crate::people::outcomes;
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, sweep};

const MARTEN: Model = Model {
    drift: "{ response: retrain, cooldown: 24h, alarms: [marten-latency] }",
    ..Model::plain("marten")
};

pub(crate) struct Sweeps {
    lost_commit: Healed,
    lost_approval: Healed,
    lost_endpoint: Healed,
    lost_alarm: Healed,
    after_late_news: Snapshot,
    nothing_left: Vec<Value>,
    pub(crate) permissions: Value,
}

/// What one sweep found.
struct Healed {
    before: Snapshot,
    found: Vec<(String, String)>,
}

static SWEEPS: SharedRun<Sweeps> = SharedRun::new();

pub(crate) async fn sweeps() -> Arc<Sweeps> {
    SWEEPS.get_or_run(scenario).await
}

async fn scenario() -> Sweeps {
    let mut test = TestCloud::new().await;
    test.introduce(&MARTEN).await;
    let first = test.train(&MARTEN, 1).await;
    test.release(&MARTEN, &first).await;

    lose(&test, HUB, "CodeCommit Repository State Change");
    let commit = test.push(&MARTEN, "a commit that nobody tells of");
    let lost_commit = heal(&mut test, HUB, "train").await;
    let second = test.registered(&MARTEN, 2).await;

    lose(&test, HUB, "SageMaker Model Package State Change");
    lose(&test, STAGING, "SageMaker Endpoint State Change");
    lose(&test, STAGING, "SageMaker Endpoint Deployment State Change");
    test.approve(&second);
    let lost_approval = heal(&mut test, HUB, "promote").await;
    test.wait_for_decision(&MARTEN, STAGING, "deploy", "apply", "requested").await;
    let lost_endpoint = heal(&mut test, STAGING, "deploy").await;
    test.wait_for_decision(&MARTEN, PRODUCTION, "deploy", "succeeded", "answered").await;

    let lost_alarm = alarm_before_its_policy(&mut test).await;
    test.registered(&MARTEN, 3).await;

    // The post brings the commit after all.
    test.world().inject_fault(Fault::Clear);
    let (repository, main) = (MARTEN.repository(), "refs/heads/main");
    test.world().emit_push(&HUB.place(), &repository, main, None, Some(&commit));
    test.wait_until_idle().await;
    let mut nothing_left = Vec::new();
    for (account, function) in [(HUB, "train"), (HUB, "promote"), (STAGING, "deploy"), (PRODUCTION, "scale")]
    {
        nothing_left.push(test.invoke(account, function, &sweep()).await);
    }
    Sweeps {
        lost_commit,
        lost_approval,
        lost_endpoint,
        lost_alarm,
        after_late_news: test.snapshot(),
        nothing_left,
        permissions: test.permissions().await,
    }
}

fn lose(test: &TestCloud, account: Account, detail_type: &str) {
    test.world().inject_fault(Fault::Events {
        account: Some(account.id.to_owned()),
        detail_type: Some(detail_type.to_owned()),
        times: None,
        fault: EventFault::Lost,
    });
}

/// Waits until nothing happens any more, then lets a function sweep.
async fn heal(test: &mut TestCloud, account: Account, function: &str) -> Healed {
    test.wait_until_idle().await;
    let before = test.snapshot();
    let answer = test.invoke(account, function, &sweep()).await;
    Healed { before, found: outcomes(&answer) }
}

/// An alarm that rang before the policy named it: its event concerned nobody.
async fn alarm_before_its_policy(test: &mut TestCloud) -> Healed {
    let unnamed = Model { drift: "{ response: retrain, cooldown: 24h }", ..MARTEN };
    test.apply(&unnamed).await;
    let call = |operation: &str, body: Value| {
        let (aws, target) = (test.cloud.aws(), format!("GraniteServiceVersion20100801.{operation}"));
        async move {
            let answer = aws.json(PRODUCTION.id, "monitoring", &target, body).await;
            answer.unwrap_or_else(|error| panic!("{error}"));
        }
    };
    let alarm = json!({
        "AlarmName": "marten-latency", "Namespace": "Team", "MetricName": "score", "Statistic": "Maximum",
        "Period": 3600, "EvaluationPeriods": 1, "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold",
    });
    call("PutMetricAlarm", alarm).await;
    let state = json!({ "AlarmName": "marten-latency", "StateValue": "ALARM", "StateReason": "the team's own check" });
    call("SetAlarmState", state).await;
    test.wait_until_idle().await;
    test.apply(&MARTEN).await;
    heal(test, PRODUCTION, "respond").await
}

fn pair(decision: &str, reason: &str) -> (String, String) {
    (decision.to_owned(), reason.to_owned())
}

#[test]
fn a_lost_commit_event_still_trains() {
    let result = block_on(sweeps());
    assert_eq!(result.lost_commit.before.executions.len(), 1, "the event was lost");
    assert_eq!(result.lost_commit.found, [pair("start", "commit")]);
}

#[test]
fn a_lost_approval_event_is_still_promoted() {
    let result = block_on(sweeps());
    let serving =
        &result.lost_approval.before.endpoint(STAGING.id, &MARTEN.in_staging()).expect("it serves").models;
    assert!(serving.iter().all(|model| model.starts_with("marten-staging-v1-")), "{serving:?}");
    assert!(
        result.lost_approval.found.contains(&pair("deploy", "approved")),
        "{:?}",
        result.lost_approval.found
    );
}

#[test]
fn a_lost_endpoint_event_is_still_reported_and_production_follows() {
    let result = block_on(sweeps());
    let before = &result.lost_endpoint.before;
    let staging = before.endpoint(STAGING.id, &MARTEN.in_staging()).expect("it serves");
    assert_eq!(staging.status, "InService");
    assert!(staging.models.iter().all(|model| model.starts_with("marten-staging-v2-")), "{staging:?}");
    let production = before.component(PRODUCTION.id, &MARTEN.in_production()).expect("it serves");
    assert!(
        production.model.as_deref().is_some_and(|m| m.starts_with("marten-v1-")),
        "not before the report"
    );
    assert_eq!(result.lost_endpoint.found, [pair("succeeded", "answered")]);
    let production =
        result.after_late_news.component(PRODUCTION.id, &MARTEN.in_production()).expect("it serves");
    assert!(production.model.as_deref().is_some_and(|m| m.starts_with("marten-v2-")), "{production:?}");
}

#[test]
fn a_lost_alarm_event_still_retrains() {
    let result = block_on(sweeps());
    assert_eq!(result.lost_alarm.found, [pair("retrain", "drift_alarm")]);
}

#[test]
fn late_events_and_a_second_sweep_change_nothing() {
    let result = block_on(sweeps());
    let executions = &result.after_late_news.executions;
    assert_eq!(executions.len(), 3, "the first commit, the lost one, the drift: {executions:?}");
    for answer in &result.nothing_left {
        let found = outcomes(answer);
        assert!(found.iter().all(|(decision, _)| ["", "no_change"].contains(&decision.as_str())), "{answer}");
    }
}

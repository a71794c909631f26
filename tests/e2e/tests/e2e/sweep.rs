//! Events that AWS never sent: the sweep finds what they would have told.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};
use tidegate_world::{EventFault, Fault, Snapshot};

use crate::model::Model;
use crate::people::outcomes;
use crate::stage::{Stage, sweep};
use crate::tale::{Tale, play};

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

static SWEEPS: Tale<Sweeps> = Tale::untold();

pub(crate) async fn sweeps() -> Arc<Sweeps> {
    SWEEPS.told_by(story).await
}

async fn story() -> Sweeps {
    let mut stage = Stage::new().await;
    stage.introduce(&MARTEN).await;
    let first = stage.train(&MARTEN, 1).await;
    stage.release(&MARTEN, &first).await;

    lose(&stage, HUB, "CodeCommit Repository State Change");
    let commit = stage.push(&MARTEN, "a commit that nobody tells of");
    let lost_commit = heal(&mut stage, HUB, "train").await;
    let second = stage.registered(&MARTEN, 2).await;

    lose(&stage, HUB, "SageMaker Model Package State Change");
    lose(&stage, STAGING, "SageMaker Endpoint State Change");
    lose(&stage, STAGING, "SageMaker Endpoint Deployment State Change");
    stage.approve(&second);
    let lost_approval = heal(&mut stage, HUB, "promote").await;
    stage.hear(&MARTEN, STAGING, "deploy", "apply", "requested").await;
    let lost_endpoint = heal(&mut stage, STAGING, "deploy").await;
    stage.hear(&MARTEN, PRODUCTION, "deploy", "succeeded", "answered").await;

    let lost_alarm = alarm_before_its_policy(&mut stage).await;
    stage.registered(&MARTEN, 3).await;

    // The post brings the commit after all.
    stage.world().inject_fault(Fault::Clear);
    let (repository, main) = (MARTEN.repository(), "refs/heads/main");
    stage.world().emit_push(&HUB.place(), &repository, main, None, Some(&commit));
    stage.rest().await;
    let mut nothing_left = Vec::new();
    for (account, function) in [(HUB, "train"), (HUB, "promote"), (STAGING, "deploy"), (PRODUCTION, "scale")]
    {
        nothing_left.push(stage.invoke(account, function, &sweep()).await);
    }
    Sweeps {
        lost_commit,
        lost_approval,
        lost_endpoint,
        lost_alarm,
        after_late_news: stage.snapshot(),
        nothing_left,
        permissions: stage.permissions().await,
    }
}

fn lose(stage: &Stage, account: Account, detail_type: &str) {
    stage.world().inject_fault(Fault::Events {
        account: Some(account.id.to_owned()),
        detail_type: Some(detail_type.to_owned()),
        times: None,
        fault: EventFault::Lost,
    });
}

/// Waits until nothing happens any more, then lets a function sweep.
async fn heal(stage: &mut Stage, account: Account, function: &str) -> Healed {
    stage.rest().await;
    let before = stage.snapshot();
    let answer = stage.invoke(account, function, &sweep()).await;
    Healed { before, found: outcomes(&answer) }
}

/// An alarm that rang before the policy named it: its event concerned nobody.
async fn alarm_before_its_policy(stage: &mut Stage) -> Healed {
    let unnamed = Model { drift: "{ response: retrain, cooldown: 24h }", ..MARTEN };
    stage.apply(&unnamed).await;
    let call = |operation: &str, body: Value| {
        let (aws, target) = (stage.cloud.aws(), format!("GraniteServiceVersion20100801.{operation}"));
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
    stage.rest().await;
    stage.apply(&MARTEN).await;
    heal(stage, PRODUCTION, "respond").await
}

fn pair(decision: &str, reason: &str) -> (String, String) {
    (decision.to_owned(), reason.to_owned())
}

#[test]
fn a_commit_that_nobody_told_of_trains() {
    let told = play(sweeps());
    assert_eq!(told.lost_commit.before.executions.len(), 1, "the event was lost");
    assert_eq!(told.lost_commit.found, [pair("start", "commit")]);
}

#[test]
fn an_approval_that_nobody_told_of_is_promoted() {
    let told = play(sweeps());
    let serving =
        &told.lost_approval.before.endpoint(STAGING.id, &MARTEN.in_staging()).expect("it serves").models;
    assert!(serving.iter().all(|model| model.starts_with("marten-staging-v1-")), "{serving:?}");
    assert!(told.lost_approval.found.contains(&pair("deploy", "approved")), "{:?}", told.lost_approval.found);
}

#[test]
fn an_endpoint_that_nobody_told_of_is_reported_and_production_follows() {
    let told = play(sweeps());
    let before = &told.lost_endpoint.before;
    let staging = before.endpoint(STAGING.id, &MARTEN.in_staging()).expect("it serves");
    assert_eq!(staging.status, "InService");
    assert!(staging.models.iter().all(|model| model.starts_with("marten-staging-v2-")), "{staging:?}");
    let production = before.component(PRODUCTION.id, &MARTEN.in_production()).expect("it serves");
    assert!(
        production.model.as_deref().is_some_and(|m| m.starts_with("marten-v1-")),
        "not before the report"
    );
    assert_eq!(told.lost_endpoint.found, [pair("succeeded", "answered")]);
    let production =
        told.after_late_news.component(PRODUCTION.id, &MARTEN.in_production()).expect("it serves");
    assert!(production.model.as_deref().is_some_and(|m| m.starts_with("marten-v2-")), "{production:?}");
}

#[test]
fn an_alarm_that_nobody_was_told_of_is_answered() {
    let told = play(sweeps());
    assert_eq!(told.lost_alarm.found, [pair("retrain", "drift_alarm")]);
}

#[test]
fn news_that_comes_after_the_sweep_and_a_second_sweep_change_nothing() {
    let told = play(sweeps());
    let executions = &told.after_late_news.executions;
    assert_eq!(executions.len(), 3, "the first commit, the lost one, the drift: {executions:?}");
    for answer in &told.nothing_left {
        let found = outcomes(answer);
        assert!(found.iter().all(|(decision, _)| ["", "no_change"].contains(&decision.as_str())), "{answer}");
    }
}

//! Example states for tests, in the form in which the ledger stores them.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::DecisionRecord;
use tidegate_engine::ports::Applied;
use tidegate_policy::file::{Policy, parse};

use crate::view::{LedgerData, View};

/// The current time in all examples.
pub(crate) fn now() -> Timestamp {
    at("10:00")
}

/// A time on the day of the examples.
pub(crate) fn at(clock: &str) -> Timestamp {
    format!("2026-03-02T{clock}:00Z").parse().unwrap()
}

/// The example policy with replacements in its text.
pub(crate) fn policy(changes: &[(&str, &str)]) -> Policy {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/policies/churn.yaml");
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    parse("churn.yaml", &text).unwrap()
}

/// A policy with its version.
pub(crate) fn applied(policy: &Policy) -> Applied {
    let policy = policy.clone();
    Applied { version: policy.version(), policy: policy.into() }
}

/// A decision record.
pub(crate) fn decided(
    clock: &str,
    environment: &str,
    function: &str,
    verdict: &str,
    said: (&str, &str),
) -> DecisionRecord {
    let (reason, message) = said;
    serde_json::from_value(json!({
        "schema": 1, "id": format!("{function}-{clock}"), "at": at(clock), "account": "111122223333",
        "environment": environment, "function": function, "function_version": "0.1.0", "model": "churn",
        "verdict": verdict, "reason": reason, "message": message, "evidence": [], "plan": [],
        "policy_version": "p", "outcomes": [],
        "event": { "id": "e", "source": "aws.sagemaker", "detail_type": "x", "idempotency_key": "m" },
    }))
    .unwrap()
}

/// A state of promote: version 7 was approved at 09:00, and the environments have these statuses.
pub(crate) fn promotion(steps: Value) -> Value {
    json!({ "promotion": {
        "version": 7, "package_arn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7",
        "approved_at": at("09:00"), "environments": steps, "newest_version": 7, "stopped": false,
    } })
}

/// A hub whose promote has this state.
pub(crate) fn hub(promote: Value, decisions: Vec<DecisionRecord>) -> LedgerData {
    let promote = Arc::new(serde_json::from_value(promote).unwrap());
    LedgerData { ledger: "hub=tidegate-hub".to_owned(), promote, decisions, ..LedgerData::default() }
}

/// An environment whose deploy has this state.
pub(crate) fn environment(name: &str, deploy: Value, decisions: Vec<DecisionRecord>) -> LedgerData {
    let deploy = Arc::new(serde_json::from_value(deploy).unwrap());
    LedgerData { ledger: format!("{name}=tidegate-{name}"), deploy, decisions, ..LedgerData::default() }
}

/// The state of deploy while a version is live.
pub(crate) fn live(version: u64, clock: &str) -> Value {
    json!({
        "in_flight": null, "previous": null, "last_report": null,
        "live": {
            "version": version, "package_arn": "arn", "config": "c", "request_id": format!("churn-{version}"),
            "at": at(clock),
        },
    })
}

/// The state of deploy when the endpoint of a version is gone.
pub(crate) fn gone(version: u64, clock: &str) -> Value {
    let mut state = live(version, clock);
    state["live"]["unhealthy"] = json!({
        "condition": "gone", "since": at("09:50"), "reason": "live_gone",
        "detail": format!("version {version} no longer serves: endpoint churn does not exist any more"),
    });
    state
}

/// A request for version 7.
pub(crate) fn request(environment: &str) -> Value {
    json!({
        "request_id": format!("churn-{environment}-7"), "model": "churn", "environment": environment,
        "environment_account": "444455556666", "region": "us-east-1", "version": 7, "package_arn": "arn",
        "policy_version": "p", "requested_at": at("09:01"),
    })
}

/// The state of deploy while version 7 is being deployed.
pub(crate) fn deploying(environment: &str) -> Value {
    json!({
        "live": null, "previous": null, "last_report": null,
        "in_flight": {
            "request": request(environment), "accepted_at": at("09:02"), "endpoint_update_requested_at": null,
            "component_update_requested_at": null, "checks": 0,
        },
    })
}

/// The state of deploy after it reported the outcome of version 7.
pub(crate) fn reported(environment: &str, outcome: &str, detail: &str) -> Value {
    json!({
        "live": null, "previous": null, "in_flight": null,
        "last_report": { "finished": {
            "request_id": format!("churn-{environment}-7"), "model": "churn", "environment": environment,
            "environment_account": "444455556666", "version": 7, "package_arn": "arn", "outcome": outcome,
            "reason": "endpoint_failed", "detail": detail, "finished_at": at("09:20"),
        } },
    })
}

/// The view that these ledgers give, each with the policy.
pub(crate) fn view(policy: &Policy, ledgers: impl IntoIterator<Item = LedgerData>) -> View {
    let with_policy = |known: LedgerData| LedgerData { applied: Some(applied(policy)), ..known };
    View::of("churn", ledgers.into_iter().map(with_policy).collect())
}

//! Who may not say something is refused on record, and does not take the place of who may.

use serde_json::json;
use tidegate_events::{Body, Event, parse};
use tidegate_scenarios::Published;

use super::stage::{DEFINITION, HUB, PRODUCTION, STAGING, Stage, said};

const REQUESTED: &str = "Deployment Requested";

/// The same word from another account, which speaks of itself.
fn from_production(event: &Event) -> Event {
    let mut other = event.clone();
    other.envelope.account = PRODUCTION.to_owned();
    match &mut other.body {
        Body::DeploymentFinished(report) => report.environment_account = PRODUCTION.to_owned(),
        Body::RetrainingRequested(request) => request.environment_account = PRODUCTION.to_owned(),
        _ => {}
    }
    other
}

#[test]
fn a_strangers_report_does_not_take_the_place_of_the_true_one() {
    let stage = Stage::new();
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, REQUESTED).remove(0);
    let report = stage.deploy(&request);
    let mut forged = from_production(&report);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &forged)), "reject other_environment");
    forged.body = report.body.clone();
    assert_eq!(said(&stage.run(&stage.hub, "promote", &forged)), "duplicate");
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "wait soaking");
    assert_eq!(said(&stage.run(&stage.hub, "promote", &report)), "duplicate");
}

#[test]
fn a_strangers_word_is_refused_on_record_and_the_hubs_same_word_counts() {
    let stage = Stage::new();
    let detail = json!({"schema": 1, "model": "churn", "by": "ana", "at": stage.now(), "reason": "r"});
    let placed = Published { at: stage.now(), detail_type: "Hold Placed".to_owned(), detail };
    let (stranger, own) = (stage.own(STAGING, &placed), stage.own(HUB, &placed));
    assert_eq!(said(&stage.run(&stage.hub, "promote", &stranger)), "reject not_from_hub");
    let record = &stage.hub.ledger.all_decisions()[0];
    assert!(record.evidence.iter().any(|seen| seen.observed == STAGING), "{:?}", record.evidence);
    assert_eq!(said(&stage.run(&stage.hub, "promote", &stranger)), "duplicate");
    assert_eq!(said(&stage.run(&stage.hub, "promote", &own)), "wait held");
}

#[test]
fn a_strangers_request_does_not_take_the_place_of_the_true_one() {
    let stage = Stage::new();
    stage.run(&stage.hub, "train", &stage.push(DEFINITION)[0]);
    stage.pass(3_600);
    let request = parse(include_bytes!("../../../../events/contract/retraining-requested.json")).unwrap();
    let stranger = from_production(&request);
    assert_eq!(said(&stage.run(&stage.hub, "train", &stranger)), "reject unmanaged");
    let mut forged = request.clone();
    forged.envelope.account = PRODUCTION.to_owned();
    forged.envelope.id = "forged".to_owned();
    assert_eq!(said(&stage.run(&stage.hub, "train", &forged)), "duplicate");
    assert_eq!(said(&stage.run(&stage.hub, "train", &request)), "start retraining_requested");
    assert_eq!(stage.executions("churn-train"), 2);
}

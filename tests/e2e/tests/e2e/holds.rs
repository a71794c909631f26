//! People stop a model in every account at once, let it go on, and agree to production.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_sandbox::{HUB, PRODUCTION, STAGING};

use crate::model::Model;
use crate::stage::{Stage, is_tidegates, is_write};
use crate::tale::play;

const HERON: Model =
    Model { production_more: "    gates: { approvals: { required: 1 } }", ..Model::plain("heron") };

/// What a person says about the model on the hub's bus.
async fn says(stage: &Stage, detail_type: &str, more: Value) {
    let mut detail = json!({"schema": 1, "model": HERON.name, "by": "ana", "at": Timestamp::now()});
    let more = more.as_object().expect("members of the detail").clone();
    detail.as_object_mut().expect("an object").extend(more);
    stage.put_event(HUB, detail_type, &detail).await;
}

#[test]
fn a_hold_reaches_every_account_and_its_release_lets_what_waited_go_on() {
    play(async {
        let mut stage = Stage::new().await;
        stage.introduce(&HERON).await;
        let package = stage.train(&HERON, 1).await;
        says(&stage, "Hold Placed", json!({"reason": "looking into it"})).await;
        for (account, function) in [(HUB, "promote"), (STAGING, "deploy"), (PRODUCTION, "deploy")] {
            stage.hear(&HERON, account, function, "wait", "held").await;
        }
        stage.approve(&package);
        stage.hear(&HERON, HUB, "promote", "wait", "held").await;
        stage.rest().await;
        let calls = stage.world().calls();
        let writes = calls.iter().filter(|call| is_tidegates(call) && is_write(call));
        let in_staging: Vec<_> = writes.filter(|call| call.account == STAGING.id).collect();
        assert!(in_staging.is_empty(), "under a hold: {in_staging:?}");
        says(&stage, "Hold Released", json!({})).await;
        stage.hear(&HERON, HUB, "promote", "deploy", "hold_released").await;
        stage.hear(&HERON, STAGING, "deploy", "succeeded", "answered").await;
        stage.hear(&HERON, HUB, "promote", "wait", "approval_required").await;
        stage
            .hear_alert("people are asked", |subject, _| subject.contains("heron 1 waits for approval"))
            .await;
        says(&stage, "Approval Given", json!({"environment": "production", "version": 1})).await;
        stage.hear(&HERON, HUB, "promote", "deploy", "approvals_complete").await;
        stage.hear(&HERON, PRODUCTION, "deploy", "succeeded", "answered").await;
        stage.hear(&HERON, HUB, "promote", "complete", "last_environment").await;
        let letters = stage.all_dead_letters().await;
        assert!(letters.iter().all(|(_, count)| *count == 0), "{letters:?}");
    });
}

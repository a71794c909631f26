//! Environments go back: after a rejection, after a failed verification, and because a person chose an older version.

use std::sync::Arc;

use serde_json::json;
use tidegate_sandbox::{CloudConfig, HUB, PRODUCTION, STAGING};
use tidegate_world::{Fault, Snapshot};

use crate::model::Model;
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::TestCloud;

/// Staging goes back after a failed verification, production after a rejection; the other does not.
const SOLE: Model = Model {
    staging_more: "    rollback: { onFailure: rollBack }",
    production_more: "    rollback: { onRejection: rollBack }",
    ..Model::plain("sole")
};

struct Rollbacks {
    rejected: Snapshot,
    failed: Snapshot,
    chosen: Snapshot,
    alerts: Vec<(String, String, String)>,
    kept: String,
    dead_letters: Vec<(String, usize)>,
}

static ROLLBACKS: SharedRun<Rollbacks> = SharedRun::new();

async fn rollbacks() -> Arc<Rollbacks> {
    ROLLBACKS.get_or_run(scenario).await
}

fn review(test: &TestCloud, package: &str, status: &str) {
    let update = json!({ "ModelPackageArn": package, "ModelApprovalStatus": status });
    test.ask(HUB, "UpdateModelPackage", &update);
}

async fn scenario() -> Rollbacks {
    let mut test = TestCloud::with(CloudConfig::default()).await;
    test.introduce(&SOLE).await;
    let first = test.train(&SOLE, 1).await;
    test.release(&SOLE, &first).await;
    let second = test.train(&SOLE, 2).await;
    test.release(&SOLE, &second).await;

    review(&test, &second, "Rejected");
    test.wait_for_decision(&SOLE, HUB, "promote", "roll_back", "rolls_back").await;
    test.wait_for_decision(&SOLE, HUB, "promote", "complete", "rollback_complete").await;
    let rejected = test.snapshot();

    let third = test.train(&SOLE, 3).await;
    test.world().inject_fault(Fault::ContainerError {
        account: Some(STAGING.id.to_owned()),
        target: SOLE.in_staging(),
        status: 400,
        message: "wrong number of features".to_owned(),
    });
    test.approve(&third);
    test.wait_for_decision(&SOLE, STAGING, "deploy", "verification_failed", "sample_failed").await;
    test.world().inject_fault(Fault::Clear);
    test.wait_for_decision(&SOLE, HUB, "promote", "roll_back", "rolls_back").await;
    test.wait_for_decision(&SOLE, HUB, "promote", "complete", "rollback_complete").await;
    let failed = test.snapshot();

    review(&test, &third, "Rejected");
    review(&test, &third, "Approved");
    test.wait_for_decision(&SOLE, HUB, "promote", "complete", "last_environment").await;
    review(&test, &first, "Rejected");
    review(&test, &first, "Approved");
    let kept =
        test.wait_for_alert("of the hold", |subject, _| subject.contains("sole keeps version 1")).await;
    test.wait_for_decision(&SOLE, HUB, "promote", "complete", "last_environment").await;
    test.wait_until_idle().await;
    Rollbacks {
        rejected,
        failed,
        chosen: test.snapshot(),
        alerts: test.alerts(),
        kept,
        dead_letters: test.all_dead_letters().await,
    }
}

/// The models that serve in staging and in production.
fn serving(seen: &Snapshot) -> (String, String) {
    let staging = seen.endpoint(STAGING.id, &SOLE.in_staging()).expect("staging serves");
    let production = seen.component(PRODUCTION.id, &SOLE.in_production()).expect("production serves");
    assert_eq!((staging.status.as_str(), production.status.as_str()), ("InService", "InService"));
    (staging.models.concat(), production.model.clone().unwrap_or_default())
}

#[test]
fn a_rejection_of_the_live_version_goes_back_where_the_policy_says_so() {
    let (staging, production) = serving(&block_on(rollbacks()).rejected);
    assert!(production.starts_with("sole-v1-"), "{production}");
    assert!(staging.starts_with("sole-staging-v2-"), "only people are told: {staging}");
}

#[test]
fn a_failed_sample_goes_back_to_the_version_that_is_still_approved() {
    let (staging, _) = serving(&block_on(rollbacks()).failed);
    assert!(staging.starts_with("sole-staging-v1-"), "version 2 was rejected: {staging}");
}

#[test]
fn an_older_version_that_a_person_approves_is_deployed_and_kept() {
    let result = block_on(rollbacks());
    let (staging, production) = serving(&result.chosen);
    assert!(staging.starts_with("sole-staging-v1-") && production.starts_with("sole-v1-"));
    assert!(result.kept.contains("tidegate release sole"), "people learn how it ends: {}", result.kept);
}

#[test]
fn people_are_told_what_went_back_and_why() {
    let result = block_on(rollbacks());
    assert!(result.dead_letters.iter().all(|(_, count)| *count == 0), "{:?}", result.dead_letters);
    let subject = |text: &str| result.alerts.iter().any(|(_, subject, _)| subject.contains(text));
    assert!(subject("sole goes back to version 1 in production"), "{:?}", result.alerts);
    assert!(subject("sole goes back to version 1 in staging"), "{:?}", result.alerts);
    let alerts: Vec<&str> = result.alerts.iter().map(|(_, _, message)| message.as_str()).collect();
    assert!(alerts.iter().any(|m| m.contains("version 2 was rejected")), "{alerts:?}");
}

//! People stop a model in every account at once, let it go on, and agree to production.

use tidegate_sandbox::{HUB, PRODUCTION, STAGING};

use crate::model::Model;
use crate::shared_run::block_on;
use crate::test_cloud::{TestCloud, is_tidegates, is_write};

const HERON: Model =
    Model { production_more: "    gates: { approvals: { required: 1 } }", ..Model::plain("heron") };

#[test]
fn a_hold_reaches_every_account_and_its_release_resumes_the_promotion() {
    block_on(async {
        let mut test = TestCloud::new().await;
        test.introduce(&HERON).await;
        let package = test.train(&HERON, 1).await;
        test.commands(&["hold", HERON.name, "--reason", "looking into it"]).await;
        for (account, function) in [(HUB, "promote"), (STAGING, "deploy"), (PRODUCTION, "deploy")] {
            test.wait_for_decision(&HERON, account, function, "wait", "held").await;
        }
        test.approve(&package);
        test.wait_for_decision(&HERON, HUB, "promote", "wait", "held").await;
        test.wait_until_idle().await;
        let calls = test.world().calls();
        let writes = calls.iter().filter(|call| is_tidegates(call) && is_write(call));
        let in_staging: Vec<_> = writes.filter(|call| call.account == STAGING.id).collect();
        assert!(in_staging.is_empty(), "under a hold: {in_staging:?}");
        test.commands(&["release", HERON.name]).await;
        test.wait_for_decision(&HERON, HUB, "promote", "deploy", "hold_released").await;
        test.wait_for_decision(&HERON, STAGING, "deploy", "succeeded", "answered").await;
        test.wait_for_decision(&HERON, HUB, "promote", "wait", "approval_required").await;
        test.wait_for_alert("people are asked", |subject, _| subject.contains("heron 1 waits for approval"))
            .await;
        test.commands(&["approve", HERON.name, "1", "production", "--comment", "good"]).await;
        test.wait_for_decision(&HERON, HUB, "promote", "deploy", "approvals_complete").await;
        test.wait_for_decision(&HERON, PRODUCTION, "deploy", "succeeded", "answered").await;
        test.wait_for_decision(&HERON, HUB, "promote", "complete", "last_environment").await;
        let letters = test.all_dead_letters().await;
        assert!(letters.iter().all(|(_, count)| *count == 0), "{letters:?}");
    });
}

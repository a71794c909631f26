//! A sweep over a large fleet finds what AWS lists, also for a model whose turn it is not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_engine::{Limits, Time};
use tidegate_policy::file::parse;
use tidegate_testkit::Runtime;
use tidegate_world::Outage;

use super::stage::{CHURN, HUB, Stage, reconcile, said};
use super::sweeps::outage;

/// An invocation at its beginning.
struct Ample;

#[async_trait]
impl Time for Ample {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn left(&self) -> Duration {
        Duration::from_secs(900)
    }

    async fn pause(&self, _how_long: Duration) {}
}

/// Two hundred other models, which come first in alphabetical order, so that it is the turn of three of them.
fn crowd(site: &mut Runtime) {
    for model in 0..200 {
        let text = CHURN.replace("churn", &format!("a-{model:03}"));
        site.ledger.put_policy(Arc::new(parse("a.yaml", &text).unwrap()));
    }
    site.limit(Limits { models: 1, at_once: 4 }, Arc::new(Ample));
}

fn sweep(stage: &Stage, site: &Runtime, function: &'static str) -> String {
    stage.pass(1);
    let outcomes = said(&stage.run(site, function, &reconcile(stage.now())));
    let quiet = ["unchanged nothing_overdue", "unchanged nothing_in_flight"];
    let others = outcomes.split(", ").filter(|one| !quiet.contains(one));
    others.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_lost_approval_and_a_lost_rejection_are_found_by_a_search() {
    let mut stage = Stage::new();
    crowd(&mut stage.hub);
    stage.register(2);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "");
    stage.says("Approved", 2);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "deploy approved");
    stage.pass(60);
    stage.says("Rejected", 2);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "stop rejected");
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "");
}

#[test]
fn the_end_of_a_soak_and_the_end_of_a_deployment_are_due_by_their_states() {
    let mut stage = Stage::new();
    crowd(&mut stage.hub);
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, "Deployment Requested").remove(0);
    stage.run(&stage.hub, "promote", &stage.deploy(&request));
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "");
    stage.pass(1_800);
    assert_eq!(sweep(&stage, &stage.hub, "promote"), "deploy soak_ended");
}

#[test]
fn a_live_endpoint_that_failed_is_found_by_a_list() {
    let mut stage = Stage::new();
    crowd(&mut stage.staging);
    stage.register(1);
    stage.run(&stage.hub, "promote", &stage.says("Approved", 1)[0]);
    let request = stage.sent(HUB, "Deployment Requested").remove(0);
    stage.deploy(&request);
    stage.pass(2 * 3_600);
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "");
    outage(&stage, Outage::Failed);
    assert_eq!(sweep(&stage, &stage.staging, "deploy"), "alert live_failed");
}

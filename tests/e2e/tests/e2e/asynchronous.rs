//! An asynchronous endpoint: its sample goes through its queue, and it goes to zero and comes back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_sandbox::{CloudConfig, STAGING};
use tidegate_world::Emission;

use crate::model::Model;
use crate::shared_run::block_on;
use crate::test_cloud::{MAX_WAIT, TestCloud, sweep, text};

const BUCKET: &str = "tidegate-e2e-answers";
const CRANE: Model = Model {
    staging: "kind: async, instanceType: ml.m5.large, instances: 1, output: \"s3://tidegate-e2e-answers/out/\", \
              failures: \"s3://tidegate-e2e-answers/failed/\"",
    staging_more: "    scale: { target: { backlogPerInstance: 5, min: 0, max: 2 } }",
    ..Model::plain("crane")
};
/// Two whole minutes of CloudWatch, and the time until they begin.
const ALARM: Duration = Duration::from_secs(200);

/// Waits until staging's endpoint has so many instances.
async fn at_instances(test: &mut TestCloud, count: i64, longest: Duration) {
    let begun = Instant::now();
    loop {
        let found = test.snapshot().endpoint(STAGING.id, &CRANE.in_staging()).map(|found| found.instances);
        if found == Some(count) {
            return;
        }
        test.poll().await;
        assert!(begun.elapsed() < longest, "{found:?} instances, not {count}\n{}", test.history());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits until SageMaker has written an object.
async fn written(test: &TestCloud, uri: &str) {
    let begun = Instant::now();
    let is_it = |told: &Emission| matches!(told, Emission::Object(object) if object.uri == uri);
    while !test.world().emissions().iter().any(is_it) {
        assert!(begun.elapsed() < MAX_WAIT, "nothing is at {uri}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[test]
fn an_async_endpoint_goes_to_zero_and_comes_back() {
    block_on(async {
        let buckets = format!("AsyncBucketArns=arn:aws:s3:::{BUCKET}");
        let config = CloudConfig { environment_parameters: vec![buckets], ..CloudConfig::default() };
        let mut test = TestCloud::with(config).await;
        let made = test.cloud.aws().make_bucket(STAGING.id, BUCKET).await;
        made.unwrap_or_else(|error| panic!("{error}"));
        test.introduce(&CRANE).await;
        let first = test.train(&CRANE, 1).await;
        test.approve(&first);
        let report = test.wait_for_decision(&CRANE, STAGING, "deploy", "succeeded", "answered").await;
        assert!(text(&report, "message").contains("answered the sample request"), "{report}");

        test.later(STAGING, "scale", &sweep()).await;
        let set = test.wait_for_decision(&CRANE, STAGING, "scale", "apply", "follows_traffic").await;
        let actions: Vec<&str> =
            set["plan"].as_array().unwrap().iter().map(|step| text(step, "action")).collect();
        assert_eq!(actions, ["ensure_backlog_alarm", "set_target_tracking"]);
        at_instances(&mut test, 0, MAX_WAIT).await;

        let endpoint = CRANE.in_staging();
        let ask = json!({ "EndpointName": endpoint, "ContentType": "text/csv", "Body": "1,2" });
        let asked = test.world().call(&STAGING.place(), "sagemaker-runtime", "InvokeEndpointAsync", &ask);
        let asked: Value = asked.unwrap_or_else(|error| panic!("{error}"));
        // The alarm on the queue, as CloudWatch evaluates it, invokes the scaling policy.
        at_instances(&mut test, 1, ALARM).await;
        written(&test, text(&asked, "OutputLocation")).await;
        let waits =
            test.wait_for_decision(&CRANE, STAGING, "scale", "ignore", "scaled_from_zero_by_policy").await;
        assert_eq!(waits["plan"], json!([]));
        at_instances(&mut test, 0, MAX_WAIT).await;

        let letters = test.all_dead_letters().await;
        assert!(letters.iter().all(|(_, count)| *count == 0), "{letters:?}");
        let permissions = test.permissions().await;
        let denied: Vec<&Value> =
            permissions.as_array().unwrap().iter().filter(|check| check["allowed"] == json!(false)).collect();
        assert!(denied.is_empty(), "{denied:#?}");
    });
}

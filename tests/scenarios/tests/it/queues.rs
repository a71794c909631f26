//! An asynchronous endpoint in virtual time: deployed, scaled to zero by an empty queue, and back.

use serde_json::{Value, json};
use tidegate_engine::ports::Ledger;
use tidegate_policy::file::{Policy, parse};
use tidegate_world::{AccountRegion, Fault};

use super::stage::{CHURN, REGION, STAGING, Stage, reconcile, said};

const ENDPOINT: &str =
    "endpoint: { name: churn-staging, kind: serverless, memoryMb: 2048, maxConcurrency: 5 }";
const SETTINGS: &str = ", failures: \"s3://acme-ml/failures/\", maxConcurrentPerInstance: 4, kms: { output: alias/churn }, \
     notify: { success: \"arn:aws:sns:us-east-1:444455556666:done\", \
     error: \"arn:aws:sns:us-east-1:444455556666:failed\", includeResponseIn: [success, error] }";
const TARGET: &str = "\n    scale: { target: { backlogPerInstance: 5, min: 0, max: 3 } }";

/// The usual policy with an asynchronous endpoint in staging.
fn policy(settings: &str, more: &str) -> Policy {
    let endpoint = format!(
        "endpoint: {{ name: churn-staging, kind: async, instanceType: ml.m5.large, instances: 2, \
         output: \"s3://acme-ml/answers/\"{settings} }}{more}"
    );
    parse("churn.yaml", &CHURN.replacen(ENDPOINT, &endpoint, 1)).unwrap_or_else(|error| panic!("{error}"))
}

fn stage(settings: &str, more: &str) -> Stage {
    let stage = Stage::with(&[policy(settings, more)]);
    stage.register(2);
    stage
}

/// The outcome and the detail of the report about a version, and what deploy said until then.
fn deploy(stage: &Stage, version: u64) -> (String, String) {
    stage.says("Approved", version);
    let mut heard =
        said(&stage.run(&stage.staging, "deploy", &stage.request(version, &format!("r{version}"))));
    for _ in 0..12 {
        stage.pass(600);
        heard.push_str(&format!("; {}", said(&stage.run(&stage.staging, "deploy", &reconcile(stage.now())))));
        if let Some(report) = stage.sent(STAGING, "Deployment Finished").pop() {
            let tidegate_events::Body::DeploymentFinished(finished) = report.body else { unreachable!() };
            return (finished.outcome.to_string(), format!("{}; {heard}", finished.detail));
        }
    }
    panic!("version {version} was not deployed: {heard}");
}

fn describe(stage: &Stage) -> Value {
    let request = json!({"EndpointName": "churn-staging"});
    stage.account(STAGING).ask("sagemaker", "DescribeEndpoint", &request).unwrap()
}

fn instances(stage: &Stage) -> i64 {
    describe(stage)["ProductionVariants"][0]["CurrentInstanceCount"].as_i64().unwrap()
}

fn scale(stage: &Stage) -> String {
    said(&stage.run(&stage.staging, "scale", &reconcile(stage.now())))
}

/// Puts a request into the queue.
fn ask(stage: &Stage) {
    let request = json!({"EndpointName": "churn-staging", "Body": "1", "ContentType": "text/csv"});
    stage.account(STAGING).ask("sagemaker-runtime", "InvokeEndpointAsync", &request).unwrap();
}

/// The alarm on the queue invokes its scaling policy.
fn alarm(stage: &Stage) {
    let policy = stage.account(STAGING).wake_policy("churn-staging").expect("the alarm exists");
    let place = AccountRegion::new(STAGING, REGION);
    stage.cloud.with_world(|world, now| world.alarm_action(&place, &policy, "wake", 0.0, now)).unwrap();
}

#[test]
fn each_setting_of_the_queue_is_in_what_serves_and_survives_the_next_deployment() {
    for (settings, given) in [("", false), (SETTINGS, true)] {
        let stage = stage(settings, "");
        for version in 1..=2 {
            let (outcome, detail) = deploy(&stage, version);
            assert_eq!(outcome, "succeeded", "{detail}");
            assert!(detail.contains("answered the sample request"), "{detail}");
            let config = stage.config(STAGING, "churn-staging").unwrap();
            let request = json!({"EndpointConfigName": config});
            let found = stage.account(STAGING).ask("sagemaker", "DescribeEndpointConfig", &request).unwrap();
            let all = json!({
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
                "OutputConfig": {
                    "S3OutputPath": "s3://acme-ml/answers/", "S3FailurePath": "s3://acme-ml/failures/",
                    "KmsKeyId": "alias/churn",
                    "NotificationConfig": {
                        "SuccessTopic": "arn:aws:sns:us-east-1:444455556666:done",
                        "ErrorTopic": "arn:aws:sns:us-east-1:444455556666:failed",
                        "IncludeInferenceResponseIn":
                            ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"],
                    },
                },
            });
            let least = json!({"OutputConfig": {"S3OutputPath": "s3://acme-ml/answers/"}});
            assert_eq!(found["AsyncInferenceConfig"], if given { all } else { least });
        }
    }
}

#[test]
fn a_model_that_fails_the_sample_fails_the_deployment() {
    for (settings, told) in
        [(SETTINGS, "s3://acme-ml/failures/"), ("", "there is no answer at s3://acme-ml/answers/")]
    {
        let stage = stage(settings, "");
        let fault = json!({"kind": "container_error", "account": null, "target": "churn-staging", "status": 500,
            "message": "boom"});
        stage
            .cloud
            .with_world(|world, _| world.inject_fault(serde_json::from_value::<Fault>(fault).unwrap()));
        let (outcome, detail) = deploy(&stage, 1);
        assert_eq!(outcome, "verification_failed", "{detail}");
        assert!(detail.contains(told), "{detail}");
    }
}

#[test]
fn an_empty_queue_goes_to_zero_and_a_request_brings_it_back() {
    let stage = stage(SETTINGS, TARGET);
    assert_eq!(deploy(&stage, 1).0, "succeeded");
    assert_eq!(scale(&stage), "apply follows_traffic");
    stage.pass(3_600);
    assert_eq!(instances(&stage), 0);
    // scale has nothing to do: Application Auto Scaling follows the queue.
    assert_eq!(scale(&stage), "unchanged follows_traffic");

    ask(&stage);
    stage.pass(180);
    alarm(&stage);
    stage.pass(300);
    assert_eq!(instances(&stage), 0, "an instance needs more than five minutes");
    stage.pass(600);
    assert_eq!(instances(&stage), 1);
    stage.pass(3_600);
    assert_eq!(instances(&stage), 0);
}

#[test]
fn a_version_is_verified_on_instances_although_the_endpoint_is_at_zero() {
    let stage = stage(SETTINGS, TARGET);
    assert_eq!(deploy(&stage, 1).0, "succeeded");
    scale(&stage);
    stage.pass(3_600);
    assert_eq!(instances(&stage), 0);
    let (outcome, detail) = deploy(&stage, 2);
    assert_eq!(outcome, "succeeded", "{detail}");
    assert_eq!(scale(&stage), "apply follows_traffic");
    stage.pass(3_600);
    assert_eq!(instances(&stage), 0);
}

#[test]
fn an_endpoint_at_zero_gets_its_instances_when_the_policy_no_longer_scales_it() {
    let stage = stage(SETTINGS, TARGET);
    assert_eq!(deploy(&stage, 1).0, "succeeded");
    scale(&stage);
    stage.pass(3_600);
    assert_eq!(instances(&stage), 0);
    let unscaled = policy(SETTINGS, "");
    let applied = std::pin::pin!(stage.staging.ledger.apply(&unscaled, stage.now()));
    tidegate_testkit::poll_once(applied).unwrap().unwrap();
    assert_eq!(scale(&stage), "apply no_longer_follows_traffic");
    stage.pass(3_600);
    assert_eq!(instances(&stage), 2);
    let left = json!({"ServiceNamespace": "sagemaker"});
    let left =
        stage.account(STAGING).ask("application-autoscaling", "DescribeScalableTargets", &left).unwrap();
    assert_eq!(left["ScalableTargets"], json!([]));
}

//! Only what is Tidegate's is changed, and what a team scales stays as it is.

use serde_json::{Value, json};
use tidegate_engine::Outcome;
use tidegate_events::Event;
use tidegate_policy::file::{Policy, parse};
use tidegate_scenarios::Published;
use tidegate_testkit::Runtime;

use super::stage::{CHURN, HUB, PRODUCTION, REGION, STAGING, Stage, arn, error, reconcile, said};

/// The usual policy with another endpoint in staging.
fn staging(endpoint: &str) -> Policy {
    let (before, rest) = CHURN.split_once("    endpoint: { name: churn-staging").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    parse("churn.yaml", &format!("{before}{endpoint}\n{after}")).unwrap()
}

const REAL_TIME: &str =
    "    endpoint: { name: churn-staging, kind: realTime, instanceType: ml.m5.large, instances: 2 }";

fn stage(policies: &[Policy]) -> Stage {
    let stage = Stage::with(policies);
    stage.register(2);
    stage.says("Approved", 1);
    stage.says("Approved", 2);
    stage
}

fn request(stage: &Stage, model: &str, (environment, account): (&str, &str), version: u64) -> Event {
    let id = format!("{model}-{version}-{}", stage.now().as_second());
    let detail = json!({"schema": 1, "request_id": id, "model": model, "environment": environment,
        "environment_account": account, "region": REGION, "version": version, "package_arn": arn(version),
        "policy_version": "p", "requested_at": stage.now()});
    stage.own(HUB, &Published { at: stage.now(), detail_type: "Deployment Requested".to_owned(), detail })
}

fn ended(outcome: &str) -> bool {
    outcome.split(", ").any(|one| one.starts_with("succeeded") || one.contains("failed"))
}

/// Deploys a version, and says how it ended.
fn deploy(stage: &Stage, site: &Runtime, request: &Event) -> String {
    let mut last = said(&stage.run(site, "deploy", request));
    for _ in 0..9 {
        if ended(&last) {
            break;
        }
        stage.pass(900);
        last = said(&stage.run(site, "deploy", &reconcile(stage.now())));
    }
    last
}

fn to_staging(stage: &Stage, version: u64) -> String {
    let request = request(stage, "churn", ("staging", STAGING), version);
    deploy(stage, &stage.staging, &request)
}

fn instances(stage: &Stage) -> i64 {
    stage.cloud.with_world(|world, _| world.snapshot().endpoint(STAGING, "churn-staging").unwrap().instances)
}

fn ask(stage: &Stage, service: &str, operation: &str, request: Value) -> Value {
    stage.account(STAGING).ask(service, operation, &request).unwrap()
}

fn variant() -> Value {
    json!({"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/churn-staging/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"})
}

fn targets(stage: &Stage) -> Vec<(i64, i64)> {
    let listed = ask(
        stage,
        "application-autoscaling",
        "DescribeScalableTargets",
        json!({"ServiceNamespace": "sagemaker"}),
    );
    let of = |target: &Value, bound: &str| target[bound].as_i64().unwrap();
    let targets = listed["ScalableTargets"].as_array().unwrap().iter();
    targets.map(|target| (of(target, "MinCapacity"), of(target, "MaxCapacity"))).collect()
}

fn policies(stage: &Stage) -> Vec<String> {
    let listed = ask(
        stage,
        "application-autoscaling",
        "DescribeScalingPolicies",
        json!({"ServiceNamespace": "sagemaker"}),
    );
    let policies = listed["ScalingPolicies"].as_array().unwrap().iter();
    policies.map(|policy| policy["PolicyName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_autoscaled_endpoint_at_eight_instances_keeps_eight() {
    let stage = stage(&[staging(REAL_TIME)]);
    assert_eq!(to_staging(&stage, 1), "succeeded answered");
    assert_eq!(instances(&stage), 2);
    let mut limits = variant();
    limits
        .as_object_mut()
        .unwrap()
        .extend([("MinCapacity".to_owned(), json!(2)), ("MaxCapacity".to_owned(), json!(10))]);
    ask(&stage, "application-autoscaling", "RegisterScalableTarget", limits);
    let eight = json!({"EndpointName": "churn-staging", "DesiredWeightsAndCapacities": [
        {"VariantName": "AllTraffic", "DesiredInstanceCount": 8}]});
    ask(&stage, "sagemaker", "UpdateEndpointWeightsAndCapacities", eight);
    stage.pass(3_600);
    assert_eq!(to_staging(&stage, 2), "succeeded answered");
    stage.pass(3_600);
    assert_eq!((instances(&stage), targets(&stage)), (8, vec![(2, 10)]));
}

/// An endpoint that a team made by hand, with data capture.
fn by_hand(stage: &Stage, capture: bool) {
    let role = format!("arn:aws:iam::{STAGING}:role/team");
    ask(
        stage,
        "sagemaker",
        "CreateModel",
        json!({"ModelName": "mine", "ExecutionRoleArn": role,
        "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m", "Environment": {"TOKEN": "secret"}}}),
    );
    let mut config = json!({"EndpointConfigName": "mine", "ProductionVariants": [{"VariantName": "AllTraffic",
        "ModelName": "mine", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2, "InitialVariantWeight": 1.0}]});
    if capture {
        config["DataCaptureConfig"] = json!({"EnableCapture": true, "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://b/capture", "CaptureOptions": [{"CaptureMode": "Input"}]});
    }
    ask(stage, "sagemaker", "CreateEndpointConfig", config);
    ask(
        stage,
        "sagemaker",
        "CreateEndpoint",
        json!({"EndpointName": "churn-staging", "EndpointConfigName": "mine"}),
    );
    stage.pass(3_600);
}

#[test]
fn an_endpoint_that_a_team_made_is_refused_before_the_first_call() {
    let stage = stage(&[staging(REAL_TIME)]);
    by_hand(&stage, true);
    assert_eq!(to_staging(&stage, 1), "failed not_ours");
    assert_eq!(stage.config(STAGING, "churn-staging").as_deref(), Some("mine"));
    let report = stage.sent(STAGING, "Deployment Finished").pop().unwrap();
    let text = format!("{:?}", report.body);
    assert!(text.contains("data capture") && text.contains("environment variables"), "{text}");
    let made = stage
        .cloud
        .with_world(|world, _| world.calls().iter().filter(|call| call.operation == "CreateModel").count());
    assert_eq!(made, 1, "nothing was made for it");
}

#[test]
fn an_adopted_endpoint_is_tagged_and_updated_after_an_alert() {
    let stage = stage(&[staging(&format!("    adopt: true\n{REAL_TIME}"))]);
    by_hand(&stage, false);
    assert_eq!(to_staging(&stage, 1), "succeeded answered");
    let alerts = stage.account(STAGING).alerts();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(alerts[0].message.contains("The update loses: environment variables"), "{alerts:?}");
    let described = ask(&stage, "sagemaker", "DescribeEndpoint", json!({"EndpointName": "churn-staging"}));
    let tags = ask(&stage, "sagemaker", "ListTags", json!({"ResourceArn": described["EndpointArn"]}));
    assert!(tags.to_string().contains("tidegate:model"), "{tags}");
    // Nothing is lost any more, so people are told nothing.
    assert_eq!(to_staging(&stage, 2), "succeeded answered");
    assert_eq!(stage.account(STAGING).alerts().len(), 1);
}

/// A policy of a model whose component shares the endpoint `team` in production.
fn sharing(model: &str) -> Policy {
    let (before, rest) = CHURN.split_once("    endpoint: { name: churn, ").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let endpoint = format!(
        "    endpoint: {{ name: team, component: {model}, kind: inferenceComponent, instanceType: ml.m5.large, \
         instances: 2, memoryMb: 1024 }}"
    );
    let text = format!("{before}{endpoint}\n{after}").replace("model: churn\n", &format!("model: {model}\n"));
    parse("policy.yaml", &text.replace("churn-train", &format!("{model}-train"))).unwrap()
}

#[test]
fn models_that_share_an_endpoint_have_a_component_each() {
    let stage = stage(&[sharing("churn"), sharing("upsell")]);
    let production = ("production", PRODUCTION);
    let to = |model: &str, version: u64| {
        deploy(&stage, &stage.production, &request(&stage, model, production, version))
    };
    assert!(to("churn", 1).contains("succeeded answered"));
    assert!(to("upsell", 1).contains("succeeded answered"));
    let model_of = |component: &str| {
        let request = json!({"InferenceComponentName": component});
        let found =
            stage.account(PRODUCTION).ask("sagemaker", "DescribeInferenceComponent", &request).unwrap();
        found["Specification"]["ModelName"].as_str().unwrap().to_owned()
    };
    let churn = model_of("churn");
    assert!(churn.starts_with("churn-v1-") && model_of("upsell").starts_with("upsell-v1-"));
    assert!(to("upsell", 2).contains("succeeded answered"));
    assert_eq!((model_of("churn"), model_of("upsell").starts_with("upsell-v2-")), (churn, true));
}

#[test]
fn a_model_that_shares_nothing_finds_the_endpoint_of_another() {
    let upsell = staging(REAL_TIME);
    let text = serde_json::to_string(&upsell).unwrap().replace("\"model\":\"churn\"", "\"model\":\"upsell\"");
    let stage = stage(&[staging(REAL_TIME), parse("upsell.yaml", &text).unwrap()]);
    assert!(to_staging(&stage, 1).contains("succeeded answered"));
    let config = stage.config(STAGING, "churn-staging");
    let other = request(&stage, "upsell", ("staging", STAGING), 2);
    assert_eq!(deploy(&stage, &stage.staging, &other), "failed owned_by_another");
    assert_eq!(stage.config(STAGING, "churn-staging"), config);
}

fn tick(stage: &Stage) -> Vec<Outcome> {
    stage.run(&stage.staging, "scale", &reconcile(stage.now()))
}

#[test]
fn target_tracking_is_set_after_a_deployment_and_removed_with_the_policy() {
    let target = "    scale: { target: { invocationsPerInstance: 100, min: 2, max: 6 } }";
    let stage = stage(&[staging(&format!("{REAL_TIME}\n{target}"))]);
    assert_eq!(said(&tick(&stage)), "no_change never_deployed");
    assert_eq!(to_staging(&stage, 1), "succeeded answered");
    let late = json!({"kind": "late_target", "account": null,
        "resource": "endpoint/churn-staging/variant/AllTraffic", "calls": 1});
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(late).unwrap()));
    let sweep = reconcile(stage.now());
    assert_eq!(error(stage.invoke(&stage.staging, "scale", &sweep, "late")), "Retryable");
    let again = stage.invoke(&stage.staging, "scale", &sweep, "late").unwrap().unwrap();
    assert_eq!(said(&again), "apply follows_traffic");
    assert_eq!(
        (targets(&stage), policies(&stage)),
        (vec![(2, 6)], vec!["tidegate-target-churn-staging".to_owned()])
    );
    stage.pass(60);
    assert_eq!(said(&tick(&stage)), "unchanged follows_traffic");
    let without = staging(REAL_TIME);
    stage.staging.ledger.put_policy(std::sync::Arc::new(without));
    stage.pass(60);
    assert_eq!(said(&tick(&stage)), "apply no_longer_follows_traffic");
    assert_eq!((targets(&stage), policies(&stage)), (vec![], vec![]));
}

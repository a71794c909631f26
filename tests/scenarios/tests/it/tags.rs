//! The tags of the policy are on everything that is made, and what a team added stays.

use serde_json::{Value, json};
use tidegate_policy::file::{Policy, parse};

use super::stage::{CHURN, DEFINITION, HUB, STAGING, Stage, error, reconcile, said};

const ENDPOINT: &str =
    "endpoint: { name: churn-staging, kind: serverless, memoryMb: 2048, maxConcurrency: 5 }";
const KINDS: [&str; 2] = [
    "kind: realTime, instanceType: ml.m5.large, instances: 2",
    "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024",
];

/// The usual policy with this kind of endpoint and these tags in staging.
fn policy(kind: &str, tags: &str, of_staging: &str) -> Policy {
    let endpoint = format!("tags: {{ {of_staging} }}\n    endpoint: {{ name: churn-staging, {kind} }}");
    let text = CHURN.replacen("model: churn\n", &format!("model: churn\ntags: {{ {tags} }}\n"), 1);
    parse("churn.yaml", &text.replacen(ENDPOINT, &endpoint, 1)).unwrap()
}

fn deploy(stage: &Stage, version: u64) {
    stage.says("Approved", version);
    stage.run(&stage.staging, "deploy", &stage.request(version, &format!("r{version}")));
    for _ in 0..6 {
        stage.pass(900);
        stage.run(&stage.staging, "deploy", &reconcile(stage.now()));
        if !stage.sent(STAGING, "Deployment Finished").is_empty() {
            return;
        }
    }
    panic!("version {version} was not deployed");
}

/// The tags of every resource of an account, by the end of its ARN.
fn tags(stage: &Stage, account: &str, resource: &str) -> Vec<String> {
    let arn = format!("arn:aws:sagemaker:us-east-1:{account}:{resource}");
    let answer = stage.account(account).ask("sagemaker", "ListTags", &json!({"ResourceArn": arn})).unwrap();
    let all = answer["Tags"].as_array().unwrap().iter();
    all.map(|tag| format!("{}={}", tag["Key"].as_str().unwrap(), tag["Value"].as_str().unwrap())).collect()
}

/// The names in the successful calls of an operation.
fn named(stage: &Stage, operation: &str, member: &str) -> Vec<String> {
    stage.cloud.with_world(|world, _| {
        let calls = world.calls().iter().filter(|call| call.operation == operation && call.outcome == "ok");
        calls.map(|call| call.request[member].as_str().unwrap().to_owned()).collect()
    })
}

fn add(stage: &Stage, account: &str, resource: &str, key: &str, value: &str) {
    let arn = format!("arn:aws:sagemaker:us-east-1:{account}:{resource}");
    let request: Value = json!({"ResourceArn": arn, "Tags": [{"Key": key, "Value": value}]});
    stage.account(account).ask("sagemaker", "AddTags", &request).unwrap();
}

#[test]
fn everything_that_a_deployment_makes_has_the_tags_of_the_policy() {
    for kind in KINDS {
        let stage = Stage::with(&[policy(kind, "team: growth, stage: all", "stage: test")]);
        stage.register(2);
        deploy(&stage, 1);
        let ours = ["stage=test", "team=growth", "tidegate:environment=staging", "tidegate:model=churn"];
        let model = &named(&stage, "CreateModel", "ModelName")[0];
        let config = &named(&stage, "CreateEndpointConfig", "EndpointConfigName")[0];
        let mut made = vec![format!("model/{model}"), format!("endpoint-config/{config}")];
        made.push("endpoint/churn-staging".to_owned());
        made.extend(kind.contains("Component").then(|| "inference-component/churn-staging".to_owned()));
        for resource in &made {
            assert_eq!(tags(&stage, STAGING, resource), ours, "{resource}");
        }
        // The team adds a tag and replaces one of ours; then the policy changes.
        for resource in &made[2..] {
            add(&stage, STAGING, resource, "owner", "ana");
            add(&stage, STAGING, resource, "team", "ads");
        }
        let changed = policy(kind, "team: growth, cost-center: \"42\"", "k: v");
        stage.staging.ledger.put_policy(std::sync::Arc::new(changed));
        deploy(&stage, 2);
        for resource in &made[2..] {
            let now = tags(&stage, STAGING, resource);
            for tag in ["cost-center=42", "k=v", "owner=ana", "team=growth", "stage=test"] {
                assert!(now.contains(&tag.to_owned()), "{resource} has no {tag}: {now:?}");
            }
        }
        let added = named(&stage, "AddTags", "ResourceArn").len();
        deploy(&stage, 2);
        assert_eq!(named(&stage, "AddTags", "ResourceArn").len(), added, "nothing is missing any more");
    }
}

#[test]
fn the_pipeline_has_the_tags_of_the_policy() {
    let with = |tags: &str| policy(KINDS[0], tags, "k: v");
    let stage = Stage::with(&[with("team: growth")]);
    let train = |text: &str| {
        for push in stage.push(text) {
            stage.run(&stage.hub, "train", &push);
        }
    };
    train(DEFINITION);
    assert_eq!(tags(&stage, HUB, "pipeline/churn-train"), ["team=growth", "tidegate:model=churn"]);
    add(&stage, HUB, "pipeline/churn-train", "owner", "ana");
    stage.hub.ledger.put_policy(std::sync::Arc::new(with("team: ads")));
    train(&DEFINITION.replace("tiny:1", "tiny:2"));
    assert_eq!(stage.executions("churn-train"), 2);
    let ours = ["owner=ana", "team=ads", "tidegate:model=churn"];
    assert_eq!(tags(&stage, HUB, "pipeline/churn-train"), ours);
}

#[test]
fn an_organization_that_requires_a_tag_is_told_apart_from_a_missing_permission() {
    let stage = Stage::with(&[policy(KINDS[0], "team: growth", "k: v")]);
    stage.register(1);
    stage.says("Approved", 1);
    let required = json!({"kind": "tag_required", "account": STAGING, "key": "cost-center"});
    stage.cloud.with_world(|world, _| world.inject_fault(serde_json::from_value(required).unwrap()));
    let request = stage.request(1, "r1");
    let failed = stage.invoke(&stage.staging, "deploy", &request, "one");
    let text = match &failed {
        Some(Err(error)) => error.to_string(),
        _ => panic!("it was not denied"),
    };
    assert!(text.contains("service control policy") && text.contains("write them in `tags`"), "{text}");
    assert_eq!(error(failed), "Denied");
    let tagged = policy(KINDS[0], "team: growth, cost-center: \"42\"", "k: v");
    stage.staging.ledger.put_policy(std::sync::Arc::new(tagged));
    stage.pass(900);
    // The recorded plan has the tags of the policy before. A sweep decides again.
    assert_eq!(error(stage.invoke(&stage.staging, "deploy", &request, "two")), "Denied");
    assert_eq!(said(&stage.run(&stage.staging, "deploy", &reconcile(stage.now()))), "apply requested");
    let endpoint = tags(&stage, STAGING, "endpoint/churn-staging");
    assert!(endpoint.contains(&"cost-center=42".to_owned()), "{endpoint:?}");
}

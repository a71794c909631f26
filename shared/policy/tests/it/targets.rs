//! What an endpoint must become, by examples: names that must not change between two versions of the program.

use serde_json::{Value, json, to_value};
use tidegate_events::DeploymentRequested;
use tidegate_policy::endpoint::DesiredResources;
use tidegate_policy::file::{Environment, Policy, parse};

use super::any;

fn request(environment: &str) -> DeploymentRequested {
    DeploymentRequested {
        request_id: "r".to_owned(),
        model: "churn".to_owned(),
        environment: environment.to_owned(),
        environment_account: "777788889999".to_owned(),
        region: "us-east-1".to_owned(),
        version: 7,
        package_arn: any::arn(7),
        policy_version: "p".to_owned(),
        requested_at: any::at(0),
        approved_at: None,
        artifacts: None,
        commanded_at: None,
    }
}

fn described(environment: &Environment) -> Value {
    let target = DesiredResources::of(environment, &request(environment.name.as_str()));
    json!({
        "endpoint": target.endpoint,
        "model": target.model.name,
        "config": target.config.name,
        "variant": to_value(&target.config.variant).unwrap(),
        "component": to_value(&target.component).unwrap(),
        "rollout": to_value(&target.rollout).unwrap(),
    })
}

/// The typical policy with another endpoint in production.
fn production(endpoint: &str, rollout: &str) -> Environment {
    let churn = include_str!("../../../../events/policies/churn.yaml");
    let (before, rest) = churn.split_once("    endpoint: { name: churn, ").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let (rest, _) = rest.split_once("    scale:").unwrap();
    let text = format!("{before}    endpoint: {endpoint}\n{rollout}{rest}");
    let policy: Policy = parse("churn.yaml", &text).unwrap();
    any::environment(&policy, "production")
}

#[test]
fn of_a_serverless_endpoint() {
    let expected = json!({
        "endpoint": "churn-staging",
        "model": "churn-staging-v7-fd6e2e",
        "config": "churn-staging-v7-d15d249b",
        "variant": {
            "kind": "serverless", "model": "churn-staging-v7-fd6e2e", "memory_mb": 2048, "max_concurrency": 5,
        },
        "component": null,
        "rollout": { "canary": null, "alarms": [] },
    });
    assert_eq!(described(&any::environment(&any::policy(), "staging")), expected);
}

/// The configuration names no version: another one does not touch the endpoint.
#[test]
fn of_an_inference_component() {
    let expected = |config: &str, variant: Value, memory_mb: u32, copies: u32| {
        json!({
            "endpoint": "churn",
            "model": "churn-v7-fd6e2e",
            "config": config,
            "variant": variant,
            "component": {
                "name": "churn", "endpoint": "churn", "model": "churn-v7-fd6e2e", "memory_mb": memory_mb, "copies": copies,
            },
            "rollout": { "canary": null, "alarms": [] },
        })
    };
    let typical = any::environment(&any::policy(), "production");
    // Only an endpoint that scales to zero has a minimum of zero instances.
    let zero = json!({ "kind": "components", "instance_type": "ml.m5.large", "max_instances": 2 });
    assert_eq!(described(&typical), expected("churn-8791f4de", zero, 1024, 1));
    let endpoint = "{ name: churn, kind: inferenceComponent, instanceType: ml.m5.large, instances: 3, memoryMb: 2048, \
                    copies: 2 }";
    let one = json!({ "kind": "components", "instance_type": "ml.m5.large", "min_instances": 1, "max_instances": 3 });
    assert_eq!(described(&production(endpoint, "")), expected("churn-df427363", one, 2048, 2));
}

#[test]
fn of_a_real_time_endpoint_with_a_canary() {
    let endpoint = "{ name: churn, kind: realTime, instanceType: ml.m5.large, instances: 3 }";
    let rollout = "    rollout: { canary: { percent: 20, bake: 10m }, alarms: [churn-5xx] }\n";
    let expected = json!({
        "endpoint": "churn",
        "model": "churn-v7-fd6e2e",
        "config": "churn-v7-0ecbe5cb",
        "variant": {
            "kind": "real_time", "model": "churn-v7-fd6e2e", "instance_type": "ml.m5.large", "instances": 3,
        },
        "component": null,
        "rollout": { "canary": [20, 600], "alarms": ["churn-5xx"] },
    });
    assert_eq!(described(&production(endpoint, rollout)), expected);
}

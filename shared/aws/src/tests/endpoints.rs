//! Endpoints, models and configurations.

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_engine::ports::Endpoints;
use tidegate_events::EndpointStatus;
use tidegate_policy::endpoint::{
    BatchSize, Batches, ConfigSettings, EndpointConfigSpec, ModelSettings, ModelSpec, ProductionVariant,
    Rollout,
};

use super::cloud::{Answer, cloud, invalid, ok, refusal};

fn described(config: &str, pending: Option<&str>) -> Answer {
    let mut body = json!({
        "EndpointName": "churn", "EndpointArn": "arn", "EndpointConfigName": config, "EndpointStatus": "Updating",
        "CreationTime": 1.0, "LastModifiedTime": 1_772_442_602.0, "FailureReason": "none",
    });
    if let Some(pending) = pending {
        body["PendingDeploymentSummary"] = json!({ "EndpointConfigName": pending });
    }
    ok(body)
}

fn in_service(config: &str) -> Answer {
    ok(json!({
        "EndpointName": "churn", "EndpointArn": "arn", "EndpointConfigName": config, "EndpointStatus": "InService",
        "CreationTime": 1.0, "LastModifiedTime": 1_772_442_602.0,
    }))
}

fn tags() -> Vec<(String, String)> {
    vec![("tidegate:model".to_owned(), "churn".to_owned())]
}

#[tokio::test]
async fn all_pages_of_tags_are_read() {
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    let (aws, wire) = cloud([
        ok(json!({ "Tags": [tag("a")], "NextToken": "next" })),
        ok(json!({ "Tags": [tag("b")] })),
        invalid("Resource arn does not exist."),
        refusal(400, "AccessDeniedException", "no"),
    ]);
    let endpoints = aws.endpoints("role", Vec::new());
    let found = endpoints.tags("arn").await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(endpoints.tags("arn").await.unwrap().is_empty());
    assert_eq!(endpoints.tags("arn").await.unwrap_err().class, Class::Denied);
    let sent = wire.done();
    assert_eq!(sent[0].json(), json!({ "ResourceArn": "arn" }));
    assert_eq!(sent[1].json(), json!({ "ResourceArn": "arn", "NextToken": "next" }));
}

#[tokio::test]
async fn an_endpoint_is_described() {
    let (aws, wire) = cloud([
        described("churn-v1", Some("churn-v2")),
        invalid("Could not find endpoint \"arn:aws:sagemaker:eu-west-1:1:endpoint/churn\"."),
        invalid("1 validation error detected: Value 'x y' at 'endpointName'"),
        refusal(400, "AccessDeniedException", "could not find a policy"),
    ]);
    let endpoints = aws.endpoints("role", Vec::new());
    let found = endpoints.endpoint("churn").await.unwrap().unwrap();
    assert_eq!(found.status, EndpointStatus::Updating);
    assert_eq!(found.config.as_deref(), Some("churn-v1"));
    assert_eq!(found.pending_config.as_deref(), Some("churn-v2"));
    assert_eq!(found.failure.as_deref(), Some("none"));
    assert_eq!((found.arn.as_str(), found.created), ("arn", Some("1970-01-01T00:00:01Z".parse().unwrap())));
    assert_eq!(found.last_modified, Some("2026-03-02T09:10:02Z".parse().unwrap()));
    assert_eq!(endpoints.endpoint("churn").await.unwrap(), None);
    assert_eq!(endpoints.endpoint("x y").await.unwrap_err().class, Class::Permanent);
    assert_eq!(endpoints.endpoint("churn").await.unwrap_err().class, Class::Denied);
    assert_eq!(wire.done()[0].json(), json!({ "EndpointName": "churn" }));
}

fn model() -> ModelSpec {
    ModelSpec {
        name: "m".to_owned(),
        package_arn: "arn:p".to_owned(),
        tags: tags(),
        settings: ModelSettings::default(),
    }
}

#[tokio::test]
async fn a_model_is_created_from_a_package() {
    let (aws, wire) = cloud([
        ok(json!({ "ModelArn": "arn" })),
        invalid("Cannot create already existing model \"arn\"."),
        invalid("Could not access model package"),
    ]);
    let endpoints = aws.endpoints("arn:role", Vec::new());
    assert_eq!(endpoints.create_model(&model()).await.unwrap(), "created model m");
    assert_eq!(endpoints.create_model(&model()).await.unwrap(), "model m exists already");
    assert_eq!(endpoints.create_model(&model()).await.unwrap_err().class, Class::Permanent);
    let sent = &wire.done()[0];
    assert_eq!(sent.target, "CreateModel");
    assert_eq!(
        sent.json(),
        json!({ "ModelName": "m", "Containers": [{ "ModelPackageName": "arn:p" }], "ExecutionRoleArn": "arn:role",
            "Tags": [{ "Key": "tidegate:model", "Value": "churn" }] })
    );
}

async fn config(variant: ProductionVariant) -> Value {
    let (aws, wire) = cloud([ok(json!({ "EndpointConfigArn": "arn" }))]);
    aws.endpoints("arn:role", Vec::new())
        .create_config(&EndpointConfigSpec {
            name: "c".to_owned(),
            variant,
            tags: Vec::new(),
            settings: ConfigSettings::default(),
        })
        .await
        .unwrap();
    wire.only().json()
}

#[tokio::test]
async fn each_kind_of_variant_has_its_configuration() {
    let real_time = ProductionVariant::RealTime {
        model: "m".to_owned(),
        instance_type: "ml.m5.large".to_owned(),
        instances: 2,
    };
    assert_eq!(
        config(real_time).await,
        json!({ "EndpointConfigName": "c", "ProductionVariants": [{
            "VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2,
            "InitialVariantWeight": 1.0,
        }] })
    );
    let serverless =
        ProductionVariant::Serverless { model: "m".to_owned(), memory_mb: 2048, max_concurrency: 5 };
    assert_eq!(
        config(serverless).await,
        json!({ "EndpointConfigName": "c", "ProductionVariants": [{
            "VariantName": "AllTraffic", "ModelName": "m", "InitialVariantWeight": 1.0,
            "ServerlessConfig": { "MemorySizeInMB": 2048, "MaxConcurrency": 5 },
        }] })
    );
    for min_instances in [0, 1] {
        assert_eq!(
            config(components(min_instances)).await,
            json!({ "EndpointConfigName": "c", "ExecutionRoleArn": "arn:role", "ProductionVariants": [{
                "VariantName": "AllTraffic", "InstanceType": "ml.invented.large", "InitialInstanceCount": 1,
                "ManagedInstanceScaling":
                    { "Status": "ENABLED", "MinInstanceCount": min_instances, "MaxInstanceCount": 3 },
                "RoutingConfig": { "RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS" },
            }] })
        );
    }
}

fn components(min_instances: u32) -> ProductionVariant {
    let instance_type = "ml.invented.large".to_owned();
    ProductionVariant::Components { instance_type, min_instances, max_instances: 3 }
}

#[tokio::test]
async fn a_region_without_zero_instances_is_explained() {
    let (aws, _) = cloud([invalid(
        "Min instance count needs to be greater than 0 for enabled managed instance scaling",
    )]);
    let (tags, settings) = (Vec::new(), ConfigSettings::default());
    let spec = EndpointConfigSpec { name: "c".to_owned(), variant: components(0), tags, settings };
    let refused = aws.endpoints("arn:role", Vec::new()).create_config(&spec).await.unwrap_err();
    assert!(refused.message.contains("remove `scale.toZero` from the policy"), "{refused}");
}

#[tokio::test]
async fn an_endpoint_is_created_once() {
    let (aws, wire) = cloud([
        ok(json!({ "EndpointArn": "arn" })),
        invalid("Cannot create already existing endpoint \"arn\"."),
        described("c", None),
        invalid("Cannot create already existing endpoint \"arn\"."),
        described("another", None),
        refusal(400, "AccessDeniedException", "an explicit deny already exists"),
    ]);
    let endpoints = aws.endpoints("role", Vec::new());
    let tags = [("tidegate:model".to_owned(), "churn".to_owned())];
    assert_eq!(endpoints.create_endpoint("churn", "c", &tags).await.unwrap(), "created endpoint churn");
    assert!(endpoints.create_endpoint("churn", "c", &tags).await.unwrap().contains("already"));
    let other = endpoints.create_endpoint("churn", "c", &tags).await.unwrap_err();
    assert_eq!(other.class, Class::Busy, "it has another configuration, and was not visible before");
    assert_eq!(endpoints.create_endpoint("churn", "c", &tags).await.unwrap_err().class, Class::Denied);
    assert_eq!(
        wire.done()[0].json(),
        json!({ "EndpointName": "churn", "EndpointConfigName": "c", "Tags": [{ "Key": "tidegate:model", "Value": "churn" }] })
    );
}

async fn update(
    rollout: Rollout,
    answers: Vec<Answer>,
) -> (Result<String, tidegate_engine::CallError>, Vec<super::cloud::Sent>) {
    let (aws, wire) = cloud(answers);
    let told = aws.endpoints("role", Vec::new()).update_endpoint("churn", "churn-v2", &rollout, false).await;
    (told, wire.done())
}

fn watched_rollout() -> Rollout {
    Rollout { alarms: vec!["errors".to_owned()], ..Rollout::default() }
}

fn plain_rollout() -> Rollout {
    Rollout::default()
}

#[tokio::test]
async fn an_update_uses_the_rollout_of_the_policy() {
    let updated = || vec![ok(json!({ "EndpointArn": "arn" }))];
    let (told, sent) = update(plain_rollout(), updated()).await;
    assert_eq!(told.unwrap(), "updating endpoint churn to churn-v2");
    assert_eq!(sent[0].target, "UpdateEndpoint");
    assert_eq!(sent[0].json(), json!({ "EndpointName": "churn", "EndpointConfigName": "churn-v2" }));

    let canary = Rollout { canary: Some((10, 900)), ..watched_rollout() };
    let (_, sent) = update(canary, updated()).await;
    assert_eq!(
        sent[0].json()["DeploymentConfig"],
        json!({
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY", "WaitIntervalInSeconds": 900,
                    "CanarySize": { "Type": "CAPACITY_PERCENT", "Value": 10 },
                },
                "TerminationWaitInSeconds": 300,
                "MaximumExecutionTimeoutInSeconds": 4_800,
            },
            "AutoRollbackConfiguration": { "Alarms": [{ "AlarmName": "errors" }] },
        })
    );

    let (_, sent) = update(watched_rollout(), updated()).await;
    assert_eq!(
        sent[0].json()["DeploymentConfig"]["BlueGreenUpdatePolicy"],
        json!({
            "TrafficRoutingConfiguration": { "Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0 },
            "TerminationWaitInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 3_900,
        })
    );
}

#[tokio::test]
async fn an_update_in_steps_or_batches_is_watched_by_the_alarms() {
    let updated = || vec![ok(json!({ "EndpointArn": "arn" }))];
    let alarms = json!({ "Alarms": [{ "AlarmName": "errors" }] });
    let percent = |value: u32| json!({ "Type": "CAPACITY_PERCENT", "Value": value });
    let linear = Rollout { linear: Some((25, 600)), ..watched_rollout() };
    let (_, sent) = update(linear, updated()).await;
    assert_eq!(
        sent[0].json()["DeploymentConfig"],
        json!({
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration":
                    { "Type": "LINEAR", "WaitIntervalInSeconds": 600, "LinearStepSize": percent(25) },
                "TerminationWaitInSeconds": 300,
                "MaximumExecutionTimeoutInSeconds": 5_700,
            },
            "AutoRollbackConfiguration": alarms,
        })
    );
    let batches = Batches { size: BatchSize::Percent(25), bake: 300, rollback_percent: Some(100) };
    let rolling = Rollout { rolling: Some(batches), ..watched_rollout() };
    let (_, sent) = update(rolling, updated()).await;
    assert_eq!(
        sent[0].json()["DeploymentConfig"],
        json!({
            "RollingUpdatePolicy": {
                "MaximumBatchSize": percent(25), "WaitIntervalInSeconds": 300,
                "MaximumExecutionTimeoutInSeconds": 8_400, "RollbackMaximumBatchSize": percent(100),
            },
            "AutoRollbackConfiguration": alarms,
        })
    );
    let baked = Rollout { bake: Some(900), ..watched_rollout() };
    let (_, sent) = update(baked, updated()).await;
    assert_eq!(sent[0].json()["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"], 900);
}

#[tokio::test]
async fn a_rejected_update_succeeds_only_if_the_endpoint_is_already_updated() {
    let refused = || invalid("Cannot update in-progress endpoint \"arn\".");
    let (told, sent) = update(plain_rollout(), vec![refused(), described("churn-v2", None)]).await;
    assert_eq!(told.unwrap(), "endpoint churn has churn-v2 already");
    assert_eq!(sent[1].target, "DescribeEndpoint");
    let (told, _) = update(plain_rollout(), vec![refused(), described("churn-v1", Some("churn-v2"))]).await;
    assert!(told.is_ok());
    let (told, _) = update(plain_rollout(), vec![refused(), described("churn-v2", Some("churn-v1"))]).await;
    assert_eq!(told.unwrap_err().class, Class::Busy);
    let (told, _) = update(plain_rollout(), vec![refused(), in_service("churn-v1")]).await;
    let error = told.unwrap_err();
    assert_eq!((error.operation, error.class), ("UpdateEndpoint", Class::Busy));
    let unknown = || invalid("SageMaker says this for the first time.");
    let (told, _) = update(plain_rollout(), vec![unknown(), in_service("churn-v1")]).await;
    assert_eq!(told.unwrap_err().class, Class::Permanent);
    let (told, _) = update(plain_rollout(), vec![unknown(), described("churn-v1", None)]).await;
    assert_eq!(told.unwrap_err().class, Class::Busy, "it is updating");
    for (config, class) in [("churn-v2", Class::TooEarly), ("churn-v1", Class::Permanent)] {
        let missing = format!("Could not find endpoint configuration \"arn:1:endpoint-config/{config}\".");
        let (told, _) = update(plain_rollout(), vec![invalid(&missing), in_service("churn-v1")]).await;
        assert_eq!(told.unwrap_err().class, class, "{config}");
    }
    let (told, _) = update(plain_rollout(), vec![refusal(400, "ResourceLimitExceeded", "no")]).await;
    assert!(told.is_err());
}

//! `events/policies/everything.yaml`, with every field that a policy can have, deployed into five environments: two
//! versions pass through all of them. Only the soaks are shorter than in the file.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, CloudConfig, HUB, REGION, workspace};
use tidegate_world::{ApiCall, Snapshot};

use crate::model::Model;
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, is_tidegates, text};

/// The model of the file; only its name is used.
const CHURN: Model = Model::plain("churn");

const STAGING: Account = tidegate_sandbox::STAGING;
const PRODUCTION: Account = tidegate_sandbox::PRODUCTION;
const PRE_PRODUCTION: Account =
    Account { id: PRODUCTION.id, environment: "pre-production", stack: "tidegate-pre-production" };
const BATCH_DESK: Account =
    Account { id: PRODUCTION.id, environment: "batch-desk", stack: "tidegate-batch-desk" };
const ARCHIVE: Account = Account { id: PRODUCTION.id, environment: "archive", stack: "tidegate-archive" };
const ENVIRONMENTS: [Account; 5] = [STAGING, PRE_PRODUCTION, PRODUCTION, BATCH_DESK, ARCHIVE];
const BUCKET: &str = "acme-ml-prod";

pub(crate) struct Everything {
    adopted: String,
    end: Snapshot,
    calls: Vec<ApiCall>,
    dead_letters: usize,
    pub(crate) permissions: Value,
    pub(crate) granted: String,
}

static EVERYTHING: SharedRun<Everything> = SharedRun::new();

pub(crate) async fn everything() -> Arc<Everything> {
    EVERYTHING.get_or_run(scenario).await
}

fn config() -> CloudConfig {
    let key = |id: &str| format!("arn:aws:kms:{REGION}:{}:key/{id}", PRODUCTION.id);
    let topic = |name: &str| format!("arn:aws:sns:{REGION}:{}:{name}", PRODUCTION.id);
    let parameters = [
        "ModelsInVpc=true".to_owned(),
        format!("EndpointKmsKeyArns={},{}", key("churn-endpoints"), key("churn-capture")),
        format!("CaptureBucketArns=arn:aws:s3:::{BUCKET}"),
        format!("AsyncBucketArns=arn:aws:s3:::{BUCKET}"),
        format!("AsyncTopicArns={},{}", topic("churn-answers"), topic("churn-failures")),
        format!("PassableModelRoleArns=arn:aws:iam::{}:role/churn-model", PRODUCTION.id),
    ];
    CloudConfig {
        environments: ENVIRONMENTS.to_vec(),
        environment_parameters: parameters.to_vec(),
        hub_parameters: vec![format!("PassablePipelineRoleArns=arn:aws:iam::{}:role/churn-pipeline", HUB.id)],
        ..CloudConfig::default()
    }
}

async fn scenario() -> Everything {
    let mut test = TestCloud::with(config()).await;
    a_team_prepares(&test).await;
    let file = workspace().join("events/policies/everything.yaml");
    let policy = std::fs::read_to_string(file).expect("the policy is there");
    let hurried = policy.replace("soak: 30m", "soak: 1s").replace("soak: 1d", "soak: 1s");
    // The version of this test is registered by hand, so that nobody is its author.
    let hurried = hurried.replace("notAuthor: true", "notAuthor: false");
    assert_eq!(hurried.matches("soak: 1s").count(), 3, "the soaks of the file have changed");
    let file = test.file("everything.yaml", &as_the_local_cloud_can(&hurried));
    test.cloud.apply(&file).await.unwrap_or_else(|error| panic!("{error}"));
    let approvers = test.permission_set("ModelRisk").await;
    a_version_passes(&mut test, 1, &approvers).await;
    let adopted = test.wait_for_alert("of the adoption", |subject, _| subject.contains("takes over")).await;
    a_version_passes(&mut test, 2, &approvers).await;
    test.wait_until_idle().await;
    let mut dead_letters = 0;
    for account in ENVIRONMENTS {
        for function in ["deploy", "respond", "scale", "forward"] {
            dead_letters += crate::test_cloud::dead_letters(&test.cloud, account, function).await;
        }
    }
    Everything {
        adopted,
        end: test.snapshot(),
        calls: test.world().calls(),
        dead_letters,
        permissions: test.permissions().await,
        granted: test.granted().await,
    }
}

/// The policy without what the local cloud cannot answer: it has no Feature Store, a version that is trained by the sample
/// pipeline has no metrics, and the model of every endpoint answers every request in the same way. Scenarios are about these.
fn as_the_local_cloud_can(policy: &str) -> String {
    const GATES: [&str; 7] = [
        "metrics:",
        "- { name: auc",
        "- { name: log_loss",
        "requires:",
        "features:",
        "reports:",
        "alarms: { names:",
    ];
    let reads = |line: &&str| GATES.iter().any(|gate| line.trim_start().starts_with(gate));
    assert_eq!(policy.lines().filter(reads).count(), GATES.len(), "the gates of the file have changed");
    let policy: String = policy.lines().filter(|line| !reads(line)).flat_map(|line| [line, "\n"]).collect();
    let (before, samples) = policy.split_once("      samples:").expect("production has samples");
    let (_, after) = samples.split_once("    scale:\n").expect("and is scaled");
    format!("{before}      invoke: {{ contentType: text/csv, body: \"42,1,0.5\" }}\n    scale:\n{after}")
}

/// The roles that the policy names: one for the pipeline and one for the models.
async fn make_roles(test: &TestCloud) {
    let jobs = ["iam:PassRole", "sagemaker:AddTags", "sagemaker:Create*"];
    let serving = ["cloudwatch:DescribeAlarms", "kms:Decrypt", "s3:GetObject"];
    for (account, name, actions) in [(HUB, "churn-pipeline", jobs), (PRODUCTION, "churn-model", serving)] {
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let arguments = ["job", test.cloud.url(), account.id, name, &policy];
        test.cloud.python("tests/e2e/roles.py", &arguments).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// What exists before: the package group, the repository, the model's own role, and an endpoint that a team made by hand.
async fn a_team_prepares(test: &TestCloud) {
    test.ask(HUB, "CreateModelPackageGroup", &json!({ "ModelPackageGroupName": "churn" }));
    let readers = [STAGING, PRODUCTION].map(|account| format!("arn:aws:iam::{}:root", account.id));
    let statement = json!({
        "Effect": "Allow", "Principal": { "AWS": readers },
        "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
        "Resource": format!("arn:aws:sagemaker:{REGION}:{}:model-package/churn/*", HUB.id),
    });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let put = json!({ "ModelPackageGroupName": "churn", "ResourcePolicy": policy });
    test.ask(HUB, "PutModelPackageGroupPolicy", &put);
    let added = test.world().add_repository(&HUB.place(), &CHURN.repository(), test.folder("churn"));
    added.unwrap_or_else(|error| panic!("{error}"));
    make_roles(test).await;

    let made = test.cloud.aws().make_bucket(PRODUCTION.id, BUCKET).await;
    made.unwrap_or_else(|error| panic!("{error}"));

    let role = format!("arn:aws:iam::{}:role/team", PRODUCTION.id);
    let model = json!({
        "ModelName": "by-hand", "ExecutionRoleArn": role, "PrimaryContainer": { "Image": "churn:1" },
    });
    test.ask(PRODUCTION, "CreateModel", &model);
    let variant = json!({
        "VariantName": "AllTraffic", "ModelName": "by-hand", "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    });
    let config = json!({ "EndpointConfigName": "by-hand", "ProductionVariants": [variant] });
    test.ask(PRODUCTION, "CreateEndpointConfig", &config);
    let endpoint = json!({ "EndpointName": "churn", "EndpointConfigName": "by-hand" });
    test.ask(PRODUCTION, "CreateEndpoint", &endpoint);
}

/// A commit trains a version, which passes through all environments.
async fn a_version_passes(test: &mut TestCloud, version: i64, approvers: &str) {
    let mut definition: Value = serde_json::from_str(&CHURN.definition()).expect("the sample is JSON");
    for (name, kind, default) in
        [("InputDataUri", "String", json!("s3://acme-ml/")), ("Epochs", "Integer", json!(1))]
    {
        let parameters = definition["Parameters"].as_array_mut().expect("the sample has parameters");
        parameters.push(json!({ "Name": name, "Type": kind, "DefaultValue": default }));
    }
    let definition = definition.to_string().replace(&CHURN.group(), "churn");
    let note = format!("for version {version}");
    let files =
        [("ml/pipeline.json".to_owned(), Some(definition)), ("notes.md".to_owned(), Some(note.clone()))];
    let pushed = test.world().commit(&HUB.place(), &CHURN.repository(), "main", &files, &note);
    pushed.unwrap_or_else(|error| panic!("{error}"));
    test.wait_for_decision(&CHURN, HUB, "train", "start", "commit").await;
    let package = test
        .wait_for_world(&format!("version {version}"), |now| {
            let found = now.packages.iter().find(|p| p.group == "churn" && p.version == version)?;
            (found.status == "Completed").then(|| found.arn.clone())
        })
        .await;
    test.approve(&package);
    for account in ENVIRONMENTS {
        if account == PRE_PRODUCTION {
            test.wait_for_decision(&CHURN, HUB, "promote", "wait", "approval_required").await;
            for person in ["ana@example.com", "ben@example.com"] {
                let version = version.to_string();
                let arguments = ["approve", "churn", &version, account.environment];
                let output = test.command_as(approvers, person, &arguments).await;
                assert_eq!(output.code, Some(0), "{output:?}");
            }
        }
        served_in(test, account, version).await;
    }
    test.wait_for_decision(&CHURN, HUB, "promote", "complete", "last_environment").await;
}

/// Waits for the success of a version in an environment. Two environments may lie in one account.
async fn served_in(test: &mut TestCloud, account: Account, version: i64) {
    let version = version.to_string();
    let what = format!("version {version} in {}", account.environment);
    test.wait_for_record(&what, |record| {
        text(record, "environment") == account.environment
            && text(record, "function") == "deploy"
            && text(record, "verdict") == "succeeded"
            && record.to_string().contains(&format!("model-package/churn/{version}"))
    })
    .await;
}

fn requests<'c>(result: &'c Everything, operation: &str, contains: &str) -> Vec<&'c Value> {
    let of = |call: &&ApiCall| {
        call.operation == operation
            && is_tidegates(call)
            && call.outcome == "ok"
            && call.request.to_string().contains(contains)
    };
    result.calls.iter().filter(of).map(|call| &call.request).collect()
}

#[test]
fn every_environment_serves_the_second_version() {
    let result = block_on(everything());
    for (account, name) in [
        (STAGING, "churn-staging"),
        (PRE_PRODUCTION, "churn-pre"),
        (PRODUCTION, "churn"),
        (ARCHIVE, "churn-archive"),
    ] {
        let endpoint = result.end.endpoint(account.id, name).unwrap_or_else(|| panic!("{name} exists"));
        assert_eq!(endpoint.status, "InService", "{name}");
        assert!(endpoint.models.iter().all(|model| model.contains("-v2-")), "{name}: {:?}", endpoint.models);
    }
    let component = result.end.component(BATCH_DESK.id, "churn-desk-model").expect("the component exists");
    assert_eq!((component.status.as_str(), component.current), ("InService", 2));
    assert!(component.model.as_ref().is_some_and(|model| model.contains("-v2-")), "{component:?}");
    assert_eq!(result.dead_letters, 0);
}

#[test]
fn the_endpoint_that_was_made_by_hand_is_adopted_and_people_are_told() {
    let result = block_on(everything());
    assert!(result.adopted.contains("takes over"), "{}", result.adopted);
    let tags = requests(&result, "AddTags", "endpoint/churn\"");
    assert!(!tags.is_empty(), "the adopted endpoint got the tags of its owner");
}

#[test]
fn the_settings_of_a_model_reach_sagemaker() {
    let result = block_on(everything());
    let models = requests(&result, "CreateModel", "churn-pre-v");
    assert_eq!(models.len(), 2, "one for each version");
    for model in models {
        assert_eq!(model.pointer("/VpcConfig/SecurityGroupIds/0"), Some(&json!("sg-0a1b2c3d")), "{model}");
        let role = format!("arn:aws:iam::{}:role/churn-model", PRODUCTION.id);
        assert_eq!(model.pointer("/ExecutionRoleArn"), Some(&json!(role)), "{model}");
        assert!(model.to_string().contains("MODEL_SERVER_WORKERS"), "{model}");
    }
}

#[test]
fn keys_and_capture_are_in_the_configuration_and_the_update_is_linear_with_alarms() {
    let result = block_on(everything());
    let configs = requests(&result, "CreateEndpointConfig", "churn-pre-v");
    assert_eq!(configs.len(), 2, "one for each version");
    for config in configs {
        assert_eq!(config.pointer("/KmsKeyId"), Some(&json!("alias/churn-endpoints")), "{config}");
        let capture = config.pointer("/DataCaptureConfig").unwrap_or(&Value::Null);
        assert_eq!(capture.pointer("/InitialSamplingPercentage"), Some(&json!(20)), "{config}");
        assert_eq!(capture.pointer("/KmsKeyId"), Some(&json!("alias/churn-capture")), "{config}");
    }
    let updates = requests(&result, "UpdateEndpoint", "churn-pre");
    let routing = "/DeploymentConfig/BlueGreenUpdatePolicy/TrafficRoutingConfiguration/Type";
    let linear = updates.iter().find(|update| update.pointer(routing) == Some(&json!("LINEAR")));
    let linear = linear.unwrap_or_else(|| panic!("no linear update: {updates:?}"));
    assert!(linear.to_string().contains("churn-latency"), "{linear}");
}

#[test]
fn a_component_on_a_gpu_is_updated_in_batches_with_an_alarm() {
    let result = block_on(everything());
    let created = requests(&result, "CreateInferenceComponent", "churn-desk-model");
    let accelerators = "/Specification/ComputeResourceRequirements/NumberOfAcceleratorDevicesRequired";
    assert_eq!(created.first().and_then(|c| c.pointer(accelerators)), Some(&json!(1.0)), "{created:?}");
    let updates = requests(&result, "UpdateInferenceComponent", "churn-desk-model");
    assert_eq!(updates.len(), 1, "{updates:?}");
    let update = updates.first().map(ToString::to_string).unwrap_or_default();
    assert!(update.contains("RollingUpdatePolicy") && update.contains("churn-desk-5xx"), "{update}");
}

#[test]
fn an_async_endpoint_has_its_places_and_keys_and_is_updated_by_a_canary() {
    let result = block_on(everything());
    let configs = requests(&result, "CreateEndpointConfig", "churn-archive-v");
    assert_eq!(configs.len(), 2, "one for each version");
    for config in configs {
        let output = config.pointer("/AsyncInferenceConfig/OutputConfig").unwrap_or(&Value::Null);
        assert_eq!(output.pointer("/KmsKeyId"), Some(&json!("alias/churn-answers")), "{config}");
        assert!(output.to_string().contains("churn-failures"), "{config}");
    }
    let updates = requests(&result, "UpdateEndpoint", "churn-archive");
    let routing = "/DeploymentConfig/BlueGreenUpdatePolicy/TrafficRoutingConfiguration/Type";
    assert_eq!(
        updates.first().and_then(|update| update.pointer(routing)),
        Some(&json!("CANARY")),
        "{updates:?}"
    );
}

//! Models that nobody manages, and requests from whom nobody obeys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, LocalCloud, PRODUCTION, REGION, STAGING};

use crate::model::Model;
use crate::people::outcomes;
use crate::shared::{FUNCTIONS, apply, calls_about, cloud, invoke, sample};
use crate::shared_run::block_on;
use crate::test_cloud::{MAX_WAIT, all_dead_letters};

/// Managed, and asked for by the wrong account.
const WEASEL: Model = Model::plain("weasel");

/// What happens around a model of somebody else in the same accounts.
async fn strangers_work(cloud: &LocalCloud) {
    let world = cloud.world();
    let folder = tempfile::tempdir().expect("a folder");
    let repository = folder.path().join("badger");
    world.add_repository(&HUB.place(), "badger-model", repository).unwrap_or_else(|error| panic!("{error}"));
    let files = [("train.py".to_owned(), Some("1\n".to_owned()))];
    let pushed = world.commit(&HUB.place(), "badger-model", "main", &files, "train");
    pushed.unwrap_or_else(|error| panic!("{error}"));
    let ask = |account: Account, operation: &str, request: Value| {
        let answer = world.call(&account.place(), "sagemaker", operation, &request);
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    };
    ask(HUB, "CreateModelPackageGroup", json!({ "ModelPackageGroupName": "badger" }));
    let container = json!({ "Image": "badger:1", "ModelDataUrl": "s3://badger/model.tar.gz" });
    let specification = json!({
        "Containers": [container], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"],
    });
    let package = json!({ "ModelPackageGroupName": "badger", "InferenceSpecification": specification, "ModelApprovalStatus": "Approved" });
    ask(HUB, "CreateModelPackage", package);
    let role = format!("arn:aws:iam::{}:role/badger", STAGING.id);
    let primary = json!({ "Image": "badger:1" });
    ask(
        STAGING,
        "CreateModel",
        json!({ "ModelName": "badger", "ExecutionRoleArn": role, "PrimaryContainer": primary }),
    );
    let variant = json!({
        "VariantName": "AllTraffic", "ModelName": "badger", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
    });
    let config = json!({ "EndpointConfigName": "badger", "ProductionVariants": [variant] });
    ask(STAGING, "CreateEndpointConfig", config);
    ask(STAGING, "CreateEndpoint", json!({ "EndpointName": "badger", "EndpointConfigName": "badger" }));
    let alarm = json!({
        "AlarmName": "badger-cpu", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Maximum",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold",
    });
    let state = json!({ "AlarmName": "badger-cpu", "StateValue": "ALARM", "StateReason": "by hand" });
    for (operation, body) in [("PutMetricAlarm", alarm), ("SetAlarmState", state)] {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        let answer = cloud.aws().json(STAGING.id, "monitoring", &target, body).await;
        answer.unwrap_or_else(|error| panic!("{error}"));
    }
    let begun = Instant::now();
    while world.snapshot().endpoint(STAGING.id, "badger").is_none_or(|e| e.status != "InService") {
        assert!(begun.elapsed() < MAX_WAIT, "the stranger's endpoint never came up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn unmanaged_models_are_ignored() {
    block_on(async {
        let cloud = cloud().await;
        strangers_work(cloud).await;
        let events = [
            (HUB, "train", "codecommit/reference-updated.branch-push.json"),
            (HUB, "promote", "sagemaker/model-package.approved.json"),
            (STAGING, "deploy", "sagemaker/endpoint.in-service.json"),
            (PRODUCTION, "respond", "cloudwatch/alarm.drift.alarm.json"),
            (PRODUCTION, "scale", "cloudwatch/alarm.no-capacity-invocation-failures.alarm.json"),
        ];
        for (account, function, path) in events {
            let found = outcomes(&invoke(account, function, &sample(path)).await);
            assert_eq!(found, [(String::new(), "unmanaged".to_owned())], "{function}");
        }
        for (account, function) in FUNCTIONS {
            let event = sample("ssm/parameter-store-change.update.json");
            let found = outcomes(&invoke(account, function, &event).await);
            assert_eq!(found, [(String::new(), "unsupported_event".to_owned())], "{function}");
        }
        // Long enough for two retries: what is not handled now would be a dead letter then.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(calls_about("badger").await, []);
        assert_eq!(calls_about("churn").await, []);
        let letters = all_dead_letters(cloud).await;
        assert!(letters.iter().all(|(_, count)| *count == 0), "{letters:?}");
    });
}

fn request_for_weasel(request_id: &str) -> Value {
    let mut event = sample("contract/deployment-requested.json");
    event["detail"]["model"] = json!(WEASEL.name);
    event["detail"]["request_id"] = json!(request_id);
    event["detail"]["package_arn"] =
        json!(format!("arn:aws:sagemaker:{REGION}:{}:model-package/{}/1", HUB.id, WEASEL.group()));
    event
}

#[test]
fn a_request_from_an_account_that_is_not_the_hub_is_refused() {
    block_on(async {
        apply(&WEASEL).await;
        let mut event = request_for_weasel("from-production");
        event["account"] = json!(PRODUCTION.id);
        let found = outcomes(&invoke(STAGING, "deploy", &event).await);
        assert_eq!(found, [("reject".to_owned(), "not_from_hub".to_owned())]);
        assert_eq!(calls_about(WEASEL.name).await, [], "nobody even looked");
        let world = cloud().await.world().snapshot();
        assert_eq!(world.endpoint(STAGING.id, &WEASEL.in_staging()), None);
    });
}

/// Tries to let a rule of an account forward to the bus of another, with a role of its own that may put events there. Returns
/// why EventBridge refuses the target.
async fn refused_target(account: Account, to: Account) -> String {
    let aws = cloud().await.aws();
    let name = format!("smuggle-to-{}", to.environment);
    let pattern = json!({ "source": ["tidegate"] }).to_string();
    let rule = json!({ "Name": name, "EventPattern": pattern });
    aws.json(account.id, "events", "AWSEvents.PutRule", rule).await.unwrap_or_else(|error| panic!("{error}"));
    let arguments = ["courier", cloud().await.url(), account.id, &name, &to.bus_arn()];
    let role = cloud().await.python("tests/e2e/roles.py", &arguments).await;
    let role = role.unwrap_or_else(|error| panic!("{error}"));
    let target = json!({ "Id": "bus", "Arn": to.bus_arn(), "RoleArn": role.trim() });
    let put = json!({ "Rule": name, "Targets": [target] });
    aws.json(account.id, "events", "AWSEvents.PutTargets", put).await.expect_err("it is refused").to_string()
}

#[test]
fn a_bus_admits_only_the_rule_that_it_was_made_for() {
    block_on(async {
        for (from, to) in [(PRODUCTION, STAGING), (HUB, PRODUCTION), (STAGING, HUB)] {
            let why = refused_target(from, to).await;
            assert!(why.contains("AccessDeniedException") && why.contains(&to.bus_arn()), "{why}");
        }
    });
}

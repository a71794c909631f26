use serde_json::{Value, json};

use super::{HUB, STAGING, TestWorld};

const PACKAGE: &str = "SageMaker Model Package State Change";
const ARN: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/1";

fn registered() -> TestWorld {
    let mut aws = TestWorld::new();
    hub(&mut aws, "CreateModelPackageGroup", json!({"ModelPackageGroupName": "churn"})).unwrap();
    let containers = json!([{"Image": "i", "ModelDataUrl": "s3://b/m"}]);
    let request =
        json!({"ModelPackageGroupName": "churn", "InferenceSpecification": {"Containers": containers}});
    hub(&mut aws, "CreateModelPackage", request).unwrap();
    aws.run_until_idle();
    aws.emissions.clear();
    aws
}

fn hub(aws: &mut TestWorld, operation: &str, request: Value) -> Result<Value, crate::ApiError> {
    aws.call_in(HUB, "sagemaker", operation, request)
}

fn update(aws: &mut TestWorld, change: Value) -> Vec<Value> {
    let mut request = json!({"ModelPackageArn": ARN});
    request.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    hub(aws, "UpdateModelPackage", request).unwrap();
    aws.emissions.clear();
    aws.run_until_idle();
    aws.events(PACKAGE).iter().map(|event| event.detail["UpdatedModelPackageFields"].clone()).collect()
}

#[test]
fn an_update_emits_only_the_changed_fields() {
    let mut aws = registered();
    let approval = json!({"ModelApprovalStatus": "Approved", "ApprovalDescription": "AUC 0.87"});
    assert_eq!(update(&mut aws, approval.clone()), [json!(["ModelApprovalStatus", "ApprovalDescription"])]);
    assert_eq!(aws.events(PACKAGE)[0].copies, 2);
    assert_eq!(update(&mut aws, approval), Vec::<Value>::new());
    let stage = json!({"ModelLifeCycle": {"Stage": "Production", "StageStatus": "PendingApproval"}});
    assert_eq!(update(&mut aws, stage), [json!(["ModelLifeCycle"])]);
    // Still approved, but that is not what changed.
    let metadata = json!({"CustomerMetadataProperties": {"deployed.staging": "churn"}});
    assert_eq!(update(&mut aws, metadata), [json!(["CustomerMetadataProperties"])]);
    assert_eq!(aws.events(PACKAGE)[0].detail["ModelApprovalStatus"], "Approved");
}

#[test]
fn a_client_token_makes_an_update_once() {
    let mut aws = registered();
    let once = json!({"ModelApprovalStatus": "Approved", "ClientToken": "t"});
    assert_eq!(update(&mut aws, once.clone()).len(), 1);
    update(&mut aws, json!({"ModelApprovalStatus": "Rejected"}));
    assert_eq!(update(&mut aws, once), Vec::<Value>::new());
    let package = hub(&mut aws, "DescribeModelPackage", json!({"ModelPackageName": ARN})).unwrap();
    assert_eq!(package["ModelApprovalStatus"], "Rejected");
}

#[test]
fn another_account_reads_a_package_only_if_the_group_policy_allows_it() {
    let mut aws = registered();
    let model = json!({"ModelName": "m", "PrimaryContainer": {"ModelPackageName": ARN}});
    let describe = json!({"ModelPackageName": ARN});
    assert_eq!(
        aws.try_call("DescribeModelPackage", describe.clone()).unwrap_err().code,
        "AccessDeniedException"
    );
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{STAGING}:root")},
        "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
        "Resource": "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/*"}]});
    let put = json!({"ModelPackageGroupName": "churn", "ResourcePolicy": policy.to_string()});
    hub(&mut aws, "PutModelPackageGroupPolicy", put).unwrap();
    assert_eq!(aws.call("DescribeModelPackage", describe)["ModelPackageVersion"], 1);
    let approve = json!({"ModelPackageArn": ARN, "ModelApprovalStatus": "Approved"});
    assert_eq!(aws.try_call("UpdateModelPackage", approve).unwrap_err().code, "AccessDeniedException");
    assert!(aws.rejection("CreateModel", model.clone()).contains("must be Approved"));
    update(&mut aws, json!({"ModelApprovalStatus": "Approved"}));
    aws.call("CreateModel", model);
}

#[test]
fn a_model_of_a_package_keeps_its_settings() {
    let mut aws = registered();
    update(&mut aws, json!({"ModelApprovalStatus": "Approved"}));
    let vpc = json!({"Subnets": ["subnet-a"], "SecurityGroupIds": ["sg-a"]});
    let model = |more: Value| {
        let mut model = json!({"ModelName": "m", "Containers": [{"ModelPackageName": ARN}]});
        model.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        model
    };
    let image = json!({"Containers": [{"ModelPackageName": ARN, "Image": "i"}]});
    assert!(
        hub(&mut aws, "CreateModel", model(image)).unwrap_err().message.contains("must not have an Image")
    );
    let foreign = json!({"ExecutionRoleArn": format!("arn:aws:iam::{STAGING}:role/r")});
    assert_eq!(hub(&mut aws, "CreateModel", model(foreign)).unwrap_err().code, "AccessDeniedException");
    let variables = json!([{"ModelPackageName": ARN, "Environment": {"LOG_LEVEL": "debug"}}]);
    let settings = json!({"VpcConfig": vpc, "EnableNetworkIsolation": true, "Containers": variables});
    hub(&mut aws, "CreateModel", model(settings)).unwrap();
    let found = hub(&mut aws, "DescribeModel", json!({"ModelName": "m"})).unwrap();
    assert_eq!((&found["VpcConfig"], &found["EnableNetworkIsolation"]), (&vpc, &json!(true)));
    assert_eq!(found["Containers"], variables);
}

#[test]
fn a_package_that_failed_cannot_be_approved() {
    let mut aws = registered();
    aws.inject_fault(json!({"kind": "fail_package", "account": null, "group": "churn"}));
    let made = hub(&mut aws, "CreateModelPackage", json!({"ModelPackageGroupName": "churn"})).unwrap();
    let arn = made["ModelPackageArn"].as_str().unwrap();
    assert!(arn.ends_with("/churn/2"), "{arn}");
    let approve = json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"});
    assert!(hub(&mut aws, "UpdateModelPackage", approve).unwrap_err().message.contains("cannot be approved"));
}

#[test]
fn versions_are_listed_newest_first_by_status_and_by_page() {
    let mut aws = registered();
    for _ in 0..4 {
        aws.wait(1);
        hub(&mut aws, "CreateModelPackage", json!({"ModelPackageGroupName": "churn"})).unwrap();
    }
    update(&mut aws, json!({"ModelApprovalStatus": "Approved"}));
    let mut list = |more: Value| {
        let mut request = json!({"ModelPackageGroupName": "churn"});
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let answer = hub(&mut aws, "ListModelPackages", request).unwrap();
        let items = answer["ModelPackageSummaryList"].as_array().unwrap();
        let versions: Vec<i64> =
            items.iter().map(|item| item["ModelPackageVersion"].as_i64().unwrap()).collect();
        (versions, answer["NextToken"].clone())
    };
    let (first, token) = list(json!({"MaxResults": 3}));
    assert_eq!(first, [5, 4, 3]);
    assert_eq!(list(json!({"MaxResults": 3, "NextToken": token})), (vec![2, 1], Value::Null));
    assert_eq!(list(json!({"ModelApprovalStatus": "Approved"})).0, [1]);
}

#[test]
fn packages_are_found_by_the_time_of_their_last_change() {
    let mut aws = registered();
    let since = |aws: &mut TestWorld, value: &str| {
        let filter = json!({"Name": "LastModifiedTime", "Operator": "GreaterThanOrEqualTo", "Value": value});
        let request = json!({"Resource": "ModelPackage", "SearchExpression": {"Filters": [filter]}});
        hub(aws, "Search", request)
    };
    let package = hub(&mut aws, "DescribeModelPackage", json!({"ModelPackageName": ARN})).unwrap();
    let found = since(&mut aws, "2020-01-01T00:00:00").unwrap();
    assert_eq!(found["Results"].as_array().unwrap().len(), 1);
    assert_eq!(found["Results"][0]["ModelPackage"]["ModelPackageArn"], package["ModelPackageArn"]);
    assert_eq!(since(&mut aws, "2100-01-01T00:00:00").unwrap()["Results"], json!([]));
    assert!(since(&mut aws, "yesterday").is_err());
    assert!(since(&mut aws, "2026-03-02T09:00:00Z").is_err(), "the format has no zone");
}

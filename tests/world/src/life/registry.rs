use serde_json::{Value, json};

use super::{HUB, Life, STAGING};

const PACKAGE: &str = "SageMaker Model Package State Change";
const ARN: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/1";

fn registered() -> Life {
    let mut life = Life::new();
    hub(&mut life, "CreateModelPackageGroup", json!({"ModelPackageGroupName": "churn"})).unwrap();
    let containers = json!([{"Image": "i", "ModelDataUrl": "s3://b/m"}]);
    let request =
        json!({"ModelPackageGroupName": "churn", "InferenceSpecification": {"Containers": containers}});
    hub(&mut life, "CreateModelPackage", request).unwrap();
    life.settle();
    life.told.clear();
    life
}

fn hub(life: &mut Life, operation: &str, request: Value) -> Result<Value, crate::ApiError> {
    life.call_in(HUB, "sagemaker", operation, request)
}

fn update(life: &mut Life, change: Value) -> Vec<Value> {
    let mut request = json!({"ModelPackageArn": ARN});
    request.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    hub(life, "UpdateModelPackage", request).unwrap();
    life.told.clear();
    life.settle();
    life.events(PACKAGE).iter().map(|event| event.detail["UpdatedModelPackageFields"].clone()).collect()
}

#[test]
fn an_update_tells_what_changed_and_nothing_else() {
    let mut life = registered();
    let approval = json!({"ModelApprovalStatus": "Approved", "ApprovalDescription": "AUC 0.87"});
    assert_eq!(update(&mut life, approval.clone()), [json!(["ModelApprovalStatus", "ApprovalDescription"])]);
    assert_eq!(life.events(PACKAGE)[0].copies, 2);
    assert_eq!(update(&mut life, approval), Vec::<Value>::new());
    let stage = json!({"ModelLifeCycle": {"Stage": "Production", "StageStatus": "PendingApproval"}});
    assert_eq!(update(&mut life, stage), [json!(["ModelLifeCycle"])]);
    // Still approved, but that is not what changed.
    let metadata = json!({"CustomerMetadataProperties": {"deployed.staging": "churn"}});
    assert_eq!(update(&mut life, metadata), [json!(["CustomerMetadataProperties"])]);
    assert_eq!(life.events(PACKAGE)[0].detail["ModelApprovalStatus"], "Approved");
}

#[test]
fn a_client_token_makes_an_update_once() {
    let mut life = registered();
    let once = json!({"ModelApprovalStatus": "Approved", "ClientToken": "t"});
    assert_eq!(update(&mut life, once.clone()).len(), 1);
    update(&mut life, json!({"ModelApprovalStatus": "Rejected"}));
    assert_eq!(update(&mut life, once), Vec::<Value>::new());
    let package = hub(&mut life, "DescribeModelPackage", json!({"ModelPackageName": ARN})).unwrap();
    assert_eq!(package["ModelApprovalStatus"], "Rejected");
}

#[test]
fn another_account_sees_a_package_only_if_the_group_lets_it() {
    let mut life = registered();
    let model = json!({"ModelName": "m", "PrimaryContainer": {"ModelPackageName": ARN}});
    let describe = json!({"ModelPackageName": ARN});
    assert_eq!(
        life.try_call("DescribeModelPackage", describe.clone()).unwrap_err().code,
        "AccessDeniedException"
    );
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{STAGING}:root")},
        "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
        "Resource": "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/*"}]});
    let put = json!({"ModelPackageGroupName": "churn", "ResourcePolicy": policy.to_string()});
    hub(&mut life, "PutModelPackageGroupPolicy", put).unwrap();
    assert_eq!(life.call("DescribeModelPackage", describe)["ModelPackageVersion"], 1);
    let approve = json!({"ModelPackageArn": ARN, "ModelApprovalStatus": "Approved"});
    assert_eq!(life.try_call("UpdateModelPackage", approve).unwrap_err().code, "AccessDeniedException");
    assert!(life.refusal("CreateModel", model.clone()).contains("must be Approved"));
    update(&mut life, json!({"ModelApprovalStatus": "Approved"}));
    life.call("CreateModel", model);
}

#[test]
fn a_package_that_failed_cannot_be_approved() {
    let mut life = registered();
    life.mischief(json!({"kind": "fail_package", "account": null, "group": "churn"}));
    let made = hub(&mut life, "CreateModelPackage", json!({"ModelPackageGroupName": "churn"})).unwrap();
    let arn = made["ModelPackageArn"].as_str().unwrap();
    assert!(arn.ends_with("/churn/2"), "{arn}");
    let approve = json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"});
    assert!(
        hub(&mut life, "UpdateModelPackage", approve).unwrap_err().message.contains("cannot be approved")
    );
}

#[test]
fn versions_are_listed_newest_first_by_status_and_by_page() {
    let mut life = registered();
    for _ in 0..4 {
        life.pass(1);
        hub(&mut life, "CreateModelPackage", json!({"ModelPackageGroupName": "churn"})).unwrap();
    }
    update(&mut life, json!({"ModelApprovalStatus": "Approved"}));
    let mut list = |more: Value| {
        let mut request = json!({"ModelPackageGroupName": "churn"});
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let answer = hub(&mut life, "ListModelPackages", request).unwrap();
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

//! CodeCommit, pipelines and the registry.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_engine::Class;
use tidegate_engine::ports::{Pipelines, Registry, Repository};
use tidegate_events::{ApprovalStatus, ExecutionStatus, PackageStatus};
use tidegate_policy::train::{DescribedExecution, ExecutedStep, ListedExecution, StartRequest};

use super::cloud::{Answer, cloud, invalid, ok, refusal};

const REPO: &str = "codecommit:churn-model";

fn file(content: &str) -> Answer {
    ok(json!({
        "commitId": "c1", "blobId": "b", "filePath": "pipeline.json", "fileMode": "NORMAL", "fileSize": 2,
        "fileContent": content,
    }))
}

#[tokio::test]
async fn a_file_is_read_at_a_commit() {
    let (aws, wire) = cloud([file("e30=")]);
    let text = aws.repository().file(REPO, "c1", "pipeline.json").await.unwrap();
    assert_eq!(text.as_deref(), Some("{}"));
    let sent = wire.only();
    assert_eq!(sent.target, "GetFile");
    assert_eq!(
        sent.json(),
        json!({ "repositoryName": "churn-model", "commitSpecifier": "c1", "filePath": "pipeline.json" })
    );
}

#[tokio::test]
async fn only_a_missing_file_is_none() {
    let (aws, _) = cloud([refusal(400, "FileDoesNotExistException", "no")]);
    assert_eq!(aws.repository().file(REPO, "c1", "x").await.unwrap(), None);
    for code in ["CommitDoesNotExistException", "RepositoryDoesNotExistException", "FileTooLargeException"] {
        let (aws, _) = cloud([refusal(400, code, "no")]);
        assert_eq!(aws.repository().file(REPO, "c1", "x").await.unwrap_err().class, Class::Permanent);
    }
    let (aws, _) = cloud([file("/w==")]);
    assert!(aws.repository().file(REPO, "c1", "x").await.unwrap_err().message.contains("UTF-8"));
    let (aws, wire) = cloud([]);
    assert_eq!(aws.repository().file("github:acme/x", "c1", "x").await.unwrap_err().class, Class::Permanent);
    assert!(wire.done().is_empty());
}

#[tokio::test]
async fn the_head_of_a_branch_is_read() {
    let branch = json!({ "branch": { "branchName": "main", "commitId": "c9" } });
    let (aws, wire) = cloud([
        ok(branch),
        refusal(400, "BranchDoesNotExistException", "no"),
        refusal(400, "RepositoryDoesNotExistException", "no"),
    ]);
    let repository = aws.repository();
    assert_eq!(repository.head(REPO, "main").await.unwrap().as_deref(), Some("c9"));
    assert_eq!(repository.head(REPO, "gone").await.unwrap(), None);
    assert!(repository.head(REPO, "main").await.is_err());
    let sent = wire.done();
    assert_eq!(sent[0].target, "GetBranch");
    assert_eq!(sent[0].json(), json!({ "repositoryName": "churn-model", "branchName": "main" }));
}

#[tokio::test]
async fn a_pipeline_is_described() {
    let (aws, wire) = cloud([
        ok(json!({ "PipelineName": "churn-train", "PipelineDefinition": "{}" })),
        refusal(400, "ResourceNotFound", "Pipeline 'churn-train' does not exist."),
        refusal(400, "AccessDeniedException", "no"),
        ok(json!({ "PipelineName": "churn-train" })),
    ]);
    let pipelines = aws.pipelines("role");
    assert_eq!(pipelines.pipeline("churn-train").await.unwrap().unwrap().definition, "{}");
    assert_eq!(pipelines.pipeline("churn-train").await.unwrap(), None);
    assert_eq!(pipelines.pipeline("churn-train").await.unwrap_err().class, Class::Denied);
    assert!(pipelines.pipeline("churn-train").await.is_err());
    assert_eq!(wire.done()[0].json(), json!({ "PipelineName": "churn-train" }));
}

#[tokio::test]
async fn executions_are_listed_with_names_and_statuses() {
    let summary = |arn: &str, status: &str| {
        json!({ "PipelineExecutionArn": arn, "PipelineExecutionStatus": status,
            "PipelineExecutionDisplayName": format!("name of {arn}") })
    };
    let (aws, wire) = cloud([
        ok(json!({ "PipelineExecutionSummaries": [
            summary("a", "Executing"), summary("b", "Invented"),
        ] })),
        refusal(400, "ResourceNotFound", "no"),
    ]);
    let pipelines = aws.pipelines("role");
    let listed = |arn: &str, status| ListedExecution {
        arn: arn.to_owned(),
        name: Some(format!("name of {arn}")),
        status,
    };
    let invented = ExecutionStatus::Unknown("Invented".to_owned());
    let all = [listed("a", ExecutionStatus::Executing), listed("b", invented)];
    assert_eq!(pipelines.executions("churn-train").await.unwrap(), all);
    assert!(pipelines.executions("churn-train").await.unwrap().is_empty());
    let sent = &wire.done()[0];
    assert_eq!(sent.target, "ListPipelineExecutions");
    assert_eq!(
        sent.json(),
        json!({ "PipelineName": "churn-train", "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100 })
    );
}

#[tokio::test]
async fn an_execution_is_described_with_its_steps_and_its_definition() {
    let (aws, wire) = cloud([
        ok(
            json!({ "PipelineExecutionStatus": "Failed", "FailureReason": "Step failure", "PipelineVersionId": 7,
            "LastModifiedTime": 1_772_440_830.5 }),
        ),
        ok(json!({ "PipelineExecutionSteps": [
            { "StepName": "Train", "StepStatus": "Failed", "FailureReason": "CapacityError: none",
              "Metadata": { "TrainingJob": { "Arn": "j" } } },
            { "StepName": "Register", "StepStatus": "Succeeded", "Metadata": { "RegisterModel": { "Arn": "p" } } },
        ] })),
        ok(json!({ "PipelineDefinition": "{}" })),
        refusal(400, "ResourceNotFound", "no"),
    ]);
    let pipelines = aws.pipelines("role");
    let found = pipelines.execution("arn").await.unwrap().unwrap();
    let step = |name: &str, status: &str, trains| ExecutedStep {
        name: name.to_owned(),
        status: status.to_owned(),
        trains,
        ..ExecutedStep::default()
    };
    let failed =
        ExecutedStep { failure: Some("CapacityError: none".to_owned()), ..step("Train", "Failed", true) };
    let registered = ExecutedStep { package: Some("p".to_owned()), ..step("Register", "Succeeded", false) };
    let expected = DescribedExecution {
        status: ExecutionStatus::Failed,
        failure: Some("Step failure".to_owned()),
        last_modified: "2026-03-02T08:40:30.5Z".parse().ok(),
        version: Some(7),
        definition: Some("{}".to_owned()),
        steps: vec![failed, registered],
    };
    assert_eq!(found, expected);
    assert_eq!(pipelines.execution("arn").await.unwrap(), None);
    let targets: Vec<String> = wire.done().iter().take(3).map(|sent| sent.target.clone()).collect();
    assert_eq!(
        targets,
        ["DescribePipelineExecution", "ListPipelineExecutionSteps", "DescribePipelineDefinitionForExecution"]
    );
}

#[tokio::test]
async fn a_definition_is_found_by_its_version() {
    let (aws, wire) = cloud([
        ok(json!({ "PipelineVersionSummaries": [{ "PipelineVersionId": 8 }, { "PipelineVersionId": 7 }] })),
        ok(json!({ "PipelineDefinition": "{}" })),
    ]);
    let pipelines = aws.pipelines("role");
    assert_eq!(pipelines.versions("churn-train").await.unwrap(), [8, 7]);
    assert_eq!(pipelines.definition("churn-train", 7).await.unwrap().as_deref(), Some("{}"));
    assert_eq!(wire.done()[1].json(), json!({ "PipelineName": "churn-train", "PipelineVersionId": 7 }));
}

#[tokio::test]
async fn an_existing_pipeline_is_updated_instead() {
    let arn = || ok(json!({ "PipelineArn": "arn" }));
    let exists = "Pipeline names must be unique within an AWS account and region. Pipeline with name (churn-train) already exists.";
    for refused in [invalid(exists), refusal(400, "ConflictException", "in progress")] {
        let (aws, wire) = cloud([refused, arn()]);
        aws.pipelines("role").create("churn-train", "{}", None, "token", &[]).await.unwrap();
        let sent = wire.done();
        assert_eq!(
            sent[0].json(),
            json!({ "PipelineName": "churn-train", "PipelineDefinition": "{}", "RoleArn": "role", "ClientRequestToken": "token" })
        );
        assert_eq!(sent[1].target, "UpdatePipeline");
        assert_eq!(sent[1].json(), json!({ "PipelineName": "churn-train", "PipelineDefinition": "{}" }));
    }
    let (aws, wire) = cloud([arn()]);
    aws.pipelines("role").create("churn-train", "{}", None, "token", &[]).await.unwrap();
    assert_eq!(wire.targets(), ["CreatePipeline"]);
    let (aws, _) = cloud([invalid("Unable to parse pipeline definition.")]);
    assert_eq!(
        aws.pipelines("role").create("p", "{", None, "t", &[]).await.unwrap_err().class,
        Class::Permanent
    );
}

#[tokio::test]
async fn an_execution_is_started_with_its_token() {
    let (aws, wire) = cloud([ok(json!({ "PipelineExecutionArn": "arn:x" })), ok(json!({}))]);
    let pipelines = aws.pipelines("role");
    let parameters = BTreeMap::from([("Epochs".to_owned(), "3".to_owned())]);
    let none = BTreeMap::new();
    let request = |parameters, version| StartRequest {
        pipeline: "churn-train",
        token: "t",
        display_name: "commit-1",
        description: "why",
        parameters,
        version,
    };
    let arn = pipelines.start(&request(&parameters, Some(7))).await.unwrap();
    assert_eq!(arn, "arn:x");
    assert!(pipelines.start(&request(&none, None)).await.is_err());
    let sent = wire.done();
    assert_eq!(sent[0].target, "StartPipelineExecution");
    assert_eq!(
        sent[0].json(),
        json!({
            "PipelineName": "churn-train", "ClientRequestToken": "t", "PipelineExecutionDisplayName": "commit-1",
            "PipelineExecutionDescription": "why", "PipelineParameters": [{ "Name": "Epochs", "Value": "3" }],
            "PipelineVersionId": 7,
        })
    );
    assert_eq!(sent[1].json().get("PipelineParameters"), None);
    assert_eq!(sent[1].json().get("PipelineVersionId"), None);
}

const PACKAGE: &str = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7";

fn described(extra: Value) -> Answer {
    let mut body = json!({
        "ModelPackageName": "churn", "ModelPackageArn": PACKAGE, "ModelPackageStatus": "Completed",
        "CreationTime": 1_772_442_602.0, "ModelPackageStatusDetails": { "ValidationStatuses": [] },
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    ok(body)
}

#[tokio::test]
async fn a_package_is_described() {
    let (aws, wire) = cloud([
        described(json!({ "ModelApprovalStatus": "Approved", "LastModifiedTime": 1_592_419_992.203 })),
        described(json!({})),
        described(json!({ "ModelApprovalStatus": "Doubted" })),
    ]);
    let registry = aws.registry();
    let found = registry.package(PACKAGE).await.unwrap().unwrap();
    assert_eq!(
        (found.package.approval, found.package.status),
        (ApprovalStatus::Approved, PackageStatus::Completed)
    );
    assert_eq!(found.last_modified, Some("2020-06-17T18:53:12.203Z".parse().unwrap()));
    let found = registry.package(PACKAGE).await.unwrap().unwrap();
    assert_eq!(found.package.approval, ApprovalStatus::Absent);
    assert_eq!(found.last_modified, Some("2026-03-02T09:10:02Z".parse().unwrap()));
    let found = registry.package(PACKAGE).await.unwrap().unwrap();
    assert_eq!(found.package.approval, ApprovalStatus::Unknown("Doubted".to_owned()));
    assert_eq!(wire.done()[0].json(), json!({ "ModelPackageName": PACKAGE, "IncludedData": "MetadataOnly" }));
}

#[tokio::test]
async fn only_a_missing_package_is_none() {
    for gone in
        [invalid(&format!("ModelPackage {PACKAGE} does not exist.")), refusal(400, "ResourceNotFound", "no")]
    {
        let (aws, _) = cloud([gone]);
        assert_eq!(aws.registry().package(PACKAGE).await.unwrap(), None);
    }
    let (aws, _) = cloud([invalid("1 validation error detected")]);
    assert_eq!(aws.registry().package(PACKAGE).await.unwrap_err().class, Class::Permanent);
    let (aws, _) = cloud([refusal(400, "AccessDeniedException", "the package does not exist for you")]);
    assert_eq!(aws.registry().package(PACKAGE).await.unwrap_err().class, Class::Denied);
}

#[tokio::test]
async fn the_newest_approved_version_is_the_highest() {
    let summary = |version: u32| {
        json!({ "ModelPackageArn": format!("arn/{version}"), "ModelPackageVersion": version,
                "CreationTime": 1.0, "ModelPackageStatus": "Completed" })
    };
    let (aws, wire) = cloud([
        ok(json!({ "ModelPackageSummaryList": [], "NextToken": "n" })),
        ok(json!({ "ModelPackageSummaryList": [summary(8), summary(11), summary(9)], "NextToken": "m" })),
        ok(json!({ "ModelPackageSummaryList": [] })),
        invalid("Model Package Group churn does not exist."),
    ]);
    let registry = aws.registry();
    let newest = registry.newest_approved("churn").await.unwrap().unwrap();
    assert_eq!((newest.version, newest.arn.as_str()), (11, "arn/11"));
    assert_eq!(registry.newest_approved("churn").await.unwrap(), None);
    assert_eq!(registry.newest_approved("churn").await.unwrap(), None);
    let sent = wire.done();
    assert_eq!(
        sent[0].json(),
        json!({
            "ModelPackageGroupName": "churn", "ModelApprovalStatus": "Approved", "ModelPackageType": "Versioned",
            "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100,
        })
    );
    assert_eq!(sent[1].json()["NextToken"], "n");
}

#[tokio::test]
async fn the_life_cycle_is_updated() {
    let (aws, wire) = cloud([ok(json!({ "ModelPackageArn": PACKAGE }))]);
    aws.registry().update_lifecycle(PACKAGE, "production", "Rolled back", "one\ntwo").await.unwrap();
    let sent = wire.only();
    assert_eq!(sent.target, "UpdateModelPackage");
    assert_eq!(
        sent.json(),
        json!({
            "ModelPackageArn": PACKAGE,
            "ModelLifeCycle": { "Stage": "production", "StageStatus": "Rolled-back", "StageDescription": "one two" },
        })
    );
}

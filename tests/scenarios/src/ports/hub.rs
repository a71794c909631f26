//! Repository, pipelines and registry.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate_engine::ports::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
use tidegate_engine::{CallError, Class};
use tidegate_events::{ApprovalStatus, PackageStatus};
use tidegate_policy::promote::Package;
use tidegate_policy::train::Pipeline;

use super::{text, time};
use crate::cloud::Account;

const SAGEMAKER: &str = "sagemaker";
const CODECOMMIT: &str = "codecommit";
/// What the pipelines run as; the world asks only that there is one.
const ROLE: &str = "arn:aws:iam::111122223333:role/pipeline";

fn own_name(repository: &str) -> &str {
    repository.strip_prefix("codecommit:").unwrap_or(repository)
}

fn refused(operation: &'static str, message: &str) -> CallError {
    CallError { service: CODECOMMIT, operation, class: Class::Permanent, message: message.to_owned() }
}

#[async_trait]
impl Repository for Account {
    async fn file(&self, repository: &str, commit: &str, path: &str) -> Result<Option<String>, CallError> {
        let request =
            json!({"repositoryName": own_name(repository), "commitSpecifier": commit, "filePath": path});
        let answer = match self.call(CODECOMMIT, "GetFile", request).await {
            Ok(answer) => answer,
            Err(error) if error.message.starts_with("FileDoesNotExist") => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = text(&answer, "/fileContent").and_then(|content| decoded(&content));
        let content = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        content.map(Some).ok_or_else(|| refused("GetFile", "the file is not text in UTF-8"))
    }

    async fn head(&self, repository: &str, branch: &str) -> Result<Option<String>, CallError> {
        let request = json!({"repositoryName": own_name(repository), "branchName": branch});
        match self.call(CODECOMMIT, "GetBranch", request).await {
            Ok(answer) => Ok(text(&answer, "/branch/commitId")),
            Err(error) if error.message.starts_with("BranchDoesNotExist") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Bytes out of base64.
fn decoded(base64: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(base64.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in base64.bytes().take_while(|letter| *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[async_trait]
impl Pipelines for Account {
    async fn pipeline(&self, name: &str) -> Result<Option<Pipeline>, CallError> {
        let found = self.find(SAGEMAKER, "DescribePipeline", json!({"PipelineName": name})).await?;
        Ok(found
            .map(|found| Pipeline { definition: text(&found, "/PipelineDefinition").unwrap_or_default() }))
    }

    async fn running(&self, name: &str) -> Result<Vec<String>, CallError> {
        let request = json!({"PipelineName": name, "SortBy": "CreationTime", "SortOrder": "Descending"});
        let found = self.find(SAGEMAKER, "ListPipelineExecutions", request).await?.unwrap_or_default();
        let all =
            found.get("PipelineExecutionSummaries").and_then(Value::as_array).cloned().unwrap_or_default();
        let runs = |one: &Value| {
            matches!(
                one.get("PipelineExecutionStatus").and_then(Value::as_str),
                Some("Executing" | "Stopping")
            )
        };
        Ok(all.iter().filter(|one| runs(one)).filter_map(|one| text(one, "/PipelineExecutionArn")).collect())
    }

    async fn create(&self, name: &str, definition: &str, token: &str) -> Result<(), CallError> {
        let request = json!({"PipelineName": name, "PipelineDefinition": definition, "RoleArn": ROLE,
            "ClientRequestToken": token});
        match self.call(SAGEMAKER, "CreatePipeline", request).await {
            Ok(_) => Ok(()),
            Err(error) if error.message.contains("already") => self.update(name, definition).await,
            Err(error) => Err(error),
        }
    }

    async fn update(&self, name: &str, definition: &str) -> Result<(), CallError> {
        let request = json!({"PipelineName": name, "PipelineDefinition": definition});
        self.call(SAGEMAKER, "UpdatePipeline", request).await.map(|_| ())
    }

    async fn start(
        &self,
        name: &str,
        token: &str,
        display_name: &str,
        description: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        let parameters: Vec<Value> =
            parameters.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        let request = json!({"PipelineName": name, "ClientRequestToken": token,
            "PipelineExecutionDisplayName": display_name, "PipelineExecutionDescription": description,
            "PipelineParameters": parameters});
        let started = self.call(SAGEMAKER, "StartPipelineExecution", request).await?;
        Ok(text(&started, "/PipelineExecutionArn").unwrap_or_default())
    }
}

#[async_trait]
impl Registry for Account {
    async fn package(&self, arn: &str) -> Result<Option<RegistryPackage>, CallError> {
        let request = json!({"ModelPackageName": arn});
        let found = self.find(SAGEMAKER, "DescribeModelPackage", request).await?;
        Ok(found.map(|found| {
            let approval = text(&found, "/ModelApprovalStatus");
            let status = text(&found, "/ModelPackageStatus").unwrap_or_default();
            RegistryPackage {
                package: Package {
                    approval: approval.map_or(ApprovalStatus::Absent, |status| ApprovalStatus::read(&status)),
                    status: PackageStatus::read(&status),
                },
                last_modified: time(&found, "/LastModifiedTime").or(time(&found, "/CreationTime")),
            }
        }))
    }

    async fn newest_approved(&self, group: &str) -> Result<Option<ApprovedPackage>, CallError> {
        let request = json!({"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100});
        let found = self.find(SAGEMAKER, "ListModelPackages", request).await?.unwrap_or_default();
        let all = found.get("ModelPackageSummaryList").and_then(Value::as_array).cloned().unwrap_or_default();
        let packages = all.iter().filter_map(|one| {
            let version = one.get("ModelPackageVersion").and_then(Value::as_u64)?;
            Some(ApprovedPackage { arn: text(one, "/ModelPackageArn")?, version })
        });
        Ok(packages.max_by_key(|package| package.version))
    }

    async fn update_lifecycle(
        &self,
        arn: &str,
        stage: &str,
        status: &str,
        description: &str,
    ) -> Result<(), CallError> {
        let cycle = json!({"Stage": stage, "StageStatus": status, "StageDescription": description});
        let request = json!({"ModelPackageArn": arn, "ModelLifeCycle": cycle});
        self.call(SAGEMAKER, "UpdateModelPackage", request).await.map(|_| ())
    }
}

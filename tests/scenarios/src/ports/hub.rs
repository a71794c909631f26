//! Repository, pipelines and registry.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::ports::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
use tidegate_engine::{CallError, Class};
use tidegate_events::{ApprovalStatus, ExecutionStatus, PackageStatus};
use tidegate_policy::artifacts::{Container, fingerprint_of};
use tidegate_policy::owner::Tags;
use tidegate_policy::promote::Package;
use tidegate_policy::train::{
    DescribedExecution, ExecutedStep, JobRoles, ListedExecution, Pipeline, PipelineRoles, StartRequest,
};

use super::{tag_list, text, time};
use crate::cloud::Account;

const SAGEMAKER: &str = "sagemaker";
const CODECOMMIT: &str = "codecommit";
/// The role of the pipelines.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/pipeline";
/// A role of a team that its pipeline may have.
pub(crate) const TEAM_ROLE: &str = "arn:aws:iam::111122223333:role/churn-pipeline";
/// The role that the sample definitions give to their jobs. The pipelines' role may pass it.
pub(crate) const JOB_ROLE: &str =
    "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-20260101T000000";

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
        Ok(found.map(|found| Pipeline {
            arn: text(&found, "/PipelineArn").unwrap_or_default(),
            definition: text(&found, "/PipelineDefinition").unwrap_or_default(),
            role: text(&found, "/RoleArn"),
        }))
    }

    fn job_roles(&self) -> Option<JobRoles> {
        Some(JobRoles { own: ROLE.to_owned(), passable: vec![JOB_ROLE.to_owned()] })
    }

    fn pipeline_roles(&self) -> PipelineRoles {
        PipelineRoles { own: ROLE.to_owned(), passable: vec![TEAM_ROLE.to_owned()] }
    }

    async fn executions(&self, name: &str) -> Result<Vec<ListedExecution>, CallError> {
        let request = json!({"PipelineName": name, "SortBy": "CreationTime", "SortOrder": "Descending",
            "MaxResults": 100});
        let found = self.find(SAGEMAKER, "ListPipelineExecutions", request).await?.unwrap_or_default();
        Ok(items(&found, "PipelineExecutionSummaries")
            .map(|one| ListedExecution {
                arn: text(one, "/PipelineExecutionArn").unwrap_or_default(),
                name: text(one, "/PipelineExecutionDisplayName"),
                status: status(one),
            })
            .collect())
    }

    async fn execution(&self, arn: &str) -> Result<Option<DescribedExecution>, CallError> {
        let request = || json!({"PipelineExecutionArn": arn});
        let Some(found) = self.find(SAGEMAKER, "DescribePipelineExecution", request()).await? else {
            return Ok(None);
        };
        let steps = json!({"PipelineExecutionArn": arn, "SortOrder": "Ascending", "MaxResults": 100});
        let steps = self.call(SAGEMAKER, "ListPipelineExecutionSteps", steps).await?;
        let ran = self.find(SAGEMAKER, "DescribePipelineDefinitionForExecution", request()).await?;
        Ok(Some(DescribedExecution {
            status: status(&found),
            failure: text(&found, "/FailureReason"),
            last_modified: time(&found, "/LastModifiedTime"),
            version: found.get("PipelineVersionId").and_then(Value::as_i64),
            definition: ran.and_then(|ran| text(&ran, "/PipelineDefinition")),
            steps: items(&steps, "PipelineExecutionSteps").map(step).collect(),
        }))
    }

    async fn versions(&self, name: &str) -> Result<Vec<i64>, CallError> {
        let request = json!({"PipelineName": name, "SortOrder": "Descending", "MaxResults": 100});
        let found = self.find(SAGEMAKER, "ListPipelineVersions", request).await?.unwrap_or_default();
        let versions = items(&found, "PipelineVersionSummaries");
        Ok(versions.filter_map(|one| one.get("PipelineVersionId").and_then(Value::as_i64)).collect())
    }

    async fn definition(&self, name: &str, version: i64) -> Result<Option<String>, CallError> {
        let request = json!({"PipelineName": name, "PipelineVersionId": version});
        let found = self.find(SAGEMAKER, "DescribePipeline", request).await?;
        Ok(found.and_then(|found| text(&found, "/PipelineDefinition")))
    }

    async fn tags(&self, arn: &str) -> Result<Tags, CallError> {
        self.tags_of(arn).await
    }

    async fn add_tags(&self, arn: &str, tags: &[(String, String)]) -> Result<String, CallError> {
        let request = json!({"ResourceArn": arn, "Tags": tag_list(tags)});
        self.call(SAGEMAKER, "AddTags", request).await.map(|_| format!("tagged {arn}"))
    }

    async fn create(
        &self,
        name: &str,
        definition: &str,
        role: Option<&str>,
        token: &str,
        tags: &[(String, String)],
    ) -> Result<(), CallError> {
        let request = json!({"PipelineName": name, "PipelineDefinition": definition,
            "RoleArn": role.unwrap_or(ROLE), "ClientRequestToken": token, "Tags": tag_list(tags)});
        match self.call(SAGEMAKER, "CreatePipeline", request).await {
            Ok(_) => Ok(()),
            Err(error) if error.message.contains("already") => {
                self.update(name, definition, role).await.map(|_| ())
            }
            Err(error) => Err(error),
        }
    }

    async fn update(
        &self,
        name: &str,
        definition: &str,
        role: Option<&str>,
    ) -> Result<Option<i64>, CallError> {
        let mut request = json!({"PipelineName": name, "PipelineDefinition": definition});
        if let (Some(role), Some(members)) = (role, request.as_object_mut()) {
            members.insert("RoleArn".to_owned(), json!(role));
        }
        let updated = self.call(SAGEMAKER, "UpdatePipeline", request).await?;
        Ok(updated.get("PipelineVersionId").and_then(Value::as_i64))
    }

    async fn start(&self, request: &StartRequest<'_>) -> Result<String, CallError> {
        let parameters: Vec<Value> =
            request.parameters.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        let mut body = json!({"PipelineName": request.pipeline, "ClientRequestToken": request.token,
            "PipelineExecutionDisplayName": request.display_name,
            "PipelineExecutionDescription": request.description, "PipelineParameters": parameters});
        if let (Some(version), Some(members)) = (request.version, body.as_object_mut()) {
            members.insert("PipelineVersionId".to_owned(), json!(version));
        }
        let started = self.call(SAGEMAKER, "StartPipelineExecution", body).await?;
        Ok(text(&started, "/PipelineExecutionArn").unwrap_or_default())
    }
}

fn items<'v>(answer: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    answer.get(list).and_then(Value::as_array).into_iter().flatten()
}

fn status(execution: &Value) -> ExecutionStatus {
    ExecutionStatus::read(&text(execution, "/PipelineExecutionStatus").unwrap_or_default())
}

fn step(step: &Value) -> ExecutedStep {
    let ran = |job: &str| step.pointer(&format!("/Metadata/{job}")).is_some();
    ExecutedStep {
        name: text(step, "/StepName").unwrap_or_default(),
        status: text(step, "/StepStatus").unwrap_or_default(),
        failure: text(step, "/FailureReason"),
        trains: ["TrainingJob", "TuningJob", "AutoMLJob"].into_iter().any(ran),
        package: text(step, "/Metadata/RegisterModel/Arn"),
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
                    artifacts: fingerprint_of(&containers(&found)),
                },
                containers: containers(&found),
                last_modified: time(&found, "/LastModifiedTime").or(time(&found, "/CreationTime")),
            }
        }))
    }

    async fn approved_before(&self, group: &str, version: u64) -> Result<Option<ApprovedPackage>, CallError> {
        let request = json!({"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100});
        let found = self.find(SAGEMAKER, "ListModelPackages", request).await?.unwrap_or_default();
        let all = found.get("ModelPackageSummaryList").and_then(Value::as_array).cloned().unwrap_or_default();
        let packages = all.iter().filter_map(|one| {
            let found = one.get("ModelPackageVersion").and_then(Value::as_u64)?;
            let arn = text(one, "/ModelPackageArn")?;
            (found < version).then_some(ApprovedPackage { arn, version: found })
        });
        Ok(packages.max_by_key(|package| package.version))
    }

    async fn groups_changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        let value = since.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let filter = json!({"Name": "LastModifiedTime", "Operator": "GreaterThanOrEqualTo", "Value": value});
        let request = json!({"Resource": "ModelPackage", "SearchExpression": {"Filters": [filter]},
            "MaxResults": 100});
        let found = self.call(SAGEMAKER, "Search", request).await?;
        let groups =
            items(&found, "Results").filter_map(|one| text(one, "/ModelPackage/ModelPackageGroupName"));
        Ok(groups.collect())
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

    async fn reject(&self, arn: &str, description: &str) -> Result<(), CallError> {
        let request = json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Rejected", "ApprovalDescription": description});
        self.call(SAGEMAKER, "UpdateModelPackage", request).await.map(|_| ())
    }
}

/// A package's images and model data.
fn containers(found: &Value) -> Vec<Container> {
    let containers = found.pointer("/InferenceSpecification/Containers").and_then(Value::as_array);
    let container = |container: &Value| Container {
        image: text(container, "/Image"),
        image_digest: text(container, "/ImageDigest"),
        model_data_url: text(container, "/ModelDataUrl"),
        model_data_etag: text(container, "/ModelDataETag"),
        source_uri: text(container, "/ModelDataSource/S3DataSource/S3Uri"),
        source_etag: text(container, "/ModelDataSource/S3DataSource/ETag"),
        manifest_etag: text(container, "/ModelDataSource/S3DataSource/ManifestEtag"),
    };
    containers.into_iter().flatten().map(container).collect()
}

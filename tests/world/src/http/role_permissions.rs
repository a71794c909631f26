//! Permissions of the two roles that SageMaker assumes: the role of a pipeline and the role of a model.
//!
//! The world itself knows no policies, so they are asked for before the call reaches it.

use std::sync::Arc;

use serde_json::Value;

use crate::account::{AccountRegion, Caller};
use crate::error::ApiError;
use crate::http::authorization::{AuthorizationRequest, Authorizer};
use crate::http::emulator::EmulatorError;
use crate::http::permissions::{self, Permission};
use crate::http::server::Shared;
use crate::json::text;
use crate::services::sagemaker::models::{Artifact, Encryption};

/// Asks what the role of a pipeline may do for the steps of its definition: pass roles, create jobs, register versions.
pub(crate) async fn ask_for_pipeline(
    shared: &Arc<Shared>,
    caller: &Caller,
    request: &Value,
) -> Result<(), ApiError> {
    let name = text(request, "PipelineName").unwrap_or_default();
    let Some((pipeline_role, roles)) = shared.world().pipeline_roles(caller, name) else { return Ok(()) };
    let Some(authorizer) = &shared.authorizer else { return Ok(()) };
    for role in roles {
        let permission = ("iam:PassRole".to_owned(), role.clone());
        let query = AuthorizationRequest::of_role(&pipeline_role, permission, &caller.region);
        let is_passable = is_allowed(authorizer.as_ref(), query).await?;
        shared.world().set_passable(&pipeline_role, &role, is_passable);
    }
    let steps = shared.world().pipeline_steps(caller, name);
    for (step, kind, arguments) in steps {
        let mut refusal = None;
        for permission in step_permissions(caller, &kind, &arguments) {
            let mut query = AuthorizationRequest::of_role(&pipeline_role, permission.clone(), &caller.region);
            query.context = permissions::context("CreateModelPackage", &arguments);
            if !is_allowed(authorizer.as_ref(), query).await? {
                refusal.get_or_insert(step_refusal(&pipeline_role, &permission));
            }
        }
        shared.world().set_step_refusal(&pipeline_role, &step, refusal);
    }
    Ok(())
}

/// What the role of a pipeline needs for a step.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html>
fn step_permissions(caller: &Caller, kind: &str, arguments: &Value) -> Vec<Permission> {
    let here = AccountRegion::new(&caller.account, &caller.region);
    let of = |action: &str, kind: &str, name: &str| (format!("sagemaker:{action}"), here.arn(kind, name));
    // The service names the jobs; a policy cannot know more than the prefix.
    let job = "pipelines-abcdefghijkl-step-abcdefghij";
    match kind {
        "Training" => ["CreateTrainingJob", "AddTags"].map(|action| of(action, "training-job", job)).to_vec(),
        "Processing" | "QualityCheck" | "ClarifyCheck" => {
            ["CreateProcessingJob", "AddTags"].map(|action| of(action, "processing-job", job)).to_vec()
        }
        "RegisterModel" => {
            let group = text(arguments, "ModelPackageGroupName").unwrap_or_default();
            vec![
                of("CreateModelPackageGroup", "model-package-group", group),
                of("CreateModelPackage", "model-package", &format!("{group}/1")),
            ]
        }
        _ => Vec::new(),
    }
}

/// The words of the service for a job that the role may not create:
/// <https://github.com/aws/sagemaker-python-sdk/issues/2734>. That a refused registration has the same is assumed.
fn step_refusal(role: &str, (action, resource): &Permission) -> String {
    format!(
        "ClientError: Failed to invoke {action}. Error Details: User: {role} is not authorized to perform: {action} on \
         resource: {resource}"
    )
}

/// Checks that the role of a model can read what it serves: the model's data, with its key, and the image.
pub(crate) async fn check_for_model(
    shared: &Arc<Shared>,
    caller: &Caller,
    request: &Value,
) -> Result<(), ApiError> {
    let Some(role) = text(request, "ExecutionRoleArn") else { return Ok(()) };
    let Some(authorizer) = &shared.authorizer else { return Ok(()) };
    let place = AccountRegion::new(&caller.account, &caller.region);
    let artifacts = shared.world().artifacts(&place, request);
    for artifact in artifacts {
        for permission in artifact_permissions(&artifact) {
            let query = AuthorizationRequest::of_role(role, permission, &caller.region);
            if !is_allowed(authorizer.as_ref(), query).await? {
                return Err(no_model_data(&artifact, role, &caller.region));
            }
        }
        // The key aws/s3 cannot be shared: "You must use a KMS key to encrypt the output data config action during training
        // for cross-account model deployment". <https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html>
        let is_foreign = artifact.account != caller.account;
        if is_foreign && artifact.encryption == Encryption::AwsManagedKey {
            return Err(no_model_data(&artifact, role, &caller.region));
        }
    }
    Ok(())
}

fn artifact_permissions(artifact: &Artifact) -> Vec<Permission> {
    let object = artifact.url.strip_prefix("s3://").unwrap_or(&artifact.url);
    let mut needed = vec![("s3:GetObject".to_owned(), format!("arn:aws:s3:::{object}"))];
    if let Encryption::CustomerKey(key) = &artifact.encryption {
        needed.push(("kms:Decrypt".to_owned(), key.clone()));
    }
    needed
}

/// One text for every cause, as CreateModel answers it.
fn no_model_data(artifact: &Artifact, role: &str, region: &str) -> ApiError {
    ApiError::validation(format!(
        "Could not access model data at {}. Please ensure that the role \"{role}\" exists and that its trust relationship \
         policy allows the action \"sts:AssumeRole\" for the service principal \"sagemaker.amazonaws.com\". Also ensure that \
         the role has \"s3:GetObject\" permissions and that the object is located in {region}.",
        artifact.url
    ))
}

async fn is_allowed(authorizer: &dyn Authorizer, query: AuthorizationRequest) -> Result<bool, ApiError> {
    match authorizer.authorize(query).await {
        Ok(verdict) => Ok(verdict.allowed),
        // Without an emulator there are no roles.
        Err(error) if error.contains(&EmulatorError::Unconnected.to_string()) => Ok(true),
        Err(error) => Err(ApiError::new("InternalFailure", error).with_status(500)),
    }
}

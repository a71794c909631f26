//! Events that AWS services, and EventBridge's inbound webhook for GitHub, send to the default bus.

mod alarm;
mod codecommit;
mod endpoint;
mod github;
mod health;
mod object;
mod package;
mod pipeline;

pub(crate) use alarm::direct as direct_alarm;
pub use alarm::{AlarmChanged, AlarmMetric, AlarmState};
pub use endpoint::{EndpointChanged, EndpointStatus};
pub use health::HealthEvent;
pub use object::ObjectCreated;
pub use package::{ApprovalStatus, ModelPackageChanged, PackageStatus};
pub use pipeline::{ExecutionStatus, PipelineExecutionChanged};

use crate::json::Json;
use crate::{Body, EventError, contract, fields::Fields};

/// The kind of an AWS event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    GitHubPush,
    ModelPackage,
    PipelineExecution,
    Endpoint,
    EndpointDeployment,
    Alarm,
    Object,
    Health,
}

impl Kind {
    /// The members of the detail that the parser reads. All other members are ignored.
    pub(crate) fn members(self) -> &'static [&'static str] {
        match self {
            Self::Commit => codecommit::MEMBERS,
            Self::GitHubPush => github::MEMBERS,
            Self::ModelPackage => package::MEMBERS,
            Self::PipelineExecution => pipeline::MEMBERS,
            Self::Endpoint | Self::EndpointDeployment => endpoint::MEMBERS,
            Self::Alarm => alarm::MEMBERS,
            Self::Object => object::MEMBERS,
            Self::Health => health::MEMBERS,
        }
    }
}

/// The kind of an AWS event, or `None` if this build does not parse it.
///
/// Both source *and* detail-type must match, because detail-types are free text and other services use the same ones.
pub(crate) fn kind(source: &str, detail_type: &str) -> Option<Kind> {
    Some(match (source, detail_type) {
        ("aws.codecommit", "CodeCommit Repository State Change") => Kind::Commit,
        (crate::GITHUB_SOURCE, "push") => Kind::GitHubPush,
        ("aws.sagemaker", "SageMaker Model Package State Change") => Kind::ModelPackage,
        ("aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change") => {
            Kind::PipelineExecution
        }
        ("aws.sagemaker", "SageMaker Endpoint State Change") => Kind::Endpoint,
        ("aws.sagemaker", "SageMaker Endpoint Deployment State Change") => Kind::EndpointDeployment,
        ("aws.cloudwatch", alarm::DETAIL_TYPE) => Kind::Alarm,
        ("aws.s3", "Object Created") => Kind::Object,
        ("aws.health", "AWS Health Event") => Kind::Health,
        _ => return None,
    })
}

/// Parses the body of an AWS event.
pub(crate) fn body(kind: Kind, detail: Option<&Json<'_>>) -> Result<Body, EventError> {
    let fields = Fields::detail(detail)?;
    Ok(match kind {
        Kind::Commit => codecommit::read(&fields)?.map_or(Body::Other, Body::CommitPushed),
        Kind::GitHubPush => Body::CommitPushed(github::read(&fields)?),
        Kind::ModelPackage => Body::ModelPackageChanged(package::read(&fields)?),
        Kind::PipelineExecution => Body::PipelineExecutionChanged(pipeline::read(&fields)?),
        Kind::Endpoint => Body::EndpointChanged(endpoint::read(&fields, false)?),
        Kind::EndpointDeployment => Body::EndpointChanged(endpoint::read(&fields, true)?),
        Kind::Alarm => Body::AlarmChanged(alarm::read(&fields)?),
        Kind::Object => Body::ObjectCreated(object::read(&fields)?),
        Kind::Health => Body::HealthEvent(health::read(&fields)?),
    })
}

/// Returns an ARN and its resource part, if the resource is of the given kind: `churn/7` of
/// `arn:aws:sagemaker:…:model-package/churn/7`.
///
/// The kind is compared without case, because AWS lower-cases some ARNs in events and not others.
fn resource(fields: &Fields<'_>, name: &str, kind: &str) -> Result<(String, String), EventError> {
    let arn = fields.formed(name, contract::Kind::Arn)?;
    let found = arn
        .strip_prefix("arn:")
        .and_then(|rest| rest.splitn(5, ':').nth(4))
        .and_then(|resource| resource.split_once('/'))
        .filter(|(found, rest)| found.eq_ignore_ascii_case(kind) && !rest.is_empty())
        .map(|(_, rest)| rest.to_owned());
    match found {
        Some(rest) => Ok((arn, rest)),
        None => Err(EventError::bad_value(fields.path(name), &arn, format!("an ARN of a {kind}"))),
    }
}

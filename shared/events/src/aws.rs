//! Events that AWS services send to the default bus.

mod alarm;
mod codecommit;
mod endpoint;
mod object;
mod package;
mod pipeline;

pub(crate) use alarm::direct as direct_alarm;
pub use alarm::{AlarmChanged, AlarmMetric, AlarmState};
pub use endpoint::{EndpointChanged, EndpointStatus};
pub use object::ObjectCreated;
pub use package::{ApprovalStatus, ModelPackageChanged, PackageStatus};
pub use pipeline::{ExecutionStatus, PipelineExecutionChanged};
use serde_json::Value;

use crate::{Body, Envelope, EventError, fields::Fields};

/// The body of an event from a service that we know; `None` for everything else.
///
/// Source *and* detail-type must match: detail-types are free text, and other services use the same ones.
pub(crate) fn body(envelope: &Envelope, detail: Option<&Value>) -> Result<Option<Body>, EventError> {
    let fields = || Fields::detail(detail);
    Ok(Some(match (envelope.source.as_str(), envelope.detail_type.as_str()) {
        ("aws.codecommit", "CodeCommit Repository State Change") => {
            codecommit::read(&fields()?)?.map_or(Body::Other, Body::CommitPushed)
        }
        ("aws.sagemaker", "SageMaker Model Package State Change") => {
            Body::ModelPackageChanged(package::read(&fields()?)?)
        }
        ("aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change") => {
            Body::PipelineExecutionChanged(pipeline::read(&fields()?)?)
        }
        ("aws.sagemaker", "SageMaker Endpoint State Change") => {
            Body::EndpointChanged(endpoint::read(&fields()?, false)?)
        }
        ("aws.sagemaker", "SageMaker Endpoint Deployment State Change") => {
            Body::EndpointChanged(endpoint::read(&fields()?, true)?)
        }
        ("aws.cloudwatch", alarm::DETAIL_TYPE) => Body::AlarmChanged(alarm::read(&fields()?)?),
        ("aws.s3", "Object Created") => Body::ObjectCreated(object::read(&fields()?)?),
        _ => return Ok(None),
    }))
}

/// The resource part of an ARN that must be of one kind: `churn/7` of `arn:aws:sagemaker:…:model-package/churn/7`.
///
/// The kind is compared without case: AWS lower-cases some ARNs in events and not others.
fn resource(fields: &Fields<'_>, name: &str, kind: &str) -> Result<(String, String), EventError> {
    let arn = fields.text(name)?;
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

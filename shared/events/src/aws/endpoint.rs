//! `SageMaker Endpoint State Change` and `SageMaker Endpoint Deployment State Change`.

use jiff::Timestamp;

use crate::{EventError, fields::Fields, status::statuses};

/// An endpoint, or a deployment on it, changed its state.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>. `InService` does not
/// say that an update succeeded: after a rollback the endpoint is in service again, with the old `config`. Events are not
/// ordered, and a late `Deleting` may follow `Deleted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointChanged {
    /// The endpoint's name, in the casing of whoever created it (its ARN is lower-cased by AWS).
    pub endpoint: String,
    /// What it is doing.
    pub status: EndpointStatus,
    /// The configuration that it runs.
    pub config: Option<String>,
    /// The configuration that is being deployed.
    pub pending_config: Option<String>,
    /// Why it failed, as SageMaker puts it.
    pub failure_reason: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
    /// Whether this is the deployment event, which also tells of steps within a deployment.
    pub deployment: bool,
}

statuses! {
    /// What an endpoint is doing, after
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html>.
    EndpointStatus {
        /// Being created.
        Creating = "Creating",
        /// Being updated.
        Updating = "Updating",
        /// Being patched by AWS.
        SystemUpdating = "SystemUpdating",
        /// Going back to the variant weights and capacities from before.
        RollingBack = "RollingBack",
        /// Answering, with whichever configuration.
        InService = "InService",
        /// Not answering.
        OutOfService = "OutOfService",
        /// Going away.
        Deleting = "Deleting",
        /// Gone. Only events say this; the API then knows no such endpoint.
        Deleted = "Deleted",
        /// Could not be created or updated.
        Failed = "Failed",
        /// Neither the update nor the way back worked: only deleting helps.
        UpdateRollbackFailed = "UpdateRollbackFailed",
    }
}

/// What [`read`] reads of the detail.
pub(crate) const MEMBERS: &[&str] = &[
    "EndpointConfigName",
    "EndpointName",
    "EndpointStatus",
    "FailureReason",
    "LastModifiedTime",
    "PendingDeploymentSummary",
];

pub(crate) fn read(fields: &Fields<'_>, deployment: bool) -> Result<EndpointChanged, EventError> {
    let pending = fields.object_opt("PendingDeploymentSummary")?;
    Ok(EndpointChanged {
        endpoint: fields.text("EndpointName")?,
        status: EndpointStatus::read(&fields.text("EndpointStatus")?),
        config: fields.text_opt("EndpointConfigName")?,
        pending_config: pending.map_or(Ok(None), |pending| pending.text_opt("EndpointConfigName"))?,
        failure_reason: fields.text_opt("FailureReason")?,
        last_modified: fields.time_opt("LastModifiedTime")?,
        deployment,
    })
}

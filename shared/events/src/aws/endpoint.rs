//! `SageMaker Endpoint State Change` and `SageMaker Endpoint Deployment State Change`.

use jiff::Timestamp;

use crate::{EventError, fields::Fields, status::statuses};

/// A change of the state of an endpoint, or of a deployment on it.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>. `InService` does
/// not mean that an update succeeded: after a rollback the endpoint is in service again, with the old `config`. Events
/// are not ordered, and a late `Deleting` can arrive after `Deleted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointChanged {
    /// The name of the endpoint, with the case in which it was created. AWS lower-cases it in the ARN.
    pub endpoint: String,
    /// The status of the endpoint.
    pub status: EndpointStatus,
    /// The endpoint configuration that is running.
    pub config: Option<String>,
    /// The endpoint configuration that is being deployed.
    pub pending_config: Option<String>,
    /// The failure reason, as SageMaker reports it.
    pub failure_reason: Option<String>,
    /// The time of the last change.
    pub last_modified: Option<Timestamp>,
    /// Whether this is the deployment event, which also reports the stages within a deployment.
    pub deployment: bool,
}

statuses! {
    /// The status of an endpoint, see
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html>.
    EndpointStatus {
        /// SageMaker is creating the endpoint.
        Creating = "Creating",
        /// SageMaker is updating the endpoint.
        Updating = "Updating",
        /// SageMaker is patching the endpoint.
        SystemUpdating = "SystemUpdating",
        /// SageMaker is restoring the previous variant weights and capacities.
        RollingBack = "RollingBack",
        /// The endpoint is available. The status does not say with which configuration.
        InService = "InService",
        /// The endpoint is not available.
        OutOfService = "OutOfService",
        /// SageMaker is deleting the endpoint.
        Deleting = "Deleting",
        /// The endpoint was deleted. Only events have this status. The API then reports that the endpoint does not
        /// exist.
        Deleted = "Deleted",
        /// The endpoint could not be created or updated.
        Failed = "Failed",
        /// Both the update and the rollback failed. The endpoint can only be deleted.
        UpdateRollbackFailed = "UpdateRollbackFailed",
    }
}

/// The members of the detail that [`read`] uses.
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
        failure_reason: fields.message_opt("FailureReason")?,
        last_modified: fields.time_opt("LastModifiedTime")?,
        deployment,
    })
}

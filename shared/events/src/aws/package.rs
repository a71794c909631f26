//! `SageMaker Model Package State Change`.

use jiff::Timestamp;

use super::resource;
use crate::{EventError, fields::Fields, status::statuses};

/// A model package was created or updated, in whatever respect.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>. The event is sent
/// again with the unchanged approval when only metadata changed: see `updated_fields` before reacting to an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPackageChanged {
    /// The package, in AWS's casing; compare without case.
    pub arn: String,
    /// Its group; absent for a package without versions.
    pub group: Option<String>,
    /// Its version, read from the ARN when the event has no field for it; absent for a package without versions.
    pub version: Option<u64>,
    /// Whether the package itself is usable.
    pub status: PackageStatus,
    /// Whether a person or a pipeline approved it.
    pub approval: ApprovalStatus,
    /// What the update changed, such as `ModelApprovalStatus` or `ModelLifeCycle`; absent when the event does not say.
    pub updated_fields: Option<Vec<String>>,
    /// When the package last changed.
    pub last_modified: Option<Timestamp>,
    /// The pipeline execution that registered it.
    pub generated_by: Option<String>,
    /// The stage of its life cycle, a free name.
    pub stage: Option<String>,
    /// The status within that stage, a free name.
    pub stage_status: Option<String>,
}

statuses! {
    /// Whether a model package is usable, after
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html>.
    PackageStatus {
        /// Not begun.
        Pending = "Pending",
        /// Being created or validated.
        InProgress = "InProgress",
        /// Usable.
        Completed = "Completed",
        /// Creation or validation failed.
        Failed = "Failed",
        /// Going away.
        Deleting = "Deleting",
    }
}

statuses! {
    /// Whether a version of a model is approved, after
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html>.
    ApprovalStatus {
        /// Approved.
        Approved = "Approved",
        /// Rejected.
        Rejected = "Rejected",
        /// Nobody has decided yet, or somebody took the decision back.
        PendingManualApproval = "PendingManualApproval",
        ;
        /// The event says nothing about approval, as for a package without versions.
        Absent
    }
}

/// What [`read`] reads of the detail.
pub(crate) const MEMBERS: &[&str] = &[
    "LastModifiedTime",
    "MetadataProperties",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageArn",
    "ModelPackageGroupName",
    "ModelPackageStatus",
    "ModelPackageVersion",
    "UpdatedModelPackageFields",
];

pub(crate) fn read(fields: &Fields<'_>) -> Result<ModelPackageChanged, EventError> {
    let (arn, name) = resource(fields, "ModelPackageArn", "model-package")?;
    // A version's ARN ends in `model-package/group/7`, that of a package without versions in `model-package/name`.
    let (arn_group, arn_version) = match name.split_once('/') {
        Some((group, version)) => (Some(group.to_owned()), version.parse().ok()),
        None => (None, None),
    };
    let version = match fields.whole_opt("ModelPackageVersion")? {
        Some(said) if arn_version.is_some_and(|from_arn| from_arn != said) => {
            let expected = format!("the version in the ARN, {arn}");
            return Err(EventError::bad_value(
                fields.path("ModelPackageVersion"),
                &said.to_string(),
                expected,
            ));
        }
        said => said.or(arn_version),
    };
    let text = |name: &str| fields.text_opt(name);
    let life_cycle = fields.object_opt("ModelLifeCycle")?;
    let in_life_cycle = |name: &str| life_cycle.as_ref().map_or(Ok(None), |cycle| cycle.text_opt(name));
    let origin = fields.object_opt("MetadataProperties")?;
    Ok(ModelPackageChanged {
        group: text("ModelPackageGroupName")?.or(arn_group),
        version,
        status: PackageStatus::read(&text("ModelPackageStatus")?.unwrap_or_default()),
        approval: text("ModelApprovalStatus")?
            .map_or(ApprovalStatus::Absent, |said| ApprovalStatus::read(&said)),
        updated_fields: fields.texts_opt("UpdatedModelPackageFields")?,
        last_modified: fields.time_opt("LastModifiedTime")?,
        generated_by: origin.map_or(Ok(None), |origin| origin.text_opt("GeneratedBy"))?,
        stage: in_life_cycle("Stage")?,
        stage_status: in_life_cycle("StageStatus")?,
        arn,
    })
}

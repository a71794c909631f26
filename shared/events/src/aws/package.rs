//! `SageMaker Model Package State Change`.

use jiff::Timestamp;

use super::resource;
use crate::form::VERSION_LIMIT;
use crate::{EventError, fields::Fields, status::statuses};

/// A model package was created or updated.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>. An update of the
/// metadata alone also sends an event, with the unchanged approval. Check `updated_fields` before reacting to an
/// approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPackageChanged {
    /// The ARN of the package, with AWS's case. It must be compared without case.
    pub arn: String,
    /// The package group, or `None` for an unversioned package.
    pub group: Option<String>,
    /// The version, from the ARN if the event has no field for it, or `None` for an unversioned package.
    pub version: Option<u64>,
    /// The status of the package.
    pub status: PackageStatus,
    /// The approval status of the package.
    pub approval: ApprovalStatus,
    /// The fields that the update changed, such as `ModelApprovalStatus` or `ModelLifeCycle`, or `None` if the event
    /// does not list them.
    pub updated_fields: Option<Vec<String>>,
    /// The time of the last change.
    pub last_modified: Option<Timestamp>,
    /// The pipeline execution that registered the package.
    pub generated_by: Option<String>,
    /// The life cycle stage, a free text.
    pub stage: Option<String>,
    /// The status within the life cycle stage, a free text.
    pub stage_status: Option<String>,
}

statuses! {
    /// The status of a model package, see
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html>.
    PackageStatus {
        /// The creation has not begun.
        Pending = "Pending",
        /// The package is being created or validated.
        InProgress = "InProgress",
        /// The package can be used.
        Completed = "Completed",
        /// The creation or the validation failed.
        Failed = "Failed",
        /// The package is being deleted.
        Deleting = "Deleting",
    }
}

statuses! {
    /// The approval status of a model version, see
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html>.
    ApprovalStatus {
        /// The version is approved.
        Approved = "Approved",
        /// The version is rejected.
        Rejected = "Rejected",
        /// The version is not approved yet, or its approval was reset.
        PendingManualApproval = "PendingManualApproval",
        ;
        /// The event contains no approval status, as for an unversioned package.
        Absent
    }
}

/// The members of the detail that [`read`] uses.
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
    // The ARN of a version ends in `model-package/group/7`, and that of an unversioned package in `model-package/name`.
    let other = |field: &str, found: &str, expected: String| {
        Err(EventError::bad_value(fields.path(field), found, expected))
    };
    let (arn_group, arn_version) = match name.split_once('/') {
        Some((group, version)) => match version.parse() {
            Ok(version) if (1..=VERSION_LIMIT).contains(&version) => (Some(group.to_owned()), Some(version)),
            _ => {
                let expected = "the ARN of a version, which ends in model-package/GROUP/VERSION";
                return other("ModelPackageArn", &arn, expected.to_owned());
            }
        },
        None => (None, None),
    };
    let group = fields.text_opt("ModelPackageGroupName")?;
    // AWS lower-cases some ARNs.
    if let Some((said, from_arn)) = group.as_ref().zip(arn_group.as_ref())
        && !said.eq_ignore_ascii_case(from_arn)
    {
        return other("ModelPackageGroupName", said, format!("the group in the ARN, {arn}"));
    }
    let version = match fields.whole_opt("ModelPackageVersion")? {
        Some(said) if arn_version.is_some_and(|from_arn| from_arn != said) => {
            return other("ModelPackageVersion", &said.to_string(), format!("the version in the ARN, {arn}"));
        }
        said => said.or(arn_version),
    };
    let text = |name: &str| fields.text_opt(name);
    let life_cycle = fields.object_opt("ModelLifeCycle")?;
    let in_life_cycle = |name: &str| life_cycle.as_ref().map_or(Ok(None), |cycle| cycle.text_opt(name));
    let origin = fields.object_opt("MetadataProperties")?;
    Ok(ModelPackageChanged {
        group: group.or(arn_group),
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

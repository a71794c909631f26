//! The changes that a sweep finds in the registry, as the lost events would have reported them.

use jiff::Timestamp;
use tidegate_events::{ApprovalStatus, ModelPackageChanged, PackageStatus};

use super::{Package, Promotion};

/// A version in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its ARN.
    pub arn: String,
    /// Its version.
    pub version: u64,
}

/// Whether a version is newer than every version that was ever promoted. A sweep does not begin an older one: if a
/// person approved version 5 while version 7 ran, that choice is kept.
#[must_use]
pub fn is_newer(promotion: &Promotion, candidate: &Candidate) -> bool {
    candidate.version > promotion.newest_version
}

/// The promotion's own version, if it was approved after its rejection or after the withdrawal of its approval.
#[must_use]
pub fn reapproved(
    promotion: &Promotion,
    package: &Package,
    last_modified: Option<Timestamp>,
) -> Option<(Candidate, Option<Timestamp>)> {
    let rejected = promotion.rejected_at?;
    let is_again = package.approval == ApprovalStatus::Approved && last_modified > Some(rejected);
    let candidate = Candidate { arn: promotion.package_arn.clone(), version: promotion.version };
    is_again.then_some((candidate, last_modified))
}

/// The change that rejected the promotion's version, reset its approval to pending, or deleted it, if the state does not
/// contain it. `package` is the state in the registry, if it is there.
#[must_use]
pub fn lost_withdrawal(
    group: &str,
    promotion: &Promotion,
    package: Option<&Package>,
    last_modified: Option<Timestamp>,
) -> Option<ModelPackageChanged> {
    let candidate = Candidate { arn: promotion.package_arn.clone(), version: promotion.version };
    let Some(package) = package else {
        return Some(ModelPackageChanged {
            status: PackageStatus::Deleting,
            ..approval_of(group, &candidate, last_modified)
        });
    };
    let is_gone =
        matches!(package.approval, ApprovalStatus::Rejected | ApprovalStatus::PendingManualApproval);
    is_gone.then(|| ModelPackageChanged {
        approval: package.approval.clone(),
        // The version was approved when it was promoted.
        updated_fields: Some(vec!["ModelApprovalStatus".to_owned()]),
        ..approval_of(group, &candidate, last_modified)
    })
}

/// The event of an approval, as it would have been reported.
#[must_use]
pub fn approval_of(
    group: &str,
    candidate: &Candidate,
    last_modified: Option<Timestamp>,
) -> ModelPackageChanged {
    ModelPackageChanged {
        arn: candidate.arn.clone(),
        group: Some(group.to_owned()),
        version: Some(candidate.version),
        status: PackageStatus::Completed,
        approval: ApprovalStatus::Approved,
        updated_fields: None,
        last_modified,
        generated_by: None,
        stage: None,
        stage_status: None,
    }
}

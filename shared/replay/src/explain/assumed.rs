//! What AWS is assumed to have, if nobody says what it has: what the event names, as in a replay.

use tidegate_engine::ports::RegistryPackage;
use tidegate_events::{ApprovalStatus, Body, Event, ModelPackageChanged, PackageStatus};
use tidegate_policy::deploy::Probe;
use tidegate_policy::promote::Package;
use tidegate_testkit::CannedResponses;

/// The definition of every pipeline and every file.
pub(crate) const DEFINITION: &str = r#"{"Version":"2020-12-01","Steps":[]}"#;

/// The responses that are assumed for an event, and the assumption in words if the decision about it reads them.
#[must_use]
pub fn assumed(event: &Event) -> (CannedResponses, Option<String>) {
    let base = CannedResponses {
        file: Some(DEFINITION.to_owned()),
        pipeline: Some(DEFINITION.to_owned()),
        probe: Some(Probe::Answered(200)),
        ..CannedResponses::default()
    };
    match &event.body {
        Body::CommitPushed(push) => {
            let commit = push.commit.as_deref().unwrap_or("the commit");
            (base, Some(format!("the pipeline exists, and {commit} has its definition")))
        }
        Body::RetrainingRequested(request) => {
            (base, Some(format!("the pipeline of {} exists, and nothing runs", request.model)))
        }
        Body::ModelPackageChanged(change) => {
            let words = format!("the registry has {} as the event says", change.arn);
            (CannedResponses { package: Some(package_of(change)), ..base }, Some(words))
        }
        Body::DeploymentRequested(request) => {
            let package = Package {
                approval: ApprovalStatus::Approved,
                status: PackageStatus::Completed,
                artifacts: request.artifacts.clone(),
            };
            let seen =
                RegistryPackage { package, containers: Vec::new(), last_modified: request.approved_at };
            let words = format!("{} is approved, and the endpoint does not exist", request.package_arn);
            (CannedResponses { package: Some(seen), ..base }, Some(words))
        }
        _ => (base, None),
    }
}

/// The package as its event describes it. Some events contain no status; the registry always has one.
fn package_of(change: &ModelPackageChanged) -> RegistryPackage {
    let unsaid = change.status == PackageStatus::Unknown(String::new());
    let status = if unsaid { PackageStatus::Completed } else { change.status.clone() };
    let package = Package { approval: change.approval.clone(), status, artifacts: None };
    RegistryPackage { package, containers: Vec::new(), last_modified: change.last_modified }
}

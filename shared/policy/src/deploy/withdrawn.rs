//! An approval that is withdrawn, or a package that is changed, while its version is being deployed.

use tidegate_events::{ApprovalStatus, DeploymentOutcome, EndpointStatus};

use super::converge::Reconciliation;
use super::failed::is_on;
use super::{Action, Deploy, InFlight, Snapshot};
use crate::artifacts;
use crate::endpoint::ComponentStatus;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Why the package may not be deployed: it is not approved, or it is not the one that was approved.
pub(super) fn not_as_approved(
    in_flight: &InFlight,
    approval: Option<&ApprovalStatus>,
    artifacts: Option<&String>,
) -> Option<Reason> {
    let arn = in_flight.request.package_arn.clone();
    if approval != Some(&ApprovalStatus::Approved) {
        let status = approval.map_or_else(|| "not readable".to_owned(), ToString::to_string);
        return Some(Reason::NotApproved { arn, status });
    }
    artifacts::changed(in_flight.request.artifacts.as_ref(), artifacts)
        .then_some(Reason::ArtifactChanged { arn })
}

impl Reconciliation<'_> {
    /// An operation that SageMaker has started cannot be cancelled: it continues to its end, and the version that
    /// serves then is reported. An operation that has not started is not started any more.
    pub(super) fn withdrawn(&self, seen: &Snapshot, reason: Reason) -> Deploy {
        if let Some(wait) = self.under_way(seen) {
            return wait;
        }
        if self.was_brought(seen) {
            let alert = self.it_serves(&reason);
            return self.end_serving(reason, seen, alert);
        }
        self.end(DeploymentOutcome::Failed, reason, seen)
    }

    /// The wait for an operation that was requested from SageMaker and has not finished.
    fn under_way(&self, seen: &Snapshot) -> Option<Deploy> {
        if let Some(endpoint) = &seen.endpoint
            && (self.in_flight.endpoint_update_requested_at.is_some()
                || endpoint.pending_config.as_ref() == Some(&self.wanted.config.name))
            && is_changing(&endpoint.status)
        {
            return Some(self.wait_for_endpoint(endpoint));
        }
        let (wanted, running) = self.wanted.component.as_ref().zip(seen.component.as_ref())?;
        let told = self.in_flight.component_update_requested_at.is_some();
        let ended = matches!(running.status, ComponentStatus::InService | ComponentStatus::Failed);
        (told && !ended).then(|| self.wait_for_component(wanted, running))
    }

    /// Whether the version serves because of this deployment.
    fn was_brought(&self, seen: &Snapshot) -> bool {
        let in_service = seen.endpoint.as_ref().is_some_and(|e| e.status == EndpointStatus::InService);
        in_service
            && match &self.wanted.component {
                None => {
                    self.in_flight.endpoint_update_requested_at.is_some()
                        && seen.endpoint.as_ref().and_then(|e| e.config.as_ref())
                            == Some(&self.wanted.config.name)
                }
                Some(_) => {
                    self.in_flight.component_update_requested_at.is_some()
                        && seen.component.as_ref().is_some_and(|running| {
                            running.status == ComponentStatus::InService
                                && seen
                                    .endpoint
                                    .as_ref()
                                    .is_some_and(|e| is_on(e, &self.wanted.endpoint, running))
                                && running.model.as_ref() == Some(&self.wanted.model.name)
                        })
                }
            }
    }

    fn it_serves(&self, reason: &Reason) -> Step<Action> {
        let (model, environment, endpoint) =
            (&self.policy.model, &self.environment.name, &self.wanted.endpoint);
        let version = self.in_flight.request.version;
        let before = match &self.state.live {
            Some(live) if live.version != version => format!("Before it, version {} ran.", live.version),
            _ => "Nothing else is known to have run before it.".to_owned(),
        };
        let message = format!(
            "{reason}.\nEndpoint: {endpoint}\nEnvironment: {environment} ({})\nSageMaker had begun to put version \
             {version} of {model} in place before that, and has finished: it serves now. {before}\nGo back by approving \
             another version.",
            self.environment.account
        );
        let subject = subject(&format!("{model} {version} serves in {environment}, and is not approved"));
        Step::Notify { subject, message }
    }
}

/// Whether a status is transitional or unknown.
fn is_changing(status: &EndpointStatus) -> bool {
    match status {
        EndpointStatus::Creating
        | EndpointStatus::Updating
        | EndpointStatus::SystemUpdating
        | EndpointStatus::RollingBack
        | EndpointStatus::Deleting
        | EndpointStatus::Unknown(_) => true,
        EndpointStatus::InService
        | EndpointStatus::OutOfService
        | EndpointStatus::Deleted
        | EndpointStatus::Failed
        | EndpointStatus::UpdateRollbackFailed => false,
    }
}

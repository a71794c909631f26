//! What has failed or belongs elsewhere: by this deployment, or before it.
//!
//! SageMaker keeps a failed endpoint until it is deleted, with the reason of its failure. Without the dates, a version
//! would be blamed for the failure of an earlier one.
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html>

use jiff::Timestamp;
use tidegate_events::{DeploymentOutcome, EndpointStatus};

use super::converge::Reconciliation;
use super::{Action, Deploy, Endpoint, InFlight, Snapshot, State, schedule_check};
use crate::decision::{Decision, Verdict};
use crate::endpoint::{Component, ComponentStatus, RunningComponent};
use crate::owner::Tags;
use crate::reason::Reason;
use crate::step::Step;

impl Reconciliation<'_> {
    /// An endpoint in a status that only a new request or a person can change.
    pub(super) fn of_failed_endpoint(&self, found: &Endpoint, seen: &Snapshot) -> Deploy {
        let InFlight { endpoint_update_requested_at: asked, endpoint_modified_before: before, .. } =
            self.in_flight;
        let (endpoint, status) = (self.wanted.endpoint.clone(), found.status.to_string());
        if came_after(found.last_modified, *asked, *before) {
            let cause = self.endpoint_cause(found);
            let reason = Reason::EndpointFailed { endpoint, status, cause };
            return self.end(DeploymentOutcome::FailedToStart, reason, seen);
        }
        let (since, cause) = (date(found.last_modified), stated(found.failure.as_deref()));
        if let Some(created) = found.created
            && self.may_recreate_endpoint(found, seen)
        {
            let reason = Reason::RecreatesFailed { resource: format!("endpoint {endpoint}"), since, cause };
            return self.delete(Action::DeleteEndpoint { name: endpoint, created }, reason);
        }
        let (cause, remedy) =
            (cause.into(), remedy(&found.status, &self.wanted.endpoint, &self.site.region).into());
        let reason = Reason::EndpointFailedBefore { endpoint, status, since, cause, remedy };
        self.end(DeploymentOutcome::Failed, reason, seen)
    }

    /// A component that failed.
    pub(super) fn of_failed_component(
        &self,
        wanted: &Component,
        found: &RunningComponent,
        seen: &Snapshot,
    ) -> Deploy {
        let InFlight { component_update_requested_at: asked, component_modified_before: before, .. } =
            self.in_flight;
        let component = wanted.name.clone();
        if came_after(found.last_modified, *asked, *before) {
            let cause = self.component_cause(found);
            let reason = Reason::ComponentFailed { component, cause };
            return self.end(DeploymentOutcome::FailedToStart, reason, seen);
        }
        let (since, cause) = (date(found.last_modified), stated(found.failure.as_deref()));
        let never_served = found.created.is_some_and(|created| self.state.never_served(None, Some(created)));
        if let Some(created) = found.created.filter(|_| never_served && self.may_recreate_component(seen)) {
            let reason = Reason::RecreatesFailed { resource: format!("component {component}"), since, cause };
            return self.delete(Action::DeleteComponent { name: component, created }, reason);
        }
        let command = delete_component_command(&component, &self.site.region);
        let reason = Reason::ComponentFailedBefore { component, since, cause, command };
        self.end(DeploymentOutcome::Failed, reason, seen)
    }

    /// A component of another endpoint, or of a deleted endpoint with the same name. It keeps its status and its name,
    /// and serves nothing here.
    pub(super) fn of_orphan(&self, wanted: &Component, found: &RunningComponent, seen: &Snapshot) -> Deploy {
        let component = wanted.name.clone();
        let here = found.endpoint.as_ref().is_none_or(|of| of.eq_ignore_ascii_case(&wanted.endpoint));
        let busy = matches!(
            found.status,
            ComponentStatus::Creating | ComponentStatus::Updating | ComponentStatus::Deleting
        );
        if busy {
            return self.wait_for_component(wanted, found);
        }
        let of = if here {
            format!("an endpoint {} that was deleted", wanted.endpoint)
        } else {
            format!("endpoint {}", found.endpoint.as_deref().unwrap_or("unknown"))
        };
        if let Some(created) = found.created.filter(|_| here && self.may_recreate_component(seen)) {
            let reason = Reason::RecreatesOrphan { component: component.clone(), of };
            return self.delete(Action::DeleteComponent { name: component, created }, reason);
        }
        let command = delete_component_command(&component, &self.site.region);
        let reason = Reason::ComponentElsewhere { component, of, command };
        self.end(DeploymentOutcome::Failed, reason, seen)
    }

    /// Whether the policy allows the deletion of a failed endpoint, and it is this environment's own and never served.
    fn may_recreate_endpoint(&self, found: &Endpoint, seen: &Snapshot) -> bool {
        found.status == EndpointStatus::Failed
            && self.environment.endpoint.recreate_failed
            && self.is_ours(seen.endpoint_tags.as_ref())
            && self.state.never_served(found.created, None)
    }

    fn may_recreate_component(&self, seen: &Snapshot) -> bool {
        self.environment.endpoint.recreate_failed && self.is_ours(seen.component_tags.as_ref())
    }

    /// Whether all tags name this model and this environment. Tags that were not read say nothing.
    fn is_ours(&self, tags: Option<&Tags>) -> bool {
        tags.is_some_and(|tags| self.own_tags().iter().all(|(key, value)| tags.get(key) == Some(value)))
    }

    /// Begins a deletion. What follows begins when the resource is gone: an event, a check or a sweep finds that.
    fn delete(&self, call: Action, reason: Reason) -> Deploy {
        if let Some(held) = self.held() {
            return held;
        }
        let look = schedule_check(self.site, self.environment, self.in_flight, self.now);
        let checks = self.in_flight.checks.saturating_add(1);
        let in_flight = InFlight { checks, ..self.in_flight.clone() };
        Decision::new(Verdict::Apply, reason)
            .evidence("version", self.in_flight.request.version)
            .plan(vec![Step::Call(call), look])
            .state(State { in_flight: Some(in_flight), ..self.state.clone() })
    }

    /// SageMaker's reason for what happened to the endpoint after this deployment changed it.
    pub(super) fn endpoint_cause(&self, found: &Endpoint) -> String {
        let cause = new_cause(found.failure.as_deref(), self.in_flight.endpoint_failure_before.as_deref());
        let alarms = &self.wanted.rollout.alarms;
        if found.failure.is_some() || alarms.is_empty() {
            return cause;
        }
        format!("{cause}; an alarm of the rollout may have rolled it back: {}", alarms.join(", "))
    }

    /// SageMaker's reason for what happened to the component after this deployment changed it.
    pub(super) fn component_cause(&self, found: &RunningComponent) -> String {
        new_cause(found.failure.as_deref(), self.in_flight.component_failure_before.as_deref())
    }
}

impl State {
    /// Whether no endpoint or component that was created at this time was ever in service, as far as Tidegate saw.
    pub(super) fn never_served(&self, endpoint: Option<Timestamp>, component: Option<Timestamp>) -> bool {
        let known = &self.in_service;
        let new = |created: Option<Timestamp>, served: Option<Timestamp>| match (created, served) {
            (None, _) => true,
            // A state of an earlier version of Tidegate has no times.
            (Some(_), None) => self.live.is_none() && self.previous.is_none(),
            (Some(created), Some(served)) => created > served,
        };
        (endpoint.is_some() || component.is_some())
            && new(endpoint, known.endpoint)
            && new(component, known.component)
    }
}

/// Whether a resource reached its status after this deployment asked for a change. `before` is its last modification at
/// that time, by SageMaker's clock; `None` if it did not exist.
fn came_after(at: Option<Timestamp>, asked: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    asked.is_some() && before.is_none_or(|before| at.is_none_or(|at| at > before))
}

/// Whether a component serves on this endpoint. A component of a deleted endpoint stays `InService`, and an endpoint
/// with the same name that was created later does not have it.
pub(super) fn is_on(endpoint: &Endpoint, name: &str, found: &RunningComponent) -> bool {
    let same_name = found.endpoint.as_ref().is_none_or(|of| of.eq_ignore_ascii_case(name));
    same_name && !is_older(endpoint, found)
}

/// What a person can do with an endpoint in this status.
pub(super) fn remedy(status: &EndpointStatus, endpoint: &str, region: &str) -> String {
    let delete = format!("aws sagemaker delete-endpoint --endpoint-name {endpoint} --region {region}");
    match status {
        EndpointStatus::Failed => format!("SageMaker can only delete a failed endpoint: run `{delete}`"),
        EndpointStatus::UpdateRollbackFailed => {
            format!(
                "it serves a mix of two configurations until it is deleted: run `{delete}` when that is safe"
            )
        }
        _ => format!("it accepts no requests; if it stays so, run `{delete}`"),
    }
}

/// The command with which a person deletes a component.
pub(super) fn delete_component_command(component: &str, region: &str) -> String {
    format!(
        "aws sagemaker delete-inference-component --inference-component-name {component} --region {region}"
    )
}

fn is_older(endpoint: &Endpoint, found: &RunningComponent) -> bool {
    found.created.zip(endpoint.created).is_some_and(|(component, endpoint)| component < endpoint)
}

pub(super) fn stated(failure: Option<&str>) -> String {
    failure.unwrap_or("SageMaker gave no reason").to_owned()
}

/// SageMaker's reason for a new failure. A reason may stay after a later success, so one that was there before is not
/// quoted as the cause.
fn new_cause(failure: Option<&str>, before: Option<&str>) -> String {
    match (failure, before) {
        (Some(now), Some(before)) if now == before => {
            format!("SageMaker gave no new reason; before this deployment it already said: {before}")
        }
        _ => stated(failure),
    }
}

fn date(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string())
}

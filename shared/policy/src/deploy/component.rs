//! The inference component of a deployment: whether it matches the request, and the SageMaker calls that change it.

use tidegate_events::DeploymentOutcome;

use super::converge::{Reconciliation, changed_since};
use super::failed::is_on;
use super::ownership::NotAllowed;
use super::rolled_back::component_was;
use super::{Action, Deploy, Endpoint, InFlight, Snapshot, State, schedule_check};
use crate::decision::{Decision, Verdict};
use crate::endpoint::{Component, ComponentStatus, RunningComponent};
use crate::reason::Reason;
use crate::step::Step;

impl Reconciliation<'_> {
    pub(super) fn of_component(&self, endpoint: &Endpoint, seen: &Snapshot) -> Deploy {
        let Some(wanted) = &self.wanted.component else { return self.verify(seen) };
        let Some(running) = &seen.component else { return self.put_component(wanted, seen) };
        if !is_on(endpoint, &wanted.endpoint, running) {
            return self.of_orphan(wanted, running, seen);
        }
        match &running.status {
            ComponentStatus::InService if in_service(self.in_flight, running, wanted) => self.verify(seen),
            ComponentStatus::InService if component_was(self.in_flight, running, wanted) => {
                self.component_rolled_back(wanted, running, seen)
            }
            ComponentStatus::InService => self.put_component(wanted, seen),
            ComponentStatus::Failed => self.of_failed_component(wanted, running, seen),
            ComponentStatus::Creating
            | ComponentStatus::Updating
            | ComponentStatus::Deleting
            | ComponentStatus::Unknown(_) => self.wait_for_component(wanted, running),
        }
    }

    fn put_component(&self, wanted: &Component, seen: &Snapshot) -> Deploy {
        if let Some(reason) = self.several_containers(seen) {
            return self.end(DeploymentOutcome::Failed, reason, seen);
        }
        let mut plan = match self.may_put_component(seen) {
            Ok(steps) => steps,
            Err(NotAllowed::Refused(reason)) => return self.end(DeploymentOutcome::Failed, reason, seen),
            Err(NotAllowed::NotRead) => return self.wait_for_description(),
        };
        if let Some(held) = self.held() {
            return held;
        }
        let running = seen.component.as_ref();
        let component = wanted.clone();
        let put = if let Some(running) = running {
            let keep_copies = seen.component_limits.is_some() && running.has_copies(wanted.copies);
            Step::Call(Action::UpdateComponent { component, keep_copies })
        } else {
            Step::Call(Action::CreateComponent { component, tags: self.tags() })
        };
        let model = Step::Call(Action::CreateModel(self.wanted.model.clone()));
        let mut in_flight = InFlight {
            component_update_requested_at: Some(self.now),
            component_modified_before: running.and_then(|running| running.last_modified),
            component_failure_before: running.and_then(|running| running.failure.clone()),
            unresponsive_since: None,
            samples_answered: 0,
            ..self.in_flight.clone()
        };
        let look = schedule_check(self.site, self.environment, &in_flight, self.now);
        in_flight.checks = in_flight.checks.saturating_add(1);
        plan.extend([model, put, look]);
        Decision::new(Verdict::Apply, Reason::EndpointReady { endpoint: self.wanted.endpoint.clone() })
            .evidence("component", wanted.found(running))
            .plan(plan)
            .state(State { in_flight: Some(in_flight), ..self.state.clone() })
    }
}

/// Whether the component is in service as requested. After a change that this deployment requested, one copy is
/// enough: Application Auto Scaling may have changed the number of copies since.
pub(super) fn in_service(in_flight: &InFlight, running: &RunningComponent, wanted: &Component) -> bool {
    let fewest = if changed(in_flight, running) { 1 } else { wanted.copies };
    running.status == ComponentStatus::InService && running.runs(wanted) && running.has_copies(fewest)
}

pub(super) fn changed(in_flight: &InFlight, running: &RunningComponent) -> bool {
    changed_since(
        running.last_modified,
        in_flight.component_update_requested_at,
        in_flight.component_modified_before,
    )
}

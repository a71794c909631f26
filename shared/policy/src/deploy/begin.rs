//! The SageMaker resources that a deployment creates or changes.

use tidegate_events::DeploymentOutcome;

use super::converge::Reconciliation;
use super::ownership::NotAllowed;
use super::{Action, Deploy, Endpoint, InFlight, Snapshot, State};
use crate::decision::{Decision, Verdict};
use crate::owner;
use crate::reason::Reason;
use crate::step::Step;

impl Reconciliation<'_> {
    pub(super) fn create(&self, seen: &Snapshot) -> Deploy {
        if let Some(reason) = self.several_containers(seen) {
            return self.end(DeploymentOutcome::Failed, reason, seen);
        }
        if let Some(held) = self.held() {
            return held;
        }
        let mut plan = self.model_and_config();
        plan.push(Step::Call(Action::CreateEndpoint {
            name: self.wanted.endpoint.clone(),
            config: self.wanted.config.name.clone(),
            tags: self.endpoint_tags(),
        }));
        self.apply(plan).evidence("endpoint", "none").state(self.asked_endpoint(None))
    }

    pub(super) fn update(&self, running: &Endpoint, seen: &Snapshot) -> Deploy {
        if let Some(reason) = self.several_containers(seen) {
            return self.end(DeploymentOutcome::Failed, reason, seen);
        }
        let mut plan = match self.may_update_endpoint(seen) {
            Ok(steps) => steps,
            Err(NotAllowed::Refused(reason)) => return self.end(DeploymentOutcome::Failed, reason, seen),
            Err(NotAllowed::NotRead) => return self.wait_for_description(),
        };
        if let Some(held) = self.held() {
            return held;
        }
        plan.extend(self.model_and_config());
        plan.push(Step::Call(Action::UpdateEndpoint {
            name: self.wanted.endpoint.clone(),
            config: self.wanted.config.name.clone(),
            rollout: self.wanted.rollout.clone(),
            // A fleet of no instances would prove nothing about the version.
            keep_instances: running.desired_instances != Some(0)
                && seen.running_config.as_ref().is_some_and(|r| !r.scalable_targets.is_empty()),
        }));
        let before = running.config.clone().unwrap_or_else(|| "unknown".to_owned());
        self.apply(plan)
            .evidence_vs("running_config", before, &self.wanted.config.name)
            .state(self.asked_endpoint(Some(running)))
    }

    /// Why nothing is made for a package that this kind of endpoint cannot run.
    pub(super) fn several_containers(&self, seen: &Snapshot) -> Option<Reason> {
        let page = self.environment.endpoint.spec.behavior().refuses_several_containers()?;
        let count = u32::try_from(seen.containers.len()).ok().filter(|count| *count > 1)?;
        let (endpoint, package) = (self.wanted.endpoint.clone(), self.in_flight.request.package_arn.clone());
        Some(Reason::SeveralContainers { endpoint, package, count, page: page.to_owned() })
    }

    /// What would be changed was not described, so nothing is changed yet.
    pub(super) fn wait_for_description(&self) -> Deploy {
        let (endpoint, status) = (self.wanted.endpoint.clone(), "not described yet".to_owned());
        self.wait(Reason::EndpointBusy { endpoint, status }, vec![self.schedule_check()])
    }

    /// Under a hold nothing is started. An operation that SageMaker has started continues, and is verified and
    /// reported.
    pub(super) fn held(&self) -> Option<Deploy> {
        self.state.hold().map(|hold| self.wait(hold.why(), Vec::new()))
    }

    fn apply(&self, plan: Vec<Step<Action>>) -> Deploy {
        Decision::new(Verdict::Apply, Reason::Requested { version: self.in_flight.request.version })
            .evidence("package", &self.in_flight.request.package_arn)
            .plan(plan)
    }

    fn model_and_config(&self) -> Vec<Step<Action>> {
        let model = Step::Call(Action::CreateModel(self.wanted.model.clone()));
        let config = Step::Call(Action::CreateEndpointConfig(Box::new(self.wanted.config.clone())));
        match self.wanted.component {
            Some(_) => vec![config],
            None => vec![model, config],
        }
    }

    fn asked_endpoint(&self, running: Option<&Endpoint>) -> State {
        let in_flight = InFlight {
            endpoint_update_requested_at: Some(self.now),
            endpoint_modified_before: running.and_then(|running| running.last_modified),
            endpoint_failure_before: running.and_then(|running| running.failure.clone()),
            unresponsive_since: None,
            sample: None,
            samples_answered: 0,
            ..self.in_flight.clone()
        };
        State { in_flight: Some(in_flight), ..self.state.clone() }
    }

    /// The tags of the endpoint. A shared one belongs to no single model.
    pub(super) fn endpoint_tags(&self) -> Vec<(String, String)> {
        if !self.environment.endpoint.is_shared() {
            return self.tags();
        }
        owner::shared_tags().into_iter().chain(self.chosen_tags()).collect()
    }

    /// The tags of the policy without Tidegate's own.
    pub(super) fn chosen_tags(&self) -> impl Iterator<Item = (String, String)> {
        let own = self.own_tags();
        self.tags().into_iter().filter(move |tag| !own.contains(tag))
    }

    /// The tags of all that a deployment makes.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        owner::tags_of_policy(self.policy, Some(self.environment))
    }

    /// The tags that show the owner.
    pub(super) fn own_tags(&self) -> Vec<(String, String)> {
        owner::tags(self.policy.model.as_str(), Some(self.environment.name.as_str()))
    }
}

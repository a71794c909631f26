//! What SageMaker is told to make or to change.

use jiff::Timestamp;

use super::converge::Reconciliation;
use super::target::Component;
use super::{Action, Deploy, Endpoint, InFlight, RunningComponent, State, schedule_check};
use crate::decision::{Decision, Verdict};
use crate::reason::Reason;
use crate::step::Step;

impl Reconciliation<'_> {
    pub(super) fn create(&self) -> Deploy {
        if let Some(held) = self.held() {
            return held;
        }
        let mut plan = self.model_and_config();
        plan.push(Step::Call(Action::CreateEndpoint {
            name: self.wanted.endpoint.clone(),
            config: self.wanted.config.clone(),
            tags: self.tags(),
        }));
        self.apply(plan).evidence("endpoint", "none").state(self.asked_endpoint(None))
    }

    pub(super) fn update(&self, running: &Endpoint) -> Deploy {
        if let Some(held) = self.held() {
            return held;
        }
        let mut plan = self.model_and_config();
        plan.push(Step::Call(Action::UpdateEndpoint {
            name: self.wanted.endpoint.clone(),
            config: self.wanted.config.clone(),
            rollout: self.wanted.rollout.clone(),
        }));
        let before = running.config.clone().unwrap_or_else(|| "unknown".to_owned());
        self.apply(plan)
            .evidence_vs("running_config", before, &self.wanted.config)
            .state(self.asked_endpoint(running.last_modified))
    }

    pub(super) fn put_component(&self, wanted: &Component, running: Option<&RunningComponent>) -> Deploy {
        if let Some(held) = self.held() {
            return held;
        }
        let component = wanted.clone();
        let put = if running.is_some() {
            Step::Call(Action::UpdateComponent { component })
        } else {
            Step::Call(Action::CreateComponent { component })
        };
        let model = Step::Call(Action::CreateModel {
            name: self.wanted.model.clone(),
            package_arn: self.in_flight.request.package_arn.clone(),
        });
        let mut in_flight = InFlight {
            component_update_requested_at: Some(self.now),
            component_modified_before: running.and_then(|running| running.last_modified),
            unresponsive_since: None,
            ..self.in_flight.clone()
        };
        let look = schedule_check(self.site, self.environment, &in_flight, self.now);
        in_flight.checks = in_flight.checks.saturating_add(1);
        Decision::new(Verdict::Apply, Reason::EndpointReady { endpoint: self.wanted.endpoint.clone() })
            .evidence("component", found(wanted, running))
            .plan(vec![model, put, look])
            .state(State { in_flight: Some(in_flight), ..self.state.clone() })
    }

    /// Under a hold nothing is begun. What SageMaker has begun goes on, is verified and reported.
    fn held(&self) -> Option<Deploy> {
        self.state.hold().map(|hold| self.wait(hold.why(), Vec::new()))
    }

    fn apply(&self, plan: Vec<Step<Action>>) -> Deploy {
        Decision::new(Verdict::Apply, Reason::Requested { version: self.in_flight.request.version })
            .evidence("package", &self.in_flight.request.package_arn)
            .plan(plan)
    }

    fn model_and_config(&self) -> Vec<Step<Action>> {
        let model = Step::Call(Action::CreateModel {
            name: self.wanted.model.clone(),
            package_arn: self.in_flight.request.package_arn.clone(),
        });
        let config = Step::Call(Action::CreateEndpointConfig {
            name: self.wanted.config.clone(),
            variant: self.wanted.variant.clone(),
        });
        match self.wanted.component {
            Some(_) => vec![config],
            None => vec![model, config],
        }
    }

    fn asked_endpoint(&self, endpoint_modified_before: Option<Timestamp>) -> State {
        let in_flight = InFlight {
            endpoint_update_requested_at: Some(self.now),
            endpoint_modified_before,
            unresponsive_since: None,
            ..self.in_flight.clone()
        };
        State { in_flight: Some(in_flight), ..self.state.clone() }
    }

    fn tags(&self) -> Vec<(String, String)> {
        [
            ("tidegate:model", self.policy.model.as_str()),
            ("tidegate:environment", self.environment.name.as_str()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
    }
}

/// What is found instead of the wanted component.
fn found(wanted: &Component, running: Option<&RunningComponent>) -> &'static str {
    match running {
        None => "none",
        Some(running) if running.model.as_ref() != Some(&wanted.model) => "another model",
        Some(running) if !running.runs(wanted) => "another memory",
        Some(_) => "too few copies",
    }
}

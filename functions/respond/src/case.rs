//! One finding, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Alerts, Bus, Ledger, Schedules};
use tidegate_engine::resolve;
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::{Contract, RetrainingRequested, Wake, to_detail};
use tidegate_policy::check::{self, Violation};
use tidegate_policy::deploy;
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Action, Finding, Respond, State, decide};

pub(crate) struct RespondCase {
    pub(crate) policy: Arc<Policy>,
    pub(crate) environment: Environment,
    pub(crate) finding: Finding,
    pub(crate) idempotency_key: String,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) alerts: Arc<dyn Alerts>,
    pub(crate) schedules: Arc<dyn Schedules>,
    pub(crate) bus: Arc<dyn Bus>,
}

#[async_trait]
impl Case for RespondCase {
    type State = State;
    type Action = Action;

    /// What deploy knows about the endpoint.
    type Snapshot = Arc<deploy::State>;

    async fn observe(&self, _state: &State, _now: Timestamp) -> Result<Arc<deploy::State>, EngineError> {
        resolve::state(self.ledger.as_ref(), "deploy", self.policy.model.as_str()).await
    }

    fn decide(&self, state: &State, seen: &Arc<deploy::State>, now: Timestamp) -> Respond {
        let deployed = (seen.live.as_ref().map(|live| live.at), seen.hold());
        decide(&self.policy, &self.environment, state, &self.finding, &self.idempotency_key, deployed, now)
    }

    fn check(
        &self,
        state: &State,
        seen: &Arc<deploy::State>,
        decision: &Respond,
        now: Timestamp,
    ) -> Vec<Violation> {
        check::respond(&self.policy, &self.environment, state, &self.finding, seen.hold(), decision, now)
    }

    fn check_follow_up(&self, state: &State, decision: &Respond, _now: Timestamp) -> Vec<Violation> {
        check::follow_up::respond(state, decision)
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::RequestRetraining { request } => {
                self.bus.publish(RetrainingRequested::DETAIL_TYPE, &to_detail(request)).await?;
                Ok(format!("asked the hub to retrain: {}", request.request_id))
            }
            Action::CheckAt { name, at, model, environment, alarm } => {
                let wake = Wake::CheckDrift {
                    model: model.clone(),
                    environment: environment.clone(),
                    alarm: alarm.clone(),
                };
                let mut input = wake.input();
                if let Some(input) = input.as_object_mut() {
                    // Each look is an event of its own.
                    input.insert("at".to_owned(), at.to_string().into());
                }
                self.schedules.wake_at(name, *at, &input).await?;
                Ok(format!("will look again at {at}"))
            }
            Action::Alert { subject, message } => {
                self.alerts.notify(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn still_applies(&self, state: &State, action: &Action) -> bool {
        respond::still_applies(state, action)
    }

    fn is_alert(&self, action: &Action) -> bool {
        action.is_alert()
    }

    fn refused(&self, state: &State, action: &Action, why: &Reason, _now: Timestamp) -> Option<Respond> {
        respond::refused(&self.policy, &self.environment, state, action, why)
    }
}

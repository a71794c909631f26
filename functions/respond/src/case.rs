//! One finding, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::arrival;
use tidegate_engine::ports::{Alerts, Bus, Ledger};
use tidegate_engine::{CallError, Case, EngineError};
use tidegate_events::{Contract, RetrainingRequested, to_detail};
use tidegate_policy::deploy;
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::respond::{self, Action, Finding, State, decide};

pub(crate) struct RespondCase {
    pub(crate) policy: Policy,
    pub(crate) environment: Environment,
    pub(crate) finding: Finding,
    pub(crate) meaning: String,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) alerts: Arc<dyn Alerts>,
    pub(crate) bus: Arc<dyn Bus>,
}

#[async_trait]
impl Case for RespondCase {
    type State = State;
    type Action = Action;

    async fn decide(&self, state: State, now: Timestamp) -> Result<respond::Respond, EngineError> {
        let deployed: deploy::State =
            arrival::state(self.ledger.as_ref(), "deploy", self.policy.model.as_str()).await?;
        let live_since = deployed.live.map(|live| live.at);
        Ok(decide(&self.policy, &self.environment, &state, &self.finding, &self.meaning, live_since, now))
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::RequestRetraining { request } => {
                self.bus.publish(RetrainingRequested::DETAIL_TYPE, &to_detail(request)).await?;
                Ok(format!("asked the hub to retrain: {}", request.request_id))
            }
            Action::Alert { subject, message } => {
                self.alerts.tell(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn stands(&self, state: &State, action: &Action) -> bool {
        respond::stands(state, action)
    }
}

//! One invocation on a ledger and a fake AWS in the initial state of a scenario.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::{DecisionRecord, EngineError, FunctionSpec, Outcome, Ports, Site};
use tidegate_events::{Body, Event, FreezeLifted, FreezePlaced};
use tidegate_policy::file::Policy;
use tidegate_policy::freeze::FLEET;

use super::setup::Setup;
use crate::aws::FakeAws;
use crate::ledger::{InMemoryLedger, Note};
use crate::runtime::Runtime;

/// An invocation of one function at one site.
#[derive(Debug, Clone)]
pub struct Invocation<'i> {
    /// The function.
    pub function: &'static FunctionSpec,
    /// The site where it runs.
    pub site: Site,
    /// The applied policies there.
    pub policies: &'i [Policy],
    /// The state and the data that is read.
    pub setup: &'i Setup,
    /// The event.
    pub event: &'i Event,
    /// The time of the invocation.
    pub now: Timestamp,
    /// The Lambda request ID.
    pub request_id: &'i str,
}

/// The results of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// The outcome for each model.
    pub outcomes: Vec<Outcome>,
    /// The decisions as first written, before their actions were carried out.
    pub recorded: Vec<Arc<DecisionRecord>>,
    /// The state of the function for the model afterwards; null if there is none.
    pub state: Value,
}

/// Why an invocation has no result.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The given state is not valid.
    #[error("{0}")]
    Setup(String),
    /// The function failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Invocation<'_> {
    /// Runs the invocation.
    ///
    /// # Errors
    /// If the given state is not valid, or the function fails.
    pub fn run(self) -> Result<Ran, InvocationError> {
        let ledger = Arc::new(InMemoryLedger::new());
        for policy in self.policies {
            ledger.put_policy(Arc::new(policy.clone()));
        }
        let model = self.model();
        match model {
            Some(model) => {
                let put = self.setup.put(&ledger, self.function, model, &self.site);
                put.map_err(InvocationError::Setup)?;
            }
            None if self.setup.remembers() => {
                let what = "state, seen.holds, seen.live_since and seen.deploying";
                let message = format!("{what} are about one model: give one --policy");
                return Err(InvocationError::Setup(message));
            }
            None => {}
        }
        let Site { account, region, .. } = &self.site;
        let aws = FakeAws::new(account, region, self.setup.responses.clone());
        let aws = Arc::new(aws.with_policies(self.policies));
        aws.set_now(self.now);
        let mut runtime = Runtime::new(self.site.clone(), Arc::clone(&ledger), &Ports::all(&aws));
        let outcomes = runtime.invoke_now(self.function.name, self.event, self.request_id, self.now)?;
        let decided = |note| match note {
            Note::Decided { record, .. } => Some(record),
            Note::Read { .. } | Note::Progress { .. } | Note::Noted { .. } => None,
        };
        Ok(Ran {
            outcomes,
            recorded: ledger.notes(0).into_iter().filter_map(decided).collect(),
            state: model.map(|model| ledger.state_now(self.function.name, model)).unwrap_or_default(),
        })
    }

    /// The model whose state the setup contains.
    fn model(&self) -> Option<&str> {
        match (self.policies, &self.event.body) {
            ([policy], _) => Some(policy.model.as_str()),
            ([], Body::DeploymentRequested(request)) => Some(&request.model),
            (
                [],
                Body::FreezePlaced(FreezePlaced { model: None, .. })
                | Body::FreezeLifted(FreezeLifted { model: None, .. }),
            ) => Some(FLEET),
            _ => None,
        }
    }
}

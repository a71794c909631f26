//! One deployed stack: its functions, its ledger, and AWS in its account.

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::{EngineError, FunctionSpec, Outcome, Ports, Site};
use tidegate_events::Event;
use tidegate_testkit::{FakeAws, InMemoryLedger, Runtime};

/// The hub, or one environment.
pub(super) struct Stack {
    runtime: Runtime,
    /// AWS in its account.
    pub(super) aws: Arc<FakeAws>,
}

impl Stack {
    /// Creates the functions of a site. `hub` is the AWS of the hub's account, whose registry every environment
    /// reads.
    pub(super) fn new(
        site: Site,
        ledger: Arc<InMemoryLedger>,
        aws: Arc<FakeAws>,
        hub: &Arc<FakeAws>,
    ) -> Self {
        let ports = Ports { registry: Arc::<FakeAws>::clone(hub), ..Ports::all(&aws) };
        Self { runtime: Runtime::new(site, ledger, &ports), aws }
    }

    /// Its site.
    pub(super) fn site(&self) -> &Site {
        &self.runtime.site
    }

    /// Its ledger.
    pub(super) fn ledger(&self) -> &InMemoryLedger {
        &self.runtime.ledger
    }

    /// Invokes a function once.
    ///
    /// # Errors
    /// The function's error.
    pub(super) fn invoke(
        &mut self,
        function: &FunctionSpec,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.aws.set_now(now);
        self.runtime.ledger.expire_claims(now);
        self.runtime.invoke_now(function.name, event, request_id, now)
    }
}

//! The functions of one site on the cloud in memory.

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::{Engine, EngineError, Outcome, Ports};
use tidegate_events::Event;
use tidegate_testkit::Runtime;

use crate::ledger::MemoryLedger;

/// An environment, or the hub, with its ledger.
pub struct Site {
    /// Its ledger.
    pub ledger: Arc<MemoryLedger>,
    runtime: Runtime,
}

impl Site {
    /// A site with an empty ledger.
    #[must_use]
    pub fn new(environment: &str, account: &str, region: &str, hub: &str, ports: &Ports) -> Self {
        let ledger = Arc::new(MemoryLedger::new());
        let site = tidegate_engine::Site::new(environment, account, region, hub);
        Self { runtime: Runtime::new(site, Arc::<MemoryLedger>::clone(&ledger), ports), ledger }
    }

    /// Where it is.
    #[must_use]
    pub fn site(&self) -> &tidegate_engine::Site {
        &self.runtime.site
    }

    /// The engine of one invocation. Lambda retries under the same request id.
    #[must_use]
    pub fn engine(&self, function: &'static str, request_id: &str) -> Engine {
        self.runtime.engine(function, request_id)
    }

    /// One invocation.
    ///
    /// # Errors
    /// As the function's.
    pub async fn invoke(
        &self,
        function: &'static str,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.runtime.invoke(function, event, request_id, now).await
    }
}

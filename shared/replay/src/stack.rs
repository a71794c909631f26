//! One deployed stack: its functions, its ledger, and AWS in its account.

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::{EngineError, FunctionSpec, Outcome, Ports, Site};
use tidegate_events::Event;
use tidegate_testkit::Runtime;

use crate::{Book, Mirror};

/// The hub, or one environment.
pub(crate) struct Stack {
    /// Its functions.
    runtime: Runtime,
    /// Their ledger.
    pub(crate) book: Arc<Book>,
    /// What AWS says in their account.
    pub(crate) mirror: Arc<Mirror>,
}

impl Stack {
    /// The functions of a site. `hub` is AWS in the hub's account, whose registry every environment asks.
    pub(crate) fn new(site: Site, book: Arc<Book>, mirror: Arc<Mirror>, hub: &Arc<Mirror>) -> Self {
        let ports = Ports { registry: Arc::<Mirror>::clone(hub), ..Ports::all(&mirror) };
        let runtime = Runtime::new(site, Arc::<Book>::clone(&book), &ports);
        Self { runtime, book, mirror }
    }

    /// Where it is.
    pub(crate) fn site(&self) -> &Site {
        &self.runtime.site
    }

    /// One invocation.
    ///
    /// # Errors
    /// The function's own.
    pub(crate) fn invoke(
        &mut self,
        function: &FunctionSpec,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.mirror.set_now(now);
        self.runtime.invoke_now(function.name, event, request_id, now)
    }
}

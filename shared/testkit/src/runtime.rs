//! The functions of one site.

use std::pin::pin;
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::{
    Engine, EngineError, FunctionSpec, Handler, LEASE, Limits, Meter, NoDecisionLog, NoTime, Outcome, Ports,
    Site, Time,
};
use tidegate_events::Event;
use tidegate_functions::FUNCTIONS;

use crate::ledger::InMemoryLedger;
use crate::poll::poll_once;

/// Every function of the registry on the ledger and the ports of one site, in either stack.
pub struct Runtime {
    /// The site.
    pub site: Site,
    /// Its ledger.
    pub ledger: Arc<InMemoryLedger>,
    engine: Engine,
    handlers: Vec<(&'static str, Box<dyn Handler>)>,
}

impl Runtime {
    /// The functions of a site.
    #[must_use]
    pub fn new(site: Site, ledger: Arc<InMemoryLedger>, ports: &Ports) -> Self {
        let build = |function: &FunctionSpec| (function.name, (function.build)(ports));
        let handlers = FUNCTIONS.iter().map(|function| build(function)).collect();
        let engine = engine(&site, Arc::clone(&ledger), ports);
        Self { site, ledger, engine, handlers }
    }

    /// Sets the limits of the invocations, and their clock.
    pub fn limit(&mut self, limits: Limits, time: Arc<dyn Time>) {
        self.engine.limits = Some(limits);
        self.engine.time = time;
    }

    /// The engine of one invocation. Lambda retries with the same request ID.
    #[must_use]
    pub fn engine(&self, function: &'static str, request_id: &str) -> Engine {
        Engine { function, request_id: request_id.to_owned(), meter: Meter::default(), ..self.engine.clone() }
    }

    /// Invokes the function with the given name once.
    ///
    /// # Errors
    /// The function's error, or that there is no such function.
    pub async fn invoke(
        &self,
        function: &'static str,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let engine = self.engine(function, request_id);
        handler(&self.handlers, function)?.handle(&engine, event, now).await
    }

    /// Invokes a function once, on ports that respond immediately.
    ///
    /// # Errors
    /// The function's error, that there is no such function, or that a port did not respond immediately.
    pub fn invoke_now(
        &mut self,
        function: &'static str,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.engine.function = function;
        request_id.clone_into(&mut self.engine.request_id);
        let running = handler(&self.handlers, function)?.handle(&self.engine, event, now);
        poll_once(pin!(running)).unwrap_or_else(|| Err(failed("port", "it did not answer at once")))
    }
}

fn handler<'h>(
    handlers: &'h [(&'static str, Box<dyn Handler>)],
    function: &str,
) -> Result<&'h dyn Handler, EngineError> {
    let found = handlers.iter().find(|(name, _)| *name == function);
    found.map(|(_, handler)| handler.as_ref()).ok_or_else(|| failed("function", "there is none of that name"))
}

fn failed(what: &str, message: &str) -> EngineError {
    EngineError::Stored { what: what.to_owned(), message: message.to_owned() }
}

/// An engine without a function.
fn engine(site: &Site, ledger: Arc<InMemoryLedger>, ports: &Ports) -> Engine {
    Engine {
        function: "",
        version: env!("CARGO_PKG_VERSION"),
        site: Arc::new(site.clone()),
        request_id: String::new(),
        lease: LEASE,
        ledger,
        bus: Arc::clone(&ports.bus),
        alerts: Arc::clone(&ports.alerts),
        schedules: Arc::clone(&ports.schedules),
        time: Arc::new(NoTime),
        decision_log: Arc::new(NoDecisionLog),
        limits: None,
        meter: Meter::default(),
    }
}

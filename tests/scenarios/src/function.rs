//! A function in its account, ready to be invoked.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use tidegate_deploy::Deploy;
use tidegate_engine::ports::{
    Alarms, Alerts, Bus, Capacity, Endpoints, Metrics, Pipelines, Registry, Reports, Repository, Sampler,
    Schedules,
};
use tidegate_engine::{Engine, EngineError, Handler, Meter, NoDecisionLog, NoTime, Outcome};
use tidegate_events::Event;
use tidegate_promote::Promote;
use tidegate_respond::Respond;
use tidegate_scale::Scale;
use tidegate_train::Train;

use crate::ledger::MemoryLedger;

/// The functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// A commit or a request starts a pipeline.
    Train,
    /// Which version goes where.
    Promote,
    /// An endpoint becomes what was requested.
    Deploy,
    /// What drift leads to.
    Respond,
    /// To zero and back.
    Scale,
}

impl Function {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Train, Self::Promote, Self::Deploy, Self::Respond, Self::Scale];

    /// Its name: that of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => tidegate_train::NAME,
            Self::Promote => tidegate_promote::NAME,
            Self::Deploy => tidegate_deploy::NAME,
            Self::Respond => tidegate_respond::NAME,
            Self::Scale => tidegate_scale::NAME,
        }
    }
}

/// Everything that any function needs from the world.
pub trait Ports:
    Repository
    + Pipelines
    + Registry
    + Endpoints
    + Sampler
    + Schedules
    + Bus
    + Alerts
    + Reports
    + Alarms
    + Metrics
    + Capacity
{
}

impl<
    T: Repository
        + Pipelines
        + Registry
        + Endpoints
        + Sampler
        + Schedules
        + Bus
        + Alerts
        + Reports
        + Alarms
        + Metrics
        + Capacity,
> Ports for T
{
}

/// An environment, or the hub: where functions run.
#[derive(Clone)]
pub struct Site {
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The environment's name; `hub` in the hub.
    pub environment: String,
    /// The account that may command here.
    pub hub_account: String,
    /// How long a claim is an invocation's.
    pub lease: SignedDuration,
    /// Seconds until deploy looks again at what sends no event.
    pub check_seconds: u32,
    /// Its ledger.
    pub ledger: Arc<MemoryLedger>,
    /// What its functions reach.
    pub ports: Arc<dyn Ports>,
}

impl Site {
    /// A site with an empty ledger, the templates' lease and their time between checks.
    #[must_use]
    pub fn new(environment: &str, account: &str, region: &str, hub: &str, ports: Arc<dyn Ports>) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            environment: environment.to_owned(),
            hub_account: hub.to_owned(),
            lease: SignedDuration::from_secs(180),
            check_seconds: 60,
            ledger: Arc::new(MemoryLedger::new()),
            ports,
        }
    }

    /// The engine of one invocation. Lambda retries under the same request id.
    #[must_use]
    pub fn engine(&self, function: Function, request_id: &str) -> Engine {
        let ledger = Arc::clone(&self.ledger);
        let bus = Arc::clone(&self.ports);
        Engine {
            function: function.name(),
            version: env!("CARGO_PKG_VERSION"),
            account: self.account.clone(),
            region: self.region.clone(),
            environment: self.environment.clone(),
            request_id: request_id.to_owned(),
            lease: self.lease,
            ledger,
            bus,
            alerts: Arc::clone(&self.ports) as Arc<dyn Alerts>,
            time: Arc::new(NoTime),
            decision_log: Arc::new(NoDecisionLog),
            meter: Meter::default(),
        }
    }

    /// The function itself.
    #[must_use]
    pub fn handler(&self, function: Function) -> Box<dyn Handler> {
        let ports = || Arc::clone(&self.ports);
        match function {
            Function::Train => Box::new(Train { repository: ports(), pipelines: ports() }),
            Function::Promote => Box::new(Promote { registry: ports(), schedules: ports() }),
            Function::Deploy => Box::new(Deploy {
                hub_account: self.hub_account.clone(),
                check_seconds: self.check_seconds,
                registry: ports(),
                endpoints: ports(),
                sampler: ports(),
                schedules: ports(),
            }),
            Function::Respond => Box::new(Respond { reports: ports(), alarms: ports(), schedules: ports() }),
            Function::Scale => Box::new(Scale { metrics: ports(), capacity: ports() }),
        }
    }

    /// One invocation.
    ///
    /// # Errors
    /// As the function's.
    pub async fn invoke(
        &self,
        function: Function,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.handler(function).handle(&self.engine(function, request_id), event, now).await
    }
}

/// What a future gives when it is polled once; `None` if a fault stopped it.
pub fn at_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

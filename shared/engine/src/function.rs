//! What a function is, apart from what it decides: where it runs, which events it wants, and what it is built from.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use tidegate_events::Event;

use crate::Handler;
use crate::ports::{
    Alarms, Alerts, Bus, Capacity, Endpoints, Metrics, Pipelines, Registry, Remembered, Reports, Repository,
    Sampler, Schedules,
};

/// The environment's name in the hub.
pub const HUB: &str = "hub";

/// How long a claim is leased to one invocation; the templates' default.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// Seconds until deploy checks again what sends no event; the templates' default.
pub const CHECK_SECONDS: u32 = 60;

/// The stack that a function is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The hub's, which exists once.
    Hub,
    /// An environment's.
    Environment,
}

/// One deployed stack: the account, region and environment in which functions run, and their settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The environment's name; [`HUB`] in the hub.
    pub environment: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The account whose requests and holds an environment obeys.
    pub hub_account: String,
    /// How long a claim is leased to one invocation.
    pub lease: SignedDuration,
    /// Seconds until deploy checks again what sends no event.
    pub check_seconds: u32,
}

impl Site {
    /// A site with the templates' default settings.
    #[must_use]
    pub fn new(environment: &str, account: &str, region: &str, hub_account: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            hub_account: hub_account.to_owned(),
            lease: LEASE,
            check_seconds: CHECK_SECONDS,
        }
    }

    /// Which stack it is.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.environment == HUB { Scope::Hub } else { Scope::Environment }
    }
}

/// Every port that any function is built from, as one site has them.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its trait, which has the documentation")]
pub struct Ports {
    pub bus: Arc<dyn Bus>,
    pub alerts: Arc<dyn Alerts>,
    pub repository: Arc<dyn Repository>,
    pub pipelines: Arc<dyn Pipelines>,
    pub registry: Arc<dyn Registry>,
    pub endpoints: Arc<dyn Endpoints>,
    pub sampler: Arc<dyn Sampler>,
    pub schedules: Arc<dyn Schedules>,
    pub reports: Arc<dyn Reports>,
    pub alarms: Arc<dyn Alarms>,
    pub metrics: Arc<dyn Metrics>,
    pub capacity: Arc<dyn Capacity>,
}

impl Ports {
    /// The ports of something that implements all of them.
    #[must_use]
    pub fn all<P>(ports: &Arc<P>) -> Self
    where
        P: Bus
            + Alerts
            + Repository
            + Pipelines
            + Registry
            + Endpoints
            + Sampler
            + Schedules
            + Reports
            + Alarms
            + Metrics
            + Capacity
            + 'static,
    {
        let port = || Arc::clone(ports);
        Self {
            bus: port(),
            alerts: port(),
            repository: port(),
            pipelines: port(),
            registry: port(),
            endpoints: port(),
            sampler: port(),
            schedules: port(),
            reports: port(),
            alarms: port(),
            metrics: port(),
            capacity: port(),
        }
    }
}

/// A function. `tidegate-functions` lists them.
pub struct FunctionSpec {
    /// Its name: that of its folder and its Lambda.
    pub name: &'static str,
    /// The stack that it is part of.
    pub scope: Scope,
    /// Whether the rules and schedules of the templates hand it an event, whichever account sent it.
    pub wants: fn(&Event) -> bool,
    /// Builds its handler.
    pub build: fn(&Ports, &Site) -> Box<dyn Handler>,
    /// Reads its state from JSON and writes it again, as [`round_trip`].
    pub check_state: fn(&Value) -> Result<Value, serde_json::Error>,
}

/// What a state of this type is after it was read and written; an error if the value is no such state.
///
/// # Errors
/// If the value does not have the type's shape.
pub fn round_trip<S: Remembered>(state: &Value) -> Result<Value, serde_json::Error> {
    let read: S = serde_json::from_value(state.clone())?;
    serde_json::to_value(read)
}

impl fmt::Debug for FunctionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for FunctionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl PartialEq for FunctionSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FunctionSpec {}

//! What a function is, apart from what it decides: where it runs, which events it wants, and what it is built from.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use tidegate_events::Event;
use tidegate_policy::site::Scope;

use crate::Handler;
use crate::ports::{
    Alarms, Alerts, Bus, Capacity, Endpoints, Metrics, Pipelines, Registry, Remembered, Reports, Repository,
    Sampler, Schedules,
};

/// How long a claim is leased to one invocation; the templates' default.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

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
    pub build: fn(&Ports) -> Box<dyn Handler>,
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

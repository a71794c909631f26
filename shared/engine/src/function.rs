//! The properties of a function other than its rules: its account kind, the events it accepts, and how it is built.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use tidegate_events::Event;
use tidegate_policy::site::Scope;

use crate::Handler;
use crate::ports::{
    Alarms, Alerts, Bus, Capacity, Endpoints, GateSources, Metrics, Pipelines, Registry, Remembered, Reports,
    Repository, Sampler, Schedules,
};

/// The time for which a claim is leased to one invocation. The templates use the same default.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// All ports of one site. Each function is built from some of them.
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
    pub gate_sources: Arc<dyn GateSources>,
}

impl Ports {
    /// Builds all ports from one value that implements every trait.
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
            + GateSources
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
            gate_sources: port(),
        }
    }
}

/// A function. The crate `tidegate-functions` lists all of them.
pub struct FunctionSpec {
    /// The name of the function. Its folder and its Lambda have the same name.
    pub name: &'static str,
    /// The account kind in which the function runs.
    pub scope: Scope,
    /// Returns whether the rules and schedules of the templates deliver an event to the function. The sending account
    /// is not considered.
    pub wants: fn(&Event) -> bool,
    /// The detail-types that only this function publishes. The policy of its bus denies them to everybody else.
    pub publishes: &'static [&'static str],
    /// Builds the handler of the function.
    pub build: fn(&Ports) -> Box<dyn Handler>,
    /// Parses the function's state from JSON and serializes it again, see [`round_trip`].
    pub check_state: fn(&Value) -> Result<Value, serde_json::Error>,
}

/// Parses a state from JSON and serializes it again.
///
/// # Errors
/// Returns an error if the value does not have the type's shape.
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

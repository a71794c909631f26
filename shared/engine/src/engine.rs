//! The engine of one invocation, and what it works on.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tidegate_policy::controller::StepOf;
use tidegate_policy::file::Policy;
use tidegate_policy::site::Site;

use crate::adapter::{ControllerOf, TriggerOf};
use crate::limits::Limits;
use crate::measure::{DecisionLog, Measured, Meter, Time};
use crate::ports::{Alerts, Bus, Ledger, Schedules};
use crate::{Adapter, DecisionRecord, EventRef, Subject};

/// The engine of one invocation.
#[derive(Clone)]
pub struct Engine {
    /// The name of the function.
    pub function: &'static str,
    /// The version of the function.
    pub version: &'static str,
    /// The site where the function runs.
    pub site: Arc<Site>,
    /// The Lambda request id. A retry of the same invocation has the same id.
    pub request_id: String,
    /// The time for which a claim is leased to this invocation.
    pub lease: SignedDuration,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The topic for alerts.
    pub alerts: Arc<dyn Alerts>,
    /// The one-time schedules that invoke the function again.
    pub schedules: Arc<dyn Schedules>,
    /// The clock of this invocation.
    pub time: Arc<dyn Time>,
    /// The log of decisions.
    pub decision_log: Arc<dyn DecisionLog>,
    /// The limits of sweeps and of the time for one model. Without them, a sweep processes every model, one after the
    /// other.
    pub limits: Option<Limits>,
    /// The counters of AWS calls and retries.
    pub meter: Meter,
}

/// One event for one model, while it is processed.
pub(crate) struct Work<'w, A: Adapter> {
    pub(crate) adapter: &'w A,
    pub(crate) policy: Option<&'w Policy>,
    pub(crate) trigger: &'w TriggerOf<A>,
    pub(crate) subject: &'w Subject,
    pub(crate) event: &'w EventRef,
    /// The key of the claim.
    pub(crate) claim: String,
    pub(crate) now: Timestamp,
    /// The counters and the elapsed time when the processing began.
    pub(crate) start: Measured,
}

/// A recorded decision and the remaining steps of its plan. Records and decisions are boxed, because the future of an
/// invocation otherwise reserves space for them at each await point.
pub(crate) type Planned<A> = (Box<DecisionRecord>, Vec<StepOf<ControllerOf<A>>>);

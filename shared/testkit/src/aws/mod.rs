//! AWS in one account, in memory: it implements every port of a function.
//!
//! It answers with canned responses ([`FakeAws::new`]), from the AWS events that were applied ([`FakeAws::apply`]),
//! and from the functions' own calls, which change its state as they would change AWS. No call waits, and only the
//! calls in [`CannedResponses::refuses`] fail. What the functions start (a Tidegate event, a schedule, an endpoint
//! that will be in service) is an [`Effect`] for the code that advances the time.

mod apply_event;
mod canned;
mod common;
mod effect;
mod endpoints;
mod environment;
mod hub;
mod state;
mod traffic;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tidegate_engine::refusals::{Meaning, meaning};
use tidegate_engine::{CallError, Class};

pub use canned::{CannedResponses, Pace};
pub use effect::Effect;
use state::AwsState;
use traffic::Traffic;

/// AWS in one account and region, as far as the functions call it.
#[derive(Debug)]
pub struct FakeAws {
    account: String,
    region: String,
    pace: Pace,
    /// The folder of monitoring reports, as `<folder>/<bucket>/<key>`.
    reports: Option<PathBuf>,
    canned: CannedResponses,
    state: Mutex<AwsState>,
}

impl FakeAws {
    /// A fake AWS with these responses for everything that is not known otherwise.
    #[must_use]
    pub fn new(account: &str, region: &str, canned: CannedResponses) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            pace: Pace::default(),
            reports: None,
            canned,
            state: Mutex::new(AwsState::default()),
        }
    }

    /// The same fake AWS with other durations of operations.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same fake AWS with monitoring reports from a folder.
    #[must_use]
    pub fn with_reports(self, reports: Option<PathBuf>) -> Self {
        Self { reports, ..self }
    }

    /// Advances the time.
    pub fn set_now(&self, now: Timestamp) {
        self.state().now = now;
    }

    /// Takes the effects since the last call.
    #[must_use]
    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.state().effects)
    }

    /// Counts invocations of an endpoint or component.
    pub fn count(&self, name: &str, at: Timestamp, invocations: u64) {
        self.state().traffic.of(name).add(at, invocations);
    }

    /// When an endpoint or component was last invoked.
    #[must_use]
    pub fn last_invoked(&self, name: &str) -> Option<Timestamp> {
        self.state().traffic.get(name).and_then(Traffic::last)
    }

    /// Whether an alarm was last reported as ALARM.
    #[must_use]
    pub fn is_in_alarm(&self, alarm: &str) -> bool {
        self.state().alarms.contains(alarm)
    }

    /// Whether a call is accepted; the calls to reject are configured by the name of their operation.
    fn accept(&self, service: &'static str, operation: &'static str) -> Result<(), CallError> {
        self.accept_as(operation, service, operation)
    }

    fn accept_as(&self, name: &str, service: &'static str, operation: &'static str) -> Result<(), CallError> {
        let Some(message) = self.canned.refuses.get(name) else { return Ok(()) };
        let (code, text) = message.split_once(": ").unwrap_or(("", message));
        // The names in the request are not known here: a message is about the resource that the request names.
        let names: Vec<&str> = text.split(['/', '"']).collect();
        let class = meaning(operation, code, text, &names).map_or(Class::Permanent, Meaning::class);
        Err(CallError { service, operation, class, message: message.clone() })
    }

    fn state(&self) -> MutexGuard<'_, AwsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What AWS would say: every port of a function, answered from memory.
//!
//! A mirror knows what it was told: by a situation file ([`Mirror::showing`]), by AWS's events ([`Mirror::tell`]), and by
//! the functions' own calls, which change it as they would change AWS. Nothing waits and nothing fails. What the functions
//! set going (an event of ours, a wake, an endpoint that will be in service) is an [`Effect`] for whoever moves the time.

mod common;
mod endpoints;
mod environment;
mod hub;
mod known;
mod told;
mod traffic;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_engine::ports::{ApprovedPackage, RegistryPackage};
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{Endpoint, Probe, RunningComponent};
use tidegate_policy::respond::MonitorReport;

use known::Known;
use traffic::Traffic;

/// How long AWS takes for what it does not tell by an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// An execution of a pipeline.
    pub training: SignedDuration,
    /// An endpoint or a component, until it is in service.
    pub deployment: SignedDuration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { training: SignedDuration::from_mins(30), deployment: SignedDuration::from_mins(5) }
    }
}

/// Answers that hold for whatever name is asked for, where nothing is known under that name.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// The text of any file at any commit.
    pub file: Option<String>,
    /// The head of each branch, in any repository.
    pub heads: std::collections::BTreeMap<String, String>,
    /// The definition of any pipeline.
    pub pipeline: Option<String>,
    /// Executions of any pipeline that have not ended, newest first.
    pub running: Vec<String>,
    /// Any package.
    pub package: Option<RegistryPackage>,
    /// The newest approved version of any group.
    pub newest_approved: Option<ApprovedPackage>,
    /// Any endpoint.
    pub endpoint: Option<Endpoint>,
    /// Any component.
    pub component: Option<RunningComponent>,
    /// What a sample request to any endpoint gives.
    pub probe: Option<Probe>,
    /// Any monitoring report.
    pub report: Option<MonitorReport>,
    /// The alarms that are in ALARM.
    pub alarms: Vec<AlarmChanged>,
    /// Invocations of any endpoint: in the idle window, and since the deployment.
    pub invocations: [Option<u64>; 2],
}

/// Something that a function set going.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// An event of our own on the account's bus.
    Published {
        /// Its detail-type.
        detail_type: String,
        /// Its detail.
        detail: Value,
    },
    /// A one-time schedule.
    Wake {
        /// Its name.
        name: String,
        /// When it fires.
        at: Timestamp,
        /// What it hands to the function.
        input: Value,
    },
    /// An endpoint that was told to change will be in service.
    Settles {
        /// The endpoint.
        endpoint: String,
        /// When.
        at: Timestamp,
    },
    /// People were told.
    Told,
}

/// AWS in one account and region, as far as a function asks for it.
#[derive(Debug)]
pub struct Mirror {
    account: String,
    region: String,
    pace: Pace,
    /// Where monitoring reports are found, as `<folder>/<bucket>/<key>`.
    reports: Option<PathBuf>,
    answers: Answers,
    inner: Mutex<Known>,
}

impl Mirror {
    /// A mirror that gives these answers to whatever nothing else is known about.
    #[must_use]
    pub fn showing(account: &str, region: &str, answers: Answers) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            pace: Pace::default(),
            reports: None,
            answers,
            inner: Mutex::new(Known::default()),
        }
    }

    /// The same with another pace.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same with monitoring reports from a folder.
    #[must_use]
    pub fn with_reports(self, reports: Option<PathBuf>) -> Self {
        Self { reports, ..self }
    }

    /// Moves the time on.
    pub fn set_now(&self, now: Timestamp) {
        self.inner().now = now;
    }

    /// Takes what the functions set going since the last time.
    #[must_use]
    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.inner().effects)
    }

    /// Counts invocations of an endpoint or component.
    pub fn count(&self, name: &str, at: Timestamp, invocations: u64) {
        self.inner().traffic.of(name).add(at, invocations);
    }

    /// When an endpoint or component was last invoked.
    #[must_use]
    pub fn last_invoked(&self, name: &str) -> Option<Timestamp> {
        self.inner().traffic.get(name).and_then(Traffic::last)
    }

    /// Whether an alarm was last told to be in ALARM.
    #[must_use]
    pub fn is_in_alarm(&self, alarm: &str) -> bool {
        self.inner().alarms.contains(alarm)
    }

    fn inner(&self) -> MutexGuard<'_, Known> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

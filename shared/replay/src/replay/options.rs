//! The options of a replay, and why a replay ends early.

use std::io;
use std::path::PathBuf;
use std::thread;

use jiff::SignedDuration;
use tidegate_policy::file::Policy;
use tidegate_testkit::Pace;

use crate::input::InputError;

/// The options of a replay.
#[derive(Debug, Clone)]
pub struct Options {
    /// The policies.
    pub policies: Vec<Policy>,
    /// Other policies for a comparison: only the differences are shown.
    pub against: Option<Vec<Policy>>,
    /// The output for each decision.
    pub shown: Shown,
    /// The hub's account; found from the stream if absent.
    pub hub_account: Option<String>,
    /// Whether unreadable lines are counted and skipped.
    pub skip_bad: bool,
    /// The duration of AWS operations that the stream does not contain.
    pub pace: Pace,
    /// A folder with monitoring reports, as `<bucket>/<key>`.
    pub reports: Option<PathBuf>,
    /// How long the simulation continues after the last event, so that operations in progress can end.
    pub settle: SignedDuration,
    /// The number of threads that decide.
    pub threads: usize,
    /// Whether sweeps check every model each time, as in production. This is slow, and the decisions are the same.
    pub check_every_model: bool,
}

impl Options {
    /// The default options for the given policies.
    #[must_use]
    pub fn new(policies: Vec<Policy>) -> Self {
        Self {
            policies,
            against: None,
            shown: Shown::Lines,
            hub_account: None,
            skip_bad: false,
            pace: Pace::default(),
            reports: None,
            settle: SignedDuration::from_hours(24),
            threads: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            check_every_model: false,
        }
    }
}

/// Why a replay ended before the end of its input.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The input failed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The hub is not the account that was assumed until this event.
    #[error(
        "the hub is in account {account}, which the events until now did not show: say --hub-account {account}"
    )]
    Hub {
        /// The account of an event that occurs only in the hub.
        account: String,
    },
    /// The output failed.
    #[error("the decisions cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// The output of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// One line for each decision.
    Lines,
    /// The complete records, as JSON.
    Records,
    /// No output.
    Nothing,
}

//! How to replay, and why a replay ends early.

use std::io;
use std::path::PathBuf;
use std::thread;

use jiff::SignedDuration;
use tidegate_policy::file::Policy;
use tidegate_testkit::Pace;

use crate::input::InputError;

/// How to replay.
#[derive(Debug, Clone)]
pub struct Options {
    /// The policies.
    pub policies: Vec<Policy>,
    /// Others to compare them with: then only what differs is shown.
    pub against: Option<Vec<Policy>>,
    /// What is shown of each decision.
    pub shown: Shown,
    /// The hub's account; found in the stream where it is not said.
    pub hub_account: Option<String>,
    /// Whether lines that cannot be read are counted and left out.
    pub skip_bad: bool,
    /// How long AWS takes for what the stream does not tell.
    pub pace: Pace,
    /// A folder with monitoring reports, as `<bucket>/<key>`.
    pub reports: Option<PathBuf>,
    /// How long time goes on after the last event, so that what was begun ends.
    pub settle: SignedDuration,
    /// Threads that decide.
    pub threads: usize,
    /// Whether sweeps check every model each time, as in reality. Slow, and the decisions are the same.
    pub check_every_model: bool,
}

impl Options {
    /// The usual ones for some policies.
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

/// Why a replay ended before its input did.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The input.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The hub is elsewhere than it was taken to be until this event.
    #[error(
        "the hub is in account {account}, which the events until now did not show: say --hub-account {account}"
    )]
    Hub {
        /// The account of an event that only the hub has.
        account: String,
    },
    /// The output.
    #[error("the decisions cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// How decisions are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// One line each.
    Lines,
    /// The whole records, as JSON.
    Records,
    /// Not at all.
    Nothing,
}

//! An observation about drift, independent of its source.

use jiff::Timestamp;

use crate::reason::Reason;

/// An observation about drift.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The source reports drift.
    Drift {
        /// The source. Only the same source can report the end of its drift.
        source: String,
        /// The time of the observation by the source's clock; `None` means the current time.
        at: Option<Timestamp>,
        /// The alarm, if the source is one that can be read again later.
        alarm: Option<String>,
        /// The reason that a response contains.
        reason: Reason,
        /// The observed value and the threshold, if the source reports them.
        numbers: Option<(f64, f64)>,
        /// Whether the same report also has violations that people must judge.
        feed_is_broken: bool,
    },
    /// The source reports violations of which none means drift: the data feed may be broken. People must judge it.
    BrokenFeed {
        /// The source.
        source: String,
        /// The time of the observation, as for drift.
        at: Option<Timestamp>,
        /// The reported reason.
        reason: Reason,
    },
    /// The source measured, and reports that there is no drift.
    NoDrift {
        /// The source.
        source: String,
        /// The time of the observation, as for drift.
        at: Option<Timestamp>,
        /// The reported reason.
        reason: Reason,
    },
    /// Neither: the trigger does not concern drift, or the data is missing or insufficient.
    Inconclusive(Reason),
}

impl Observation {
    /// The source and the time of its observation, if it is known.
    pub(super) fn source(&self) -> Option<(&str, Option<Timestamp>)> {
        match self {
            Self::Drift { source, at, .. }
            | Self::BrokenFeed { source, at, .. }
            | Self::NoDrift { source, at, .. } => Some((source, *at)),
            Self::Inconclusive(_) => None,
        }
    }
}

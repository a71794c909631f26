//! What a source says about drift, whatever the source.

use jiff::Timestamp;

use crate::reason::Reason;

/// What a source says about drift.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Drift.
    Drift {
        /// The source: only the same source can say that its drift is over.
        source: String,
        /// When, by the source's clock; `None` for now.
        at: Option<Timestamp>,
        /// The alarm that can be read again later, if it is one.
        alarm: Option<String>,
        /// The reason that a response will carry.
        reason: Reason,
        /// The observed value and the threshold, where the source tells them.
        numbers: Option<(f64, f64)>,
    },
    /// The source measured, and there is no drift.
    NoDrift {
        /// The source.
        source: String,
        /// When, as for drift.
        at: Option<Timestamp>,
        /// What it says.
        reason: Reason,
    },
    /// Neither: it is not about drift, or the data is missing or insufficient.
    Inconclusive(Reason),
}

impl Observation {
    /// The source and its time, if it could tell.
    pub(super) fn source(&self) -> Option<(&str, Option<Timestamp>)> {
        match self {
            Self::Drift { source, at, .. } | Self::NoDrift { source, at, .. } => Some((source, *at)),
            Self::Inconclusive(_) => None,
        }
    }
}

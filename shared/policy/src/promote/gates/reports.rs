//! The gate `reports`: other tools reported that the version passed their checks.

use super::{GateInput, GateState};
use crate::hold::ALL;
use crate::promote::CheckReport;
use crate::reason::Reason;
use tidegate_events::GateResult;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let problem = input.environment.gates.reports.iter().find_map(|check| problem(input, check));
    problem.map_or(GateState::Open, |reason| GateState::Closed { reason })
}

fn problem(input: &GateInput<'_>, check: &str) -> Option<Reason> {
    let version = input.promotion.version;
    match latest(input, check) {
        None => Some(Reason::CheckNotReported { check: check.to_owned(), version }),
        Some(report) if report.result == GateResult::Failed => {
            Some(Reason::CheckFailed { check: check.to_owned(), version, detail: report.detail.clone() })
        }
        Some(_) => None,
    }
}

/// The latest report about the version that counts for the environment.
fn latest<'i>(input: &GateInput<'i>, check: &str) -> Option<&'i CheckReport> {
    let of_version = input.state.checks.get(&input.promotion.version)?.get(check)?;
    let places = [input.environment.name.as_str(), ALL];
    places.into_iter().filter_map(|place| of_version.get(place)).max_by_key(|report| report.at)
}

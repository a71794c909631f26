//! The results of checks by other tools.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{GateReported, GateResult};

use super::overdue::overdue;
use super::{Inputs, Promote, State};
use crate::decision::{Decision, Verdict};
use crate::hold::ALL;
use crate::reason::Reason;

/// The number of versions whose reports are stored, counted from the newest.
const VERSIONS: usize = 20;
/// The number of checks of one version that are stored. A policy lists fewer.
const CHECKS: usize = 50;

/// The result of a check by another tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Whether the version passed.
    pub result: GateResult,
    /// When it was checked.
    pub at: Timestamp,
    /// The result for people.
    pub detail: String,
    /// The address of the whole report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The latest reports, by version, check, and environment or `*`.
pub type CheckReports = BTreeMap<u64, BTreeMap<String, BTreeMap<String, CheckReport>>>;

/// Decides about a report: it is stored, even before the version is approved, and a promotion that waited for it continues.
pub(super) fn decide_check_report(inputs: &Inputs<'_>, said: &GateReported) -> Promote {
    let evidence = |decision: Promote| {
        decision
            .evidence("check", &said.gate)
            .evidence("version", said.version)
            .evidence("detail", &said.detail)
    };
    if let Some(name) = said.environment.as_ref().filter(|name| inputs.policy.environment(name).is_none()) {
        let reason = Reason::EnvironmentNotInPolicy { environment: name.clone() };
        return evidence(Decision::new(Verdict::Reject, reason));
    }
    let listed =
        inputs.policy.environments.iter().any(|environment| environment.gates.reports.contains(&said.gate));
    if !listed {
        return evidence(Decision::new(
            Verdict::Ignore,
            Reason::CheckNotInPolicy { check: said.gate.clone() },
        ));
    }
    let next = match stored(inputs.state, said) {
        Ok(next) => next,
        Err(reason) => return evidence(Decision::new(Verdict::Ignore, reason)),
    };
    let why = Reason::CheckReported {
        check: said.gate.clone(),
        version: said.version,
        result: said.result.as_str(),
    };
    let concerns = next.promotion.as_ref().is_some_and(|promotion| promotion.version == said.version);
    let goes_on = concerns.then(|| overdue(&Inputs { state: &next, ..*inputs }, Some(&why))).flatten();
    evidence(goes_on.unwrap_or_else(|| Decision::new(Verdict::Ignore, why).state(next)))
}

/// The state with the report.
///
/// # Errors
/// Why the report changes nothing.
fn stored(state: &State, said: &GateReported) -> Result<State, Reason> {
    let mut next = state.clone();
    let place = said.environment.clone().unwrap_or_else(|| ALL.to_owned());
    let of_version = next.checks.entry(said.version).or_default();
    let of_check = of_version.entry(said.gate.clone()).or_default();
    if let Some(newer) = of_check.get(&place).filter(|known| known.at >= said.at) {
        return Err(Reason::OlderCheck { check: said.gate.clone(), newer: newer.at });
    }
    let report =
        CheckReport { result: said.result, at: said.at, detail: said.detail.clone(), url: said.url.clone() };
    of_check.insert(place, report);
    while of_version.len() > CHECKS {
        of_version.pop_first();
    }
    // The version that is being promoted is kept, even if it is old.
    let promoted = next.promotion.as_ref().map(|promotion| promotion.version);
    while next.checks.len() > VERSIONS {
        let Some(oldest) = next.checks.keys().copied().find(|version| Some(*version) != promoted) else {
            break;
        };
        next.checks.remove(&oldest);
    }
    Ok(next)
}

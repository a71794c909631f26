//! What keeps a version out of an environment, found in the states of promote and deploy. Pure.
//!
//! Where a policy function decides about it, that function is asked what it would decide now: the command says what the
//! controller will do, because it is the same code.

use jiff::Timestamp;
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy;
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::promote::{self, EnvironmentStatus, Promotion};
use tidegate_policy::reason::Reason;

use crate::print::time;
use crate::view::View;

/// The present reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    /// Whether anything keeps a version out.
    pub(crate) blocks: bool,
    /// The reason's code.
    pub(crate) reason: String,
    /// Until when, if that is known.
    pub(crate) until: Option<Timestamp>,
    /// The reason in one sentence.
    pub(crate) message: String,
}

impl Why {
    fn nothing(reason: &str, message: String) -> Self {
        Self { blocks: false, reason: reason.to_owned(), until: None, message }
    }

    fn blocked(reason: &str, message: String) -> Self {
        Self { blocks: true, reason: reason.to_owned(), until: None, message }
    }

    fn because(reason: &Reason, message: String) -> Self {
        Self { until: until(reason), ..Self::blocked(reason.code(), message) }
    }

    /// In a few words, for a table.
    pub(crate) fn short(&self) -> String {
        match self.until {
            _ if !self.blocks => String::new(),
            Some(until) => format!("{} until {}", self.reason.replace('_', " "), time(until)),
            None => self.reason.replace('_', " "),
        }
    }
}

/// Until when a reason holds, where it says so.
pub(super) fn until(reason: &Reason) -> Option<Timestamp> {
    match reason {
        Reason::Soaking { until }
        | Reason::Cooldown { until }
        | Reason::RetrainingInFlight { until }
        | Reason::BudgetSpent { until, .. }
        | Reason::AwaitingSample { until, .. }
        | Reason::InGracePeriod { until } => Some(*until),
        _ => None,
    }
}

/// What keeps the wanted version out of `environment`, or that nothing does.
pub(crate) fn why(view: &View, policy: &Policy, environment: &str, now: Timestamp) -> Why {
    let Some(target) = policy.environment(environment) else {
        return Why::nothing(
            "environment_not_in_policy",
            format!("the policy has no environment {environment}"),
        );
    };
    let Some(promotion) = view.promotion() else { return without_promotion(view, environment) };
    let version = promotion.version;
    match promotion.environments.get(environment) {
        Some(EnvironmentStatus::Succeeded { at }) => {
            let since = time(*at);
            let live = format!("nothing blocks {environment}: version {version} is live since {since}");
            match view.held(environment) {
                Some(hold) => {
                    let reason = hold.why();
                    Why::because(
                        &reason,
                        format!("version {version} is live in {environment}; nothing newer enters: {reason}"),
                    )
                }
                None => Why::nothing("live", live),
            }
        }
        Some(EnvironmentStatus::Failed { at, cause }) => failed(view, environment, version, *at, cause),
        Some(EnvironmentStatus::Requested { request_id, at, .. }) => {
            requested(view, environment, version, request_id, *at)
        }
        None if promotion.stopped => stopped(view, policy, promotion, environment),
        None => not_entered(view, policy, promotion, target, now),
    }
}

/// The hub was not asked, or nothing was ever approved.
fn without_promotion(view: &View, environment: &str) -> Why {
    if let Some(known) = view.environments.get(environment)
        && let Some(in_flight) = &known.deploy.in_flight
    {
        return deploying(view, environment, &known.deploy, in_flight);
    }
    match view.held(environment) {
        Some(hold) => {
            let reason = hold.why();
            Why::because(&reason, format!("nothing enters {environment}: {reason}"))
        }
        None if view.hub.is_none() && view.live(environment).is_some() => Why::nothing(
            "live",
            format!(
                "nothing is in flight in {environment}; whether a version is on its way, only the hub's ledger knows"
            ),
        ),
        None => Why::nothing(
            "nothing_approved",
            format!("nothing blocks {environment}, and nothing is on its way: no version has been approved"),
        ),
    }
}

fn requested(view: &View, environment: &str, version: u64, request: &str, asked: Timestamp) -> Why {
    let since = time(asked);
    let request_not_received = || {
        let look = "`tidegate redrive --list` and `tidegate doctor` show where events are stuck";
        let said = format!(
            "{environment} was asked to deploy version {version} at {since} and has not taken it up; {look}"
        );
        Why::blocked("request_not_received", said)
    };
    let Some(known) = view.environments.get(environment) else {
        // A ledger that does not say whose it is knows of no deployment, whosever it is.
        if !view.silent.is_empty() {
            return request_not_received();
        }
        let said = format!(
            "{environment} was asked to deploy version {version} at {since} and has not reported; its own ledger was \
             not given"
        );
        return Why::blocked("asked", said);
    };
    if let Some(in_flight) = known.deploy.in_flight.as_ref().filter(|f| f.request.request_id == request) {
        return deploying(view, environment, &known.deploy, in_flight);
    }
    match &known.deploy.last_report {
        Some(report) if report.finished.request_id == request => Why::blocked(
            "report_pending",
            format!(
                "{environment} reported at {} that version {version} {}, and the hub has not heard it yet",
                time(report.finished.finished_at),
                report.finished.outcome,
            ),
        ),
        _ => request_not_received(),
    }
}

fn deploying(view: &View, environment: &str, state: &deploy::State, in_flight: &deploy::InFlight) -> Why {
    let version = in_flight.request.version;
    if let Some(hold) = state.hold() {
        let reason = hold.why();
        return Why::because(&reason, format!("version {version} waits in {environment}: {reason}"));
    }
    let last = view.environments.get(environment).and_then(|known| known.last("deploy"));
    let last = last.map(|record| format!(": {}", record.message)).unwrap_or_default();
    let since = time(in_flight.accepted_at);
    Why::blocked(
        "deploying",
        format!("version {version} is being deployed to {environment} since {since}{last}"),
    )
}

fn failed(view: &View, environment: &str, version: u64, at: Timestamp, cause: &str) -> Why {
    // The hub remembers the reason's code; the environment has the whole sentence.
    let report = view.environments.get(environment).and_then(|known| known.deploy.last_report.as_ref());
    let detail = report.map(|report| &report.finished).filter(|finished| finished.version == version);
    let cause = detail.map_or_else(|| cause.replace('_', " "), |finished| finished.detail.clone());
    let at = time(at);
    Why::blocked(
        "failed",
        format!("version {version} failed in {environment} at {at} and goes no further: {cause}"),
    )
}

fn stopped(view: &View, policy: &Policy, promotion: &Promotion, environment: &str) -> Why {
    let version = promotion.version;
    let broken = policy.environments.iter().find_map(|earlier| {
        match promotion.environments.get(earlier.name.as_str()) {
            Some(EnvironmentStatus::Failed { at, cause }) => Some((earlier.name.as_str(), *at, cause)),
            _ => None,
        }
    });
    match broken {
        Some((earlier, at, cause)) => {
            let failed = failed(view, earlier, version, at, cause);
            Why { message: format!("nothing enters {environment}: {}", failed.message), ..failed }
        }
        None => {
            let stop = view.hub.iter().flat_map(|hub| &hub.decisions);
            let stop = stop.filter(|record| record.function == "promote").find(|r| r.verdict == "stop");
            let (code, why) =
                stop.map_or(("stopped", "it was stopped"), |r| (r.reason.as_str(), r.message.as_str()));
            Why::blocked(code, format!("version {version} does not enter {environment}: {why}"))
        }
    }
}

/// It is on its way and has not been let in.
fn not_entered(
    view: &View,
    policy: &Policy,
    promotion: &Promotion,
    target: &Environment,
    now: Timestamp,
) -> Why {
    let (name, version) = (target.name.as_str(), promotion.version);
    let before = policy.environments.iter().take_while(|e| e.name != target.name).last();
    let wait = match before.map(|before| (before, promotion.environments.get(before.name.as_str()))) {
        Some((before, Some(EnvironmentStatus::Succeeded { .. }))) => {
            let decision = view
                .hub
                .as_ref()
                .map(|hub| promote::decide_check(policy, &hub.promote, before.name.as_str(), version, now));
            decision.filter(|decision| decision.verdict == Verdict::Wait).map(|decision| decision.reason)
        }
        Some((before, _)) => {
            let first = why(view, policy, before.name.as_str(), now);
            let message = format!(
                "version {version} does not enter {name} before {} has it: {}",
                before.name, first.message
            );
            return Why { message, ..Why::blocked("awaiting_previous", String::new()) };
        }
        None => gates_of_first(view, promotion, target),
    };
    match wait {
        Some(reason) => {
            let given = promotion.approvals.get(name).map_or(0, |people| people.len());
            let count = matches!(reason, Reason::ApprovalRequired { .. }).then(|| format!(", {given} given"));
            let message =
                format!("version {version} does not enter {name} yet: {reason}{}", count.unwrap_or_default());
            Why::because(&reason, message)
        }
        None => Why::nothing(
            "due",
            format!(
                "nothing blocks {name}: version {version} is due, and the next sweep asks for its deployment"
            ),
        ),
    }
}

/// The gates of the first environment, which no environment comes before.
fn gates_of_first(view: &View, promotion: &Promotion, target: &Environment) -> Option<Reason> {
    let name = target.name.as_str();
    if let Some(hold) = view.held(name) {
        return Some(hold.why());
    }
    let required = target.gates.approvals.as_ref().map_or(0, |approvals| approvals.required);
    let given = promotion.approvals.get(name).map_or(0, |people| people.len());
    let missing = u32::try_from(given).is_ok_and(|given| given < required);
    missing.then(|| Reason::ApprovalRequired { environment: name.to_owned(), required })
}

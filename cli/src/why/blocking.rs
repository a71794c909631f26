//! What keeps a version out of an environment, found in the states of promote and deploy. Pure.
//!
//! Where a policy function decides about it, that function is asked what it would decide now: the command says what the
//! controller will do, because it is the same code.

use jiff::Timestamp;
use tidegate_policy::deploy;
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::promote::gates::{self, Closed, GateInput};
use tidegate_policy::promote::{EnvironmentStatus, Promotion};
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
    /// Every gate that is closed; the first is the reason.
    pub(crate) blockers: Vec<Blocker>,
}

/// A gate that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blocker {
    /// The gate.
    pub(crate) gate: &'static str,
    /// The reason's code.
    pub(crate) reason: String,
    /// When it opens by itself, if that is known.
    pub(crate) until: Option<Timestamp>,
    /// The reason in words.
    pub(crate) message: String,
}

impl Why {
    fn nothing(reason: &str, message: String) -> Self {
        Self { blocks: false, reason: reason.to_owned(), until: None, message, blockers: Vec::new() }
    }

    fn blocked(reason: &str, message: String) -> Self {
        Self { blocks: true, reason: reason.to_owned(), until: None, message, blockers: Vec::new() }
    }

    fn because(reason: &Reason, message: String) -> Self {
        Self { until: reason.until(), ..Self::blocked(reason.code(), message) }
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

/// It is on its way and has not been let in: every gate that is closed, the first of which decides.
fn not_entered(
    view: &View,
    policy: &Policy,
    promotion: &Promotion,
    target: &Environment,
    now: Timestamp,
) -> Why {
    let (name, version) = (target.name.as_str(), promotion.version);
    let state = view.hub.as_ref().map(|hub| hub.promote.clone()).unwrap_or_default();
    let input = GateInput { policy, state: &state, promotion, environment: target, now };
    let closed: Vec<Blocker> =
        gates::blockers(&input).iter().filter_map(|closed| blocker(closed, promotion, name)).collect();
    let Some(first) = closed.first() else {
        return Why::nothing(
            "due",
            format!(
                "nothing blocks {name}: version {version} is due, and the next sweep asks for its deployment"
            ),
        );
    };
    let before = policy.environments.iter().take_while(|e| e.name != target.name).last();
    let message = match before.filter(|_| first.gate == "previous") {
        Some(before) => format!(
            "version {version} does not enter {name} before {} has it: {}",
            before.name,
            why(view, policy, before.name.as_str(), now).message
        ),
        None => format!("version {version} does not enter {name} yet: {}", first.message),
    };
    Why { blocks: true, reason: first.reason.clone(), until: first.until, message, blockers: closed }
}

/// A closed gate in words.
fn blocker(closed: &Closed, promotion: &Promotion, environment: &str) -> Option<Blocker> {
    let reason = closed.state.reason()?;
    let given = promotion.approvals.get(environment).map_or(0, |people| people.len());
    let count = matches!(reason, Reason::ApprovalRequired { .. }).then(|| format!(", {given} given"));
    Some(Blocker {
        gate: closed.gate,
        reason: reason.code().to_owned(),
        until: reason.until(),
        message: format!("{reason}{}", count.unwrap_or_default()),
    })
}

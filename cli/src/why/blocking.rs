//! Determines the blockers of a version in an environment from the states of promote and deploy. This module is pure.
//!
//! It evaluates the same gates as the controller, so that its answer is what the controller will do.

use jiff::Timestamp;
use tidegate_policy::deploy;
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::promote::gates::{self, GateInput};
use tidegate_policy::promote::{EnvironmentStatus, GateFacts, Promotion, SeenGate};
use tidegate_policy::reason::Reason;

use crate::print::time;
use crate::view::View;

/// The answer: what blocks the version, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    /// Whether something blocks the version.
    pub(crate) blocks: bool,
    /// The code of the reason.
    pub(crate) reason: String,
    /// The time until which the reason applies, if it is known.
    pub(crate) until: Option<Timestamp>,
    /// The message.
    pub(crate) message: String,
    /// Every gate that is not open. The first one determines the reason.
    pub(crate) blockers: Vec<Blocker>,
}

/// A gate that is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blocker {
    /// The name of the gate.
    pub(crate) gate: String,
    /// The code of the reason.
    pub(crate) reason: String,
    /// The time at which the gate opens by itself, if it is known.
    pub(crate) until: Option<Timestamp>,
    /// The message of the reason.
    pub(crate) message: String,
    /// Whether each sweep looks at the gate again.
    pub(crate) each_sweep: bool,
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

    /// The answer in a few words, for a table.
    pub(crate) fn short(&self) -> String {
        match self.until {
            _ if !self.blocks => String::new(),
            Some(until) => format!("{} until {}", self.reason.replace('_', " "), time(until)),
            None => self.reason.replace('_', " "),
        }
    }
}

/// Returns what blocks the wanted version in `environment`.
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
        Some(EnvironmentStatus::Succeeded { .. })
            if view.unhealthy(environment).is_some() && view.deployed(environment) == Some(version) =>
        {
            unhealthy(view, environment, version)
        }
        Some(EnvironmentStatus::Succeeded { at }) => {
            let since = time(*at);
            let back = went_back(promotion);
            let live = format!("version {version} has been live in {environment} since {since}{back}");
            match view.held(environment) {
                Some(hold) => {
                    let reason = hold.why();
                    Why::because(
                        &reason,
                        format!(
                            "version {version} is live in {environment}; a newer version cannot enter: {reason}"
                        ),
                    )
                }
                None => Why::nothing("live", live),
            }
        }
        Some(EnvironmentStatus::Failed { at, cause }) => failed(view, environment, version, *at, cause),
        Some(EnvironmentStatus::Requested { request_id, at, .. }) => {
            requested(view, environment, version, request_id, *at)
        }
        None if is_left_alone(promotion, environment) => left_alone(view, promotion, environment),
        None if promotion.stopped => stopped(view, policy, promotion, environment),
        None => not_entered(view, policy, promotion, target, now),
    }
}

/// Whether the last promotion is a rollback of other environments.
fn is_left_alone(promotion: &Promotion, environment: &str) -> bool {
    promotion.rollback.as_ref().is_some_and(|back| !back.environments.contains(environment))
}

/// The environment serves what it served before the rollback of others.
fn left_alone(view: &View, promotion: &Promotion, environment: &str) -> Why {
    let live = view.live(environment).map_or_else(|| "nothing".to_owned(), |live| format!("version {live}"));
    Why::nothing(
        "live",
        format!("{environment} serves {live}; other environments went back{}", went_back(promotion)),
    )
}

/// What the version of a rollback replaced, and why; empty for any other promotion.
fn went_back(promotion: &Promotion) -> String {
    promotion.rollback.as_ref().map_or_else(String::new, |back| {
        format!("; it took the place of version {}: {}", back.from, back.cause)
    })
}

/// The hub's ledger was not specified, or no version was ever approved.
fn without_promotion(view: &View, environment: &str) -> Why {
    if let Some(known) = view.environments.get(environment)
        && let Some(in_flight) = &known.deploy.in_flight
    {
        return deploying(view, environment, &known.deploy, in_flight);
    }
    match view.held(environment) {
        Some(hold) => {
            let reason = hold.why();
            Why::because(&reason, format!("no version can enter {environment}: {reason}"))
        }
        None if view.hub.is_none() && view.unhealthy(environment).is_some() => {
            unhealthy(view, environment, view.deployed(environment).unwrap_or_default())
        }
        None if view.hub.is_none() && view.live(environment).is_some() => Why::nothing(
            "live",
            format!(
                "no deployment is in flight in {environment}; without the hub's ledger the current promotion is unknown"
            ),
        ),
        None => Why::nothing(
            "nothing_approved",
            format!("there is no promotion to {environment}: no version has been approved"),
        ),
    }
}

/// The version was verified, and does not serve any more as it was deployed.
fn unhealthy(view: &View, environment: &str, version: u64) -> Why {
    let Some(found) = view.unhealthy(environment) else {
        return Why::nothing("live", format!("version {version} is live in {environment}"));
    };
    let said = format!(
        "{} since {}; Tidegate changes nothing until a version is approved: the alert of {environment} says what to do",
        found.detail,
        time(found.since)
    );
    Why::blocked(&found.reason, said)
}

fn requested(view: &View, environment: &str, version: u64, request: &str, asked: Timestamp) -> Why {
    let since = time(asked);
    let request_not_received = || {
        let hint = "`tidegate redrive --list` and `tidegate doctor` show where events are stuck";
        let said = format!(
            "version {version} was requested from {environment} at {since}, and {environment} has not received the \
             request; {hint}"
        );
        Why::blocked("request_not_received", said)
    };
    let Some(known) = view.environments.get(environment) else {
        // The environment of a silent ledger is unknown, but none of these ledgers has a deployment.
        if !view.silent.is_empty() {
            return request_not_received();
        }
        let said = format!(
            "version {version} was requested from {environment} at {since}, and {environment} has not reported an \
             outcome; its ledger was not specified"
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
                "{environment} reported at {} that version {version} {}, and the hub has not received the report yet",
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
        return Why::because(&reason, format!("version {version} is waiting in {environment}: {reason}"));
    }
    let last = view.environments.get(environment).and_then(|known| known.last("deploy"));
    let last = last.map(|record| format!(": {}", record.message)).unwrap_or_default();
    let since = time(in_flight.accepted_at);
    Why::blocked(
        "deploying",
        format!("the deployment of version {version} to {environment} began at {since}{last}"),
    )
}

fn failed(view: &View, environment: &str, version: u64, at: Timestamp, cause: &str) -> Why {
    // The hub stores only the code of the reason. The environment stores the whole message.
    let report = view.environments.get(environment).and_then(|known| known.deploy.last_report.as_ref());
    let detail = report.map(|report| &report.finished).filter(|finished| finished.version == version);
    let cause = detail.map_or_else(|| cause.replace('_', " "), |finished| finished.detail.clone());
    let at = time(at);
    Why::blocked(
        "failed",
        format!("version {version} failed in {environment} at {at}, and its promotion stopped: {cause}"),
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
            Why {
                message: format!("the promotion does not reach {environment}: {}", failed.message),
                ..failed
            }
        }
        None => {
            let stop = view.hub.iter().flat_map(|hub| &hub.decisions);
            let stop = stop.filter(|record| record.function == "promote").find(|r| r.verdict == "stop");
            let (code, why) = stop.map_or(("stopped", "the promotion was stopped"), |r| {
                (r.reason.as_str(), r.message.as_str())
            });
            Why::blocked(code, format!("version {version} does not enter {environment}: {why}"))
        }
    }
}

/// The version was not requested from the environment yet. Returns every gate that is not open; the first one decides.
fn not_entered(
    view: &View,
    policy: &Policy,
    promotion: &Promotion,
    target: &Environment,
    now: Timestamp,
) -> Why {
    let (name, version) = (target.name.as_str(), promotion.version);
    let state = view.hub.as_ref().map(|hub| hub.promote.clone()).unwrap_or_default();
    let authors = view.hub.as_ref().map(|hub| hub.train.authors_of(&promotion.package_arn));
    let facts = GateFacts {
        fleet: view.hub.as_ref().map(|hub| hub.fleet.clone()),
        authors: authors.unwrap_or_default(),
        ..GateFacts::default()
    };
    let input = GateInput { policy, state: &state, promotion, environment: target, facts: &facts, now };
    let closed: Vec<Blocker> = gates::known_blockers(&input).into_iter().map(blocker).collect();
    let Some(first) = closed.first() else {
        return Why::nothing(
            "due",
            format!(
                "every gate of {name} is open, and the next sweep requests the deployment of version {version}"
            ),
        );
    };
    let before = policy.environments.iter().take_while(|e| e.name != target.name).last();
    let message = match before.filter(|_| first.gate == "previous") {
        Some(before) => format!(
            "version {version} does not enter {name} before {} has deployed it: {}",
            before.name,
            why(view, policy, before.name.as_str(), now).message
        ),
        None => format!("version {version} does not enter {name} yet: {}", first.message),
    };
    Why { blocks: true, reason: first.reason.clone(), until: first.until, message, blockers: closed }
}

/// Describes a gate that is not open.
fn blocker(closed: SeenGate) -> Blocker {
    let SeenGate { gate, reason, message, until } = closed;
    let each_sweep = gates::needs_facts(&gate);
    Blocker { gate, reason, until, message, each_sweep }
}

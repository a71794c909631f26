//! The evidence beside the reason: versions, gates, drift, idle state and last decisions. This module is pure.

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::DecisionRecord;
use tidegate_policy::decision::{Evidence, Verdict};
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::promote::EnvironmentStatus;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Observation};

use super::{Why, at};
use crate::view::{LedgerData, View};

/// Returns the evidence for the answer.
pub(super) fn evidence(
    view: &View,
    policy: &Policy,
    environment: &str,
    why: &Why,
    now: Timestamp,
) -> Vec<Evidence> {
    let mut seen = EvidenceList(Vec::new());
    let version = |version: Option<u64>| version.map_or_else(|| "none".to_owned(), |v| v.to_string());
    seen.compared("live_version", version(view.live(environment)), version(view.wanted(environment)));
    if let Some(found) = view.unhealthy(environment) {
        let deployed = version(view.deployed(environment));
        seen.add(
            "health",
            format!("version {deployed} {} since {}: {}", found.condition, at(found.since), found.detail),
        );
    }
    if let Some(promotion) = view.promotion() {
        seen.add(
            "approved_in_registry",
            format!("version {} at {}", promotion.version, at(promotion.approved_at)),
        );
        for place in &policy.environments {
            let step = promotion.environments.get(place.name.as_str());
            seen.add(
                &format!("in_{}", place.name),
                step.map_or_else(|| "not requested".to_owned(), step_in_words),
            );
        }
    }
    if let Some(target) = policy.environment(environment) {
        gates(view, target, &mut seen);
        let known = view.environments.get(environment);
        if let Some(known) = known {
            seen.add("drift", drift(policy, target, known, now));
            seen.add("idle", idle(target, known));
        }
        let last = |known: &LedgerData| known.latest().map(decided);
        if let Some(last) = known.and_then(last) {
            seen.add("last_decision_in_the_environment", last);
        }
        if let Some(last) = view.hub.as_ref().and_then(last) {
            seen.add("last_decision_in_the_hub", last);
        }
    }
    if let Some(until) = why.until {
        let left = SignedDuration::from_secs(until.duration_since(now).as_secs().max(0));
        seen.add("time_left", format!("{left:#}"));
    }
    seen.0
}

struct EvidenceList(Vec<Evidence>);

impl EvidenceList {
    fn add(&mut self, name: &str, observed: String) {
        self.0.push(Evidence { name: name.to_owned(), observed, expected: None, source: None });
    }

    fn compared(&mut self, name: &str, observed: String, expected: String) {
        self.0.push(Evidence { name: name.to_owned(), observed, expected: Some(expected), source: None });
    }
}

fn gates(view: &View, target: &Environment, seen: &mut EvidenceList) {
    let name = target.name.as_str();
    if let Some(soak) = target.gates.soak {
        seen.add("soak_in_previous_environment", soak.to_string());
    }
    let Some(approvals) = &target.gates.approvals else { return };
    let people = view.promotion().and_then(|promotion| promotion.approvals.get(name));
    let people: Vec<&str> = people.into_iter().flat_map(|people| people.keys()).map(String::as_str).collect();
    let observed = if people.is_empty() { "no one".to_owned() } else { people.join(", ") };
    seen.compared("approved_by", observed, format!("{} people", approvals.required));
}

fn step_in_words(step: &EnvironmentStatus) -> String {
    match step {
        EnvironmentStatus::Requested { at: time, .. } => format!("requested at {}", at(*time)),
        EnvironmentStatus::Succeeded { at: time } => format!("live since {}", at(*time)),
        EnvironmentStatus::Failed { at: time, cause } => {
            format!("failed at {}: {}", at(*time), cause.replace('_', " "))
        }
    }
}

fn decided(record: &DecisionRecord) -> String {
    format!("{} {} {}: {}", at(record.at), record.function, record.verdict, record.message)
}

/// Returns in a few words whether there is drift, and what currently prevents a retraining.
pub(crate) fn drift(policy: &Policy, target: &Environment, known: &LedgerData, now: Timestamp) -> String {
    if policy.drift.is_none() {
        return String::new();
    }
    let state = &known.respond;
    let sources: Vec<&str> = state.drifting.keys().map(String::as_str).collect();
    let seen =
        if sources.is_empty() { "none".to_owned() } else { format!("observed by {}", sources.join(", ")) };
    match retraining_prevented_by(policy, target, known, now) {
        Some(objection) => format!("{seen}; {objection}"),
        None => seen,
    }
}

/// Returns what would prevent a retraining if drift were observed now. It calls the controller of respond.
fn retraining_prevented_by(
    policy: &Policy,
    target: &Environment,
    known: &LedgerData,
    now: Timestamp,
) -> Option<String> {
    let live = known.deploy.live.as_ref().map(|live| live.at);
    let (source, reason) = ("why".to_owned(), Reason::DriftObserved { metric: "the model".to_owned() });
    let observation =
        Observation::Drift { source, at: None, alarm: None, reason, numbers: None, feed_is_broken: false };
    let decision = respond::decide(
        policy,
        target,
        &known.respond,
        &observation,
        "why",
        (live, known.deploy.hold()),
        now,
    );
    if matches!(decision.reason, Reason::ResponseIsAlert { .. }) || decision.verdict == Verdict::Retrain {
        return None;
    }
    let words = decision.reason.code().replace('_', " ");
    Some(decision.reason.until().map_or(words.clone(), |until| format!("{words} until {}", at(until))))
}

/// Returns in a few words whether the endpoint is scaled to zero.
pub(crate) fn idle(target: &Environment, known: &LedgerData) -> String {
    let live = known.deploy.live.as_ref().map(|live| live.at);
    // A deployment after the scaling to zero has set the number of copies again.
    if let Some(since) = known.scale.zero_since.filter(|since| live.is_none_or(|live| *since > live)) {
        return format!("at zero since {}", at(since));
    }
    if target.scale.to_zero.is_none() {
        return String::new();
    }
    match &known.scale.last_reason {
        Some(reason) => format!("not at zero: {}", reason.replace('_', " ")),
        None => "not at zero".to_owned(),
    }
}

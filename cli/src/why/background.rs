//! What is good to know beside the reason: versions, gates, drift, idleness, the last decisions. Pure.

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::DecisionRecord;
use tidegate_policy::decision::{Evidence, Verdict};
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::promote::EnvironmentStatus;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Observation};

use super::{Why, at};
use crate::view::{Known, View};

/// What the answer rests on.
pub(super) fn evidence(
    view: &View,
    policy: &Policy,
    environment: &str,
    why: &Why,
    now: Timestamp,
) -> Vec<Evidence> {
    let mut seen = Seen(Vec::new());
    let version = |version: Option<u64>| version.map_or_else(|| "none".to_owned(), |v| v.to_string());
    seen.compared("live_version", version(view.live(environment)), version(view.wanted(environment)));
    if let Some(promotion) = view.promotion() {
        seen.add(
            "approved_in_registry",
            format!("version {} at {}", promotion.version, at(promotion.approved_at)),
        );
        for place in &policy.environments {
            let step = promotion.environments.get(place.name.as_str());
            seen.add(&format!("in_{}", place.name), step.map_or_else(|| "not yet".to_owned(), step_in_words));
        }
    }
    if let Some(target) = policy.environment(environment) {
        gates(view, target, &mut seen);
        let known = view.environments.get(environment);
        if let Some(known) = known {
            seen.add("drift", drift(policy, target, known, now));
            seen.add("idle", idle(target, known));
        }
        let last = |known: &Known| known.latest().map(decided);
        if let Some(last) = known.and_then(last) {
            seen.add("last_decision_here", last);
        }
        if let Some(last) = view.hub.as_ref().and_then(last) {
            seen.add("last_decision_in_the_hub", last);
        }
    }
    if let Some(until) = why.until {
        let left = SignedDuration::from_secs(until.duration_since(now).as_secs().max(0));
        seen.add("left", format!("{left:#}"));
    }
    seen.0
}

struct Seen(Vec<Evidence>);

impl Seen {
    fn add(&mut self, name: &str, observed: String) {
        self.0.push(Evidence { name: name.to_owned(), observed, expected: None, source: None });
    }

    fn compared(&mut self, name: &str, observed: String, expected: String) {
        self.0.push(Evidence { name: name.to_owned(), observed, expected: Some(expected), source: None });
    }
}

fn gates(view: &View, target: &Environment, seen: &mut Seen) {
    let name = target.name.as_str();
    if let Some(soak) = target.gates.soak {
        seen.add("soak_before_it", soak.to_string());
    }
    let Some(approvals) = &target.gates.approvals else { return };
    let people = view.promotion().and_then(|promotion| promotion.approvals.get(name));
    let people: Vec<&str> = people.into_iter().flat_map(|people| people.keys()).map(String::as_str).collect();
    let observed = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
    seen.compared("approved_by", observed, format!("{} people", approvals.required));
}

fn step_in_words(step: &EnvironmentStatus) -> String {
    match step {
        EnvironmentStatus::Requested { at: time, .. } => format!("asked at {}", at(*time)),
        EnvironmentStatus::Succeeded { at: time } => format!("live since {}", at(*time)),
        EnvironmentStatus::Failed { at: time, cause } => {
            format!("failed at {}: {}", at(*time), cause.replace('_', " "))
        }
    }
}

fn decided(record: &DecisionRecord) -> String {
    format!("{} {} {}: {}", at(record.at), record.function, record.verdict, record.message)
}

/// Whether drift is seen, and what it would lead to now, in a few words.
pub(crate) fn drift(policy: &Policy, target: &Environment, known: &Known, now: Timestamp) -> String {
    if policy.drift.is_none() {
        return String::new();
    }
    let state = &known.respond;
    let sources: Vec<&str> = state.drifting.keys().map(String::as_str).collect();
    let seen = if sources.is_empty() { "calm".to_owned() } else { format!("seen by {}", sources.join(", ")) };
    match governor(policy, target, known, now) {
        Some(objection) => format!("{seen}; {objection}"),
        None => seen,
    }
}

/// What keeps drift that is seen now from leading to a retraining. The policy itself is asked.
fn governor(policy: &Policy, target: &Environment, known: &Known, now: Timestamp) -> Option<String> {
    let live = known.deploy.live.as_ref().map(|live| live.at);
    let (source, reason) = ("why".to_owned(), Reason::DriftObserved { metric: "the model".to_owned() });
    let observation = Observation::Drift { source, at: None, alarm: None, reason, numbers: None };
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

/// Whether the endpoint sleeps, in a few words.
pub(crate) fn idle(target: &Environment, known: &Known) -> String {
    let live = known.deploy.live.as_ref().map(|live| live.at);
    // A deployment after it went to zero has set its copies again.
    if let Some(since) = known.scale.zero_since.filter(|since| live.is_none_or(|live| *since > live)) {
        return format!("at zero since {}", at(since));
    }
    if target.scale.to_zero.is_none() {
        return String::new();
    }
    match &known.scale.last_reason {
        Some(reason) => format!("awake: {}", reason.replace('_', " ")),
        None => "awake".to_owned(),
    }
}

//! Descriptions of faults and fleets.

use tidegate_engine::Outcome;

use crate::fleet::{Amendment, Environment, Fleet, Kind, Model};
use crate::history::{DeliveryFault, InvocationFault, Topic};

/// Describes a kind of event.
fn about(topic: Topic) -> &'static str {
    match topic {
        Topic::Push => "a push",
        Topic::Package => "a model package",
        Topic::Endpoint => "an endpoint",
        Topic::Alarm => "an alarm",
        Topic::Report => "a monitoring report",
        Topic::Drift => "drift that a job observed",
        Topic::Retraining => "a retraining request",
        Topic::Request => "a deployment request",
        Topic::Finished => "a deployment's end",
        Topic::People => "a command of a person",
        Topic::Wake => "a one-time schedule",
        Topic::Schedule => "a schedule",
    }
}

/// Describes a delivery fault.
pub(crate) fn delivery_fault(topic: Topic, fault: DeliveryFault) -> String {
    let fault = match fault {
        DeliveryFault::Times(times) => format!("will be delivered {times} times"),
        DeliveryFault::Late(seconds) => format!("will be {seconds} s late"),
        DeliveryFault::Again(seconds) => format!("will be delivered again {seconds} s later"),
        DeliveryFault::Lost => "will be lost, if AWS may lose it".to_owned(),
    };
    format!("(the next event about {} {fault})", about(topic))
}

/// Describes the fault of a call.
pub(crate) fn call_fault(fault: InvocationFault) -> String {
    match fault {
        InvocationFault::Error => "fails".to_owned(),
        InvocationFault::Throttled => "is throttled".to_owned(),
        InvocationFault::Denied => "is denied once".to_owned(),
        InvocationFault::ResponseLost => "succeeds, and its response is lost".to_owned(),
        InvocationFault::CrashBefore => "crashes the invocation before it".to_owned(),
        InvocationFault::CrashAfter => "crashes the invocation after it".to_owned(),
        InvocationFault::Pause(seconds) => format!("pauses for {seconds} s"),
    }
}

/// The fleet, a line for each model.
pub(crate) fn fleet(fleet: &Fleet) -> Vec<String> {
    let mut lines: Vec<String> = fleet.models.iter().map(model).collect();
    if fleet.clocks != [0; 4] {
        let [hub, staging, preproduction, production] = fleet.clocks;
        lines.push(format!(
            "the clocks of hub, staging, preproduction and production are {hub} s, {staging} s, {preproduction} s and \
             {production} s ahead"
        ));
    }
    lines
}

/// A change of a policy in a few words.
pub(crate) fn amendment(change: &Amendment) -> String {
    match change {
        Amendment::Soak { site, minutes: Some(minutes) } => format!("{minutes} min of soak before {site}"),
        Amendment::Soak { site, minutes: None } => format!("no soak before {site}"),
        Amendment::Add { environment: added } => format!("it gains {}", environment(added)),
    }
}

fn environment(environment: &Environment) -> String {
    let kind = match environment.kind {
        Kind::Serverless => "serverless",
        Kind::RealTime => "real-time",
        Kind::Canary => "real-time with a canary",
        Kind::Component => "an inference component",
    };
    let mut words = format!("{} ({kind}", environment.site);
    if let Some(soak) = environment.soak {
        words.push_str(&format!(", after a soak of {soak} min"));
    }
    if environment.approvals > 0 {
        words.push_str(&format!(", {} people agree first", environment.approvals));
    }
    if let Some((from, to)) = environment.window {
        words.push_str(&format!(", from {from}:00 to {to}:00 in Amsterdam"));
    }
    if let Some((idle, grace)) = environment.scale_to_zero {
        words.push_str(&format!(", to zero after {idle} idle min and {grace} min of grace"));
    }
    words + ")"
}

fn model(model: &Model) -> String {
    let environments: Vec<String> = model.environments.iter().map(environment).collect();
    let drift = model.drift.as_ref().map_or_else(String::new, |drift| {
        let response = if drift.retrain { "retrains" } else { "is told to people" };
        let budget =
            drift.budget.map_or_else(String::new, |(most, per)| format!(", {most} times in {per} min"));
        let people = drift.escalate_after.map_or_else(String::new, |after| format!(", people after {after}"));
        let checks = if drift.missing_column_is_drift { ", a missing column is drift" } else { "" };
        format!("; drift {response}, cooldown {} min{budget}{people}{checks}", drift.cooldown)
    });
    format!(
        "{}: {}{drift}; repository {}, group {}",
        model.name,
        environments.join(", then "),
        model.repository,
        model.group
    )
}

/// Whether an outcome is not worth a line: a copy, a sweep that found nothing, the echo of our own progress
/// note, an update that is not through yet.
pub(crate) fn is_routine(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Duplicate { .. } | Outcome::Unchanged { .. } | Outcome::Others { .. } => true,
        Outcome::NotApplicable { reason, .. } => reason == "nothing_overdue" || reason == "no_scale_policy",
        Outcome::Decided { record } => {
            matches!(record.reason.as_str(), "lifecycle_only" | "component_busy" | "endpoint_busy")
        }
    }
}

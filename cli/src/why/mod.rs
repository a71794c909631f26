//! `tidegate why`: shows why a version is not in an environment yet.

mod background;
mod blocking;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::json;
use tidegate_policy::decision::Evidence;

use crate::Failure;
use crate::ledgers::Ledgers;
use crate::print::{self, GOOD, WAITING, paint, print_json, print_line};
use crate::view::View;

pub(crate) use background::{drift, idle};
pub(crate) use blocking::{Why, why};

/// Prints the reason and its evidence.
pub(crate) async fn run(
    model: &str,
    environment: &str,
    ledgers: &Ledgers,
    json: bool,
) -> Result<(), Failure> {
    let now = Timestamp::now();
    let view = View::read(&ledgers.open().await?, model).await?;
    let Some(policy) = view.policy() else {
        return Err(Failure::Input(format!("no policy of {model} is applied in the specified ledgers")));
    };
    if policy.environment(environment).is_none() {
        let names: Vec<&str> = policy.environments.iter().map(|e| e.name.as_str()).collect();
        let names = names.join(", ");
        return Err(Failure::Input(format!(
            "the policy of {model} has no environment {environment}; it has {names}"
        )));
    }
    let why = why(&view, policy, environment, now);
    let evidence = background::evidence(&view, policy, environment, &why, now);
    if json {
        print_json(&as_json(&why, &evidence, model, environment).to_string());
    } else {
        let style = if why.blocks { WAITING } else { GOOD };
        print_line(&paint(style, &why.message));
        for also in why.blockers.iter().skip(1) {
            print_line(&format!("    also blocked by {}: {}", also.gate, also.message));
        }
        let again: Vec<&str> =
            why.blockers.iter().filter(|b| b.each_sweep).map(|blocker| blocker.gate.as_str()).collect();
        if !again.is_empty() {
            print_line(&format!("    looked at again by each sweep: {}", again.join(", ")));
        }
        for seen in &evidence {
            let expected = seen.expected.as_ref().map(|e| format!(", expected {e}")).unwrap_or_default();
            print_line(&format!("    {}: {}{expected}", seen.name.replace('_', " "), seen.observed));
        }
    }
    Ok(())
}

/// The answer as JSON.
fn as_json(why: &Why, evidence: &[Evidence], model: &str, environment: &str) -> serde_json::Value {
    let blockers: Vec<_> = why
        .blockers
        .iter()
        .map(|b| json!({ "gate": b.gate, "reason": b.reason, "until": b.until, "message": b.message, "each_sweep": b.each_sweep }))
        .collect();
    json!({
        "model": model, "environment": environment, "blocks": why.blocks, "reason": why.reason,
        "until": why.until, "message": why.message, "blockers": blockers, "evidence": evidence,
    })
}

/// Formats a time for evidence.
fn at(time: Timestamp) -> String {
    print::time(time)
}

//! A decision as text, for people and for comparing.

use serde_json::Value;
use tidegate_testkit::scenario::Scenario;

use super::Decided;

/// What a scenario decides, in lines.
#[must_use]
pub fn print(scenario: &Scenario, decided: &Decided) -> String {
    let mut lines = vec![
        format!("{}/{}", scenario.function, scenario.name),
        format!("  {}", scenario.about),
        format!("  verdict   {}", decided.verdict),
        format!("  reason    {}: {}", decided.reason, decided.message),
    ];
    for evidence in &decided.evidence {
        let expected =
            evidence.expected.as_ref().map(|e| format!(" (compared with {e})")).unwrap_or_default();
        let source = evidence.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
        lines.push(format!("  evidence  {} = {}{expected}{source}", evidence.name, evidence.observed));
    }
    for action in &decided.plan {
        lines.push(format!("  action    {}", without_fingerprints(action)));
    }
    if decided.state != Value::Null {
        lines.push(format!("  state     {}", without_fingerprints(&decided.state)));
    }
    lines.join("\n") + "\n"
}

/// The version of a policy changes with every field that policies learn; what is decided does not.
fn without_fingerprints(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| match key.as_str() {
                "policy_version" => (key.clone(), Value::from("<policy>")),
                _ => (key.clone(), without_fingerprints(value)),
            })
            .collect(),
        Value::Array(list) => list.iter().map(without_fingerprints).collect(),
        other => other.clone(),
    }
}

//! From a scenario to what is decided.

use serde_json::{Value, json};
use tidegate_engine::Outcome;
use tidegate_policy::decision::Evidence;
use tidegate_testkit::scenario::{Ran, Scenario, contains};

/// The request id of the one invocation.
const INVOCATION: &str = "scenario";

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The verdict, or `not_applicable` or `unchanged`.
    pub verdict: String,
    /// The reason's code.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// From what.
    pub evidence: Vec<Evidence>,
    /// What is done.
    pub plan: Vec<Value>,
    /// What is remembered afterwards; null if nothing ever was.
    pub state: Value,
}

impl Decided {
    /// Decides a scenario by running the function's real handler on it.
    ///
    /// # Errors
    /// If what the scenario says is remembered does not fit, or the function fails or has no outcome.
    pub fn by(scenario: &Scenario) -> Result<Self, String> {
        let Ran { outcomes, state, .. } =
            scenario.invocation(INVOCATION).run().map_err(|error| error.to_string())?;
        of_outcomes(outcomes, state).ok_or_else(|| "the function had no outcome".to_owned())
    }
}

/// The outcome that decided; if none did, the first.
fn of_outcomes(outcomes: Vec<Outcome>, state: Value) -> Option<Decided> {
    let decided = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Decided { .. }));
    let outcome = outcomes.into_iter().nth(decided.unwrap_or_default())?;
    let quiet = |decision: &str, reason: String, message: String| Decided {
        verdict: decision.to_owned(),
        reason,
        message,
        evidence: Vec::new(),
        plan: Vec::new(),
        state: Value::Null,
    };
    Some(match outcome {
        Outcome::Decided { record } => Decided {
            verdict: record.verdict,
            reason: record.reason,
            message: record.message,
            evidence: record.evidence,
            plan: record.plan,
            state,
        },
        Outcome::Unchanged { reason, .. } => Decided { state, ..quiet("unchanged", reason, String::new()) },
        Outcome::Others { .. } => Decided { state, ..quiet("unchanged", String::new(), String::new()) },
        Outcome::NotApplicable { reason, message } => {
            Decided { state, ..quiet("not_applicable", reason, message) }
        }
        Outcome::Duplicate { decision, .. } => quiet("duplicate", decision, String::new()),
    })
}

/// Where what was decided is not what the scenario expects.
#[must_use]
pub fn misses(scenario: &Scenario, decided: &Decided) -> Vec<String> {
    let Some(expect) = &scenario.expect else { return vec!["it does not say what it expects".to_owned()] };
    let mut missed = Vec::new();
    let mut compare = |what: &str, found: &str, wanted: &str| {
        if found != wanted {
            missed.push(format!("{what}: `{found}` instead of `{wanted}`"));
        }
    };
    compare("verdict", &decided.verdict, &expect.verdict);
    compare("reason", &decided.reason, &expect.reason);
    if let Some(message) = &expect.message {
        compare("message", &decided.message, message);
    }
    for wanted in &expect.evidence {
        // Who told it is compared where it is written.
        let is_wanted = |seen: &Evidence| {
            let source = wanted.source.clone().or_else(|| seen.source.clone());
            *seen == Evidence { source, ..wanted.clone() }
        };
        if !decided.evidence.iter().any(is_wanted) {
            missed.push(format!("evidence: no {wanted:?} in {:?}", decided.evidence));
        }
    }
    if !contains(&json!(decided.plan), &json!(expect.plan)) {
        missed.push(format!("plan: {} instead of {}", json!(decided.plan), json!(expect.plan)));
    }
    if let Some(wanted) = &expect.state
        && !contains(&decided.state, wanted)
    {
        missed.push(format!("state: {} instead of {wanted}", decided.state));
    }
    missed
}

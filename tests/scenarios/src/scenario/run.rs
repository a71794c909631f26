//! From a scenario to what is decided.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_engine::ports::Ledger;
use tidegate_engine::{FunctionSpec, HUB as HUB_ENVIRONMENT, Outcome, Ports, Scope};
use tidegate_events::{Body, Event, parse_value};
use tidegate_functions::named;
use tidegate_policy::decision::Evidence;
use tidegate_policy::file::{Policy, parse};
use tidegate_testkit::poll_once;

use super::file::{Found, Scenario, ScenarioError};
use super::patch::{contains, set};
use super::seen::Answers;
use crate::function::Site;

const HUB: &str = "111122223333";
const REGION: &str = "us-east-1";
/// The request id of the one invocation.
const INVOCATION: &str = "scenario";

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The verdict, or `pass` or `unchanged`.
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

/// Decides a scenario by running the function's real handler on it.
///
/// # Errors
/// If a file it names cannot be read, or the function fails.
pub fn decide_scenario(events: &Path, found: &Found) -> Result<Decided, ScenarioError> {
    let Found { function, name, scenario } = found;
    let place = format!("{}/{name}", function.name);
    let wrong = |message: String| ScenarioError::new(place.clone(), message);
    let event = event_of(events, scenario).map_err(wrong)?;
    let policy = policy_of(events, scenario).map_err(wrong)?;
    let site = site_of(events, function, scenario, policy.as_ref()).map_err(wrong)?;
    let (about, told) = {
        let work = pin!(async {
            if let Some(policy) = &policy {
                site.ledger.apply(policy, scenario.now).await?;
            }
            begin(&site, function, scenario).map_err(|message| tidegate_engine::EngineError::Stored {
                what: "scenario's state".to_owned(),
                message,
            })?;
            let outcomes = site.invoke(function.name, &event, INVOCATION, scenario.now).await?;
            let state = site.ledger.state_now(function.name, &model_of(policy.as_ref(), &event));
            Ok::<_, tidegate_engine::EngineError>((state, outcomes))
        });
        poll_once(work).ok_or_else(|| wrong("the function waits for something".to_owned()))?
    }
    .map_err(|error| wrong(error.to_string()))?;
    told_of(told, about).ok_or_else(|| wrong("the function had nothing to say".to_owned()))
}

fn read(events: &Path, file: &str) -> Result<String, String> {
    std::fs::read_to_string(events.join(file)).map_err(|error| format!("{file}: {error}"))
}

fn json_of(events: &Path, file: &str) -> Result<Value, String> {
    serde_json::from_str(&read(events, file)?).map_err(|error| format!("{file}: {error}"))
}

fn event_of(events: &Path, scenario: &Scenario) -> Result<Event, String> {
    let mut event = match &scenario.event {
        Value::String(file) => json_of(events, file)?,
        inline => inline.clone(),
    };
    for (path, value) in &scenario.change {
        set(&mut event, path, value.clone())?;
    }
    parse_value(event).map_err(|error| error.to_string())
}

fn policy_of(events: &Path, scenario: &Scenario) -> Result<Option<Policy>, String> {
    if scenario.policy == "none" {
        return Ok(None);
    }
    let text = read(events, &scenario.policy)?;
    let mut value: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    for (path, new) in &scenario.policy_change {
        set(&mut value, path, new.clone())?;
    }
    // JSON is YAML too, so what was changed is checked like any policy.
    parse(&scenario.policy, &value.to_string()).map(Some).map_err(|error| error.to_string())
}

fn site_of(
    events: &Path,
    function: &FunctionSpec,
    scenario: &Scenario,
    policy: Option<&Policy>,
) -> Result<Site, String> {
    let usual = match function.scope {
        Scope::Hub => HUB_ENVIRONMENT,
        Scope::Environment => "staging",
    };
    let environment = scenario.environment.as_deref().unwrap_or(usual);
    let in_policy = policy.and_then(|policy| policy.environment(environment));
    let account = match (&scenario.account, in_policy, environment) {
        (Some(account), ..) => account.as_str(),
        (None, Some(found), _) => found.account.as_str(),
        (None, None, "hub") => HUB,
        (None, None, _) => "444455556666",
    };
    let seen = scenario.seen.clone();
    let text = |inline: &Option<String>, sample: &Option<String>| match sample {
        Some(file) => read(events, file).map(Some),
        None => Ok(inline.clone()),
    };
    let mut alarms = Vec::new();
    for file in &seen.alarms {
        match parse_value(json_of(events, file)?).map_err(|error| error.to_string())?.body {
            Body::AlarmChanged(alarm) => alarms.push(alarm),
            _ => return Err(format!("{file} is no alarm")),
        }
    }
    let answers = Answers {
        definition: text(&seen.definition, &seen.definition_sample)?,
        pipeline: text(&seen.pipeline, &seen.pipeline_sample)?,
        report: text(&seen.report, &seen.report_sample)?,
        alarms,
        seen,
    };
    Ok(Site::new(environment, account, REGION, HUB, &Ports::all(&Arc::new(answers))))
}

/// Puts what is remembered into the ledger.
fn begin(site: &Site, function: &FunctionSpec, scenario: &Scenario) -> Result<(), String> {
    // The usual policy's model; a scenario with another names no state.
    let model = "churn";
    if !scenario.state.is_null() {
        let known = (function.check_state)(&scenario.state).map_err(|error| format!("state: {error}"))?;
        if !contains(&known, &scenario.state) {
            return Err(format!("{} has fields that the function does not remember", scenario.state));
        }
        site.ledger.put_state(function.name, model, &scenario.state);
    }
    let holds = &scenario.seen.holds;
    let put = |name: &str, state: &Value| {
        let owner = named(name).ok_or_else(|| format!("there is no function {name}"))?;
        let state = (owner.check_state)(state).map_err(|error| format!("state: {error}"))?;
        site.ledger.put_state(name, model, &state);
        Ok::<_, String>(())
    };
    if function.name == "train" && !holds.is_empty() {
        put("promote", &json!({"promotion": null, "holds": holds}))?;
    }
    if function.name == "respond" && !holds.is_empty() {
        put("deploy", &json!({"holds": holds}))?;
    }
    if let Some(at) = scenario.seen.live_since {
        let arn = format!("arn:aws:sagemaker:{REGION}:{HUB}:model-package/churn/7");
        let mut deployed = json!({"holds": holds, "live": {"version": 7, "package_arn": arn, "config": "churn-7",
            "request_id": "r", "at": at}});
        if scenario.seen.deploying {
            let request = json!({"request_id": "r8", "model": model, "environment": site.site().environment,
                "environment_account": site.site().account, "region": REGION, "version": 8, "package_arn": arn,
                "policy_version": "p", "requested_at": at});
            let in_flight = json!({"request": request, "accepted_at": at, "checks": 0});
            set(&mut deployed, "in_flight", in_flight)?;
        }
        put("deploy", &deployed)?;
    }
    Ok(())
}

/// The model whose state is shown: the policy's, or the one that the event names.
fn model_of(policy: Option<&Policy>, event: &Event) -> String {
    match (policy, &event.body) {
        (Some(policy), _) => policy.model.to_string(),
        (None, Body::DeploymentRequested(request)) => request.model.clone(),
        (None, _) => String::new(),
    }
}

/// The outcome that decided; if none did, the first.
fn told_of(outcomes: Vec<Outcome>, state: Value) -> Option<Decided> {
    let decided = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Decided { .. }));
    let told = outcomes.into_iter().nth(decided.unwrap_or_default())?;
    let quiet = |decision: &str, reason: String, message: String| Decided {
        verdict: decision.to_owned(),
        reason,
        message,
        evidence: Vec::new(),
        plan: Vec::new(),
        state: Value::Null,
    };
    Some(match told {
        Outcome::Decided { record } => Decided {
            verdict: record.verdict,
            reason: record.reason,
            message: record.message,
            evidence: record.evidence,
            plan: record.plan,
            state,
        },
        Outcome::Unchanged { reason, .. } => Decided { state, ..quiet("unchanged", reason, String::new()) },
        Outcome::NotApplicable { reason, message } => {
            Decided { state, ..quiet("not_applicable", reason, message) }
        }
        Outcome::Duplicate { decision, .. } => quiet("duplicate", decision, String::new()),
    })
}

/// Where what was decided is not what the scenario expects.
#[must_use]
pub fn misses(scenario: &Scenario, decided: &Decided) -> Vec<String> {
    let expect = &scenario.expect;
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

//! `tidegate explain`: prints the decision about one event. It reads only files.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::{DecisionRecord, FunctionSpec};
use tidegate_functions::{named, names};
use tidegate_policy::file::Policy;
use tidegate_replay::explain::{Answer, INVOCATION, Place, Question, assumed, explain, run as run_scenario};
use tidegate_replay::input::{events_of_log, name_of_foreign, unwrapped};
use tidegate_testkit::scenario::{Scenario, Setup};

use crate::Failure;
use crate::print::{BAD, FAINT, STRONG, paint, print_json, print_line, say, time, verdict_style};
use crate::{files, input};

/// The largest number of events in one file.
const EVENTS: usize = 1_000;

/// The arguments of `tidegate explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Files with the applied policies, or folders with such files.
    #[arg(long = "policy", value_name = "FILE", num_args = 1..)]
    policies: Vec<PathBuf>,
    /// The event as JSON, `-` for standard input; or a scenario file, which contains its own policy, time, site and
    /// state.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// The function's state and the facts from AWS, as YAML or JSON: the fields `state` and `seen` of a scenario.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The time of the decision. The default is the time of the event.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// Explain only this function.
    #[arg(long, value_parser = function)]
    function: Option<&'static FunctionSpec>,
    /// The environment where the function runs; `hub` for the hub.
    #[arg(long)]
    environment: Option<String>,
    /// The account where the function runs.
    #[arg(long)]
    account: Option<String>,
    /// The region where the function runs.
    #[arg(long)]
    region: Option<String>,
    /// The account of the hub, for a function of an environment.
    #[arg(long)]
    hub_account: Option<String>,
    /// The Lambda request id, which a sweep without a time has in its record.
    #[arg(long, default_value = INVOCATION)]
    request_id: String,
}

fn function(name: &str) -> Result<&'static FunctionSpec, String> {
    named(name).ok_or_else(|| format!("the functions are {}", names("and")))
}

/// Explains one event or one scenario.
pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let answers = answers(arguments)?;
    for (index, answer) in answers.iter().enumerate() {
        if json {
            let line = serde_json::to_string(&answer.record);
            print_json(&line.map_err(|error| Failure::Input(error.to_string()))?);
        } else {
            if index > 0 {
                print_line("");
            }
            print_answer(answer);
        }
    }
    Ok(())
}

fn answers(arguments: &Arguments) -> Result<Vec<Answer>, Failure> {
    let policies = files::read(&arguments.policies)?;
    if arguments.event.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        return explain_scenario(arguments, policies);
    }
    let name = name_of(&arguments.event);
    let setup = match &arguments.state {
        Some(file) => Setup::load(file).map_err(|error| Failure::Input(error.to_string()))?,
        None => Setup::default(),
    };
    let is_assumed = arguments.state.is_none();
    let mut events = Vec::new();
    for value in values_of(&arguments.event, &name)? {
        events.extend(unwrapped(value).map_err(|error| Failure::Input(format!("{name}: {error}")))?);
    }
    if events.len() > EVENTS {
        let message =
            format!("the file contains {} events, and explain shows at most {EVENTS}", events.len());
        return Err(Failure::Input(format!("{name}: {message}; `tidegate replay` reads more")));
    }
    if events.is_empty() {
        return Err(Failure::Input(format!("{name}: the file contains no event")));
    }
    let mut all = Vec::new();
    for event in events {
        all.extend(explain_event(arguments, &policies, (&setup, is_assumed), &name, event)?);
    }
    Ok(all)
}

/// Runs a scenario, with another policy, time or function if the arguments specify one. The scenario specifies
/// everything else.
fn explain_scenario(arguments: &Arguments, policies: Vec<Policy>) -> Result<Vec<Answer>, Failure> {
    let wrong = |error: String| Failure::Input(error);
    let Arguments { event, state, environment, account, region, hub_account, .. } = arguments;
    let said = [
        ("--state", state.is_some()),
        ("--environment", environment.is_some()),
        ("--account", account.is_some()),
        ("--region", region.is_some()),
        ("--hub-account", hub_account.is_some()),
    ];
    if let Some((flag, _)) = said.into_iter().find(|(_, is_said)| *is_said) {
        let file = event.display();
        return Err(wrong(format!("{file}: {flag} cannot be used with a scenario, which specifies its own")));
    }
    let mut scenario = Scenario::load(event, arguments.function).map_err(|error| wrong(error.to_string()))?;
    if !policies.is_empty() {
        scenario.policies = policies;
    }
    scenario.now = arguments.now.unwrap_or(scenario.now);
    run_scenario(&scenario, &arguments.request_id)
        .map_err(|error| wrong(format!("{}: {error}", event.display())))
}

fn explain_event(
    arguments: &Arguments,
    policies: &[Policy],
    (setup, is_assumed): (&Setup, bool),
    name: &str,
    value: Value,
) -> Result<Vec<Answer>, Failure> {
    let foreign = name_of_foreign(&value);
    let event = match (tidegate_events::parse_value(value), foreign) {
        (Ok(event), _) => event,
        // The kind of message is known, and no function handles it.
        (Err(_), Some(what)) => return Ok(vec![Answer::foreign(what, arguments.now)]),
        (Err(error), None) => return Err(Failure::Input(format!("{name}: {error}"))),
    };
    let now = arguments.now.or(event.envelope.time).unwrap_or_else(|| {
        say(&format!("{name}: the event has no time; the current time is used (set another one with --now)"));
        Timestamp::now()
    });
    let (responses, assumption) = assumed(&event);
    let with_assumption = Setup { responses, ..setup.clone() };
    let question = Question {
        policies,
        event: &event,
        setup: if is_assumed { &with_assumption } else { setup },
        now: Some(now),
        function: arguments.function,
        place: Place {
            environment: arguments.environment.as_deref(),
            account: arguments.account.as_deref(),
            region: arguments.region.as_deref(),
            hub_account: arguments.hub_account.as_deref(),
        },
        request_id: &arguments.request_id,
    };
    let answers = explain(&question).map_err(|error| Failure::Input(format!("{name}: {error}")))?;
    if let Some(guess) = answers.iter().find(|answer| answer.is_place_guessed) {
        let account = &guess.record.account;
        say(&format!(
            "{name}: the input does not specify the account of the hub; {account} is assumed (set another one with --hub-account)"
        ));
    }
    let decides = answers.iter().any(|answer| answer.recorded);
    if let Some(assumption) = assumption.filter(|_| is_assumed && decides) {
        say(&format!("assumed: {assumption}; --state says otherwise"));
    }
    Ok(answers)
}

fn name_of(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// The JSON of a file: one value, or the messages of a log group.
fn values_of(file: &Path, name: &str) -> Result<Vec<Value>, Failure> {
    let hint = "an event is one JSON object; `tidegate replay` reads a file with one event per line";
    let text = input::read_text(file, input::EVENT_BYTES)
        .map_err(|error| Failure::Input(format!("{name}: {error}; {hint}")))?;
    if let Some(events) = events_of_log(&text) {
        return events.map_err(|(line, error)| Failure::Input(format!("{name}:{line}: {error}")));
    }
    serde_json::from_str(&text).map(|value| vec![value]).map_err(|error| {
        let (line, column, text) = (error.line(), error.column(), error.to_string());
        let what = text.split(" at line ").next().unwrap_or(&text);
        Failure::Input(format!("{name}:{line}:{column}: this is not JSON: {what}; {hint}"))
    })
}

fn print_answer(answer: &Answer) {
    let record = &answer.record;
    let verdict = paint(verdict_style(&record.verdict), &record.verdict);
    let about = if record.model.is_empty() { String::new() } else { format!(" about {}", record.model) };
    let place = match record.function.as_str() {
        "none" => "no function".to_owned(),
        name => format!("{name} in {}{about}, {}", record.environment, time(record.at)),
    };
    print_line(&format!("{verdict}  {}  {}", paint(STRONG, &record.reason), paint(FAINT, &place)));
    print_line(&format!("  {}", record.message));
    print_evidence_and_plan(record);
    if record.function == "none" {
        return;
    }
    let recorded = if answer.recorded {
        "the function records this decision"
    } else {
        "the function only logs this decision"
    };
    print_line(&paint(
        FAINT,
        &format!(
            "  {recorded}; policy {}, idempotency key {}",
            record.policy_version, record.event.idempotency_key
        ),
    ));
}

fn print_evidence_and_plan(record: &DecisionRecord) {
    let width = record.evidence.iter().map(|seen| seen.name.chars().count()).max().unwrap_or_default();
    for seen in &record.evidence {
        let expected = seen.expected.as_ref().map(|e| format!("  (expected {e})")).unwrap_or_default();
        let source = seen.source.as_ref().map(|s| format!("  from {s}")).unwrap_or_default();
        print_line(&format!("  evidence  {:<width$}  {}{expected}{source}", seen.name, seen.observed));
    }
    for (index, action) in record.plan.iter().enumerate() {
        let name = action.get("action").and_then(Value::as_str).unwrap_or("action");
        let mut rest = action.clone();
        if let Some(map) = rest.as_object_mut() {
            map.remove("action");
        }
        print_line(&format!("  plan      {}. {name} {rest}", index.saturating_add(1)));
    }
    if record.plan.is_empty() {
        print_line("  plan      no steps");
    }
    if record.reason == "violates_invariant" {
        print_line(&paint(
            BAD,
            "  check     the decision violates an invariant; this is a defect, please report it",
        ));
    } else {
        print_line("  check     no invariant is violated");
    }
}

//! What would be decided about one event, and why: from files alone.

use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::{DecisionRecord, FunctionSpec};
use tidegate_functions::{named, names};
use tidegate_policy::file::Policy;
use tidegate_replay::explain::{Answer, INVOCATION, Place, Question, explain, run as run_scenario};
use tidegate_replay::input::{name_of_foreign, unwrapped};
use tidegate_testkit::scenario::{Scenario, Setup};

use crate::Failure;
use crate::files;
use crate::print::{BAD, FAINT, STRONG, paint, say, time, verdict_style};

/// What is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Policy files that are applied, or folders with some.
    #[arg(long = "policy", value_name = "FILE", num_args = 1..)]
    policies: Vec<PathBuf>,
    /// The event as JSON, `-` for standard input; or a scenario, which brings its own policy, time, place and state.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// What the function remembers and what AWS says, as YAML or JSON: the fields `state` and `seen` of a scenario.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// When it happens; the event's own time if it is not said.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// Only this function.
    #[arg(long, value_parser = function)]
    function: Option<&'static FunctionSpec>,
    /// Where the function runs; `hub` for the hub.
    #[arg(long)]
    environment: Option<String>,
    /// The account where it runs.
    #[arg(long)]
    account: Option<String>,
    /// The region where it runs.
    #[arg(long)]
    region: Option<String>,
    /// The hub's account, for an environment's functions.
    #[arg(long)]
    hub_account: Option<String>,
    /// The Lambda request, which a sweep without a time has in its record.
    #[arg(long, default_value = INVOCATION)]
    request_id: String,
}

fn function(name: &str) -> Result<&'static FunctionSpec, String> {
    named(name).ok_or_else(|| format!("it is {}", names("or")))
}

/// Explains one event, or runs a scenario.
pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let answers = answers(arguments)?;
    for (index, answer) in answers.iter().enumerate() {
        if json {
            let line = serde_json::to_string(&answer.record);
            say(&line.map_err(|error| Failure::Input(error.to_string()))?);
        } else {
            if index > 0 {
                say("");
            }
            tell(answer);
        }
    }
    Ok(())
}

fn answers(arguments: &Arguments) -> Result<Vec<Answer>, Failure> {
    let policies = files::read(&arguments.policies)?;
    if arguments.event.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        return of_scenario(arguments, policies);
    }
    let name = name_of(&arguments.event);
    let setup = match &arguments.state {
        Some(file) => Setup::load(file).map_err(|error| Failure::Input(error.to_string()))?,
        None => Setup::default(),
    };
    let events = unwrapped(json_of(&arguments.event, &name)?);
    if events.is_empty() {
        return Err(Failure::Input(format!("{name}: no event is in it")));
    }
    let mut all = Vec::new();
    for event in events {
        all.extend(about(arguments, &policies, &setup, &name, event)?);
    }
    Ok(all)
}

/// Runs a scenario, with another policy, time or function if they are said. All else it says itself.
fn of_scenario(arguments: &Arguments, policies: Vec<Policy>) -> Result<Vec<Answer>, Failure> {
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
        return Err(wrong(format!("{file}: {flag} does not go with a scenario, which says it itself")));
    }
    let mut scenario = Scenario::load(event, arguments.function).map_err(|error| wrong(error.to_string()))?;
    if !policies.is_empty() {
        scenario.policies = policies;
    }
    scenario.now = arguments.now.unwrap_or(scenario.now);
    run_scenario(&scenario, &arguments.request_id)
        .map_err(|error| wrong(format!("{}: {error}", event.display())))
}

fn about(
    arguments: &Arguments,
    policies: &[Policy],
    setup: &Setup,
    name: &str,
    value: Value,
) -> Result<Vec<Answer>, Failure> {
    let foreign = name_of_foreign(&value);
    let event = match (tidegate_events::parse_value(value), foreign) {
        (Ok(event), _) => event,
        // It is known what this is, and that nobody reacts to it.
        (Err(_), Some(what)) => return Ok(vec![Answer::foreign(what, arguments.now)]),
        (Err(error), None) => return Err(Failure::Input(format!("{name}: {error}"))),
    };
    let now = arguments.now.or(event.envelope.time).unwrap_or_else(|| {
        eprintln!("{name}: the event has no time; it is explained as if it came now (--now says otherwise)");
        Timestamp::now()
    });
    let question = Question {
        policies,
        event: &event,
        setup,
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
        eprintln!(
            "{name}: nothing says where the hub is; it is taken to be {account} (--hub-account says otherwise)"
        );
    }
    Ok(answers)
}

fn name_of(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

fn json_of(file: &Path, name: &str) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|found| bytes = found)
    };
    read.map_err(|error| Failure::Input(format!("{name}: {error}")))?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let hint = "an event is one JSON object; `tidegate replay` reads a file with one on each line";
        Failure::Input(format!("{name}:{line}:{column}: this is no JSON: {error}; {hint}"))
    })
}

fn tell(answer: &Answer) {
    let record = &answer.record;
    let verdict = paint(verdict_style(&record.verdict), &record.verdict);
    let about = if record.model.is_empty() { String::new() } else { format!(" about {}", record.model) };
    let place = match record.function.as_str() {
        "none" => "no function".to_owned(),
        name => format!("{name} in {}{about}, {}", record.environment, time(record.at)),
    };
    say(&format!("{verdict}  {}  {}", paint(STRONG, &record.reason), paint(FAINT, &place)));
    say(&format!("  {}", record.message));
    tell_grounds(record);
    if record.function == "none" {
        return;
    }
    let kept =
        if answer.recorded { "the function writes this record" } else { "only a line in the log, no record" };
    say(&paint(
        FAINT,
        &format!("  {kept}; policy {}, event means {}", record.policy_version, record.event.idempotency_key),
    ));
}

fn tell_grounds(record: &DecisionRecord) {
    let width = record.evidence.iter().map(|seen| seen.name.chars().count()).max().unwrap_or_default();
    for seen in &record.evidence {
        let expected = seen.expected.as_ref().map(|e| format!("  (compared with {e})")).unwrap_or_default();
        let source = seen.source.as_ref().map(|s| format!("  from {s}")).unwrap_or_default();
        say(&format!("  saw   {:<width$}  {}{expected}{source}", seen.name, seen.observed));
    }
    for (index, action) in record.plan.iter().enumerate() {
        let name = action.get("action").and_then(Value::as_str).unwrap_or("action");
        let mut rest = action.clone();
        if let Some(map) = rest.as_object_mut() {
            map.remove("action");
        }
        say(&format!("  plan  {}. {name} {rest}", index.saturating_add(1)));
    }
    if record.plan.is_empty() {
        say("  plan  nothing is done");
    }
    if record.reason == "violates_invariant" {
        say(&paint(BAD, "  check the checker refuses this decision: please report it, it is a defect"));
    } else {
        say("  check no invariant is broken");
    }
}

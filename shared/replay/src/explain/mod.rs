//! Shows the decision about one event, and its reason.
//!
//! The answer is the record that the Lambda function would write, before its actions are carried out. A result that
//! is not recorded (an event that no function reacts to, a sweep without changes) has a record of the same structure,
//! and [`Answer::recorded`] is `false`.

mod assumed;
mod places;
mod question;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::{DecisionRecord, EventRef, FunctionSpec, HUB, Outcome, SCHEMA, Site};
use tidegate_functions::wanted_by;
use tidegate_policy::fingerprint::short;
use tidegate_policy::reason::Reason;
use tidegate_testkit::CannedResponses;
use tidegate_testkit::scenario::{Invocation, InvocationError, Ran, Scenario, Setup};

use crate::input::hint_of_event;
pub(crate) use assumed::DEFINITION;
pub use assumed::assumed;
pub use question::{Place, Question};

/// The default Lambda request ID for the explanation of an event.
pub const INVOCATION: &str = "explain";

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The record, without the outcomes of its actions.
    pub record: DecisionRecord,
    /// Whether the function records it. If not, the verdict is `ignore`, or `unchanged` for a sweep without changes.
    pub recorded: bool,
    /// Whether the account in the record is a guess: the function belongs to the hub, and nothing identifies the
    /// hub's account.
    pub is_place_guessed: bool,
}

impl Answer {
    fn of(record: DecisionRecord, recorded: bool) -> Self {
        Self { record, recorded, is_place_guessed: false }
    }

    /// The answer for JSON that is known not to be an event; `what` describes it.
    #[must_use]
    pub fn foreign(what: &str, now: Option<Timestamp>) -> Self {
        let now = now.unwrap_or(Timestamp::UNIX_EPOCH);
        let record = DecisionRecord {
            schema: SCHEMA,
            id: short(&["none", what], 20),
            at: now,
            account: String::new(),
            environment: HUB.to_owned(),
            function: "none".to_owned(),
            function_version: env!("CARGO_PKG_VERSION").to_owned(),
            model: String::new(),
            verdict: "ignore".to_owned(),
            reason: Reason::UnsupportedEvent.code().to_owned(),
            message: format!("{}: this is {what}", Reason::UnsupportedEvent),
            evidence: Vec::new(),
            plan: Vec::new(),
            policy_version: "none".to_owned(),
            event: EventRef {
                id: String::new(),
                source: String::new(),
                detail_type: String::new(),
                idempotency_key: "none".to_owned(),
                received: None,
            },
            caused_by: None,
            sequence: 0,
            outcomes: Vec::new(),
        };
        Self::of(record, false)
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The time of the invocation is not known.
    #[error("the event has no time; say when it happens with --now")]
    NoTime,
    /// The invocation has no result.
    #[error(transparent)]
    Invocation(#[from] InvocationError),
}

/// Invokes every function that would receive the event, at every site where it would.
///
/// # Errors
/// If the time is not known, the given state is not valid, or a function fails.
pub fn explain(question: &Question<'_>) -> Result<Vec<Answer>, ExplainError> {
    let now = question.now.or(question.event.envelope.time).ok_or(ExplainError::NoTime)?;
    let functions: Vec<&'static FunctionSpec> = match question.function {
        Some(one) => vec![one],
        None => wanted_by(question.event).collect(),
    };
    if functions.is_empty() {
        let mut answer = unwanted(question, None, &Reason::UnsupportedEvent, now);
        let envelope = &question.event.envelope;
        if let Some(hint) = hint_of_event(&envelope.source, &envelope.detail_type) {
            answer.record.message = format!("{}: {hint}", answer.record.message);
        }
        return Ok(vec![answer]);
    }
    let mut answers = Vec::new();
    for function in functions {
        let sites = places::of(question, function);
        if sites.is_empty() {
            let envelope = &question.event.envelope;
            let what = format!("an environment in account {} {}", envelope.account, envelope.region);
            answers.push(unwanted(question, Some(function), &Reason::Unmanaged { what }, now));
        }
        let is_place_guessed = places::is_guess(question, function);
        for site in sites {
            let asked = ask(question, function, site, now)?;
            answers.extend(asked.into_iter().map(|answer| Answer { is_place_guessed, ..answer }));
        }
    }
    // A change of an alarm may concern two functions; recorded answers come first.
    answers.sort_by_key(|answer| !answer.recorded);
    Ok(answers)
}

/// Runs a scenario unchanged.
///
/// # Errors
/// As [`explain`].
pub fn run(scenario: &Scenario, request_id: &str) -> Result<Vec<Answer>, ExplainError> {
    let question = Question {
        policies: &scenario.policies,
        event: &scenario.event,
        setup: &scenario.setup,
        now: Some(scenario.now),
        function: Some(scenario.function),
        place: Place::default(),
        request_id,
    };
    ask(&question, scenario.function, scenario.site.clone(), scenario.now)
}

/// Invokes one function once at one site.
fn ask(
    question: &Question<'_>,
    function: &'static FunctionSpec,
    site: Site,
    now: Timestamp,
) -> Result<Vec<Answer>, ExplainError> {
    // The explanation ends before AWS is called, so configured rejections have no effect.
    let responses = CannedResponses { refuses: BTreeMap::new(), ..question.setup.responses.clone() };
    let setup = Setup { responses, ..question.setup.clone() };
    let Question { policies, event, request_id, .. } = *question;
    let invocation =
        Invocation { function, site: site.clone(), policies, setup: &setup, event, now, request_id };
    let Ran { outcomes, recorded, .. } = invocation.run()?;
    let record = |record: Arc<DecisionRecord>| Answer::of(Arc::unwrap_or_clone(record), true);
    let mut answers: Vec<Answer> = recorded.into_iter().map(record).collect();
    for outcome in outcomes {
        let (model, verdict, reason, message) = match outcome {
            Outcome::NotApplicable { reason, message } => (String::new(), "ignore", reason, message),
            Outcome::Unchanged { model, reason } => {
                (model, "unchanged", reason, "nothing has changed since the last record".to_owned())
            }
            Outcome::Decided { .. } | Outcome::Duplicate { .. } | Outcome::Others { .. } => continue,
        };
        let mut record = blank(question, function.name, &site, now);
        (record.model, record.reason, record.message) = (model, reason, message);
        verdict.clone_into(&mut record.verdict);
        answers.push(Answer::of(record, false));
    }
    Ok(answers)
}

fn unwanted(
    question: &Question<'_>,
    function: Option<&FunctionSpec>,
    reason: &Reason,
    now: Timestamp,
) -> Answer {
    let envelope = &question.event.envelope;
    let Place { environment, account, region, .. } = question.place;
    let (account, region) = (account.unwrap_or(&envelope.account), region.unwrap_or(&envelope.region));
    let site = Site::new(environment.unwrap_or(HUB), account, region, "");
    let mut record = blank(question, function.map_or("none", |function| function.name), &site, now);
    reason.code().clone_into(&mut record.reason);
    record.message = reason.to_string();
    Answer::of(record, false)
}

/// A record with the structure of a decision, for a result that is not recorded.
fn blank(question: &Question<'_>, function: &str, site: &Site, now: Timestamp) -> DecisionRecord {
    let event = EventRef::of(question.event);
    let at = now.to_string();
    DecisionRecord {
        schema: SCHEMA,
        id: short(&[function, &site.account, &site.environment, "", &event.idempotency_key, &at], 20),
        at: now,
        account: site.account.clone(),
        environment: site.environment.clone(),
        function: function.to_owned(),
        function_version: env!("CARGO_PKG_VERSION").to_owned(),
        model: String::new(),
        verdict: "ignore".to_owned(),
        reason: String::new(),
        message: String::new(),
        evidence: Vec::new(),
        plan: Vec::new(),
        policy_version: "none".to_owned(),
        event,
        caused_by: None,
        sequence: 0,
        outcomes: Vec::new(),
    }
}

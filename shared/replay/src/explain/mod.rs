//! What would be decided about one event, and why.
//!
//! The answer is the record that the Lambda would write, at the moment when it writes it: before its actions are carried
//! out. What is not written down (an event that nobody reacts to, a sweep that finds nothing new) has a record of the
//! same shape, and [`Answer::recorded`] says so.

mod places;

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_engine::{DecisionRecord, EngineError, EventRef, FunctionSpec, HUB, Outcome, SCHEMA, Site};
use tidegate_events::{Body, Event};
use tidegate_functions::wanted_by;
use tidegate_policy::file::Policy;
use tidegate_policy::fingerprint::short;
use tidegate_policy::reason::Reason;

use crate::situation::{Scenario, Situation};
use crate::{Book, Mirror, Stack};

/// The Lambda request under which an event is explained, if nobody says another.
pub const INVOCATION: &str = "explain";

/// A question: what would be decided about this event?
#[derive(Debug, Clone)]
pub struct Question<'q> {
    /// The policies that are applied.
    pub policies: &'q [Policy],
    /// The event.
    pub event: &'q Event,
    /// What is remembered and found.
    pub situation: &'q Situation,
    /// When it happens; the event's own time where it is not said.
    pub now: Option<Timestamp>,
    /// Only this function, whether its rules would hand it the event or not.
    pub function: Option<&'static FunctionSpec>,
    /// Where; what is not said is taken from the policies and the event.
    pub place: Place<'q>,
    /// The Lambda request id; sweeps have it in their record.
    pub request_id: &'q str,
}

/// Where a function runs, as far as somebody said it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'p> {
    /// The environment; `hub` for the hub.
    pub environment: Option<&'p str>,
    /// The account.
    pub account: Option<&'p str>,
    /// The region.
    pub region: Option<&'p str>,
    /// The hub's account.
    pub hub_account: Option<&'p str>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The record, without the outcomes of its actions.
    pub record: DecisionRecord,
    /// Whether the function writes it down. If not, the verdict is `ignore`, or `unchanged` for a sweep without news.
    pub recorded: bool,
    /// Whether the account in the record is a guess: the function is the hub's, and nothing says where the hub is.
    pub is_place_guessed: bool,
}

impl Answer {
    fn of(record: DecisionRecord, recorded: bool) -> Self {
        Self { record, recorded, is_place_guessed: false }
    }

    /// The answer about JSON that is known to be no event: `what` it is, in words.
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
    /// Nobody said when it happens.
    #[error("the event has no time; say when it happens with --now")]
    NoTime,
    /// What is remembered does not fit.
    #[error("{0}")]
    Situation(String),
    /// The function failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Asks every function that would get the event, in every place where it would.
///
/// # Errors
/// If the time is not known, what is remembered does not fit, or a function fails.
pub fn explain(question: &Question<'_>) -> Result<Vec<Answer>, ExplainError> {
    let now = question.now.or(question.event.envelope.time).ok_or(ExplainError::NoTime)?;
    let functions: Vec<&FunctionSpec> = match question.function {
        Some(one) => vec![one],
        None => wanted_by(question.event).collect(),
    };
    if functions.is_empty() {
        return Ok(vec![unwanted(question, None, &Reason::UnsupportedEvent, now)]);
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
    // A change of an alarm may be for two functions; who has something to say comes first.
    answers.sort_by_key(|answer| !answer.recorded);
    Ok(answers)
}

/// Runs a scenario as it stands.
///
/// # Errors
/// As [`explain`].
pub fn run(scenario: &Scenario, request_id: &str) -> Result<Vec<Answer>, ExplainError> {
    let question = Question {
        policies: &scenario.policies,
        event: &scenario.event,
        situation: &scenario.situation,
        now: Some(scenario.now),
        function: Some(scenario.function),
        place: Place::default(),
        request_id,
    };
    ask(&question, scenario.function, scenario.site.clone(), scenario.now)
}

/// One invocation of one function in one place.
fn ask(
    question: &Question<'_>,
    function: &FunctionSpec,
    site: Site,
    now: Timestamp,
) -> Result<Vec<Answer>, ExplainError> {
    let book = Arc::new(Book::new());
    book.keep_written();
    for policy in question.policies {
        book.put_policy(policy);
    }
    match subject(question) {
        Some(model) => {
            let remembered = question.situation.remember(&book, function, &model, &site);
            remembered.map_err(ExplainError::Situation)?;
        }
        None if question.situation.remembers() => {
            let what = "state, seen.holds, seen.live_since and seen.deploying";
            return Err(ExplainError::Situation(format!("{what} are about one model: give one --policy")));
        }
        None => {}
    }
    let mirror = Arc::new(Mirror::showing(&site.account, &site.region, question.situation.answers.clone()));
    let mut stack = Stack::new(site, Arc::clone(&book), Arc::clone(&mirror), &mirror);
    let outcomes = stack.invoke(function, question.event, question.request_id, now)?;
    let mut answers: Vec<Answer> =
        book.take_written().into_iter().map(|record| Answer::of(record, true)).collect();
    for outcome in outcomes {
        let (model, decision, reason, message) = match outcome {
            Outcome::NotApplicable { reason, message } => (String::new(), "ignore", reason, message),
            Outcome::Unchanged { model, reason } => {
                (model, "unchanged", reason, "nothing has changed since the last record".to_owned())
            }
            Outcome::Decided { .. } | Outcome::Duplicate { .. } => continue,
        };
        let mut record = blank(question, function.name, stack.site(), now);
        (record.model, record.reason, record.message) = (model, reason, message);
        decision.clone_into(&mut record.verdict);
        answers.push(Answer::of(record, false));
    }
    Ok(answers)
}

/// The model whose state the situation has.
fn subject(question: &Question<'_>) -> Option<String> {
    match (question.policies, &question.event.body) {
        ([policy], _) => Some(policy.model.to_string()),
        ([], Body::DeploymentRequested(request)) => Some(request.model.clone()),
        _ => None,
    }
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

/// A record of the shape that a decision has, for what is not written down.
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

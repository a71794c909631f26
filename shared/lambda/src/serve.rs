//! Handles an invocation: parses the event, runs the handler, and returns the outcome to Lambda.

use jiff::{Timestamp, Unit};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate_aws::Aws;
use tidegate_engine::ports::{Alerts, Bus, Ledger, NoSchedules, Schedules};
use tidegate_engine::{Engine, EngineError, Handler, Limits, Meter, Outcome};
use tidegate_policy::site::Site;
use tracing_subscriber::EnvFilter;

use crate::emf::EmfLog;
use crate::time::InvocationTime;
use crate::{Environment, MissingVariable};

/// The largest result of an invocation, in bytes. Lambda's own limit for a synchronous invocation is 6 MB; a caller, and the
/// destination of an asynchronous invocation, accept less.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ANSWER_BYTES: usize = 200_000;

/// The parts from which the engine of each invocation is built.
pub struct Parts {
    function: &'static str,
    version: &'static str,
    environment: Environment,
    ledger: Arc<dyn Ledger>,
    bus: Arc<dyn Bus>,
    alerts: Arc<dyn Alerts>,
    schedules: Arc<dyn Schedules>,
    check_seconds: u32,
    operators: Vec<String>,
    meter: Meter,
}

impl Parts {
    /// Creates the parts that every function needs.
    #[must_use]
    pub fn new(function: &'static str, version: &'static str, environment: Environment, aws: &Aws) -> Self {
        Self {
            function,
            version,
            ledger: Arc::new(aws.ledger(&environment.table)),
            bus: Arc::new(aws.bus(&environment.bus)),
            alerts: Arc::new(aws.alerts(&environment.topic_arn)),
            schedules: Arc::new(NoSchedules),
            check_seconds: 0,
            operators: Vec::new(),
            meter: aws.meter(),
            environment,
        }
    }

    /// Adds the one-time schedules, for a function that schedules checks.
    ///
    /// # Errors
    /// Returns an error if a variable of the schedule group is not set.
    pub fn with_schedules(self, aws: &Aws) -> Result<Self, MissingVariable> {
        let schedules = aws.schedules(
            &Environment::text("TIDEGATE_SCHEDULE_GROUP")?,
            &Environment::text("TIDEGATE_SCHEDULE_ROLE_ARN")?,
            &Environment::text("TIDEGATE_FUNCTION_ARN")?,
            &Environment::text("TIDEGATE_QUEUE_ARN")?,
        );
        Ok(Self { schedules: Arc::new(schedules), ..self })
    }

    /// Sets the roles whose sessions may command where a policy names no group.
    #[must_use]
    pub fn with_operators(self, operators: Vec<String>) -> Self {
        Self { operators, ..self }
    }

    /// Sets the number of seconds after which the function checks a resource that sends no event.
    #[must_use]
    pub fn with_checks(self, check_seconds: u32) -> Self {
        Self { check_seconds, ..self }
    }
}

/// An error in the form that Lambda reports. Its type is the class of the error, so that an alarm can distinguish the
/// classes.
#[derive(Debug)]
pub struct Problem(EngineError);

impl Problem {
    /// The error, which is logged.
    pub(crate) fn of(parts: &Parts, error: EngineError) -> Self {
        tracing::error!(function = parts.function, kind = error.kind(), %error, "the invocation failed");
        Self(error)
    }
}

impl From<Problem> for Diagnostic {
    fn from(problem: Problem) -> Self {
        Self { error_type: problem.0.kind().to_owned(), error_message: problem.0.to_string() }
    }
}

/// Starts logging: one JSON object per line, at the level in `RUST_LOG`.
pub fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_current_span(false)
        .init();
}

/// Serves invocations until Lambda ends the process.
///
/// # Errors
/// Returns an error if the Lambda runtime fails.
pub async fn serve(parts: Parts, handler: impl Handler) -> Result<(), lambda_runtime::Error> {
    let (parts, handler) = (&parts, &handler);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| invocation(parts, handler, event))).await
}

pub(crate) async fn invocation(
    parts: &Parts,
    handler: &impl Handler,
    event: LambdaEvent<Value>,
) -> Result<Value, Problem> {
    if event.payload == json!({ "tidegate": "about" }) {
        return Ok(about(parts));
    }
    if event.payload.get("tidegate") == Some(&json!("publish_again")) {
        let engine = engine_of(parts, &event.context);
        return publish_again(&engine, &event.payload).await.map_err(Problem);
    }
    let outcomes = handle(parts, handler, event).await.map_err(|error| Problem::of(parts, error))?;
    Ok(answer(&outcomes))
}

/// Parses the event and runs the handler.
pub(crate) async fn handle(
    parts: &Parts,
    handler: &impl Handler,
    event: LambdaEvent<Value>,
) -> Result<Vec<Outcome>, EngineError> {
    let engine = engine_of(parts, &event.context);
    let now = now();
    let event = tidegate_events::parse_received(event.payload, now).map_err(EngineError::Event)?;
    handler.handle(&engine, &event, now).await
}

/// The answer to `tidegate redrive`, which asks the function to publish an event again that could not be forwarded.
async fn publish_again(engine: &Engine, payload: &Value) -> Result<Value, EngineError> {
    let of = |name: &str| payload.pointer(&format!("/event/{name}"));
    let detail_type = of("detail-type").and_then(Value::as_str).unwrap_or_default();
    let decision = engine.publish_again(detail_type, of("detail").unwrap_or(&Value::Null)).await?;
    Ok(json!({ "published": detail_type, "decision": decision }))
}

/// The result of an invocation. If the outcomes are too large for an answer, it has their number only; each decision is in
/// the log and in the ledger.
fn answer(outcomes: &[Outcome]) -> Value {
    let whole = json!({ "outcomes": outcomes });
    if whole.to_string().len() <= MAX_ANSWER_BYTES {
        return whole;
    }
    json!({ "outcomes": [], "omitted": outcomes.len() })
}

/// The answer to `tidegate doctor`. It reads and records nothing. An answer proves that the function starts and has its
/// environment variables.
fn about(parts: &Parts) -> Value {
    json!({
        "function": parts.function,
        "version": parts.version,
        "commit": tidegate_build::COMMIT,
        "environment": parts.environment.name,
    })
}

/// Reads the clock, once for each invocation, in milliseconds. The times in AWS's events have no higher resolution.
fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}

fn engine_of(parts: &Parts, context: &lambda_runtime::Context) -> Engine {
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME
    let mut arn = context.invoked_function_arn.split(':').skip(3).map(str::to_owned);
    let (region, account) = (arn.next().unwrap_or_default(), arn.next().unwrap_or_default());
    let site = Site {
        environment: parts.environment.name.clone(),
        hub_account: parts.environment.hub_account.clone(),
        account,
        region,
        check_seconds: parts.check_seconds,
        operators: parts.operators.clone(),
    };
    Engine {
        function: parts.function,
        version: parts.version,
        site: Arc::new(site),
        request_id: context.request_id.clone(),
        lease: parts.environment.lease,
        ledger: Arc::clone(&parts.ledger),
        bus: Arc::clone(&parts.bus),
        alerts: Arc::clone(&parts.alerts),
        schedules: Arc::clone(&parts.schedules),
        time: Arc::new(InvocationTime::until(context.deadline)),
        decision_log: Arc::new(EmfLog),
        limits: Some(Limits::default()),
        meter: parts.meter.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_never_larger_than_its_limit() {
        let outcome = |model: usize| Outcome::Unchanged {
            model: format!("model-{model}"),
            reason: "nothing_overdue".to_owned(),
        };
        let few: Vec<Outcome> = (0..3).map(outcome).collect();
        assert_eq!(answer(&few)["outcomes"].as_array().unwrap().len(), 3);
        let many: Vec<Outcome> = (0..10_000).map(outcome).collect();
        assert!(json!({ "outcomes": many }).to_string().len() > MAX_ANSWER_BYTES);
        assert_eq!(answer(&many), json!({ "outcomes": [], "omitted": 10_000 }));
    }
}

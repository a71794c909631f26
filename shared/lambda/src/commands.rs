//! Handles the requests of people to a function URL: the outcome becomes the answer to the request.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use tidegate_engine::{DecisionRecord, EngineError, Handler, Outcome};

use crate::serve::{Parts, Problem, handle, invocation};

/// Serves the requests to a function URL, and the invocations that every function has, until Lambda ends the process.
///
/// # Errors
/// Returns an error if the Lambda runtime fails.
pub async fn serve_commands(parts: Parts, handler: impl Handler) -> Result<(), lambda_runtime::Error> {
    let (parts, handler) = (&parts, &handler);
    let serve = move |event: LambdaEvent<Value>| async move {
        if event.payload.get("requestContext").is_none() {
            return invocation(parts, handler, event).await;
        }
        request(parts, handler, event).await
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// The answer to a request. An error that a repetition may mend fails the invocation, so that its alarm counts it; Lambda
/// answers with status 502.
async fn request(parts: &Parts, handler: &impl Handler, event: LambdaEvent<Value>) -> Result<Value, Problem> {
    if !is_built_by_lambda(&event) {
        let message = "this is not a request to the function URL: it was handed to the function directly";
        return Ok(refused(403, "not_a_request", message));
    }
    match handle(parts, handler, event).await {
        Ok(outcomes) => Ok(answer(&outcomes)),
        Err(EngineError::Event(error)) => Ok(refused(400, "invalid_request", &error.to_string())),
        Err(EngineError::LeaseHeldElsewhere { .. }) => {
            let message = "the same request is being processed; ask again in a minute";
            Ok(refused(409, "in_progress", message))
        }
        Err(error) => Err(Problem::of(parts, error)),
    }
}

/// Whether Lambda built the payload from a request to the function URL. Whoever may invoke the function can hand it any
/// payload, also one that names another caller. But nobody knows the id that Lambda will give the invocation, and the
/// payload of a request has it: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>.
fn is_built_by_lambda(event: &LambdaEvent<Value>) -> bool {
    let stated = event.payload.pointer("/requestContext/requestId").and_then(Value::as_str);
    stated.is_some_and(|id| !id.is_empty() && id == event.context.request_id)
}

/// The HTTP answer to the outcomes of a command. It concerns one model, so there is one outcome.
fn answer(outcomes: &[Outcome]) -> Value {
    match outcomes.first() {
        Some(Outcome::Decided { record }) => decided(record),
        Some(Outcome::Duplicate { record, decision }) => {
            let message = match record {
                Some(record) => format!("this request was taken at {}, and is not taken again", record.at),
                None => "this request was taken before, and is not taken again".to_owned(),
            };
            response(
                409,
                &json!({ "outcome": "duplicate", "reason": "duplicate_request", "message": message, "decision": decision }),
            )
        }
        Some(Outcome::NotApplicable { reason, message }) => refused(404, reason, message),
        Some(Outcome::Unchanged { .. } | Outcome::Others { .. }) | None => {
            refused(404, "unmanaged", "no model is concerned")
        }
    }
}

fn decided(record: &DecisionRecord) -> Value {
    let accepted = record.verdict == "accept";
    let status = match record.reason.as_str() {
        _ if accepted => 200,
        "caller_unusable" | "caller_not_allowed" | "approver_is_author" => 403,
        "request_not_current" => 400,
        _ => 409,
    };
    let outcome = if accepted { "accepted" } else { "refused" };
    let DecisionRecord { reason, message, model, id, .. } = record;
    response(
        status,
        &json!({ "outcome": outcome, "reason": reason, "message": message, "model": model, "decision": id }),
    )
}

fn refused(status: u16, reason: &str, message: &str) -> Value {
    response(status, &json!({ "outcome": "refused", "reason": reason, "message": message }))
}

/// The form in which Lambda expects an answer.
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload>
fn response(status: u16, body: &Value) -> Value {
    json!({
        "statusCode": status,
        "headers": { "content-type": "application/json" },
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_runtime::Context;

    fn event(stated: &Value) -> LambdaEvent<Value> {
        let mut context = Context::default();
        context.request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95".to_owned();
        LambdaEvent { payload: json!({ "requestContext": { "requestId": stated } }), context }
    }

    #[test]
    fn a_payload_that_somebody_hands_to_the_function_is_no_request() {
        assert!(is_built_by_lambda(&event(&json!("8f507cfc-xmpl-4697-b07a-ac58fc914c95"))));
        for stated in [json!("c6af9ac6-7b61-11e6-9a41-93e8deadbeef"), json!(""), json!(null), json!(1)] {
            assert!(!is_built_by_lambda(&event(&stated)), "{stated}");
        }
    }

    #[test]
    fn an_outcome_is_an_http_answer() {
        let none =
            answer(&[Outcome::NotApplicable { reason: "unmanaged".to_owned(), message: "no".to_owned() }]);
        assert_eq!(none["statusCode"], 404);
        let again = answer(&[Outcome::Duplicate { decision: "d".to_owned(), record: None }]);
        let body: Value = serde_json::from_str(again["body"].as_str().unwrap()).unwrap();
        assert_eq!((&again["statusCode"], &body["reason"]), (&json!(409), &json!("duplicate_request")));
    }
}

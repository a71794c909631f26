//! Lambda functions, for the command line.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;
use tidegate_engine::CallError;

use crate::error::{failed, refused};

const SERVICE: &str = "lambda";
const INVOKE: &str = "Invoke";

/// AWS Lambda.
#[derive(Debug, Clone)]
pub struct Functions {
    client: Client,
}

/// The answer of a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The function returned a value.
    Said(Value),
    /// The function failed, with the type and the message of its error.
    Failed(String),
}

impl Functions {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Invokes a function asynchronously, as EventBridge does, with retries and the on-failure destination. When this
    /// method returns, Lambda has accepted the event.
    ///
    /// # Errors
    /// Returns an error if Lambda did not accept the event.
    pub async fn hand_over(&self, function: &str, event: &str) -> Result<(), CallError> {
        let call = self
            .client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(event));
        let answer = call.send().await.map_err(failed(SERVICE, INVOKE))?;
        match answer.status_code() {
            202 => Ok(()),
            other => {
                Err(refused(SERVICE, INVOKE, format!("Lambda did not accept the event: status {other}")))
            }
        }
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// Returns an error if the call fails, or if the answer is not JSON.
    pub async fn ask(&self, function: &str, question: &Value) -> Result<Answer, CallError> {
        let call = self.client.invoke().function_name(function).payload(Blob::new(question.to_string()));
        let answer = call.send().await.map_err(failed(SERVICE, INVOKE))?;
        let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
        let said: Value = serde_json::from_slice(payload)
            .map_err(|error| refused(SERVICE, INVOKE, format!("the answer is not JSON: {error}")))?;
        if answer.function_error().is_none() {
            return Ok(Answer::Said(said));
        }
        let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        Ok(Answer::Failed(format!("{}: {}", text("errorType"), text("errorMessage"))))
    }
}

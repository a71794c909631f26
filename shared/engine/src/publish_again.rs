//! Publishes an event again that could not be delivered to another account.
//!
//! The policy of a bus admits such an event only from the function that publishes it, so `tidegate redrive` asks the function. The
//! function publishes only what one of its own decisions published: the caller cannot invent an event.

use serde_json::Value;
use tidegate_policy::step::Step;

use crate::{Engine, EngineError};

/// The number of decisions about a model in which the event is looked for, newest first. A dead letter is at most 14 days old.
const DECISIONS: u32 = 2_000;

impl Engine {
    /// Publishes the event again if a recorded plan of this function has it. Returns the id of that decision.
    ///
    /// # Errors
    /// Returns an error if no decision has this event, or if a call fails.
    pub async fn publish_again(&self, detail_type: &str, detail: &Value) -> Result<String, EngineError> {
        let model = detail.get("model").and_then(Value::as_str).unwrap_or_default();
        for record in self.ledger.decisions(model, DECISIONS).await?.into_iter().flatten() {
            let is_own = record.function == self.function;
            if is_own && record.plan.iter().any(|step| publishes(step, detail_type, detail)) {
                self.bus.publish(detail_type, detail).await?;
                tracing::info!(
                    function = self.function,
                    decision = record.id,
                    detail_type,
                    "published again"
                );
                return Ok(record.id);
            }
        }
        Err(EngineError::NotPublished { function: self.function, detail_type: detail_type.to_owned() })
    }
}

/// Whether a step of a recorded plan publishes this event.
fn publishes(step: &Value, detail_type: &str, detail: &Value) -> bool {
    let step: Option<Step<Value>> = serde_json::from_value(step.clone()).ok();
    step.and_then(|step| step.event())
        .is_some_and(|(kind, published)| kind == detail_type && published == *detail)
}

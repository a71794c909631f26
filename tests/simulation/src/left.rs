//! Plans that nobody has carried out to the end.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_policy::{deploy, promote, respond, scale, train};

use crate::check::Filed;
use crate::drive::Drive;

impl Drive {
    /// A decision whose plan nobody has carried out, although its event will not come back.
    pub(crate) fn left_behind(&self) -> Option<String> {
        let open = self.checker.facts.filed.iter().filter(|filed| !filed.closed);
        open.filter(|filed| !self.is_overtaken(filed))
            .map(|filed| {
                let record = &filed.record;
                format!(
                    "{} in {}: {} about {} ({}) was never finished",
                    record.function, filed.place, record.verdict, record.model, record.event.idempotency_key
                )
            })
            .next()
    }

    /// What a sweep found is not told again. If others decided since, nobody may want the rest of its plan.
    fn is_overtaken(&self, filed: &Filed) -> bool {
        filed.record.event.detail_type == "reconcile" && !self.is_wanted(filed)
    }

    /// Whether the product would still carry out an action that is left of a plan.
    fn is_wanted(&self, filed: &Filed) -> bool {
        let (place, model) = (filed.place, filed.record.model.as_str());
        let left = filed.record.plan.get(filed.done..).unwrap_or_default();
        let Some(policy) = self.stage.policies.get(model) else { return true };
        match filed.function {
            "train" => {
                let state = self.stage.state(place, filed.function, model);
                any(left, |action| train::still_applies(policy, &state, action))
            }
            "promote" => {
                let state = self.stage.state(place, filed.function, model);
                any(left, |action| promote::still_applies(&state, action))
            }
            "deploy" => {
                let state = self.stage.state(place, filed.function, model);
                any(left, |action| deploy::still_applies(policy.environment(place.name()), &state, action))
            }
            "respond" => {
                let state = self.stage.state(place, filed.function, model);
                any(left, |action| respond::still_applies(&state, action))
            }
            "scale" => {
                let state = self.stage.state(place, filed.function, model);
                any(left, |action| scale::still_applies(&state, action))
            }
            _ => true,
        }
    }
}

/// Whether an action stands; one that cannot be read does.
fn any<A: DeserializeOwned>(left: &[Value], still_applies: impl Fn(&A) -> bool) -> bool {
    left.iter()
        .any(|action| serde_json::from_value(action.clone()).map_or(true, |action| still_applies(&action)))
}

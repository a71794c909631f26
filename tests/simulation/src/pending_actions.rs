//! Plans with actions that were never carried out.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_policy::{deploy, promote, respond, scale, train};

use crate::check::StoredDecision;
use crate::runner::Runner;

impl Runner {
    /// A decision with pending actions whose event will not be delivered again.
    pub(crate) fn pending_decision(&self) -> Option<String> {
        let open = self.checker.facts.decisions.iter().filter(|stored| !stored.closed);
        open.filter(|stored| !self.is_superseded(stored))
            .map(|stored| {
                let record = &stored.record;
                format!(
                    "{} in {}: {} about {} ({}) was never finished",
                    record.function, stored.site, record.verdict, record.model, record.event.idempotency_key
                )
            })
            .next()
    }

    /// A sweep is not retried. If later decisions superseded its plan, the pending actions are obsolete.
    fn is_superseded(&self, stored: &StoredDecision) -> bool {
        stored.record.event.detail_type == "reconcile" && !self.is_wanted(stored)
    }

    /// Whether the product would still carry out a pending action.
    fn is_wanted(&self, stored: &StoredDecision) -> bool {
        let (site, model) = (stored.site, stored.record.model.as_str());
        let left = stored.record.plan.get(stored.done..).unwrap_or_default();
        let Some(policy) = self.system.policies.get(model) else { return true };
        match stored.function {
            "train" => {
                let state = self.system.state(site, stored.function, model);
                any(left, |action| train::still_applies(policy, &state, action))
            }
            "promote" => {
                let state = self.system.state(site, stored.function, model);
                any(left, |action| promote::still_applies(&state, action))
            }
            "deploy" => {
                let state = self.system.state(site, stored.function, model);
                any(left, |action| deploy::still_applies(policy.environment(site.name()), &state, action))
            }
            "respond" => {
                let state = self.system.state(site, stored.function, model);
                any(left, |action| respond::still_applies(&state, action))
            }
            "scale" => {
                let state = self.system.state(site, stored.function, model);
                any(left, |action| scale::still_applies(&state, action))
            }
            _ => true,
        }
    }
}

/// Whether an action still applies; one that cannot be parsed does.
fn any<A: DeserializeOwned>(left: &[Value], still_applies: impl Fn(&A) -> bool) -> bool {
    left.iter()
        .any(|action| serde_json::from_value(action.clone()).map_or(true, |action| still_applies(&action)))
}

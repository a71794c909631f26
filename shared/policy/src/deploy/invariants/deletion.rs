//! What may be deleted: it cannot be brought back.

use jiff::Timestamp;
use tidegate_events::EndpointStatus;

use super::Checker;
use crate::check::Invariant;
use crate::deploy::{Action, ComponentStatus, Snapshot};
use crate::owner::Tags;
use crate::step::Step;

impl Checker<'_> {
    /// Only what the policy allows to delete, what carries the tags of this model and environment, and what serves
    /// nothing: it failed and was never seen in service, or its endpoint is gone.
    pub(super) fn deletes(&mut self, step: &Step<Action>, seen: &Snapshot) {
        let allowed = match step {
            Step::Call(Action::DeleteEndpoint { created, .. }) => {
                seen.endpoint.as_ref().is_some_and(|found| {
                    found.status == EndpointStatus::Failed
                        && found.created == Some(*created)
                        && self.carries_tags(seen.endpoint_tags.as_ref())
                        && self.is_newer_than_served(*created, self.state.in_service.endpoint)
                })
            }
            Step::Call(Action::DeleteComponent { created, .. }) => {
                seen.component.as_ref().is_some_and(|found| {
                    let failed = found.status == ComponentStatus::Failed
                        && self.is_newer_than_served(*created, self.state.in_service.component);
                    let endpoint = seen.endpoint.as_ref();
                    let of_another = endpoint.and_then(|e| e.created).is_some_and(|at| *created < at);
                    let named = self.cx.environment().map(|e| e.endpoint.name.as_str().to_lowercase());
                    let elsewhere = found.endpoint.as_ref().map(|of| of.to_lowercase()) != named
                        && found.endpoint.is_some();
                    found.created == Some(*created)
                        && self.carries_tags(seen.component_tags.as_ref())
                        && !elsewhere
                        && (failed || of_another)
                })
            }
            _ => return,
        };
        let permitted = self.cx.environment().is_some_and(|environment| environment.endpoint.recreate_failed);
        self.violations.require(allowed && permitted, Invariant::DeletesServing, || {
            format!("{step:?} with {:?} and {:?}", seen.endpoint, seen.component)
        });
    }

    fn carries_tags(&self, tags: Option<&Tags>) -> bool {
        let (Some(tags), Some(policy)) = (tags, self.cx.policy) else { return false };
        tags.get("tidegate:model").map(String::as_str) == Some(policy.model.as_str())
            && tags.get("tidegate:environment") == Some(&self.cx.site.environment)
    }

    /// Whether it was created after everything that was ever in service here.
    fn is_newer_than_served(&self, created: Timestamp, served: Option<Timestamp>) -> bool {
        match served {
            Some(served) => served < created,
            None => self.state.live.is_none() && self.state.previous.is_none(),
        }
    }
}

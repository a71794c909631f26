//! Whether what a deployment makes or changes has the tags of the policy.

use std::collections::BTreeMap;

use super::{Action, Checker, Snapshot};
use crate::check::Invariant;
use crate::step::Step;

impl Checker<'_> {
    /// What is made has all tags of the policy, and what is changed has them or gets them before. A shared endpoint that
    /// exists keeps the values of another policy.
    pub(super) fn tagged(&mut self, step: &Step<Action>, plan: &[Step<Action>], seen: &Snapshot) {
        let Some((policy, environment)) = self.cx.policy.zip(self.cx.environment()) else { return };
        let present = |tags: &Option<BTreeMap<String, String>>, name: &str| {
            let added = plan.iter().filter_map(|step| match step {
                Step::Call(Action::AddTags { resource, tags, .. }) if resource == name => Some(tags.clone()),
                _ => None,
            });
            tags.clone().unwrap_or_default().into_iter().chain(added.flatten()).collect::<Vec<_>>()
        };
        let shared = environment.endpoint.is_shared();
        let (tags, any_value) = match step {
            Step::Call(Action::CreateModel(model)) => (model.tags.clone(), false),
            Step::Call(Action::CreateEndpointConfig(config)) => (config.tags.clone(), false),
            Step::Call(Action::CreateEndpoint { tags, .. } | Action::CreateComponent { tags, .. }) => {
                (tags.clone(), false)
            }
            Step::Call(Action::UpdateEndpoint { name, .. }) => (present(&seen.endpoint_tags, name), shared),
            Step::Call(Action::UpdateComponent { component, .. }) => {
                (present(&seen.component_tags, &component.name), false)
            }
            _ => return,
        };
        let of_policy = policy.tags.iter().filter(|(key, _)| !environment.tags.contains_key(*key));
        for (key, value) in of_policy.chain(&environment.tags) {
            let has = tags.iter().rev().find(|(k, _)| k == key).is_some_and(|(_, v)| any_value || v == value);
            self.violations.require(has, Invariant::NotTagged, || format!("{step:?} has no {key}={value}"));
        }
    }
}

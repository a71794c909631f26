//! The applied policies, and the models that a name concerns.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use tidegate_engine::ports::Applied;
use tidegate_policy::lookup::{self, Lookup, LookupKind};

use crate::by_name::ByName;

#[derive(Debug, Default)]
pub(super) struct Policies {
    by_model: HashMap<String, Applied, FixedState>,
    lookups: BTreeMap<LookupKind, ByName<Vec<String>>>,
}

impl Policies {
    /// Applies a policy and its lookups, and removes the lookups that its model no longer has.
    pub(super) fn put(&mut self, applied: Applied) {
        let model = applied.policy.model.to_string();
        let lookups = lookup::of(&applied.policy);
        if let Some(before) = self.by_model.insert(model.clone(), applied) {
            for Lookup { kind, name } in lookup::of(&before.policy) {
                self.lookups.entry(kind).or_default().of(&name).retain(|other| *other != model);
            }
        }
        for Lookup { kind, name } in lookups {
            let models = self.lookups.entry(kind).or_default().of(&name);
            if let Err(place) = models.binary_search(&model) {
                models.insert(place, model.clone());
            }
        }
    }

    pub(super) fn get(&self, model: &str) -> Option<&Applied> {
        self.by_model.get(model)
    }

    /// The models that a name concerns, in order.
    pub(super) fn named(&self, kind: LookupKind, name: &str) -> &[String] {
        self.lookups.get(&kind).and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Every model, in order.
    pub(super) fn models(&self) -> Vec<String> {
        let mut models: Vec<String> = self.by_model.keys().cloned().collect();
        models.sort();
        models
    }
}

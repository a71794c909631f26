//! The states of the functions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;
use tidegate_engine::ports::{StateKey, StoredState};

#[derive(Debug, Default)]
pub(super) struct States {
    /// By function and model, with the revision.
    values: BTreeMap<String, HashMap<String, (u64, StoredState), FixedState>>,
    /// The states that have changed since they were last taken.
    changed: BTreeSet<StateKey>,
}

impl States {
    pub(super) fn get(&self, function: &str, model: &str) -> Option<&(u64, StoredState)> {
        self.values.get(function)?.get(model)
    }

    /// The revision of a state; 0 if it was never written.
    pub(super) fn revision(&self, key: &StateKey) -> u64 {
        self.get(&key.function, &key.model).map_or(0, |(revision, _)| *revision)
    }

    pub(super) fn put(&mut self, key: &StateKey, revision: u64, value: StoredState) {
        let of_function = self.values.entry(key.function.clone()).or_default();
        match of_function.get_mut(&key.model) {
            Some(state) if state.1 == value => state.0 = revision,
            Some(state) => {
                *state = (revision, value);
                self.changed.insert(key.clone());
            }
            None => {
                of_function.insert(key.model.clone(), (revision, value));
                self.changed.insert(key.clone());
            }
        }
    }

    pub(super) fn take_changed(&mut self) -> BTreeSet<StateKey> {
        std::mem::take(&mut self.changed)
    }
}

//! Assigns models to threads.

use std::collections::BTreeMap;

use tidegate_policy::file::Policy;
use tidegate_policy::lookup::{self, Lookup, LookupKind};

/// Distributes policies over at most the given number of threads, at least one. Models that share a pipeline, a
/// package group or an endpoint depend on each other and stay together; a shared repository or alarm is only read.
pub(super) fn shards(policies: &[Policy], most: usize) -> Vec<Vec<Policy>> {
    let mut group: Vec<usize> = (0..policies.len()).collect();
    let mut first: BTreeMap<Lookup, usize> = BTreeMap::new();
    for (index, policy) in policies.iter().enumerate() {
        let shared = |lookup: &Lookup| !matches!(lookup.kind, LookupKind::Repository | LookupKind::Alarm);
        for lookup in lookup::of(policy).into_iter().filter(shared) {
            let other = *first.entry(lookup).or_insert(index);
            let (from, to) = (root(&group, index), root(&group, other));
            if let Some(parent) = group.get_mut(from.max(to)) {
                *parent = from.min(to);
            }
        }
    }
    let mut together: BTreeMap<usize, Vec<Policy>> = BTreeMap::new();
    for (index, policy) in policies.iter().enumerate() {
        together.entry(root(&group, index)).or_default().push(policy.clone());
    }
    let mut shards: Vec<Vec<Policy>> = vec![Vec::new(); most.clamp(1, together.len().max(1))];
    for policies in together.into_values() {
        if let Some(smallest) = shards.iter_mut().min_by_key(|shard| shard.len()) {
            smallest.extend(policies);
        }
    }
    shards
}

fn root(group: &[usize], mut index: usize) -> usize {
    while let Some(parent) = group.get(index).filter(|parent| **parent != index) {
        index = *parent;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_policy::file::parse;

    #[test]
    fn models_that_share_more_than_a_repository_stay_together() {
        let policy = |model: &str, pipeline: &str, endpoint: &str| {
            let text = include_str!("../../../../events/policies/churn.yaml")
                .replace("model: churn", &format!("model: {model}"))
                .replace("churn-train", pipeline)
                .replace("group: churn", &format!("group: {model}"))
                .replace("name: churn-staging", &format!("name: {endpoint}-staging"))
                .replace("name: churn,", &format!("name: {endpoint},"));
            parse(model, &text).unwrap()
        };
        let policies = [
            policy("a", "p1", "e1"),
            policy("b", "p2", "e2"),
            policy("c", "p3", "e1"),
            policy("d", "p2", "e4"),
        ];
        let names = |shards: Vec<Vec<Policy>>| -> Vec<Vec<String>> {
            shards.iter().map(|shard| shard.iter().map(|policy| policy.model.to_string()).collect()).collect()
        };
        assert_eq!(names(shards(&policies, 4)), [["a", "c"], ["b", "d"]]);
        assert_eq!(names(shards(&policies, 1)), [["a", "c", "b", "d"]]);
        assert_eq!(names(shards(&[], 3)), [[""; 0]]);
    }
}

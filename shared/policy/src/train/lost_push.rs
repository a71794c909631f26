//! The push that a sweep finds, as the lost event would have reported it.

use tidegate_events::{CommitPushed, RefChange, RefKind};

use super::State;
use crate::file::Policy;

impl State {
    /// Whether a branch has trained before: a sweep never starts training for a branch that no event named.
    #[must_use]
    pub fn has_trained(&self, branch: &str) -> bool {
        self.known(&reference(branch)).is_some()
    }
}

fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The push that moved a branch that has trained before to `head`, and whether the state already contains it; `None`
/// if the branch has never trained.
#[must_use]
pub fn lost_push(policy: &Policy, state: &State, branch: &str, head: String) -> Option<(CommitPushed, bool)> {
    let full_ref = reference(branch);
    let known = state.known(&full_ref)?;
    let is_known = head == known;
    // The previous commit, as the event of the lost or unfinished push would have reported it.
    let old_commit = match state.pushes.get(&full_ref) {
        Some(push) if is_known => push.before.clone(),
        None if is_known => None,
        _ => Some(known.to_owned()),
    };
    let push = CommitPushed {
        repository: policy.source.repository.to_string(),
        ref_kind: RefKind::Branch,
        branch: branch.to_owned(),
        full_ref,
        change: RefChange::Updated,
        commit: Some(head),
        old_commit,
        actor: None,
        changed_paths: None,
    };
    Some((push, is_known))
}

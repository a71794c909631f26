//! `push` of GitHub, as EventBridge's inbound webhook sends it.

use super::codecommit::{reference_of, repository};
use crate::contract::Kind;
use crate::form::mismatch;
use crate::{CommitPushed, EventError, RefChange, fields::Fields};

/// The members of the detail that [`read`] uses.
pub(crate) const MEMBERS: &[&str] = &["after", "before", "pusher", "ref", "repository"];

/// Parses the detail, which is the unchanged payload of GitHub's webhook
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas-furls.html>,
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>).
///
/// The event contains neither the delivery id nor the signature of the webhook: AWS's function checks the signature, and
/// the idempotency key consists of the repository, the reference and the two commits. The lists of changed files are
/// limited in length, so they are not used.
pub(crate) fn read(fields: &Fields<'_>) -> Result<CommitPushed, EventError> {
    let full_ref = fields.text("ref")?;
    let (ref_kind, branch) = reference_of(&full_ref, None);
    if branch.is_empty() || mismatch(Kind::Ref, &full_ref).is_some() {
        return Err(EventError::bad_value(
            fields.path("ref"),
            &full_ref,
            "the whole name of a branch or a tag",
        ));
    }
    let (before, after) =
        (commit(fields.formed("before", Kind::Commit)?), commit(fields.formed("after", Kind::Commit)?));
    let change = match (&before, &after) {
        (_, None) => RefChange::Deleted,
        (None, Some(_)) => RefChange::Created,
        (Some(_), Some(_)) => RefChange::Updated,
    };
    let pusher = fields.object_opt("pusher")?;
    Ok(CommitPushed {
        repository: repository(&fields.object("repository")?, "github", "full_name")?,
        ref_kind,
        branch,
        full_ref,
        change,
        commit: after,
        old_commit: before,
        actor: pusher.map_or(Ok(None), |pusher| pusher.text_opt("name"))?,
        changed_paths: None,
    })
}

/// The commit, or `None` for the zeros that stand for no commit when a reference is created or deleted.
fn commit(id: String) -> Option<String> {
    Some(id).filter(|id| id.bytes().any(|byte| byte != b'0'))
}

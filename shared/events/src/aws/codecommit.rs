//! `CodeCommit Repository State Change`.

use crate::{CommitPushed, EventError, RefChange, RefKind, fields::Fields};

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// What [`read`] reads of the detail.
pub(crate) const MEMBERS: &[&str] = &[
    "callerUserArn",
    "commitId",
    "event",
    "oldCommitId",
    "referenceFullName",
    "referenceName",
    "referenceType",
    "repositoryName",
];

/// Reads the detail, see <https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html>.
///
/// `None` for `unreferencedMergeCommitCreated`: a trial merge that no reference points to is not a push. Neither author,
/// message nor changed files are in the event.
pub(crate) fn read(fields: &Fields<'_>) -> Result<Option<CommitPushed>, EventError> {
    let event = fields.text("event")?;
    if event == "unreferencedMergeCommitCreated" {
        return Ok(None);
    }
    let change = match event.as_str() {
        "referenceCreated" => RefChange::Created,
        "referenceUpdated" => RefChange::Updated,
        "referenceDeleted" => RefChange::Deleted,
        _ => RefChange::Other(event),
    };
    let (ref_kind, branch, full_ref) = reference(fields)?;
    // A deletion names only the commit that was there before.
    let commit = match change {
        RefChange::Created | RefChange::Updated => Some(fields.text("commitId")?),
        RefChange::Deleted => None,
        RefChange::Other(_) => fields.text_opt("commitId")?,
    };
    Ok(Some(CommitPushed {
        repository: format!("codecommit:{}", fields.text("repositoryName")?),
        ref_kind,
        branch,
        full_ref,
        change,
        commit,
        old_commit: fields.text_opt("oldCommitId")?,
        // Real events have it; AWS's own samples do not.
        actor: fields.text_opt("callerUserArn")?,
        changed_paths: None,
    }))
}

/// Kind, short name and whole name of the reference, whichever of the three fields are there.
fn reference(fields: &Fields<'_>) -> Result<(RefKind, String, String), EventError> {
    let kind = fields.text_opt("referenceType")?;
    let whole = match fields.text_opt("referenceFullName")? {
        Some(whole) => whole,
        None => {
            let name = fields.text("referenceName")?;
            match kind.as_deref() {
                // Some senders put the whole name into the field for the short one.
                _ if name.starts_with("refs/") => name,
                Some("tag") => format!("{TAGS}{name}"),
                Some("branch") => format!("{HEADS}{name}"),
                _ => return Err(fields.missing("referenceFullName")),
            }
        }
    };
    let (ref_kind, short) = if let Some(short) = whole.strip_prefix(HEADS) {
        (RefKind::Branch, short)
    } else if let Some(short) = whole.strip_prefix(TAGS) {
        (RefKind::Tag, short)
    } else {
        (RefKind::Other(kind.unwrap_or_else(|| "unknown".to_owned())), whole.as_str())
    };
    if short.is_empty() {
        let expected = "the whole name of a branch or a tag";
        return Err(EventError::bad_value(fields.path("referenceFullName"), &whole, expected));
    }
    Ok((ref_kind, short.to_owned(), whole.clone()))
}

//! `CodeCommit Repository State Change`.

use crate::contract::Kind;
use crate::form::mismatch;
use crate::{CommitPushed, EventError, RefChange, RefKind, fields::Fields};

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// The members of the detail that [`read`] uses.
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

/// Parses the detail, see <https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html>.
///
/// Returns `None` for `unreferencedMergeCommitCreated`, because a trial merge to which no reference points is not a
/// push. The event contains no author, no message and no changed files.
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
    // The event of a deletion contains only the previous commit.
    let commit = match change {
        RefChange::Created | RefChange::Updated => Some(fields.formed("commitId", Kind::Commit)?),
        RefChange::Deleted => None,
        RefChange::Other(_) => fields.formed_opt("commitId", Kind::Commit)?,
    };
    Ok(Some(CommitPushed {
        repository: repository(fields, "codecommit", "repositoryName")?,
        ref_kind,
        branch,
        full_ref,
        change,
        commit,
        old_commit: fields.formed_opt("oldCommitId", Kind::Commit)?,
        // Real events contain this field. The samples in AWS's documentation do not.
        actor: fields.text_opt("callerUserArn")?,
        changed_paths: None,
    }))
}

/// Returns the kind, the short name and the full name of the reference, from those of the three fields that are
/// present.
fn reference(fields: &Fields<'_>) -> Result<(RefKind, String, String), EventError> {
    let kind = fields.text_opt("referenceType")?;
    let whole = match fields.text_opt("referenceFullName")? {
        Some(whole) => whole,
        None => {
            let name = fields.text("referenceName")?;
            match kind.as_deref() {
                // Some senders write the full name into the field for the short name.
                _ if name.starts_with("refs/") => name,
                Some("tag") => format!("{TAGS}{name}"),
                Some("branch") => format!("{HEADS}{name}"),
                _ => return Err(fields.missing("referenceFullName")),
            }
        }
    };
    let (ref_kind, short) = reference_of(&whole, kind);
    if short.is_empty() || mismatch(Kind::Ref, &whole).is_some() {
        let expected = "the whole name of a branch or a tag";
        return Err(EventError::bad_value(fields.path("referenceFullName"), &whole, expected));
    }
    Ok((ref_kind, short, whole))
}

/// The repository with its host, from the field with its name.
pub(super) fn repository(fields: &Fields<'_>, host: &str, name: &str) -> Result<String, EventError> {
    let found = fields.text(name)?;
    let repository = format!("{host}:{found}");
    match mismatch(Kind::Repository, &repository) {
        Some(_) => Err(EventError::bad_value(
            fields.path(name),
            &found,
            format!("the name of a repository of {host}"),
        )),
        None => Ok(repository),
    }
}

/// The kind and the short name of a reference. `otherwise` is the kind of one that is neither a branch nor a tag.
pub(super) fn reference_of(whole: &str, otherwise: Option<String>) -> (RefKind, String) {
    let (kind, short) = if let Some(short) = whole.strip_prefix(HEADS) {
        (RefKind::Branch, short)
    } else if let Some(short) = whole.strip_prefix(TAGS) {
        (RefKind::Tag, short)
    } else {
        (RefKind::Other(otherwise.unwrap_or_else(|| "unknown".to_owned())), whole)
    };
    (kind, short.to_owned())
}

//! `Commit Pushed`: a change of a reference in a repository.

use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A change of a reference in a repository.
///
/// CodeCommit's `CodeCommit Repository State Change` and GitHub's `push` are parsed to the same type, see
/// <https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html> and
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas-furls.html>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitPushed {
    /// The host and the name of the repository: `codecommit:churn-model`, `github:acme/churn`, `gitlab:acme/churn`.
    pub repository: String,
    /// The kind of reference.
    pub ref_kind: RefKind,
    /// The short name of the reference: the branch, such as `main` or `feature/x`, or the tag.
    pub branch: String,
    /// The full name of the reference, such as `refs/heads/main`.
    pub full_ref: String,
    /// The kind of change.
    pub change: RefChange,
    /// The commit to which the reference points now. It is `None` only if the reference was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The commit to which the reference pointed before, or `None` if the reference was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_commit: Option<String>,
    /// The person who pushed: a user ARN or a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The changed files, if the event lists them. CodeCommit's event never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_paths: Option<Vec<String>>,
}

impl Contract for CommitPushed {
    const DETAIL_TYPE: &'static str = "Commit Pushed";
    const FIELDS: &'static [Field] = &[
        Field::required(
            "repository",
            Kind::Repository,
            "The host and the name of the repository, such as github:acme/churn.",
        ),
        Field::required("ref_kind", Kind::OneOf(&["branch", "tag"]), "The kind of reference."),
        Field::required("branch", Kind::Ref, "The short name of the reference, such as main."),
        Field::required("full_ref", Kind::Ref, "The full name of the reference, such as refs/heads/main."),
        Field::required(
            "change",
            Kind::OneOf(&["created", "updated", "deleted"]),
            "The change of the reference.",
        ),
        Field::optional(
            "commit",
            Kind::Commit,
            "The commit to which the reference points now. Required unless change is deleted.",
        ),
        Field::optional(
            "old_commit",
            Kind::Commit,
            "The commit to which the reference pointed before. Without it, a reset of a branch looks like a repetition.",
        ),
        Field::optional("actor", Kind::Text, "The person who pushed."),
        Field::optional("changed_paths", Kind::Texts, "The changed files, if the sender knows all of them."),
    ];
}

/// The kind of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RefKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
    /// Another kind, as it was received.
    Other(String),
}

/// The kind of change of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RefChange {
    /// The reference was created.
    Created,
    /// The reference points to another commit.
    Updated,
    /// The reference was deleted, so there is no commit to build.
    Deleted,
    /// Another change, as it was received.
    Other(String),
}

macro_rules! as_text {
    ($name:ident { $($variant:ident = $text:literal),+ }) => {
        impl $name {
            /// The value in the event.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $text,)+ Self::Other(text) => text }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() { $($text => Self::$variant,)+ _ => Self::Other(text) }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

as_text!(RefKind { Branch = "branch", Tag = "tag" });
as_text!(RefChange { Created = "created", Updated = "updated", Deleted = "deleted" });

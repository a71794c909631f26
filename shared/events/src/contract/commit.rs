//! `Commit Pushed`: a reference of a repository moved.

use serde::{Deserialize, Serialize};

use super::{Contract, Field, Kind};

/// A reference of a repository moved.
///
/// CodeCommit's `CodeCommit Repository State Change` reads into the same type, see
/// <https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitPushed {
    /// Where: `codecommit:churn-model`, `github:acme/churn`, `gitlab:acme/churn`.
    pub repository: String,
    /// What kind of reference moved.
    pub ref_kind: RefKind,
    /// The short name of the reference, `main` or `feature/x`; for a tag the tag.
    pub branch: String,
    /// The whole name, `refs/heads/main`.
    pub full_ref: String,
    /// What happened to it.
    pub change: RefChange,
    /// Where it points now; absent when it was deleted, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where it pointed before; absent when it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_commit: Option<String>,
    /// Who did it: a user ARN or a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The files that changed, when the event says so (CodeCommit's never does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_paths: Option<Vec<String>>,
}

impl Contract for CommitPushed {
    const DETAIL_TYPE: &'static str = "Commit Pushed";
    const FIELDS: &'static [Field] = &[
        Field::required("repository", Kind::Text, "Host and name, such as github:acme/churn."),
        Field::required("ref_kind", Kind::OneOf(&["branch", "tag"]), "What kind of reference moved."),
        Field::required("branch", Kind::Text, "Short name of the reference, such as main."),
        Field::required("full_ref", Kind::Text, "Whole name of the reference, such as refs/heads/main."),
        Field::required(
            "change",
            Kind::OneOf(&["created", "updated", "deleted"]),
            "What happened to the reference.",
        ),
        Field::optional("commit", Kind::Text, "Where it points now. Required unless change is deleted."),
        Field::optional(
            "old_commit",
            Kind::Text,
            "Where it pointed before. Without it, a branch that is set back looks like a repetition.",
        ),
        Field::optional("actor", Kind::Text, "Who did it."),
        Field::optional(
            "changed_paths",
            Kind::Texts,
            "The files that changed, if the sender knows all of them.",
        ),
    ];
}

/// What kind of reference a push moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RefKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
    /// Anything else, as it was sent.
    Other(String),
}

/// What happened to a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RefChange {
    /// It is new.
    Created,
    /// It points elsewhere now.
    Updated,
    /// It is gone: there is nothing to build.
    Deleted,
    /// Anything else, as it was sent.
    Other(String),
}

macro_rules! as_text {
    ($name:ident { $($variant:ident = $text:literal),+ }) => {
        impl $name {
            /// The word for it in our contract.
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

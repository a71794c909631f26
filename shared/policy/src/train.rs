//! train: a commit or a retraining request starts the model's pipeline, once, or says why not.

mod refused;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{CommitPushed, RefChange, RefKind, RetrainingRequested};

use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::fingerprint::{fingerprint, short};
use crate::hold::Hold;
use crate::reason::Reason;

pub use refused::refused;

/// From this size on SageMaker takes a definition only from S3.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html>
const DEFINITION_LIMIT: usize = 102_400;

/// What the ledger remembers for a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// For each full reference, the commit that last started the pipeline.
    pub commits: BTreeMap<String, String>,
    /// The last start, whatever its cause.
    pub last_start: Option<Start>,
    /// For each full reference, the last commit, if AWS refused for good to train it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
}

impl State {
    /// The last commit of a reference that was dealt with, trained or refused. The sweep looks for others, and an older
    /// one must not train after it.
    #[must_use]
    pub fn known(&self, full_ref: &str) -> Option<&str> {
        self.refused.get(full_ref).or_else(|| self.commits.get(full_ref)).map(String::as_str)
    }
}

/// A start of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// When it was decided.
    pub at: Timestamp,
    /// The client token.
    pub token: String,
}

/// What was observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The definition in the commit; `Kept` where the policy or the cause keeps the present one.
    pub definition: Definition,
    /// The pipeline as it is, if it exists.
    pub pipeline: Option<Pipeline>,
    /// ARNs of executions that have not ended, newest first.
    pub running: Vec<String>,
    /// The head of the pushed branch, where another commit of it has trained and the repository can be asked.
    pub head: Option<String>,
    /// The hold that stands on the model or on the environment that asks; only looked at for a retraining.
    pub hold: Option<Hold>,
}

/// The definition that the commit asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Definition {
    /// The one that the pipeline has.
    #[default]
    Kept,
    /// The file's content at the commit.
    File {
        /// Its path.
        path: String,
        /// Its text.
        text: String,
    },
    /// The file is not in the commit.
    Missing {
        /// The path that was looked for.
        path: String,
    },
}

/// A pipeline as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Its definition as text.
    pub definition: String,
}

/// What train can ask of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Create or update the pipeline from a file of a commit.
    UpsertPipeline {
        /// The pipeline's name.
        pipeline: String,
        /// The repository, as the policy names it.
        repository: String,
        /// The commit.
        commit: String,
        /// The file's path.
        path: String,
        /// SHA-256 of the file, hexadecimal: what was decided about is what is installed.
        sha256: String,
        /// Whether the pipeline has to be created.
        create: bool,
        /// The client token of the creation.
        token: String,
    },
    /// Start an execution.
    StartExecution {
        /// The pipeline's name.
        pipeline: String,
        /// The client token: 64 characters, the same for the same cause.
        token: String,
        /// The display name.
        display_name: String,
        /// One line for people.
        description: String,
        /// The parameters.
        parameters: BTreeMap<String, String>,
    },
    /// Tell people.
    Alert {
        /// The subject, at most 100 characters.
        subject: String,
        /// The message.
        message: String,
    },
}

impl Action {
    /// Whether it tells people. Nobody can be told that this was refused.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::Alert { .. })
    }
}

/// train's decisions.
pub type Train = Decision<State, Action>;

/// SHA-256 of a definition file, as [`Action::UpsertPipeline`] carries it.
#[must_use]
pub fn definition_digest(text: &str) -> String {
    fingerprint(&["definition", text])
}

/// Whether an action of a plan that was left behind is still wanted: not if its branch has trained with another commit
/// since, nor if anything has started the pipeline since it was to be trained again.
#[must_use]
pub fn stands(policy: &Policy, state: &State, action: &Action) -> bool {
    let (Action::UpsertPipeline { token, .. } | Action::StartExecution { token, .. }) = action else {
        return true;
    };
    let repository = policy.source.repository.as_str();
    state.last_start.as_ref().is_some_and(|last| last.token == *token)
        || state.commits.iter().any(|(at, commit)| commit_token(policy, repository, at, commit) == *token)
}

fn commit_token(policy: &Policy, repository: &str, full_ref: &str, commit: &str) -> String {
    let (model, pipeline) = (policy.model.as_str(), policy.pipeline.name.as_str());
    fingerprint(&["commit", model, pipeline, repository, full_ref, commit])
}

/// Decides about a push, without anything from AWS: `Some` if the push asks for nothing.
#[must_use]
pub fn not_worth_a_look(policy: &Policy, state: &State, push: &CommitPushed) -> Option<Train> {
    let branch = push.branch.clone();
    let reason = match (&push.ref_kind, &push.change, &push.commit) {
        (RefKind::Tag, _, _) => Reason::Tag { tag: branch },
        (RefKind::Other(_), _, _) => Reason::NoBranch { name: push.full_ref.clone() },
        (RefKind::Branch, RefChange::Deleted, _) => Reason::BranchDeleted { branch },
        (RefKind::Branch, _, _) if !policy.watches(&push.branch) => Reason::BranchNotMapped { branch },
        (RefKind::Branch, _, None) => Reason::NoCommit,
        (RefKind::Branch, _, Some(commit)) if state.commits.get(&push.full_ref) == Some(commit) => {
            Reason::AlreadyStarted { commit: commit.clone() }
        }
        (RefKind::Branch, _, Some(_)) => return None,
    };
    Some(Decision::new(Verdict::Skip, reason).saw("reference", &push.full_ref))
}

/// Decides about a push that is worth a look.
pub fn decide_commit(
    policy: &Policy,
    state: &State,
    push: &CommitPushed,
    seen: &Snapshot,
    now: Timestamp,
) -> Train {
    if let Some(decided) = not_worth_a_look(policy, state, push) {
        return decided;
    }
    let commit = push.commit.clone().unwrap_or_default();
    let pipeline = policy.pipeline.name.as_str();
    // Pushes are told in any order. To train an older commit now would leave its definition behind as the present one.
    if let Some(head) = seen.head.as_ref().filter(|head| **head != commit)
        && state.known(&push.full_ref) == Some(head)
    {
        let cut = |commit: &str| commit.chars().take(12).collect();
        let older = Reason::OlderCommit { commit: cut(&commit), head: cut(head) };
        return Decision::new(Verdict::Skip, older).saw("commit", &commit).saw("head", head);
    }
    let token = commit_token(policy, &push.repository, &push.full_ref, &commit);
    let upsert = match upsert(policy, push, &commit, &token, seen) {
        Ok(upsert) => upsert,
        Err(reason) => return Decision::new(Verdict::Refuse, reason).saw("commit", &commit),
    };
    let short_commit: String = commit.chars().take(12).collect();
    let start = Action::StartExecution {
        pipeline: pipeline.to_owned(),
        token: token.clone(),
        display_name: format!("commit-{short_commit}"),
        description: format!("{} {} at {}", push.repository, push.branch, short_commit),
        parameters: policy.pipeline.parameters.clone(),
    };
    let mut next = state.clone();
    next.commits.insert(push.full_ref.clone(), commit.clone());
    next.refused.remove(&push.full_ref);
    next.last_start = Some(Start { at: now, token });
    let definition = if upsert.is_some() { "changed" } else { "unchanged" };
    Decision::new(Verdict::Start, Reason::Commit { branch: push.branch.clone(), commit: short_commit })
        .saw("commit", &commit)
        .saw("definition", definition)
        .plan(upsert.into_iter().chain([start]).collect())
        .state(next)
}

/// Decides about a retraining request.
pub fn decide_retraining(
    policy: &Policy,
    state: &State,
    request: &RetrainingRequested,
    seen: &Snapshot,
    now: Timestamp,
) -> Train {
    let pipeline = policy.pipeline.name.as_str();
    let place = policy.environment(&request.environment);
    if place.is_none_or(|place| place.account.as_str() != request.environment_account) {
        let what = format!("{} in {}", request.environment, request.environment_account);
        return Decision::new(Verdict::Refuse, Reason::Unmanaged { what });
    }
    let token = fingerprint(&["retraining", policy.model.as_str(), pipeline, &request.request_id]);
    if state.last_start.as_ref().is_some_and(|last| last.token == token) {
        let request = request.request_id.clone();
        return Decision::new(Verdict::Skip, Reason::AlreadyRetrained { request });
    }
    if let Some(hold) = &seen.hold {
        return Decision::new(Verdict::Skip, hold.why()).saw("requested_by", &request.environment);
    }
    if seen.pipeline.is_none() {
        return Decision::new(Verdict::Refuse, Reason::PipelineMissing { pipeline: pipeline.to_owned() });
    }
    if let Some(execution) = seen.running.first() {
        return Decision::new(Verdict::Skip, Reason::AlreadyRunning { execution: execution.clone() })
            .saw("running_executions", seen.running.len());
    }
    let start = Action::StartExecution {
        pipeline: pipeline.to_owned(),
        token: token.clone(),
        display_name: format!("retrain-{}", short(&[&request.request_id], 12)),
        description: format!("retraining requested by {}: {}", request.environment, request.cause),
        parameters: policy.pipeline.parameters.clone(),
    };
    let next = State { last_start: Some(Start { at: now, token }), ..state.clone() };
    Decision::new(Verdict::Start, Reason::RetrainingRequested { cause: request.cause.clone() })
        .saw("requested_by", &request.environment)
        .saw("request_id", &request.request_id)
        .plan(vec![start])
        .state(next)
}

fn upsert(
    policy: &Policy,
    push: &CommitPushed,
    commit: &str,
    token: &str,
    seen: &Snapshot,
) -> Result<Option<Action>, Reason> {
    let pipeline = policy.pipeline.name.as_str().to_owned();
    match (&seen.definition, &seen.pipeline) {
        (Definition::Missing { path }, _) => {
            Err(Reason::DefinitionMissing { path: path.clone(), commit: commit.chars().take(12).collect() })
        }
        (Definition::Kept, None) => Err(Reason::PipelineMissing { pipeline }),
        (Definition::Kept, Some(_)) => Ok(None),
        (Definition::File { path, text }, present) => {
            let wanted = definition_of(path, text)?;
            let same = present
                .as_ref()
                .and_then(|p| serde_json::from_str::<serde_json::Value>(&p.definition).ok())
                .is_some_and(|running| running == wanted);
            if same {
                return Ok(None);
            }
            Ok(Some(Action::UpsertPipeline {
                pipeline,
                repository: push.repository.clone(),
                commit: commit.to_owned(),
                path: path.clone(),
                sha256: definition_digest(text),
                create: present.is_none(),
                token: token.to_owned(),
            }))
        }
    }
}

/// Only its JSON is looked at: AWS's own published schema rejects what its SDK writes.
fn definition_of(path: &str, text: &str) -> Result<serde_json::Value, Reason> {
    let invalid = |error: String| Reason::DefinitionInvalid { path: path.to_owned(), error };
    if text.len() >= DEFINITION_LIMIT {
        return Err(Reason::DefinitionTooLarge { bytes: text.len() });
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    match value.get("Steps") {
        Some(serde_json::Value::Array(_)) => Ok(value),
        _ => Err(invalid("it has no Steps".to_owned())),
    }
}

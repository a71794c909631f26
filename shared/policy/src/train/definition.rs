//! The definition that a push requires, and whether it must be installed.

use serde_json::Value;
use tidegate_events::CommitPushed;

use super::pipeline_role::{Replaced, with_step_role};
use super::{Action, Definition, Snapshot, State};
use crate::file::Policy;
use crate::fingerprint::fingerprint;
use crate::owner::{self, Owner};
use crate::reason::Reason;
use crate::step::Step;

/// The most characters that SageMaker accepts in a definition.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html>
const DEFINITION_LIMIT: usize = 1_048_576;

/// The definition that a push requires of the pipeline.
pub(super) struct Asked {
    /// The call that adds the tags that the pipeline does not have.
    pub(super) tag: Option<Step<Action>>,
    /// The call that installs its definition, unless it is already installed.
    pub(super) upsert: Option<Step<Action>>,
    /// The definition's fingerprint; `None` if the present one is kept.
    pub(super) digest: Option<String>,
    /// The roles of the steps that were replaced, if the policy wants that.
    pub(super) replaced: Option<Replaced>,
}

/// SHA-256 of a definition file, as stored in [`Action::UpsertPipeline`].
#[must_use]
pub fn definition_digest(text: &str) -> String {
    fingerprint(&["definition", text])
}

/// The fingerprint of a definition as JSON, so that white space does not matter; `None` if it is not JSON.
#[must_use]
pub fn json_digest(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok().map(|value| digest_of(&value))
}

fn digest_of(definition: &Value) -> String {
    fingerprint(&["definition as JSON", &definition.to_string()])
}

pub(super) fn asked(
    policy: &Policy,
    state: &State,
    (push, commit): (&CommitPushed, &str),
    token: &str,
    seen: &Snapshot,
) -> Result<Asked, Reason> {
    let pipeline = policy.pipeline.name.as_str().to_owned();
    match (&seen.definition, &seen.pipeline) {
        (Definition::Missing { path }, _) => {
            Err(Reason::DefinitionMissing { path: path.clone(), commit: commit.chars().take(12).collect() })
        }
        (Definition::Kept, None) => Err(Reason::PipelineMissing { pipeline }),
        (Definition::Kept, Some(_)) => match not_startable(policy, state, seen) {
            Some(reason) => Err(reason),
            None => Ok(Asked { tag: None, upsert: None, digest: None, replaced: None }),
        },
        (Definition::File { path, text }, present) => {
            if let Some(reason) = seen.pipeline_role_problem(policy) {
                return Err(reason);
            }
            let (wanted, replaced) = with_roles(policy, seen, definition_of(path, text)?)?;
            let digest = digest_of(&wanted);
            let chosen = policy.pipeline.execution_role.as_ref().map(ToString::to_string);
            let role_stays = chosen.is_none() || present.as_ref().is_some_and(|found| found.role == chosen);
            let same = present
                .as_ref()
                .and_then(|p| serde_json::from_str::<Value>(&p.definition).ok())
                .is_some_and(|running| running == wanted);
            // Another definition that was decided may not be installed yet, and its installation would replace this
            // one.
            let stays =
                same && role_stays && state.definition_digest.as_ref().is_none_or(|last| *last == digest);
            if let Some(reason) = not_ours(policy, state, seen) {
                return Err(reason);
            }
            let tag = missing_tags(policy, seen, token);
            let upsert = (!stays).then(|| {
                Step::Call(Action::UpsertPipeline {
                    pipeline,
                    repository: push.repository.clone(),
                    commit: commit.to_owned(),
                    path: path.clone(),
                    sha256: definition_digest(text),
                    create: present.is_none(),
                    role: chosen.clone(),
                    step_role: replaced.as_ref().map(|replaced| replaced.by.clone()),
                    token: token.to_owned(),
                    tags: owner::tags_of_policy(policy, None),
                })
            });
            Ok(Asked { tag, upsert, digest: Some(digest), replaced })
        }
    }
}

/// The definition with the role of the pipeline in its steps, if the policy wants that.
fn with_roles(
    policy: &Policy,
    seen: &Snapshot,
    definition: Value,
) -> Result<(Value, Option<Replaced>), Reason> {
    if policy.pipeline.definition.role.is_none() {
        return Ok((definition, None));
    }
    let pipeline = policy.pipeline.name.to_string();
    let role = seen.pipeline_role(policy).ok_or(Reason::PipelineRoleUnknown { pipeline })?;
    let (definition, replaced) = with_step_role(definition, &role);
    let characters = definition.to_string().chars().count();
    if characters > DEFINITION_LIMIT {
        return Err(Reason::DefinitionTooLarge { characters });
    }
    Ok((definition, Some(replaced)))
}

/// The call that adds the tags that an existing pipeline of ours does not have.
fn missing_tags(policy: &Policy, seen: &Snapshot, token: &str) -> Option<Step<Action>> {
    let (found, present) = seen.pipeline.as_ref().zip(seen.pipeline_tags.as_ref())?;
    let tags = owner::missing(present, owner::tags_of_policy(policy, None));
    let (pipeline, arn) = (policy.pipeline.name.to_string(), found.arn.clone());
    (!tags.is_empty())
        .then(|| Step::Call(Action::TagPipeline { pipeline, arn, tags, token: token.to_owned() }))
}

/// Why an existing pipeline is not started as it is. A policy that keeps the definition names a pipeline that its team made;
/// one of another model is not started.
pub(super) fn not_startable(policy: &Policy, state: &State, seen: &Snapshot) -> Option<Reason> {
    let reason = not_ours(policy, state, seen)?;
    let of_team = policy.pipeline.definition.keep && matches!(reason, Reason::NotOurs { .. });
    (!of_team).then_some(reason)
}

/// Why the definition of an existing pipeline is not replaced: Tidegate did not make it for this model, and the policy
/// does not adopt it. An earlier version of Tidegate gave no tags, so that a pipeline with the definition that was
/// decided last is ours as well.
fn not_ours(policy: &Policy, state: &State, seen: &Snapshot) -> Option<Reason> {
    let pipeline = seen.pipeline.as_ref()?;
    let what = format!("pipeline {}", policy.pipeline.name);
    let tags = seen.pipeline_tags.clone().unwrap_or_default();
    match Owner::of(&tags, policy.model.as_str(), None) {
        Owner::Ours => None,
        Owner::Another(owner) => Some(Reason::OwnedByAnother { what, owner }),
        Owner::Shared => {
            let owner = "several models, which share it".to_owned();
            Some(Reason::OwnedByAnother { what, owner })
        }
        Owner::Unknown => {
            let present = serde_json::from_str::<Value>(&pipeline.definition).ok();
            let digest = present.map(|present| digest_of(&present));
            let decided = digest.is_some() && digest == state.definition_digest;
            let lost = "its definition".to_owned();
            (!decided && !policy.pipeline.adopt).then_some(Reason::NotOurs { what, lost })
        }
    }
}

/// Only the JSON syntax is checked: AWS's published schema rejects what AWS's own SDK writes.
fn definition_of(path: &str, text: &str) -> Result<Value, Reason> {
    let invalid = |error: String| Reason::DefinitionInvalid { path: path.to_owned(), error };
    let characters = text.chars().count();
    if characters > DEFINITION_LIMIT {
        return Err(Reason::DefinitionTooLarge { characters });
    }
    let value: Value = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    match value.get("Steps") {
        Some(Value::Array(_)) => Ok(value),
        _ => Err(invalid("it has no Steps".to_owned())),
    }
}

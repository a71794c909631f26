//! The policy file: `tidegate.yaml`, one for each model.
//!
//! The reader is strict: an unknown field, a wrong type or an invalid value is an error with file, line and column,
//! and all errors are reported at once. A section that this version knows but does not support yet is rejected too,
//! because a setting that is silently ignored is worse than an error.
//!
//! The types below define the language. [`schema()`] generates the JSON Schema for editors from them, and [`read()`]
//! checks a file against the same schema. Rules that concern several fields are in `rules`.

mod across;
mod check;
mod drift;
mod drift_checks;
mod endpoint_fields;
mod environment;
mod gates;
mod instance;
mod notify;
mod pipeline;
mod problem;
mod read;
mod rollback;
mod rules;
mod schema;
mod serving;
mod suggest;
mod tree;
mod unsupported;
mod warn;
mod words;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::fingerprint;
use crate::names::{GroupMember, ModelName, PeopleGroup};
use crate::principal::Principal;

pub use across::{Conflict, conflicts};
pub use drift::{Alerts, Budget, Drift, DriftResponse};
pub use drift_checks::{CheckMeaning, Checks};
pub use environment::{
    AllAtOnce, Approvals, Canary, Environment, Gates, Linear, Rolling, Rollout, Vpc, Window,
};
pub use gates::{
    AlarmGate, Better, BetterThanLive, FeatureGate, FreezePeriod, IfNothingLive, MetricGate,
    NotWorseThanLive, Required,
};
pub use instance::{Kms, Startup};
pub use notify::{NotifiedTopic, Notify};
pub use pipeline::{Definition, OnNewCommit, Pipeline, Registry, Reserved, Source, StepRole};
pub(crate) use problem::Finding;
pub use problem::{PolicyError, Problem};
pub use read::{Checked, parse, parse_applied, read};
pub use rollback::{Response, Rollback, RollbackLimit};
pub use schema::schema;
pub use serving::{Baseline, Capture, Captured, Expect, Monitor, Sample, Scale, ScaleTarget, ToZero, Verify};
pub(crate) use suggest::nearest;
pub use warn::warnings;

/// The policy of one model: what a team wants for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The version of the policy language: `tidegate/v1`.
    pub api_version: ApiVersion,
    /// The model's name: the key of everything the ledger knows about it.
    pub model: ModelName,
    /// Where commits come from.
    pub source: Source,
    /// The pipeline that trains it.
    pub pipeline: Pipeline,
    /// Where its versions are registered.
    pub registry: Registry,
    /// Groups of people and roles, by name: who approves, and who may command.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<GroupMember>>,
    /// The groups whose members may hold, release and reject, by their names in `groups`; everybody whom the hub's stack
    /// admits where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<PeopleGroup>,
    /// The tags of all that Tidegate makes for the model, beside its own.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html>
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Where it is served, in the order of promotion.
    #[schemars(length(min = 1))]
    pub environments: Vec<Environment>,
    /// What is done about drift; without it drift is only recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Where people are told; the account's own topic where absent.
    #[serde(default)]
    pub alerts: Alerts,
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only one so far.
    #[serde(rename = "tidegate/v1")]
    V1,
}

impl Policy {
    /// The version of the policy: a fingerprint of its content, 12 characters. Equal content has an equal version.
    #[must_use]
    pub fn version(&self) -> String {
        // Serialization of these types cannot fail: every key is a string.
        let text = serde_json::to_string(self).unwrap_or_default();
        fingerprint::short(&["policy", &text], 12)
    }

    /// The environment with the given name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|e| e.name.as_str() == name)
    }

    /// Whether a principal is a member of one of the groups.
    #[must_use]
    pub fn is_member(&self, groups: &[PeopleGroup], principal: &Principal) -> bool {
        let members = groups.iter().filter_map(|group| self.groups.get(group.as_str())).flatten();
        members.into_iter().any(|member| member.admits(principal))
    }

    /// Whether pushes to a branch start training. The policy lists names, or globs in which `*` does not match a `/`.
    #[must_use]
    pub fn watches(&self, branch: &str) -> bool {
        self.source.branches.iter().any(|pattern| {
            // A pattern is literal text until its first special character. Compiling it would cost much more than
            // this comparison.
            let special = pattern.find(['*', '?', '[', '{', '\\']);
            let plain = pattern.get(..special.unwrap_or(pattern.len())).unwrap_or_default();
            if special.is_none() || !branch.starts_with(plain) {
                return branch == pattern;
            }
            globset::GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .is_ok_and(|glob| glob.compile_matcher().is_match(branch))
        })
    }

    /// The watched branches that are plain names, whose heads the sweep can read.
    pub fn plain_branches(&self) -> impl Iterator<Item = &str> {
        self.source.branches.iter().map(String::as_str).filter(|b| !b.contains(['*', '?', '[', '{']))
    }
}

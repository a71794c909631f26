//! The role of a pipeline, and the definition whose steps have this role.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Snapshot;
use crate::file::Policy;
use crate::reason::Reason;

/// The roles that train may pass to SageMaker as the role of a pipeline.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineRoles {
    /// The ARN of the role of the hub's stack, which a pipeline has if the policy says nothing else.
    pub own: String,
    /// The ARNs of the other roles.
    #[serde(default)]
    pub passable: Vec<String>,
}

/// The roles that were replaced in the steps of a definition.
pub(super) struct Replaced {
    /// Their ARNs, or the expressions that give them.
    pub(super) roles: BTreeSet<String>,
    /// The ARN of the role that the steps have instead.
    pub(super) by: String,
}

impl Snapshot {
    /// The role that the pipeline has after a commit, if it is known.
    pub(super) fn pipeline_role(&self, policy: &Policy) -> Option<String> {
        let chosen = policy.pipeline.execution_role.as_ref().map(ToString::to_string);
        chosen.or_else(|| match &self.pipeline {
            Some(pipeline) => pipeline.role.clone(),
            None => self.pipeline_roles.as_ref().map(|roles| roles.own.clone()),
        })
    }

    /// Why the pipeline cannot get the role of the policy.
    pub(super) fn pipeline_role_problem(&self, policy: &Policy) -> Option<Reason> {
        let (role, roles) = policy.pipeline.execution_role.as_ref().zip(self.pipeline_roles.as_ref())?;
        let is_passable = roles.own == role.as_str() || roles.passable.iter().any(|arn| arn == role.as_str());
        (!is_passable).then(|| Reason::PipelineRoleNotPassable { role: role.to_string() })
    }
}

/// The definition with one role for all steps that SageMaker runs.
pub(super) fn with_step_role(mut definition: Value, role: &str) -> (Value, Replaced) {
    let mut replaced = Replaced { roles: BTreeSet::new(), by: role.to_owned() };
    if let Some(steps) = definition.get_mut("Steps") {
        replace(steps, &mut replaced);
    }
    (definition, replaced)
}

/// The text of a definition with one role for all steps that SageMaker runs; `None` if the text is not JSON.
#[must_use]
pub fn definition_with_step_role(text: &str, role: &str) -> Option<String> {
    let definition = serde_json::from_str(text).ok()?;
    Some(with_step_role(definition, role).0.to_string())
}

fn replace(value: &mut Value, replaced: &mut Replaced) {
    match value {
        Value::Object(members) => {
            // The role of an EMR step is for EMR, not for SageMaker.
            let of_step = members.contains_key("Arguments");
            let kind = members.get("Type").and_then(Value::as_str).unwrap_or_default();
            if of_step && kind.starts_with("EMR") {
                return;
            }
            for (key, member) in members.iter_mut() {
                if !matches!(key.as_str(), "RoleArn" | "ExecutionRoleArn") {
                    replace(member, replaced);
                } else if member.as_str() != Some(&replaced.by) {
                    let role = member.as_str().map_or_else(|| member.to_string(), str::to_owned);
                    replaced.roles.insert(role);
                    *member = Value::String(replaced.by.clone());
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, replaced)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_step_that_sagemaker_runs_gets_the_role() {
        let job = |role: Value| json!({"Type": "Training", "Arguments": {"RoleArn": role}});
        let emr = json!({"Type": "EMRServerless", "Arguments": {"ExecutionRoleArn": "arn:emr"}});
        let definition = |role: &dyn Fn(&str) -> Value| {
            let nested = json!({"Type": "Condition", "Arguments": {"IfSteps": [job(role("arn:b"))]}});
            let tuning =
                json!({"Type": "Tuning", "Arguments": {"TrainingJobDefinition": {"RoleArn": role("arn:a")}}});
            json!({"RoleArn": "not a step", "Steps": [job(role("parameter")), nested, tuning, emr]})
        };
        let before = definition(&|role| match role {
            "parameter" => json!({"Get": "Parameters.Role"}),
            role => json!(role),
        });
        let (after, replaced) = with_step_role(before.clone(), "arn:p");
        assert_eq!(after, definition(&|_| json!("arn:p")));
        let roles: Vec<&str> = replaced.roles.iter().map(String::as_str).collect();
        assert_eq!(roles, ["arn:a", "arn:b", r#"{"Get":"Parameters.Role"}"#]);
        let text = definition_with_step_role(&before.to_string(), "arn:p").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), after);
        assert!(with_step_role(after, "arn:p").1.roles.is_empty());
    }
}

//! The roles that a definition gives to its jobs, and the steps that need more than the hub's own pipeline role may do.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Definition, Snapshot};
use crate::file::Policy;
use crate::names::RoleArn;
use crate::reason::Reason;

/// The roles that the hub's pipeline role may pass to jobs. SageMaker creates the job of a step with the pipeline's role,
/// which needs `iam:PassRole` for the `RoleArn` of the step.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRoles {
    /// The ARN of the hub's pipeline role. It may pass itself.
    pub own: String,
    /// The ARNs of the other roles that it may pass.
    #[serde(default)]
    pub passable: Vec<String>,
}

/// What the pipeline role of the template may not do, by step type.
const NOT_ALLOWED: &[(&str, &str)] = &[
    ("AutoML", "sagemaker:CreateAutoMLJobV2"),
    ("Callback", "sqs:SendMessage"),
    ("CreateModel", "sagemaker:CreateModel"),
    ("EMR", "elasticmapreduce:AddJobFlowSteps"),
    ("EMRServerless", "emr-serverless:StartJobRun"),
    ("Endpoint", "sagemaker:CreateEndpoint"),
    ("EndpointConfig", "sagemaker:CreateEndpointConfig"),
    ("InferenceComponent", "sagemaker:CreateInferenceComponent"),
    ("Lambda", "lambda:InvokeFunction"),
    ("Lineage", "sagemaker:CreateArtifact"),
    ("Model", "sagemaker:CreateModel"),
    ("Transform", "sagemaker:CreateTransformJob"),
    ("Tuning", "sagemaker:CreateHyperParameterTuningJob"),
];

impl Snapshot {
    /// The definition that an execution would run.
    fn wanted(&self) -> Option<Value> {
        let text = match &self.definition {
            Definition::File { text, .. } => Some(text),
            _ => self.pipeline.as_ref().map(|pipeline| &pipeline.definition),
        };
        text.and_then(|text| serde_json::from_str(text).ok())
    }

    /// The hub's pipeline role, if the pipeline has or gets this role and it is known what it may pass.
    fn own_role(&self, policy: &Policy) -> Option<&JobRoles> {
        let chosen = policy.pipeline.execution_role.as_ref().map(RoleArn::as_str);
        let role = chosen.or_else(|| self.pipeline.as_ref().and_then(|pipeline| pipeline.role.as_deref()));
        self.job_roles.as_ref().filter(|roles| role.is_none_or(|role| role == roles.own))
    }

    /// Why no job of the definition may get its role, if the pipeline's role may not pass it.
    pub(super) fn role_problem(&self, policy: &Policy) -> Option<Reason> {
        let roles = self.own_role(policy)?;
        // Its steps get the role of the pipeline, which may pass itself.
        if policy.pipeline.definition.role.is_some() && matches!(self.definition, Definition::File { .. }) {
            return None;
        }
        let wanted = roles_of(&self.wanted()?, &policy.pipeline.parameters);
        let refused: Vec<String> =
            wanted.into_iter().filter(|role| *role != roles.own && !roles.passable.contains(role)).collect();
        let by = roles.own.clone();
        (!refused.is_empty()).then(|| Reason::RolesNotPassable { roles: refused.join(" and "), by })
    }

    /// The permissions that steps of the definition need and the hub's pipeline role does not have by itself.
    pub(super) fn missing_permissions(&self, policy: &Policy) -> Vec<String> {
        let (Some(_), Some(definition)) = (self.own_role(policy), self.wanted()) else { return Vec::new() };
        let mut types = BTreeSet::new();
        walk(&definition, &mut |key, value| {
            if let ("Type", Value::String(name)) = (key, value) {
                types.insert(name.clone());
            }
        });
        let missing = NOT_ALLOWED.iter().filter(|(name, _)| types.contains(*name));
        missing.map(|(name, permission)| format!("{permission} for {name} steps")).collect()
    }
}

/// The roles of the jobs of a definition, with parameters replaced by their values. A role that only the execution knows
/// is left out.
fn roles_of(definition: &Value, given: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut roles = BTreeSet::new();
    walk(definition, &mut |key, value| {
        if matches!(key, "RoleArn" | "ExecutionRoleArn") {
            roles.extend(resolve(value, definition, given));
        }
    });
    roles
}

/// The text of a value, if it does not depend on the execution.
fn resolve(value: &Value, definition: &Value, given: &BTreeMap<String, String>) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    if let Some(join) = value.get("Std:Join") {
        let values = join.get("Values")?.as_array()?.iter();
        let parts: Option<Vec<String>> = values.map(|part| resolve(part, definition, given)).collect();
        return Some(parts?.join(join.get("On").and_then(Value::as_str).unwrap_or_default()));
    }
    let name = value.get("Get")?.as_str()?.strip_prefix("Parameters.")?;
    let declared = definition.get("Parameters")?.as_array()?.iter();
    let mut declared = declared.filter(|one| one.get("Name").and_then(Value::as_str) == Some(name));
    let default = || declared.next()?.get("DefaultValue")?.as_str().map(str::to_owned);
    given.get(name).cloned().or_else(default)
}

/// Calls `visit` with every member of every object.
fn walk(value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                visit(key, member);
                walk(member, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_is_read_from_parameters_and_joined_texts() {
        let role = |value: Value| {
            json!({"Steps": [{"Arguments": {"IfSteps": [{"Arguments": {"RoleArn": value}}]}}],
            "Parameters": [{"Name": "Role", "DefaultValue": "arn:d"}, {"Name": "Name"}]})
        };
        let given = BTreeMap::from([("Name".to_owned(), "r".to_owned())]);
        let of = |value: Value| roles_of(&role(value), &given).into_iter().collect::<Vec<_>>();
        assert_eq!(of(json!("arn:a")), ["arn:a"]);
        assert_eq!(of(json!({"Get": "Parameters.Role"})), ["arn:d"]);
        let join = json!({"Std:Join": {"On": "/", "Values": ["arn:role", {"Get": "Parameters.Name"}]}});
        assert_eq!(of(join), ["arn:role/r"]);
        assert!(of(json!({"Get": "Execution.PipelineArn"})).is_empty());
    }
}

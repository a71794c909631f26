//! Which roles a pipeline's role passes to the jobs of its steps.
//!
//! SageMaker creates the job of a step with the pipeline's role, which needs `iam:PassRole` for the step's `RoleArn`:
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html>. If it is missing, the step
//! fails with the text below, and there is no job and no log:
//! <https://github.com/data-science-on-aws/data-science-on-aws/issues/223>.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::account::{AccountRegion, Caller};
use crate::json::text;
use crate::world::World;

const REFUSAL: &str =
    "ClientError: the pipeline execution role does not have sufficient permissions to the job.";

impl World {
    /// Sets whether a pipeline's role may pass another role to its jobs. Without this, a role passes itself only.
    pub fn set_passable(&mut self, pipeline_role: &str, role: &str, is_passable: bool) {
        let pair = (pipeline_role.to_owned(), role.to_owned());
        if is_passable {
            self.passable.insert(pair);
        } else {
            self.passable.remove(&pair);
        }
    }

    /// Lets a pipeline's role pass every role that its definitions name.
    pub(crate) fn pass_every_role(&mut self, caller: &Caller, name: &str) {
        let Some((pipeline_role, roles)) = self.pipeline_roles(caller, name) else { return };
        for role in roles {
            self.set_passable(&pipeline_role, &role, true);
        }
    }

    /// The steps of a pipeline's definitions: name, type and arguments.
    pub(crate) fn pipeline_steps(&self, caller: &Caller, name: &str) -> Vec<(String, String, Value)> {
        let place = AccountRegion::new(&caller.account, &caller.region);
        let pipeline = self.resources(&place).and_then(|all| all.pipelines.get(super::plain_name(name)));
        let steps = pipeline.into_iter().flat_map(|pipeline| &pipeline.versions);
        let steps = steps.flat_map(|version| &version.definition.steps);
        steps.map(|step| (step.name.clone(), step.kind.clone(), step.arguments().clone())).collect()
    }

    /// Sets why a step cannot begin with this role of the pipeline, or that it can.
    pub(crate) fn set_step_refusal(&mut self, pipeline_role: &str, step: &str, refusal: Option<String>) {
        let key = (pipeline_role.to_owned(), step.to_owned());
        match refusal {
            Some(reason) => self.step_refusals.insert(key, reason),
            None => self.step_refusals.remove(&key),
        };
    }

    /// Why a step cannot begin, because the pipeline's role may not do what the step does.
    pub(super) fn step_refusal(&self, pipeline_role: &str, step: &str) -> Option<String> {
        self.step_refusals.get(&(pipeline_role.to_owned(), step.to_owned())).cloned()
    }

    /// Why a step cannot begin, if its job would get a role that the pipeline's role may not pass.
    pub(super) fn role_refusal(&self, pipeline_role: &str, arguments: &Value) -> Option<String> {
        // Tests of other rules give pipelines a role that is none.
        if !pipeline_role.starts_with("arn:aws:iam::") {
            return None;
        }
        let mut roles = BTreeSet::new();
        collect(arguments, &mut roles);
        let is_passed = |role: &String| {
            role == pipeline_role || self.passable.contains(&(pipeline_role.to_owned(), role.clone()))
        };
        (!roles.iter().all(is_passed)).then(|| REFUSAL.to_owned())
    }

    /// The role of a pipeline, and the roles that its definitions name.
    pub(crate) fn pipeline_roles(&self, caller: &Caller, name: &str) -> Option<(String, BTreeSet<String>)> {
        let place = AccountRegion::new(&caller.account, &caller.region);
        let pipeline = self.resources(&place)?.pipelines.get(super::plain_name(name))?;
        let mut roles = BTreeSet::new();
        for version in &pipeline.versions {
            for step in &version.definition.steps {
                collect(&step.raw, &mut roles);
            }
        }
        Some((text(&pipeline.request, "RoleArn")?.to_owned(), roles))
    }
}

fn collect(value: &Value, roles: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if let ("RoleArn" | "ExecutionRoleArn", Value::String(role)) = (key.as_str(), member) {
                    roles.insert(role.clone());
                }
                collect(member, roles);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, roles)),
        _ => {}
    }
}

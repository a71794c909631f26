//! Parses a pipeline definition as the service does: strict about references, tolerant about everything else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::json::{list, text};

/// The step types that exist.
const TYPES: &[&str] = &[
    "AutoML",
    "BedrockCustomModel",
    "BedrockCustomModelDeployment",
    "BedrockModelImport",
    "BedrockProvisionedModelThroughput",
    "Callback",
    "ClarifyCheck",
    "Cleanup",
    "Condition",
    "CreateModel",
    "EMR",
    "EMRServerless",
    "Endpoint",
    "EndpointConfig",
    "Fail",
    "ForEach",
    "InferenceComponent",
    "Job",
    "Lambda",
    "Lineage",
    "Model",
    "NotebookJob",
    "Processing",
    "QualityCheck",
    "RegisterModel",
    "Training",
    "Transform",
    "Tuning",
];

/// When a step that depends on another may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Succeeded,
    Failed,
    Any,
}

/// A parameter of a pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) default: Option<Value>,
    pub(crate) choices: Vec<Value>,
}

impl Parameter {
    /// A value given as text, in the parameter's own type.
    pub(crate) fn read(&self, given: &str) -> Result<Value, String> {
        let read = match self.kind.as_str() {
            "Integer" => given.parse::<i64>().ok().map(Value::from),
            "Float" => given.parse::<f64>().ok().map(Value::from),
            "Boolean" => given.to_lowercase().parse::<bool>().ok().map(Value::from),
            _ => Some(Value::from(given)),
        };
        let value = read.ok_or_else(|| format!("Parameter {} is no {}: {given}", self.name, self.kind))?;
        if self.choices.is_empty() || self.choices.contains(&value) {
            return Ok(value);
        }
        Err(format!("Parameter {} must be one of its EnumValues: {given}", self.name))
    }

    fn fits(&self, value: &Value) -> bool {
        match self.kind.as_str() {
            "Integer" => value.is_i64() || value.is_u64(),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            _ => value.is_string(),
        }
    }
}

/// A step; those inside conditions stand beside the others, with a gate.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// The step without the steps inside it.
    pub(crate) raw: Value,
    pub(crate) needs: Vec<(String, Trigger)>,
    /// The condition step that contains it, and the outcome for which it runs.
    pub(crate) gate: Option<(String, bool)>,
}

impl Step {
    pub(crate) fn arguments(&self) -> &Value {
        self.raw.get("Arguments").unwrap_or(&Value::Null)
    }
}

/// A pipeline definition that was accepted.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) steps: Vec<Step>,
}

impl Definition {
    /// # Errors
    /// Why the service would refuse it.
    pub(crate) fn parse(written: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(written).map_err(|e| format!("It is not valid JSON: {e}"))?;
        match text(&document, "Version") {
            Some("2020-12-01") => {}
            other => return Err(format!("Version {} is not supported", other.unwrap_or("(none)"))),
        }
        let mut steps = Vec::new();
        flatten(list(&document, "Steps"), None, &mut steps)?;
        if steps.is_empty() {
            return Err("It has no steps".to_owned());
        }
        let definition = Self { parameters: parameters(&document)?, steps };
        definition.check()?;
        Ok(definition)
    }

    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for step in &self.steps {
            if !names.insert(step.name.as_str()) {
                return Err(format!("Step names must be unique, but {} occurs twice", step.name));
            }
        }
        let parameters: BTreeSet<&str> = self.parameters.iter().map(|p| p.name.as_str()).collect();
        for step in &self.steps {
            for (needed, _) in &step.needs {
                if !names.contains(needed.as_str()) {
                    return Err(format!("Step {} refers to step {needed}, which does not exist", step.name));
                }
            }
            for parameter in gets(&step.raw, "Parameters.") {
                if !parameters.contains(parameter.as_str()) {
                    return Err(format!("Step {} refers to undeclared parameter {parameter}", step.name));
                }
            }
            self.check_files(step)?;
            check_arguments(step)?;
        }
        self.check_order()
    }

    /// A property file must be declared by the step that writes it.
    fn check_files(&self, step: &Step) -> Result<(), String> {
        let mut found = Vec::new();
        walk(&step.raw, &mut |get| {
            if let Some((writer, file)) =
                get.strip_prefix("Steps.").and_then(|rest| rest.split_once(".PropertyFiles."))
            {
                found.push((writer.to_owned(), file.to_owned()));
            }
        });
        for (writer, file) in found {
            let declared = self.steps.iter().filter(|s| s.name == writer).any(|s| {
                list(&s.raw, "PropertyFiles").iter().any(|f| text(f, "PropertyFileName") == Some(&file))
            });
            if !declared {
                return Err(format!("Step {writer} does not declare property file {file}"));
            }
        }
        Ok(())
    }

    /// Every step can be reached: there is no circle.
    fn check_order(&self) -> Result<(), String> {
        let mut done: BTreeSet<&str> = BTreeSet::new();
        loop {
            let ready: Vec<&str> = self
                .steps
                .iter()
                .filter(|step| !done.contains(step.name.as_str()))
                .filter(|step| step.needs.iter().all(|(needed, _)| done.contains(needed.as_str())))
                .filter(|step| step.gate.as_ref().is_none_or(|(parent, _)| done.contains(parent.as_str())))
                .map(|step| step.name.as_str())
                .collect();
            if ready.is_empty() {
                break;
            }
            done.extend(ready);
        }
        let stuck: Vec<&str> =
            self.steps.iter().map(|s| s.name.as_str()).filter(|name| !done.contains(name)).collect();
        if stuck.is_empty() {
            Ok(())
        } else {
            Err(format!("Steps depend on each other in a circle: {}", stuck.join(", ")))
        }
    }
}

fn parameters(document: &Value) -> Result<Vec<Parameter>, String> {
    let mut read: BTreeMap<String, ()> = BTreeMap::new();
    let mut found = Vec::new();
    for written in list(document, "Parameters") {
        let parameter = Parameter {
            name: text(written, "Name").ok_or("A parameter has no Name")?.to_owned(),
            kind: text(written, "Type").unwrap_or("String").to_owned(),
            default: written.get("DefaultValue").filter(|v| !v.is_null()).cloned(),
            choices: list(written, "EnumValues").to_vec(),
        };
        if read.insert(parameter.name.clone(), ()).is_some() {
            return Err(format!("Parameter {} is declared twice", parameter.name));
        }
        if !matches!(parameter.kind.as_str(), "String" | "Integer" | "Float" | "Boolean") {
            return Err(format!("Parameter {} has unknown type {}", parameter.name, parameter.kind));
        }
        if parameter.default.as_ref().is_some_and(|default| !parameter.fits(default)) {
            return Err(format!("The default of parameter {} is no {}", parameter.name, parameter.kind));
        }
        found.push(parameter);
    }
    Ok(found)
}

/// Puts steps and the steps inside their conditions side by side.
fn flatten(written: &[Value], gate: Option<(String, bool)>, into: &mut Vec<Step>) -> Result<(), String> {
    for step in written {
        let name = text(step, "Name").ok_or("A step has no Name")?.to_owned();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
            return Err(format!("Step name '{name}' must match [A-Za-z0-9\\-_]{{1,64}}"));
        }
        let kind = text(step, "Type").unwrap_or_default().to_owned();
        if !TYPES.contains(&kind.as_str()) {
            return Err(format!("Step {name} has unknown type '{kind}'"));
        }
        let mut raw = step.clone();
        let mut inside = [Value::Null, Value::Null];
        if kind == "Condition"
            && let Some(arguments) = raw.get_mut("Arguments").and_then(Value::as_object_mut)
        {
            inside = ["IfSteps", "ElseSteps"].map(|key| arguments.remove(key).unwrap_or_default());
        }
        let needs = needs(&raw)?;
        into.push(Step { name: name.clone(), kind, raw, needs, gate: gate.clone() });
        let [then, otherwise] = &inside;
        flatten(then.as_array().map_or(&[], Vec::as_slice), Some((name.clone(), true)), into)?;
        flatten(otherwise.as_array().map_or(&[], Vec::as_slice), Some((name, false)), into)?;
    }
    Ok(())
}

/// What a step waits for: what it names in `DependsOn`, and what it takes data from.
fn needs(raw: &Value) -> Result<Vec<(String, Trigger)>, String> {
    let mut found = Vec::new();
    for dependency in list(raw, "DependsOn") {
        let (name, trigger) = match dependency {
            Value::String(name) => (name.as_str(), Trigger::Succeeded),
            object => {
                let trigger = match text(object, "Trigger") {
                    Some("Failed") => Trigger::Failed,
                    Some("Any") => Trigger::Any,
                    _ => Trigger::Succeeded,
                };
                (text(object, "Step").ok_or("A DependsOn entry names no step")?, trigger)
            }
        };
        found.push((name.to_owned(), trigger));
    }
    // The steps in the body of a loop refer to each other by name.
    let body: Vec<&str> = raw
        .get("Arguments")
        .map(|arguments| list(arguments, "ForEachBody"))
        .unwrap_or_default()
        .iter()
        .filter_map(|step| text(step, "Name"))
        .collect();
    for name in gets(raw, "Steps.") {
        if !body.contains(&name.as_str()) && !found.iter().any(|(known, _)| *known == name) {
            found.push((name, Trigger::Succeeded));
        }
    }
    Ok(found)
}

/// Calls `visit` with the text of every `{"Get": "…"}`.
fn walk(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let (1, Some(Value::String(get))) = (members.len(), members.get("Get")) {
                visit(get);
            }
            members.values().for_each(|member| walk(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// The names that follow `prefix` in the references of a step.
fn gets(raw: &Value, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(raw, &mut |get| {
        if let Some(rest) = get.strip_prefix(prefix) {
            found.insert(rest.split(['.', '[']).next().unwrap_or_default().to_owned());
        }
    });
    found
}

/// The arguments without which the service refuses a step before anything runs.
fn check_arguments(step: &Step) -> Result<(), String> {
    let required: &[&str] = match step.kind.as_str() {
        "Training" => {
            &["AlgorithmSpecification", "OutputDataConfig", "ResourceConfig", "RoleArn", "StoppingCondition"]
        }
        "Processing" => &["AppSpecification", "ProcessingResources", "RoleArn"],
        "Condition" => &["Conditions"],
        _ => &[],
    };
    for key in required {
        if step.arguments().get(key).is_none_or(Value::is_null) {
            return Err(format!("Step {} lacks the required argument {key}", step.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

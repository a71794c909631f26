//! Walking through a value next to its shape.

use serde_json::Value;

use super::{Model, Shape};
use crate::error::ApiError;
use crate::json::lower_first;

/// What is wrong with a value.
#[derive(Debug, Default)]
pub(super) struct Violations {
    /// It cannot be read at all.
    unreadable: Vec<String>,
    /// It can be read but breaks a constraint.
    violations: Vec<String>,
}

impl Violations {
    /// The error AWS would answer.
    pub(super) fn verdict(self, service: &str) -> Result<(), ApiError> {
        if let Some(first) = self.unreadable.first() {
            return Err(ApiError::new("SerializationException", first.clone()));
        }
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let noun = if count == 1 { "error" } else { "errors" };
        let message = format!("{count} validation {noun} detected: {}", self.violations.join("; "));
        // The runtime has its own name for the same error.
        let code = if service == "sagemaker-runtime" { "ValidationError" } else { "ValidationException" };
        Err(ApiError::new(code, message))
    }

    pub(super) fn all(self) -> Vec<String> {
        self.unreadable.into_iter().chain(self.violations).collect()
    }

    fn must(&mut self, value: &str, path: &str, constraint: &str) {
        self.violations.push(format!(
            "Value {value} at '{path}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    pub(super) fn check(&mut self, model: &Model, shape_name: &str, value: &Value, path: &str) {
        let Some(shape) = model.shapes.get(shape_name) else { return };
        let fits = match shape.kind.as_str() {
            "structure" => value.is_object(),
            "map" => value.is_object(),
            "list" => value.is_array(),
            "boolean" => value.is_boolean(),
            "integer" | "long" => value.is_i64() || value.is_u64(),
            "float" | "double" => value.is_number(),
            "timestamp" => value.is_number() || value.is_string(),
            _ => value.is_string(),
        };
        if !fits {
            let at = if path.is_empty() { "the request" } else { path };
            self.unreadable.push(format!("{at} is no {}: {value}", shape.kind));
            return;
        }
        match shape.kind.as_str() {
            "structure" => self.structure(model, shape, value, path),
            "map" => self.map(model, shape, value, path),
            "list" => self.list(model, shape, value, path),
            "integer" | "long" | "float" | "double" => self.number(shape, value, path),
            "string" => self.string(model, shape, value, path),
            _ => {}
        }
    }

    fn structure(&mut self, model: &Model, shape: &Shape, value: &Value, path: &str) {
        let members = value.as_object().into_iter().flatten();
        let below = |name: &str| {
            let name = lower_first(name);
            if path.is_empty() { name } else { format!("{path}.{name}") }
        };
        let mut given = 0;
        for (name, member) in members {
            match shape.members.get(name) {
                None => self.unreadable.push(format!("Unknown member {name} at '{path}'")),
                // A member that is null counts as absent.
                Some(_) if member.is_null() => {}
                Some(reference) => {
                    given += 1;
                    self.check(model, &reference.shape, member, &below(name));
                }
            }
        }
        for name in &shape.required {
            if value.get(name).is_none_or(Value::is_null) {
                self.must("null", &below(name), "not be null");
            }
        }
        if shape.union && given != 1 {
            self.unreadable.push(format!("Exactly one member must be set at '{path}'"));
        }
    }

    fn map(&mut self, model: &Model, shape: &Shape, value: &Value, path: &str) {
        let members: Vec<_> = value.as_object().into_iter().flatten().collect();
        self.size(shape, members.len(), value, path);
        for (name, member) in members {
            if let Some(reference) = &shape.key {
                self.check(model, &reference.shape, &Value::from(name.clone()), &format!("{path}.key"));
            }
            if let Some(reference) = &shape.value {
                self.check(model, &reference.shape, member, &format!("{path}.{name}.member"));
            }
        }
    }

    fn list(&mut self, model: &Model, shape: &Shape, value: &Value, path: &str) {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        self.size(shape, items.len(), value, path);
        if let Some(reference) = &shape.member {
            for (at, item) in items.iter().enumerate() {
                self.check(model, &reference.shape, item, &format!("{path}.{}.member", at + 1));
            }
        }
    }

    fn size(&mut self, shape: &Shape, size: usize, value: &Value, path: &str) {
        let shown = format!("'{value}'");
        if shape.min.is_some_and(|min| (size as f64) < min) {
            let min = shape.min.unwrap_or_default();
            self.must(&shown, path, &format!("have length greater than or equal to {min}"));
        }
        if shape.max.is_some_and(|max| size as f64 > max) {
            let max = shape.max.unwrap_or_default();
            self.must(&shown, path, &format!("have length less than or equal to {max}"));
        }
    }

    fn number(&mut self, shape: &Shape, value: &Value, path: &str) {
        let number = value.as_f64().unwrap_or_default();
        let shown = format!("'{value}'");
        if let Some(min) = shape.min.filter(|min| number < *min) {
            self.must(&shown, path, &format!("have value greater than or equal to {min}"));
        }
        if let Some(max) = shape.max.filter(|max| number > *max) {
            self.must(&shown, path, &format!("have value less than or equal to {max}"));
        }
    }

    fn string(&mut self, model: &Model, shape: &Shape, value: &Value, path: &str) {
        let text = value.as_str().unwrap_or_default();
        let shown = format!("'{text}'");
        let length = text.chars().count() as f64;
        if let Some(min) = shape.min.filter(|min| length < *min) {
            self.must(&shown, path, &format!("have length greater than or equal to {min}"));
        }
        if let Some(max) = shape.max.filter(|max| length > *max) {
            self.must(&shown, path, &format!("have length less than or equal to {max}"));
        }
        if let Some(pattern) = shape.pattern.as_deref().filter(|p| !model.patterns.matches(p, text)) {
            self.must(&shown, path, &format!("satisfy regular expression pattern: {pattern}"));
        }
        if !shape.choices.is_empty() && !shape.choices.iter().any(|choice| choice == text) {
            self.must(&shown, path, &format!("satisfy enum value set: [{}]", shape.choices.join(", ")));
        }
    }
}

//! Validates requests and answers against the published AWS API models (the data that botocore ships).
//!
//! AWS ignores unknown members of an awsJson request. The world rejects them, because a member that AWS would ignore
//! is a bug in Tidegate.

mod pattern;
mod shapes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::ApiError;
pub use pattern::UNTRANSLATED;

/// The services of the world and where botocore keeps their models.
const SERVICES: &[(&str, &str)] = &[
    ("sagemaker", "sagemaker/2017-07-24"),
    ("application-autoscaling", "application-autoscaling/2016-02-06"),
    ("codecommit", "codecommit/2015-04-13"),
    ("sagemaker-runtime", "sagemaker-runtime/2017-05-13"),
];

/// Why the API models could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is missing or damaged.
    #[error("cannot read the API model {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file is no API model.
    #[error("{path} is no API model: {source}")]
    Parse {
        /// The file.
        path: String,
        /// What went wrong.
        source: serde_json::Error,
    },
}

#[derive(Debug, Deserialize)]
struct Reference {
    shape: String,
}

#[derive(Debug, Deserialize)]
struct Operation {
    input: Option<Reference>,
    output: Option<Reference>,
}

/// A shape of an API model; documentation and wire details are left out.
#[derive(Debug, Default, Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    members: BTreeMap<String, Reference>,
    member: Option<Reference>,
    key: Option<Reference>,
    value: Option<Reference>,
    #[serde(rename = "enum", default)]
    choices: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(default)]
    union: bool,
}

#[derive(Debug, Deserialize)]
struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
    #[serde(skip)]
    patterns: pattern::Cache,
}

/// The API models of the services that the world offers.
#[derive(Debug)]
pub struct ApiModels {
    services: BTreeMap<&'static str, Model>,
}

impl ApiModels {
    /// Reads the models below botocore's `data` folder.
    ///
    /// # Errors
    /// When a model is missing or damaged.
    pub fn load(botocore_data: &Path) -> Result<Self, ModelError> {
        let mut services = BTreeMap::new();
        for (name, folder) in SERVICES {
            services.insert(*name, read(&botocore_data.join(folder).join("service-2.json.gz"))?);
        }
        Ok(Self { services })
    }

    /// Checks a request.
    ///
    /// # Errors
    /// `UnknownOperationException`, `SerializationException` for wrong types and unknown members, and
    /// `ValidationException` listing every violated constraint.
    pub fn check_request(&self, service: &str, operation: &str, request: &Value) -> Result<(), ApiError> {
        let unknown = || ApiError::new("UnknownOperationException", format!("{service} has no {operation}"));
        let model = self.services.get(service).ok_or_else(unknown)?;
        let input = &model.operations.get(operation).ok_or_else(unknown)?.input;
        let Some(input) = input else { return Ok(()) };
        let mut found = shapes::Violations::default();
        found.check(model, &input.shape, request, "");
        found.verdict(service)
    }

    /// Checks an answer of ours: what it violates, in words. Empty means the SDKs can read it.
    #[must_use]
    pub fn check_answer(&self, service: &str, operation: &str, answer: &Value) -> Vec<String> {
        let model = self.services.get(service);
        let found = model.and_then(|m| m.operations.get(operation).map(|o| (m, &o.output)));
        let Some((model, Some(output))) = found else { return Vec::new() };
        let mut found = shapes::Violations::default();
        found.check(model, &output.shape, answer, "");
        found.all()
    }

    /// The patterns of the models that cannot be translated; [`UNTRANSLATED`] lists those we know of.
    #[must_use]
    pub fn untranslated(&self) -> BTreeSet<String> {
        let shapes = self.services.values().flat_map(|model| model.shapes.values());
        let patterns = shapes.filter_map(|shape| shape.pattern.as_deref());
        patterns.filter(|p| pattern::compile(p).is_none()).map(str::to_owned).collect()
    }
}

fn read(path: &Path) -> Result<Model, ModelError> {
    let name = path.display().to_string();
    let unreadable = |source| ModelError::Read { path: name.clone(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).map_err(unreadable)?;
    serde_json::from_str(&text).map_err(|source| ModelError::Parse { path: name.clone(), source })
}

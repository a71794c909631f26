//! The metrics of a model version, from the file that its training pipeline registered as `ModelMetrics.ModelQuality.Statistics`.
//!
//! AWS publishes three shapes of this file, in which each metric is an object with a `value` and a `standard_deviation`
//! (<https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html>). Evaluation scripts write keys
//! of their own as well, and Python writes a value that is not a number as a bare `NaN`, which is not JSON.

use serde_json::Value;
use std::collections::BTreeMap;

use crate::file::nearest;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The values of a file, by the names that lead to each, joined by dots.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    values: BTreeMap<String, MetricValue>,
}

/// The value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// A finite number.
    Number(f64),
    /// Anything else, as text.
    NotANumber(String),
}

/// The result of looking for a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<'e> {
    /// The value, with the whole path.
    One(&'e str, &'e MetricValue),
    /// Several metrics have this name: their paths.
    Several(Vec<&'e str>),
    /// No metric has this name; the most similar one, if there is one.
    None(Option<&'e str>),
}

impl Evaluation {
    /// Reads a file.
    ///
    /// # Errors
    /// Why the text is no file of metrics.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root: Value = serde_json::from_str(&quote_bare_numbers(text))
            .map_err(|error| format!("the file is not JSON: {error}"))?;
        if !root.is_object() {
            return Err("the file is not a JSON object".to_owned());
        }
        let mut values = BTreeMap::new();
        collect(&mut values, "", &root);
        if values.is_empty() {
            return Err("the file has no metric".to_owned());
        }
        Ok(Self { values })
    }

    /// Looks for a metric by its whole path, or by the end of its path if no other metric has the same end.
    #[must_use]
    pub fn find(&self, name: &str) -> Found<'_> {
        if let Some((path, value)) = self.values.get_key_value(name) {
            return Found::One(path, value);
        }
        let end = format!(".{name}");
        let mut ends = self.values.iter().filter(|(path, _)| path.ends_with(&end));
        match (ends.next(), ends.next()) {
            (Some((path, value)), None) => Found::One(path, value),
            (Some((first, _)), Some((second, _))) => {
                let others = ends.map(|(path, _)| path.as_str());
                Found::Several([first.as_str(), second.as_str()].into_iter().chain(others).collect())
            }
            (None, _) => Found::None(self.nearest(name)),
        }
    }

    /// Every metric with its path.
    pub fn all(&self) -> impl Iterator<Item = (&str, &MetricValue)> {
        self.values.iter().map(|(path, value)| (path.as_str(), value))
    }

    /// The metric whose path, or whose last name, is the most similar.
    fn nearest(&self, name: &str) -> Option<&str> {
        let found = nearest(last(name), self.values.keys().map(|path| last(path)))?;
        self.values.keys().map(String::as_str).find(|path| last(path) == found)
    }
}

impl std::fmt::Display for MetricValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::NotANumber(text) => f.write_str(text),
        }
    }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Collects the leaves. The `value` of a metric is the metric itself.
fn collect(values: &mut BTreeMap<String, MetricValue>, path: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_metric = name == "value" && !path.is_empty() && !member.is_object();
                let path = match (is_metric, path.is_empty()) {
                    (true, _) => path.to_owned(),
                    (false, true) => name.clone(),
                    (false, false) => format!("{path}.{name}"),
                };
                collect(values, &path, member);
            }
        }
        // A curve or a matrix is no metric.
        Value::Array(_) => {}
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.is_finite());
            let value =
                number.map_or_else(|| MetricValue::NotANumber(value.to_string()), MetricValue::Number);
            values.insert(path.to_owned(), value);
        }
        Value::String(text) => {
            values.insert(path.to_owned(), MetricValue::NotANumber(text.clone()));
        }
        Value::Null | Value::Bool(_) => {
            values.insert(path.to_owned(), MetricValue::NotANumber(value.to_string()));
        }
    }
}

/// Puts quotes around `NaN` and `Infinity` outside of texts.
fn quote_bare_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let taken = match ["NaN", "Infinity"].into_iter().find(|word| from.starts_with(word)) {
            Some(word) => {
                // The sign belongs to the value.
                let sign = if out.ends_with('-') { out.pop().map(|_| "-").unwrap_or_default() } else { "" };
                out.push_str(&format!("\"{sign}{word}\""));
                word.len()
            }
            None if from.starts_with('"') => {
                let end = end_of_text(from);
                out.push_str(from.get(..end).unwrap_or(from));
                end
            }
            None => {
                out.push_str(from.get(..1).unwrap_or_default());
                1
            }
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where a text that begins with a quote ends.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &str = r#"{"binary_classification_metrics": {
        "auc": {"value": 0.91, "standard_deviation": "NaN"}, "accuracy": {"value": NaN, "standard_deviation": NaN},
        "loss": {"value": -Infinity, "standard_deviation": 0.1}, "f1": {"value": "NaN"},
        "confusion_matrix": {"0": {"0": 1}}, "curve": {"x": [0.0, 1.0]}}}"#;

    fn value(text: &str, name: &str) -> String {
        match Evaluation::parse(text).unwrap().find(name) {
            Found::One(_, MetricValue::Number(number)) => number.to_string(),
            Found::One(_, MetricValue::NotANumber(text)) => format!("not a number: {text}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_metric_is_found_by_its_path_and_by_its_name() {
        for name in ["auc", "binary_classification_metrics.auc"] {
            assert_eq!(value(BINARY, name), "0.91", "{name}");
        }
        assert_eq!(value(r#"{"rmse": 3, "own": {"mae": 0.5}}"#, "rmse"), "3");
        assert_eq!(value(r#"{"metrics": {"test": {"auc": 1}, "train": {"auc": 2}}}"#, "test.auc"), "1");
    }

    #[test]
    fn a_name_that_several_metrics_have_is_no_metric() {
        let several = Evaluation::parse(r#"{"test": {"auc": 1}, "train": {"auc": 2}}"#).unwrap();
        assert_eq!(several.find("auc"), Found::Several(vec!["test.auc", "train.auc"]));
    }

    #[test]
    fn a_misspelt_name_has_a_suggestion() {
        let found = Evaluation::parse(BINARY).unwrap();
        assert_eq!(found.find("acuracy"), Found::None(Some("binary_classification_metrics.accuracy")));
        assert_eq!(found.find("something_else"), Found::None(None));
    }

    #[test]
    fn what_is_not_a_finite_number_is_not_a_number() {
        assert_eq!(value(BINARY, "accuracy"), "not a number: NaN");
        assert_eq!(value(BINARY, "f1"), "not a number: NaN");
        assert_eq!(value(BINARY, "loss"), "not a number: -Infinity");
        assert_eq!(value(r#"{"a": null, "b": "0.9", "c": true}"#, "a"), "not a number: null");
        assert_eq!(value(r#"{"b": "0.9"}"#, "b"), "not a number: 0.9");
        assert_eq!(value(r#"{"NaN in a \"key\"": 1, "Infinity": 2}"#, "Infinity"), "2");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        for text in
            ["", "[1]", "{", "{}", "{\"a\": []}", "<html>", "{\"a\": 1e999}", "{\"a\": NaNa}", "{\"a", "\""]
        {
            assert!(Evaluation::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_published_shape_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/monitor");
        let files = [
            ("binary_classification", "auc"),
            ("multiclass_classification", "weighted_f1"),
            ("regression", "rmse"),
        ];
        for (file, metric) in files {
            let file = format!("{folder}/model_quality_statistics_{file}.json");
            let text = std::fs::read_to_string(&file).unwrap();
            let found = Evaluation::parse(&text).unwrap();
            assert!(matches!(found.find(metric), Found::One(_, MetricValue::Number(_))), "{file}");
        }
    }
}

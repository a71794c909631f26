//! Checks a file's tree against the schema: fields, types, enumerations and ranges. Every problem is reported, and
//! every invalid part is replaced by a sample, so that the rules can check the rest.

use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

use super::problem::{Finding, under};
use super::schema::{self, resolve};
use super::suggest::nearest;
use super::tree::{At, Entry, Node, Value};
use super::words::{self, Look, expected, found, listed, look, short};
use crate::clock::TimeZoneName;

/// The result of a check.
pub(super) struct Outcome {
    /// The file as JSON that the types accept.
    pub(super) value: Json,
    /// The problems, each with its place in the text.
    pub(super) found: Vec<(At, Finding)>,
    /// The place of each field in the text.
    pub(super) spots: BTreeMap<String, At>,
    /// The fields whose value is a sample.
    pub(super) replaced: Vec<String>,
}

/// Checks a tree against the schema.
pub(super) fn check(root: &Node, schema: &Json) -> Outcome {
    let mut check = Check { root: schema, found: Vec::new(), spots: BTreeMap::new(), replaced: Vec::new() };
    check.spots.insert(String::new(), root.at);
    let value = check.value(root, schema, "");
    Outcome { value, found: check.found, spots: check.spots, replaced: check.replaced }
}

type Fields<'s> = BTreeMap<&'s str, &'s Json>;

struct Check<'s> {
    root: &'s Json,
    found: Vec<(At, Finding)>,
    spots: BTreeMap<String, At>,
    replaced: Vec<String>,
}

impl<'s> Check<'s> {
    fn value(&mut self, node: &Node, schema: &'s Json, path: &str) -> Json {
        let (name, real) = resolve(self.root, schema);
        let choices = schema::words(real);
        if !choices.is_empty() {
            return self.word(node, schema, &choices, path);
        }
        match real.get("type").and_then(Json::as_str) {
            Some("object") => match (&node.value, schema::fields(real)) {
                (Value::Map(entries), Some(fields)) => self.section(entries, real, &fields, path),
                (Value::Map(entries), None) => self.texts(entries, real, path),
                _ => self.wrong(node, schema, path, ""),
            },
            Some("array") => match &node.value {
                Value::List(items) => self.list(node, items, real, path),
                _ => self.wrong(node, schema, path, self.as_list(node, real).as_deref().unwrap_or_default()),
            },
            Some("boolean") => match &node.value {
                Value::Plain(text) if matches!(look(text), Look::Bool(_)) => {
                    json!(look(text) == Look::Bool(true))
                }
                _ => self.wrong(node, schema, path, ""),
            },
            Some("integer") => self.whole(node, schema, real, path),
            Some("number") => self.number(node, schema, real, path),
            Some("string") => self.text(node, schema, real, name, path),
            _ => json!(true),
        }
    }

    fn tell(&mut self, at: At, path: &str, message: String) {
        self.found.push((at, Finding::new(path, message)));
    }

    fn replace(&mut self, schema: &Json, path: &str) -> Json {
        self.replaced.push(path.to_owned());
        schema::sample(self.root, schema)
    }

    /// Reports that the value is not of the type, and returns a sample.
    fn wrong(&mut self, node: &Node, schema: &Json, path: &str, hint: &str) -> Json {
        let message = format!("found {}, expected {}{hint}", found(node), expected(self.root, schema));
        self.tell(node.at, path, message);
        self.replace(schema, path)
    }

    fn as_list(&self, node: &Node, schema: &Json) -> Option<String> {
        let single = schema.get("items").map(|items| resolve(self.root, items).1);
        match (&node.value, single) {
            (Value::Plain(text) | Value::Quoted(text), Some(items))
                if items.get("type") == Some(&json!("string")) =>
            {
                (!text.is_empty()).then(|| format!("; write [{}]", short(text)))
            }
            _ => None,
        }
    }

    fn section(&mut self, entries: &[Entry], schema: &'s Json, fields: &Fields<'s>, path: &str) -> Json {
        let mut value = Map::new();
        let mut first: BTreeMap<&str, At> = BTreeMap::new();
        for entry in entries {
            if let Some((line, _)) = first.get(entry.key.as_str()) {
                let message = format!("given twice, first in line {line}; remove one");
                self.tell(entry.at, &under(path, &entry.key), message);
                continue;
            }
            first.insert(&entry.key, entry.at);
            let Some(name) = self.field(entry, entries, fields, path) else { continue };
            let Some(field) = fields.get(name) else { continue };
            let at = under(path, name);
            self.spots.insert(at.clone(), spot(entry));
            let field = self.value(&entry.node, field, &at);
            value.insert(name.to_owned(), field);
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str) {
            let Some(field) = fields.get(name).filter(|_| !value.contains_key(name)) else { continue };
            let message = format!("missing; expected {}", expected(self.root, field));
            let at = self.spots.get(path).copied().unwrap_or((1, 1));
            let path = under(path, name);
            self.tell(at, &path, message);
            let field = self.replace(field, &path);
            value.insert(name.to_owned(), field);
        }
        Json::Object(value)
    }

    /// The field that a key names or most probably means; an unknown key is reported.
    fn field(
        &mut self,
        entry: &Entry,
        entries: &[Entry],
        fields: &Fields<'s>,
        path: &str,
    ) -> Option<&'s str> {
        if let Some((name, _)) = fields.get_key_value(entry.key.as_str()) {
            return Some(name);
        }
        let free = |name: &&str| !entries.iter().any(|e| e.key == **name);
        let all = || fields.keys().copied();
        let meant = nearest(&entry.key, all().filter(free));
        let message = match (meant.or_else(|| nearest(&entry.key, all())), peculiar(&entry.key)) {
            (_, Some(why)) => format!("unknown field; {why}"),
            (Some(name), None) => format!("unknown field; did you mean `{name}`?"),
            (None, None) => format!("unknown field; expected {}", listed(all(), "or")),
        };
        self.tell(entry.at, &under(path, &short(&entry.key)), message);
        meant
    }

    /// A section with arbitrary keys whose values are texts.
    fn texts(&mut self, entries: &[Entry], schema: &'s Json, path: &str) -> Json {
        let mut value = Map::new();
        let Some(kind) = schema.get("additionalProperties") else { return Json::Object(value) };
        for entry in entries {
            let at = under(path, &entry.key);
            if value.contains_key(&entry.key) {
                self.tell(entry.at, &at, "given twice; remove one".to_owned());
                continue;
            }
            self.spots.insert(at.clone(), spot(entry));
            let text = self.value(&entry.node, kind, &at);
            value.insert(entry.key.clone(), text);
        }
        Json::Object(value)
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'s Json, path: &str) -> Json {
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let at = self.spots.get(path).copied().unwrap_or(node.at);
        if let Some(min) = words::bound(schema, "minItems").filter(|min| count < *min) {
            let found = if count == 0 { "an empty list".to_owned() } else { format!("{count} items") };
            let least = if min == 1 { "one".to_owned() } else { min.to_string() };
            self.tell(at, path, format!("found {found}, expected at least {least}"));
        }
        if let Some(max) = words::bound(schema, "maxItems").filter(|max| count > *max) {
            self.tell(at, path, format!("found {count} items, expected at most {max}"));
        }
        let Some(kind) = schema.get("items") else { return json!([]) };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let at = under(path, &index.to_string());
            self.spots.insert(at.clone(), item.at);
            values.push(self.value(item, kind, &at));
        }
        Json::Array(values)
    }

    fn word(&mut self, node: &Node, schema: &'s Json, choices: &[&str], path: &str) -> Json {
        let text = match &node.value {
            Value::Plain(text) | Value::Quoted(text) => text.as_str(),
            Value::List(_) | Value::Map(_) => return self.wrong(node, schema, path, ""),
        };
        if choices.contains(&text) {
            return json!(text);
        }
        let hint = if path == "apiVersion" {
            ", the one version of the policy language that this version of Tidegate reads".to_owned()
        } else {
            nearest(text, choices.iter().copied())
                .map_or_else(String::new, |w| format!("; did you mean `{w}`?"))
        };
        self.wrong(node, schema, path, &hint)
    }

    fn whole(&mut self, node: &Node, schema: &'s Json, real: &'s Json, path: &str) -> Json {
        let number = match &node.value {
            Value::Plain(text) => match look(text) {
                Look::Whole(number) => number,
                _ => return self.wrong(node, schema, path, ""),
            },
            Value::Quoted(text) if matches!(look(text), Look::Whole(_)) => {
                return self.wrong(node, schema, path, "; write it without quotes");
            }
            _ => return self.wrong(node, schema, path, ""),
        };
        let min = words::bound(real, "minimum").unwrap_or(0);
        let max = words::bound(real, "maximum").unwrap_or_else(|| i64::from(u32::MAX));
        if (min..=max).contains(&number) {
            return json!(number);
        }
        let why = schema::reference(schema).map_or_else(String::new, |address| format!(" ({address})"));
        self.wrong(node, schema, path, &why)
    }

    /// A finite number, with or without a fraction.
    fn number(&mut self, node: &Node, schema: &'s Json, real: &'s Json, path: &str) -> Json {
        let number = match &node.value {
            Value::Plain(text) if matches!(look(text), Look::Whole(_) | Look::Number) => {
                text.parse::<f64>().ok()
            }
            Value::Quoted(text) if matches!(look(text), Look::Whole(_) | Look::Number) => {
                return self.wrong(node, schema, path, "; write it without quotes");
            }
            _ => None,
        };
        let least = real.get("minimum").and_then(Json::as_f64).unwrap_or(f64::MIN);
        match number.filter(|number| number.is_finite() && *number >= least) {
            Some(number) => json!(number),
            None => self.wrong(node, schema, path, ""),
        }
    }

    fn text(
        &mut self,
        node: &Node,
        schema: &'s Json,
        real: &'s Json,
        name: Option<&str>,
        path: &str,
    ) -> Json {
        let text = match &node.value {
            Value::Quoted(text) => text,
            Value::Plain(text) => match look(text) {
                Look::Text => text,
                Look::Nothing => return self.wrong(node, schema, path, ""),
                Look::Bool(_) | Look::Whole(_) | Look::Number => {
                    let hint = format!("; quote it: \"{}\"", short(text));
                    return self.wrong(node, schema, path, &hint);
                }
            },
            Value::List(_) | Value::Map(_) => return self.wrong(node, schema, path, ""),
        };
        let fits = match name.and_then(words::rule) {
            Some((fits, _)) => fits(text),
            None => {
                let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                words::bound(real, "minLength").is_none_or(|min| count >= min)
                    && words::bound(real, "maxLength").is_none_or(|max| count <= max)
            }
        };
        if fits {
            return json!(text);
        }
        let known = if name == Some("TimeZoneName") { TimeZoneName::known() } else { Vec::new() };
        let near = nearest(text, known.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |zone| format!("; did you mean `{zone}`?"));
        self.wrong(node, schema, path, &hint)
    }
}

/// The place that a problem of a field refers to: its value if that is a scalar, its key if it is a section or a
/// list.
fn spot(entry: &Entry) -> At {
    match entry.node.value {
        Value::Plain(_) | Value::Quoted(_) => entry.node.at,
        Value::List(_) | Value::Map(_) => entry.at,
    }
}

/// The reason why the language does not have a field that people often expect.
fn peculiar(key: &str) -> Option<&'static str> {
    Some(match key {
        "<<" => "YAML's merge keys are not read; repeat the fields, or use an alias for a whole section",
        "variants" | "productionVariants" => {
            "an endpoint has exactly one variant, so that what runs is what was approved; SageMaker itself rolls \
             several out only in part (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html)"
        }
        "image" | "imageUri" | "container" | "containers" | "primaryContainer" | "modelData"
        | "modelDataUrl" | "artifactUrl" => {
            "the image and the data of a model are those of its package: SageMaker takes a package or an image with its data, \
             not both, and what was approved is the package; the Container of an inference component would run what nobody \
             approved; register a new version of the package with the other image, data or containers, and set variables with \
             `environment` (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html)"
        }
        "spot"
        | "useSpotInstances"
        | "managedSpot"
        | "managedSpotTraining"
        | "enableManagedSpotTraining"
        | "maxWait"
        | "checkpoint"
        | "checkpoints"
        | "checkpointConfig" => {
            "Spot is the training job's, so the pipeline's definition says it: EnableManagedSpotTraining, and a \
             CheckpointConfig with it, or every interruption begins the training anew \
             (https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html)"
        }
        _ => return None,
    })
}

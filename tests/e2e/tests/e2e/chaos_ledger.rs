//! What the three ledgers hold, in a form in which two days can be compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, STAGING};

use crate::test_cloud::{TestCloud, text};

/// A ledger's item: its account, its key, and its attributes without DynamoDB's types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) account: &'static str,
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) attributes: BTreeMap<String, Value>,
}

impl Item {
    /// JSON that an attribute holds as text.
    pub(crate) fn json(&self, attribute: &str) -> Value {
        let held = self.attributes.get(attribute).and_then(Value::as_str).unwrap_or_default();
        serde_json::from_str(held).unwrap_or_else(|error| panic!("{attribute} of {self:?}: {error}"))
    }
}

impl TestCloud {
    /// Everything in the three ledgers.
    pub(crate) async fn ledgers(&self) -> Vec<Item> {
        let mut all = Vec::new();
        for account in [HUB, STAGING, PRODUCTION] {
            all.extend(self.ledger(account).await);
        }
        all
    }

    async fn ledger(&self, account: Account) -> Vec<Item> {
        let (mut found, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut ask = json!({ "TableName": account.stack });
            if !start.is_null() {
                ask["ExclusiveStartKey"] = start;
            }
            let page = self.cloud.aws().json(account.id, "dynamodb", "DynamoDB_20120810.Scan", ask).await;
            let page = page.unwrap_or_else(|error| panic!("{error}"));
            let items = page.get("Items").and_then(Value::as_array).cloned().unwrap_or_default();
            found.extend(items.iter().map(|item| read(account, item)));
            start = page.get("LastEvaluatedKey").cloned().unwrap_or_default();
            if start.is_null() {
                return found;
            }
        }
    }
}

fn read(account: Account, item: &Value) -> Item {
    let mut attributes: BTreeMap<String, Value> = BTreeMap::new();
    for (name, typed) in item.as_object().into_iter().flatten() {
        // {"S": "…"}, {"N": "…"}: the value is what matters here.
        let value = typed.as_object().and_then(|typed| typed.values().next()).cloned();
        attributes.insert(name.clone(), value.unwrap_or_default());
    }
    let mut key = |name: &str| {
        let value = attributes.remove(name).unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    };
    let (pk, sk) = (key("pk"), key("sk"));
    Item { account: account.id, pk, sk, attributes }
}

/// What each function remembers of each model, by account, model and function.
pub(crate) fn states(ledgers: &[Item]) -> BTreeMap<(&'static str, String, String), Value> {
    let of = |item: &Item| {
        let (model, function) = (item.pk.strip_prefix("MODEL#")?, item.sk.strip_prefix("STATE#")?);
        Some(((item.account, model.to_owned(), function.to_owned()), without_chance(&item.json("value"))))
    };
    ledgers.iter().filter_map(of).collect()
}

/// Every decision record.
pub(crate) fn records(ledgers: &[Item]) -> Vec<Value> {
    ledgers.iter().filter(|item| item.sk.starts_with("DECISION#")).map(|item| item.json("record")).collect()
}

/// How each claim ended, by its status.
pub(crate) fn claims(ledgers: &[Item]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for item in ledgers.iter().filter(|item| item.sk == "CLAIM") {
        let status = item.attributes.get("status").and_then(Value::as_str).unwrap_or_default();
        *counts.entry(status.to_owned()).or_default() += 1;
    }
    counts
}

/// A value without what differs from day to day: times, and names that are drawn from times or at random.
pub(crate) fn without_chance(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(list) => list.iter().map(without_chance).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| match name.as_str() {
                // Drawn from the time of the approval.
                "request_id" => (name.clone(), Value::from("(a request)")),
                _ => (name.clone(), without_chance(value)),
            })
            .collect(),
        other => other.clone(),
    }
}

/// Each time, and each word that looks like a fingerprint or a random id, by its kind. Account ids stay.
fn plain(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(plain_word).collect();
    words.join(" ")
}

fn plain_word(word: &str) -> String {
    if word.trim_end_matches(['.', ',', ':', ';']).parse::<jiff::Timestamp>().is_ok() {
        return "(a time)".to_owned();
    }
    let mut plain = String::new();
    for part in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let name = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let digits = name.chars().filter(char::is_ascii_digit).count();
        plain.push_str(match name.len() {
            10 | 13 if digits == name.len() => "(a time)",
            12.. if digits > 0 && digits < name.len() => "(an id)",
            // A display name ends in a part of the token after the commit.
            8 if plain.ends_with("(an id)-") => "(an id)",
            _ => name,
        });
        plain.push_str(part.get(name.len()..).unwrap_or_default());
    }
    plain
}

/// The ids of the requests and reports that a record's plan sends, by the kind of the action.
pub(crate) fn sent(record: &Value) -> Vec<(String, String)> {
    let plan = record.get("plan").and_then(Value::as_array);
    let of = |action: &Value| {
        let kind = text(action, "action").to_owned();
        let body = match kind.as_str() {
            "request_deployment" | "request_retraining" => action.get("request")?,
            "report_deployment" => action.get("finished")?,
            _ => return None,
        };
        Some((kind, text(body, "request_id").to_owned()))
    };
    plan.into_iter().flatten().filter_map(of).collect()
}

//! Text for messages: what was found and what was expected.

use serde_json::Value as Json;

use super::schema::{self, resolve};
use super::tree::{Node, Value};
use crate::clock::{LocalDate, TimeOfDay, TimeZoneName};
use crate::duration::Duration;
use crate::names::{
    AccountId, AmiVersion, ContentType, EndpointName, EnvironmentName, GroupMember, GroupName, InstanceType,
    KmsKey, ModelName, PeopleGroup, PipelineName, Region, RepositoryName, RoleArn, S3Uri, SecurityGroupId,
    SubnetId, TopicArn,
};

/// A rule for a text: whether the text is valid, and the format to complete the sentence "expected …".
pub(super) type Rule = (fn(&str) -> bool, &'static str);

/// The rule of a text type, by the name of the type in the schema.
pub(super) fn rule(name: &str) -> Option<Rule> {
    Some(match name {
        "AccountId" => (AccountId::fits, AccountId::EXPECTED),
        "AmiVersion" => (AmiVersion::fits, AmiVersion::EXPECTED),
        "ContentType" => (ContentType::fits, ContentType::EXPECTED),
        "Duration" => (|t| Duration::try_from(t.to_owned()).is_ok(), Duration::EXPECTED),
        "EndpointName" => (EndpointName::fits, EndpointName::EXPECTED),
        "EnvironmentName" => (EnvironmentName::fits, EnvironmentName::EXPECTED),
        "GroupMember" => (GroupMember::fits, GroupMember::EXPECTED),
        "GroupName" => (GroupName::fits, GroupName::EXPECTED),
        "InstanceType" => (InstanceType::fits, InstanceType::EXPECTED),
        "KmsKey" => (KmsKey::fits, KmsKey::EXPECTED),
        "LocalDate" => (|t| LocalDate::try_from(t.to_owned()).is_ok(), LocalDate::EXPECTED),
        "ModelName" => (ModelName::fits, ModelName::EXPECTED),
        "PeopleGroup" => (PeopleGroup::fits, PeopleGroup::EXPECTED),
        "PipelineName" => (PipelineName::fits, PipelineName::EXPECTED),
        "Region" => (Region::fits, Region::EXPECTED),
        "RepositoryName" => (RepositoryName::fits, RepositoryName::EXPECTED),
        "RoleArn" => (RoleArn::fits, RoleArn::EXPECTED),
        "S3Uri" => (S3Uri::fits, S3Uri::EXPECTED),
        "SecurityGroupId" => (SecurityGroupId::fits, SecurityGroupId::EXPECTED),
        "SubnetId" => (SubnetId::fits, SubnetId::EXPECTED),
        "TimeOfDay" => (|t| TimeOfDay::try_from(t.to_owned()).is_ok(), TimeOfDay::EXPECTED),
        "TimeZoneName" => (|t| TimeZoneName::try_from(t.to_owned()).is_ok(), TimeZoneName::EXPECTED),
        "TopicArn" => (TopicArn::fits, TopicArn::EXPECTED),
        _ => return None,
    })
}

/// The type of text without quotes, by YAML's core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    Bool(bool),
    Whole(i64),
    Number,
    Text,
}

/// The type of a plain scalar.
pub(super) fn look(text: &str) -> Look {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Look::Nothing,
        "true" | "True" | "TRUE" => return Look::Bool(true),
        "false" | "False" | "FALSE" => return Look::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Look::Number,
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map_or(Look::Number, Look::Whole);
    }
    let based = |prefix, radix| {
        let rest: &str = text.strip_prefix(prefix)?;
        (!rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
            .then(|| i64::from_str_radix(rest, radix).map_or(Look::Number, Look::Whole))
    };
    if let Some(number) = based("0x", 16).or_else(|| based("0o", 8)) {
        return number;
    }
    let infinite = matches!(digits, ".inf" | ".Inf" | ".INF");
    if infinite || (digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && is_float(digits)) {
        return Look::Number;
    }
    Look::Text
}

fn is_float(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
        && text.parse::<f64>().is_ok()
}

/// A value as named in a message.
pub(super) fn found(node: &Node) -> String {
    match &node.value {
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a section with fields".to_owned(),
        Value::Quoted(text) => format!("the text `{}`", short(text)),
        Value::Plain(text) => match look(text) {
            Look::Nothing => "nothing".to_owned(),
            Look::Bool(value) => format!("`{value}`"),
            Look::Whole(_) | Look::Number => format!("the number {}", short(text)),
            Look::Text => format!("`{}`", short(text)),
        },
    }
}

/// A text on one line, shortened if it is long.
pub(super) fn short(text: &str) -> String {
    let line: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > 80 { format!("{line}…") } else { line }
}

/// What a schema expects, to complete the sentence "expected …".
pub(super) fn expected(root: &Json, schema: &Json) -> String {
    let (name, schema) = resolve(root, schema);
    if let Some((_, expected)) = name.and_then(rule) {
        return expected.to_owned();
    }
    let words = schema::words(schema);
    if !words.is_empty() {
        return listed(words.iter().copied(), "or");
    }
    match schema.get("type").and_then(Json::as_str) {
        Some("object") => match schema::fields(schema) {
            Some(fields) => format!("a section with {}", listed(fields.keys().copied(), "and")),
            None => "a section of names and texts".to_owned(),
        },
        Some("array") => "a list".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => match (bound(schema, "minimum"), bound(schema, "maximum")) {
            (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
            (Some(min), None) => format!("a whole number, at least {min}"),
            _ => "a whole number".to_owned(),
        },
        Some("number") => match bound(schema, "minimum") {
            Some(min) => format!("a number, at least {min}"),
            None => "a number".to_owned(),
        },
        _ => match (bound(schema, "minLength"), bound(schema, "maxLength")) {
            (Some(_), Some(max)) => format!("a text of 1 to {max} characters"),
            (Some(_), None) => "a text that is not empty".to_owned(),
            _ => "a text".to_owned(),
        },
    }
}

/// A number in a schema.
pub(super) fn bound(schema: &Json, name: &str) -> Option<i64> {
    let number = schema.get(name)?;
    number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))
}

/// `a, b and c`.
pub(super) fn listed<'a>(words: impl Iterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<&str> = words.collect();
    match words.split_last() {
        Some((end, [])) => (*end).to_owned(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_what_yaml_says() {
        for (text, is) in [
            ("", Look::Nothing),
            ("~", Look::Nothing),
            ("true", Look::Bool(true)),
            ("yes", Look::Text),
            ("0", Look::Whole(0)),
            ("-7", Look::Whole(-7)),
            ("0x1F", Look::Whole(31)),
            ("444455556666", Look::Whole(444_455_556_666)),
            ("99999999999999999999", Look::Number),
            ("1.5", Look::Number),
            ("1e3", Look::Number),
            (".5", Look::Number),
            ("-.inf", Look::Number),
            ("09:30", Look::Text),
            ("15m", Look::Text),
            ("1.2.3", Look::Text),
            ("-", Look::Text),
            (".", Look::Text),
        ] {
            assert_eq!(look(text), is, "{text}");
        }
    }
}

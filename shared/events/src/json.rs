//! A JSON value that borrows its texts from the input.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// A text. It is borrowed unless it contains an escape sequence.
#[derive(Debug, serde::Deserialize)]
pub struct Text<'t>(#[serde(borrow)] pub Cow<'t, str>);

/// A JSON value. When it is parsed from text, it borrows its texts from the input. Only texts with an escape sequence
/// are copied.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Json<'t> {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Cow<'t, str>),
    /// A list.
    List(Vec<Json<'t>>),
    /// An object.
    Object(Members<'t>),
}

/// The members of a JSON object, in the order of the input. If a name occurs twice, the last value counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members<'t>(Vec<(Cow<'t, str>, Json<'t>)>);

impl<'t> Members<'t> {
    /// Returns the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'t>> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// Iterates over the names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'t>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Parses an object and keeps only the members with one of these names.
    ///
    /// # Errors
    /// Returns an error if the input is not a JSON object.
    pub fn read_named<'de: 't, D: Deserializer<'de>>(names: &[&str], json: D) -> Result<Self, D::Error> {
        json.deserialize_map(SelectMembers(Some(names)))
    }
}

impl<'t> Json<'t> {
    /// Returns whether the value is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the text, if the value is a text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if the value is a finite number.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64().filter(|number| number.is_finite()),
            _ => None,
        }
    }

    /// Returns the value of a name, if this value is an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// Converts the value to an owned [`Value`].
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(is) => Value::Bool(*is),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.as_ref().to_owned()),
            Self::List(list) => list.iter().map(Self::to_value).collect(),
            Self::Object(members) => {
                members.iter().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
            }
        }
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

impl<'t> From<&'t Value> for Json<'t> {
    fn from(value: &'t Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(is) => Self::Bool(*is),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Object(map.into()),
        }
    }
}

impl<'t> From<&'t serde_json::Map<String, Value>> for Members<'t> {
    fn from(map: &'t serde_json::Map<String, Value>) -> Self {
        Self(map.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.into())).collect())
    }
}

/// A visitor that parses an object, and keeps only the members with these names if there are any.
struct SelectMembers<'n>(Option<&'n [&'n str]>);

impl<'de> Visitor<'de> for SelectMembers<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut found = Vec::with_capacity(self.0.map_or(8, <[&str]>::len));
        while let Some(Text(name)) = map.next_key()? {
            if self.0.is_none_or(|names| names.contains(&name.as_ref())) {
                found.push((name, map.next_value()?));
            } else {
                let serde::de::IgnoredAny = map.next_value()?;
            }
        }
        Ok(Members(found))
    }
}

impl<'de: 't, 't> Deserialize<'de> for Json<'t> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(is))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let mut found = Vec::new();
        while let Some(value) = list.next_element()? {
            found.push(value);
        }
        Ok(Json::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Json<'de>, A::Error> {
        SelectMembers(None).visit_map(map).map(Json::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_text_with_an_escape_sequence_is_copied() {
        let json: Json<'_> = serde_json::from_str(r#"["plain", "a\u0062c"]"#).unwrap();
        assert!(matches!(&json, Json::List(list) if matches!(list.as_slice(),
            [Json::Text(Cow::Borrowed("plain")), Json::Text(Cow::Owned(text))] if text == "abc")));
    }

    #[test]
    fn the_last_member_with_a_name_counts() {
        let text = r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3, "d": 4}"#;
        let Json::Object(all) = serde_json::from_str(text).unwrap() else { panic!("not an object") };
        assert_eq!(all.get("a").map(Json::to_value), Some(3.into()));
        assert_eq!(Json::Object(all).to_value(), serde_json::from_str::<Value>(text).unwrap());
        let mut json = serde_json::Deserializer::from_str(text);
        let some = Members::read_named(&["b", "a", "x"], &mut json).unwrap();
        let some: Vec<(&str, Value)> = some.iter().map(|(name, value)| (name, value.to_value())).collect();
        assert_eq!(some, [("a", 1.into()), ("b", serde_json::json!({"c": 2})), ("a", 3.into())]);
        assert!(serde_json::from_str::<Json<'_>>("{\"a\": }").is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_parses_the_same_as_serde_json(value in any_json()) {
            let text = value.to_string();
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(Json::from(&read).to_value(), read.clone());
            prop_assert_eq!(serde_json::from_str::<Json<'_>>(&text).unwrap().to_value(), read);
        }
    }
}

//! Access to the fields of a JSON object. The errors contain the path of the field.

use jiff::Timestamp;

use crate::contract::Kind;
use crate::form::{LONG_TEXT_LIMIT, NAME_LIMIT, VERSION_LIMIT, mismatch};
use crate::json::{Json, Members};
use crate::text::shorten;
use crate::{EventError, time};

/// The type of a JSON value, for error messages.
pub(crate) fn type_name(value: &Json<'_>) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Text(_) => "a string",
        Json::List(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// A JSON object with its path.
///
/// A field that is `null` counts as absent. AWS sends both forms (`"FailureReason": null`), even within one kind of
/// event.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    map: &'a Members<'a>,
    path: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn root(map: &'a Members<'a>) -> Self {
        Self { map, path: String::new() }
    }

    /// The fields of an event's `detail`, which must be an object.
    pub(crate) fn detail(value: Option<&'a Json<'a>>) -> Result<Self, EventError> {
        match value {
            Some(Json::Object(map)) => Ok(Self { map, path: "detail.".to_owned() }),
            None | Some(Json::Null) => Err(EventError::missing("detail".to_owned())),
            Some(other) => {
                let (field, expected, found) = ("detail".to_owned(), "an object", type_name(other));
                Err(EventError::WrongType { field, expected, found })
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// The fields of an object that is nested in this one and was found by other means.
    pub(crate) fn within(&self, name: &str, map: &'a Members<'a>) -> Self {
        Self { map, path: [&self.path, name, "."].concat() }
    }

    /// The names of the fields that are present.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.map.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name)
    }

    pub(crate) fn missing(&self, name: &str) -> EventError {
        EventError::missing(self.path(name))
    }

    pub(crate) fn wrong(&self, name: &str, expected: &'static str, value: &Json<'_>) -> EventError {
        EventError::WrongType { field: self.path(name), expected, found: type_name(value) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Json<'a>> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A required text that is not empty.
    pub(crate) fn text(&self, name: &str) -> Result<String, EventError> {
        match self.get(name) {
            Some(Json::Text(text)) if text.is_empty() => {
                Err(EventError::bad_value(self.path(name), "", "a text that is not empty"))
            }
            Some(Json::Text(text)) => self.limited(name, text),
            Some(other) => Err(self.wrong(name, "a string", other)),
            None => Err(self.missing(name)),
        }
    }

    /// An optional text. An empty text counts as absent.
    pub(crate) fn text_opt(&self, name: &str) -> Result<Option<String>, EventError> {
        match self.long_text_opt(name)? {
            Some(text) => self.limited(name, text).map(Some),
            None => Ok(None),
        }
    }

    /// A text that is not longer than any name of AWS. The state of a function may contain it.
    fn limited(&self, name: &str, text: &str) -> Result<String, EventError> {
        if text.len() > NAME_LIMIT && text.chars().nth(NAME_LIMIT).is_some() {
            let expected = format!("a text of at most {NAME_LIMIT} characters");
            return Err(EventError::bad_value(self.path(name), text, expected));
        }
        Ok(text.to_owned())
    }

    /// An optional text of any length. An empty text counts as absent.
    pub(crate) fn long_text_opt(&self, name: &str) -> Result<Option<&'a str>, EventError> {
        match self.get(name) {
            Some(Json::Text(text)) => Ok(Some(text.as_ref()).filter(|text| !text.is_empty())),
            Some(other) => Err(self.wrong(name, "a string", other)),
            None => Ok(None),
        }
    }

    /// A required text of a kind.
    pub(crate) fn formed(&self, name: &str, kind: Kind) -> Result<String, EventError> {
        let text = self.text(name)?;
        match mismatch(kind, &text) {
            Some(expected) => Err(EventError::bad_value(self.path(name), &text, expected)),
            None => Ok(text),
        }
    }

    /// An optional text of a kind. An empty text counts as absent.
    pub(crate) fn formed_opt(&self, name: &str, kind: Kind) -> Result<Option<String>, EventError> {
        match self.text_opt(name)? {
            Some(_) => self.formed(name, kind).map(Some),
            None => Ok(None),
        }
    }

    /// An optional message of AWS, shortened. It decides nothing.
    pub(crate) fn message_opt(&self, name: &str) -> Result<Option<String>, EventError> {
        Ok(self.long_text_opt(name)?.map(|text| shorten(text, LONG_TEXT_LIMIT).into_owned()))
    }

    /// An optional list of texts.
    pub(crate) fn texts_opt(&self, name: &str) -> Result<Option<Vec<String>>, EventError> {
        let Some(list) = self.list_opt(name)? else { return Ok(None) };
        let text = |(at, value): (usize, &Json<'_>)| match value {
            Json::Text(text) => self.limited(&format!("{name}[{at}]"), text),
            other => Err(self.wrong(&format!("{name}[{at}]"), "a string", other)),
        };
        list.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn list_opt(&self, name: &str) -> Result<Option<&'a Vec<Json<'a>>>, EventError> {
        match self.get(name) {
            Some(Json::List(list)) => Ok(Some(list)),
            Some(other) => Err(self.wrong(name, "a list", other)),
            None => Ok(None),
        }
    }

    pub(crate) fn object_opt(&self, name: &str) -> Result<Option<Fields<'a>>, EventError> {
        match self.get(name) {
            Some(Json::Object(map)) => Ok(Some(Fields { map, path: [&self.path, name, "."].concat() })),
            Some(other) => Err(self.wrong(name, "an object", other)),
            None => Ok(None),
        }
    }

    pub(crate) fn object(&self, name: &str) -> Result<Fields<'a>, EventError> {
        self.object_opt(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn time_opt(&self, name: &str) -> Result<Option<Timestamp>, EventError> {
        self.get(name).map(|value| time::read(|| self.path(name), value)).transpose()
    }

    /// An optional whole number. `7.0` is accepted, because a sender may have re-encoded the event.
    pub(crate) fn whole_opt(&self, name: &str) -> Result<Option<u64>, EventError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        whole(value).map(Some).ok_or_else(|| self.wrong(name, "a whole number", value))
    }

    /// A required version: a whole number from 1.
    pub(crate) fn version(&self, name: &str) -> Result<u64, EventError> {
        match self.whole_opt(name)? {
            Some(version) if !(1..=VERSION_LIMIT).contains(&version) => {
                let expected = format!("a version from 1 to {VERSION_LIMIT}");
                Err(EventError::bad_value(self.path(name), &version.to_string(), expected))
            }
            Some(version) => Ok(version),
            None => Err(self.missing(name)),
        }
    }

    /// Returns an error if there is a field that is not in the list.
    pub(crate) fn reject_unknown(&self, known: &[&str]) -> Result<(), EventError> {
        match self.map.iter().map(|(name, _)| name).find(|name| !known.contains(name)) {
            Some(name) => Err(EventError::UnknownField {
                field: self.path(name).chars().take(120).collect(),
                known: known.join(", "),
            }),
            None => Ok(()),
        }
    }
}

/// Converts a JSON number to a whole number, if it is not negative and small enough to be exact.
pub(crate) fn whole(value: &Json<'_>) -> Option<u64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let Json::Number(number) = value else { return None };
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && (0.0..=LARGEST).contains(&float)).then_some(float as u64)
    })
}

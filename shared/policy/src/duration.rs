//! Durations in the format of a policy: `90s`, `15m`, `24h`, `7d`.

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::names::text_schema;

/// A span of time, at least one second, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration(u32);

/// A text that is not a valid duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not {expected}", expected = Duration::EXPECTED)]
pub struct BadDuration(String);

impl Duration {
    /// The format of a duration, to complete the sentence "expected …".
    pub const EXPECTED: &'static str = "a duration: a whole number above zero and s, m, h or d, such as 15m";

    /// Whole seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// The duration as jiff's type, to add to a time.
    #[must_use]
    pub fn signed(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.0))
    }
}

impl TryFrom<String> for Duration {
    type Error = BadDuration;

    fn try_from(text: String) -> Result<Self, BadDuration> {
        let bad = || BadDuration(text.clone());
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(bad()),
        };
        let digits = text.get(..text.len() - 1).unwrap_or_default();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let count: u32 = digits.parse().map_err(|_| bad())?;
        match count.checked_mul(unit) {
            Some(seconds) if seconds > 0 => Ok(Self(seconds)),
            _ => Err(bad()),
        }
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "A span of time: a whole number and a unit, `s`, `m`, `h` or `d`.";
        text_schema(about, Self::EXPECTED, "^0*[1-9][0-9]*[smhd]$", 32, "15m")
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> String {
        duration.to_string()
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            s if s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
            s if s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            let duration = Duration::try_from(text.to_owned()).unwrap();
            assert_eq!(duration.seconds(), seconds);
            assert_eq!(Duration::try_from(duration.to_string()).unwrap(), duration);
        }
        for text in ["", "m", "-1m", "1.5h", "0s", "15", "15 m", "99999999d", "１m"] {
            assert!(Duration::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}

//! Times of day, dates, days of the week and time zones, as written in a policy.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZoneDatabase;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::names::{BadName, text_schema};

/// A minute of the day, from `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The format of a time of day, to complete the sentence "expected …".
    pub const EXPECTED: &'static str = "a time of the day, from 00:00 to 24:00, such as 09:30";

    /// Minutes since midnight.
    #[must_use]
    pub fn minutes(self) -> u16 {
        self.0
    }

    fn read(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let two = |part: &str| {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok())?
        };
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        (minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0))).then(|| Self(hours * 60 + minutes))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::read(&text).ok_or(BadName { found: text, expected: Self::EXPECTED })
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        time.to_string()
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "A time of the day: hours and minutes, from `00:00` to `24:00`.";
        text_schema(about, Self::EXPECTED, "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", 5, "09:30")
    }
}

/// A day, or a time of a day, without a time zone: `2026-12-20` or `2026-12-20T18:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LocalDate {
    /// A whole day.
    Day(Date),
    /// A minute.
    Minute(DateTime),
}

impl LocalDate {
    /// The format of a date, to complete the sentence "expected …".
    pub const EXPECTED: &'static str =
        "a date in quotes, such as \"2026-12-20\", or a date with a time, such as \"2026-12-20T18:00\"";

    /// When it begins in a time zone; `None` if the zone is unknown or the time is out of range.
    #[must_use]
    pub fn begins(self, zone: &str) -> Option<Timestamp> {
        let local = match self {
            Self::Day(date) => date.to_datetime(jiff::civil::Time::midnight()),
            Self::Minute(time) => time,
        };
        TimeZoneDatabase::bundled().get(zone).ok()?.to_timestamp(local).ok()
    }

    /// When it ends: a day ends when the next one begins.
    #[must_use]
    pub fn ends(self, zone: &str) -> Option<Timestamp> {
        match self {
            Self::Day(date) => Self::Day(date.tomorrow().ok()?).begins(zone),
            Self::Minute(_) => self.begins(zone),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.len() {
            10 => text.parse().ok().map(Self::Day),
            // jiff accepts more forms than the schema, such as a blank instead of the T.
            16 if text.as_bytes().get(10) == Some(&b'T') => text.parse().ok().map(Self::Minute),
            _ => None,
        }
    }
}

impl TryFrom<String> for LocalDate {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::read(&text).ok_or(BadName { found: text, expected: Self::EXPECTED })
    }
}

impl From<LocalDate> for String {
    fn from(date: LocalDate) -> String {
        date.to_string()
    }
}

impl std::fmt::Display for LocalDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(date) => write!(f, "{date}"),
            Self::Minute(time) => write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M")),
        }
    }
}

impl JsonSchema for LocalDate {
    fn schema_name() -> Cow<'static, str> {
        "LocalDate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "A day, such as `2026-12-20`, or a time of a day, such as `2026-12-20T18:00`.";
        let pattern = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9])?$";
        text_schema(about, Self::EXPECTED, pattern, 16, "2026-12-20")
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A time zone of the IANA database, such as `Europe/Amsterdam`. The database is the one compiled into the program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// The format of a time zone, to complete the sentence "expected …".
    pub const EXPECTED: &'static str = "a time zone of the IANA database, such as Europe/Amsterdam or UTC";

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Every known name.
    pub(crate) fn known() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
    }
}

impl TryFrom<String> for TimeZoneName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        // The database finds names in any letter case; the policy file must use the exact case, because people read
        // it.
        let found = TimeZoneDatabase::bundled().get(&text).ok();
        if found.is_some_and(|zone| zone.iana_name() == Some(text.as_str())) {
            Ok(Self(text))
        } else {
            Err(BadName { found: text, expected: Self::EXPECTED })
        }
    }
}

impl From<TimeZoneName> for String {
    fn from(name: TimeZoneName) -> String {
        name.0
    }
}

impl std::fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for TimeZoneName {
    fn schema_name() -> Cow<'static, str> {
        "TimeZoneName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "A time zone of the IANA database, such as `Europe/Amsterdam`.";
        text_schema(
            about,
            Self::EXPECTED,
            "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
            64,
            "Europe/Amsterdam",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_printed() {
        for (text, minutes) in [("00:00", 0), ("09:30", 570), ("23:59", 1_439), ("24:00", 1_440)] {
            let time = TimeOfDay::try_from(text.to_owned()).unwrap();
            assert_eq!((time.minutes(), time.to_string().as_str()), (minutes, text));
        }
        for text in ["", "9:30", "09:60", "24:01", "25:00", "09:30:00", "0900", "+9:30", "：", "09:3０"] {
            assert!(TimeOfDay::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_read_and_printed() {
        for text in ["2026-12-20", "2026-12-20T18:00"] {
            assert_eq!(LocalDate::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026-13-01",
            "2026-02-30",
            "2026-12-20 18:00",
            "2026-12-20T18:00Z",
            "20261220",
            "2026-12-20T18:00:00",
        ] {
            assert!(LocalDate::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_ends_when_the_next_one_begins_in_its_zone() {
        let day = LocalDate::try_from("2026-10-25".to_owned()).unwrap();
        // The clocks go back on this day, so it has 25 hours.
        assert_eq!(day.begins("Europe/Amsterdam"), Some("2026-10-24T22:00:00Z".parse().unwrap()));
        assert_eq!(day.ends("Europe/Amsterdam"), Some("2026-10-25T23:00:00Z".parse().unwrap()));
        let time = LocalDate::try_from("2026-10-25T12:00".to_owned()).unwrap();
        assert_eq!(time.ends("UTC"), time.begins("UTC"));
    }

    #[test]
    fn zones_are_those_of_the_database() {
        for text in ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(TimeZoneName::try_from(text.to_owned()).is_ok(), "{text}");
        }
        for text in ["", "Europe/Atlantis", "europe/amsterdam", "Amsterdam", "../etc/passwd"] {
            assert!(TimeZoneName::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(TimeZoneName::known().len() > 400);
    }
}

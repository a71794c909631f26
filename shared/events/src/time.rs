//! The parser for times, in all formats that AWS uses in events.

use jiff::{SignedDuration, Timestamp};

use crate::EventError;
use crate::json::Json;

/// The earliest accepted time, in milliseconds since the epoch. A smaller number would be epoch *seconds*, which no
/// event uses.
const EARLIEST_MS: i64 = 100_000_000_000;

/// How far a time in an event of Tidegate may lie after the time at which the event was sent: clocks differ.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Returns whether a time lies more than [`MAX_AHEAD`] after another.
#[must_use]
pub fn is_ahead(at: Timestamp, of: Timestamp) -> bool {
    at.duration_since(of) > MAX_AHEAD
}

/// Parses a time.
///
/// SageMaker's events use four formats: epoch milliseconds as a whole number, as a number with a fraction and as a
/// string, and ISO 8601 (<https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>).
/// CloudWatch alarms also use ISO 8601 with an offset without a colon, `2019-10-02T17:04:40.989+0000`
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>).
pub(crate) fn read(field: impl FnOnce() -> String, value: &Json<'_>) -> Result<Timestamp, EventError> {
    let found = match value {
        Json::Number(number) => {
            let millis = number.as_i64().or_else(|| number.as_f64().and_then(whole_millis));
            millis.and_then(from_millis)
        }
        Json::Text(text) => from_text(text),
        other => {
            let (expected, found) = ("a time", crate::fields::type_name(other));
            return Err(EventError::WrongType { field: field(), expected, found });
        }
    };
    found.ok_or_else(|| {
        let shown = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        EventError::bad_time(field(), &shown)
    })
}

fn from_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if digits {
        text.parse::<f64>().ok().and_then(whole_millis).and_then(from_millis)
    } else {
        text.parse().ok()
    }
}

fn from_millis(millis: i64) -> Option<Timestamp> {
    if millis < EARLIEST_MS { None } else { Timestamp::from_millisecond(millis).ok() }
}

/// Rounds to whole milliseconds. Returns `None` if the number is too large for a time.
fn whole_millis(millis: f64) -> Option<i64> {
    // 2^53: beyond it, a float does not represent every whole millisecond, and jiff has no such year.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    (millis.is_finite() && millis.abs() <= LARGEST).then_some(millis.round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn time(value: serde_json::Value) -> Result<Timestamp, EventError> {
        read(|| "detail.LastModifiedTime".to_owned(), &(&value).into())
    }

    #[test]
    fn every_format_is_parsed_to_the_same_time() {
        let wanted: Timestamp = "2026-03-02T09:10:02.000Z".parse().unwrap();
        for value in [
            json!(1_772_442_602_000_i64),
            json!(1_772_442_602_000.0),
            json!("1772442602000"),
            json!("1772442602000.0"),
            json!("2026-03-02T09:10:02Z"),
            json!("2026-03-02T09:10:02.000+0000"),
            json!("2026-03-02T10:10:02+0100"),
            json!("2026-03-02T09:10:02+00:00"),
        ] {
            assert_eq!(time(value.clone()), Ok(wanted), "{value}");
        }
    }

    #[test]
    fn milliseconds_are_kept() {
        let wanted: Timestamp = "2020-06-17T18:53:12.203Z".parse().unwrap();
        assert_eq!(time(json!(1_592_419_992_203.0)), Ok(wanted));
        assert_eq!(time(json!("2020-06-17T18:53:12.203+0000")), Ok(wanted));
    }

    #[test]
    fn a_value_that_is_not_a_time_is_an_error() {
        for value in [
            json!(""),
            json!("."),
            json!("yesterday"),
            json!("2026-03-02"),
            json!("2026-03-02T09:10:02"),
            json!(1_772_442_602),
            json!("1772442602"),
            json!(-1),
            json!(0),
            json!(1e300),
            json!(u64::MAX),
            json!("99999999999999999999999999"),
        ] {
            assert!(matches!(time(value.clone()), Err(EventError::BadTime { .. })), "{value}");
        }
        for value in [json!({}), json!([]), json!(true)] {
            assert!(matches!(time(value.clone()), Err(EventError::WrongType { .. })), "{value}");
        }
    }
}

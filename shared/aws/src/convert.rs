//! Conversions between the types of the SDK and of Tidegate.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// Converts a time of AWS, rounded to milliseconds.
///
/// AWS's JSON represents a time as seconds with a fraction in binary floating point: `.203` is received as `.202999`.
/// No AWS service has a higher resolution than a millisecond, and times are compared for equality.
pub(crate) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let millis = (i64::from(time.subsec_nanos()) + 500_000) / 1_000_000;
    Timestamp::from_millisecond(time.secs().checked_mul(1_000)?.checked_add(millis)?).ok()
}

/// Converts a time to the type of the SDK.
pub(crate) fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

/// Converts a count to the type of the SDK. No limit of SageMaker is close to 2³¹.
pub(crate) fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Truncates a text to at most `limit` characters.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_milliseconds() {
        let wanted: Timestamp = "2020-06-17T18:53:12.203Z".parse().unwrap();
        for secs in [1_592_419_992.203_f64, 1_592_419_992.202_999_9] {
            assert_eq!(timestamp(&DateTime::from_secs_f64(secs)), Some(wanted));
        }
        assert_eq!(timestamp(&date_time(wanted)), Some(wanted));
        assert_eq!(timestamp(&DateTime::from_secs(i64::MAX)), None);
    }
}

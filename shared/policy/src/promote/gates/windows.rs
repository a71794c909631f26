//! The gate `windows`: a version enters the environment only during the parts of the week that the policy lists.
//!
//! A window opens and closes at wall-clock times of its time zone, so it follows daylight saving time. A time that
//! the clock change skips means the time after the gap; a time that occurs twice means the first occurrence.

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use super::{GateInput, GateState};
use crate::clock::{Day, TimeOfDay};
use crate::file::Window;
use crate::reason::Reason;

/// How many days ahead the next opening is searched. A window opens at least once a week, and today's may be over.
const DAYS_AHEAD: i32 = 8;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let Some(windows) = &input.environment.gates.windows else { return GateState::Open };
    // Every window of an applied policy opens, because it has a day and a known time zone.
    let until = next_opening(windows, input.now).unwrap_or(Timestamp::MAX);
    if until <= input.now {
        return GateState::Open;
    }
    let reason = Reason::OutsideWindow { environment: input.environment.name.to_string(), until };
    GateState::ClosedUntil { reason, until, progress: None }
}

/// When a deployment may begin: `now` if a window is open, otherwise the next opening.
fn next_opening(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    windows.iter().flat_map(|window| openings(window, now)).map(|opens| opens.max(now)).min()
}

/// The openings of a window that have not ended.
fn openings(window: &Window, now: Timestamp) -> Vec<Timestamp> {
    let Ok(zone) = TimeZoneDatabase::bundled().get(window.time_zone.as_str()) else { return Vec::new() };
    let today = zone.to_datetime(now).date();
    let on = |days: i32| today.checked_add(Span::new().days(days)).ok();
    (0..=DAYS_AHEAD)
        .filter_map(on)
        .filter(|date| window.days.iter().any(|day| weekday(*day) == date.weekday()))
        .filter_map(|date| Some((at(date, window.from, &zone)?, at(date, window.to, &zone)?)))
        .filter(|(opens, closes)| opens < closes && *closes > now)
        .map(|(opens, _)| opens)
        .collect()
}

/// A time of day on a date in a time zone; 24:00 is the beginning of the next day.
fn at(date: Date, time: TimeOfDay, zone: &TimeZone) -> Option<Timestamp> {
    let minutes = i64::from(time.minutes());
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let wall_clock = midnight.checked_add(Span::new().minutes(minutes)).ok()?;
    zone.to_timestamp(wall_clock).ok()
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn windows(list: serde_json::Value) -> Vec<Window> {
        serde_json::from_value(list).unwrap()
    }

    fn office_hours() -> Vec<Window> {
        windows(json!([{"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "16:00",
            "timeZone": "Europe/Amsterdam"}]))
    }

    fn opens(windows: &[Window], now: &str) -> String {
        next_opening(windows, now.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn friday_evening_waits_for_monday_morning_in_amsterdam() {
        // 18:00 on a Friday in winter time.
        assert_eq!(opens(&office_hours(), "2026-03-06T17:00:00Z"), "2026-03-09T08:00:00Z");
        // The clocks go forward on Sunday, 29 March 2026: Monday 09:00 is an hour earlier in UTC.
        assert_eq!(opens(&office_hours(), "2026-03-27T17:00:00Z"), "2026-03-30T07:00:00Z");
        // And back on Sunday, 25 October 2026.
        assert_eq!(opens(&office_hours(), "2026-10-23T16:00:00Z"), "2026-10-26T08:00:00Z");
    }

    #[test]
    fn a_window_is_open_from_its_first_instant_to_just_before_its_last() {
        for (now, expected) in [
            ("2026-03-09T07:59:59Z", "2026-03-09T08:00:00Z"),
            ("2026-03-09T08:00:00Z", "2026-03-09T08:00:00Z"),
            ("2026-03-09T14:59:59Z", "2026-03-09T14:59:59Z"),
            ("2026-03-09T15:00:00Z", "2026-03-10T08:00:00Z"),
            ("2026-03-12T15:00:00Z", "2026-03-16T08:00:00Z"),
        ] {
            assert_eq!(opens(&office_hours(), now), expected, "{now}");
        }
    }

    #[test]
    fn of_several_windows_the_next_one_counts() {
        let two = windows(json!([
            {"days": ["sat"], "from": "22:00", "to": "24:00", "timeZone": "UTC"},
            {"days": ["sun"], "from": "00:00", "to": "02:00", "timeZone": "UTC"},
        ]));
        assert_eq!(opens(&two, "2026-03-07T12:00:00Z"), "2026-03-07T22:00:00Z");
        assert_eq!(opens(&two, "2026-03-07T23:59:59Z"), "2026-03-07T23:59:59Z");
        assert_eq!(opens(&two, "2026-03-08T00:00:00Z"), "2026-03-08T00:00:00Z");
        assert_eq!(opens(&two, "2026-03-08T02:00:00Z"), "2026-03-14T22:00:00Z");
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_the_time_after_the_gap() {
        let night = windows(json!([{"days": ["sun"], "from": "02:30", "to": "05:00",
            "timeZone": "Europe/Amsterdam"}]));
        // 02:30 does not exist on 29 March 2026; it is 03:30 summer time.
        assert_eq!(opens(&night, "2026-03-28T12:00:00Z"), "2026-03-29T01:30:00Z");
    }
}

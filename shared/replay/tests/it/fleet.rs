//! Some weeks of a small fleet, and its replay.

use jiff::{SignedDuration, Timestamp};
use tidegate_policy::file::{Policy, parse};
use tidegate_replay::input::Source;
use tidegate_replay::replay::{Options, Summary, replay};

use crate::day::Life;

const POLICY: &str = include_str!("../../../../events/policies/churn.yaml");

/// A policy like the example, for another model.
pub(crate) fn policy(model: &str) -> Policy {
    let text = POLICY
        .replace("model: churn", &format!("model: {model}"))
        .replace("churn-model", &format!("{model}-model"))
        .replace("churn-train", &format!("{model}-train"))
        .replace("group: churn", &format!("group: {model}"))
        .replace("name: churn-staging", &format!("name: {model}-staging"))
        .replace("name: churn,", &format!("name: {model},"));
    parse(model, &text).unwrap()
}

/// So many models for so many days, with about 27 events of each on every day.
pub(crate) fn events(models: u32, days: u64) -> (Vec<Policy>, String) {
    let mut fleet: Vec<Life> = (0..models).map(Life::new).collect();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut lines = Vec::new();
    for day in 0..days {
        let midnight = start.checked_add(SignedDuration::from_hours(24 * day.cast_signed())).unwrap();
        for life in &mut fleet {
            life.day(midnight, 27 * (day + 1), &mut lines);
        }
    }
    assert!(lines.iter().any(|line| !line.is_event), "nobody is asked");
    lines.sort_by_key(|line| line.at);
    let text: Vec<String> = lines.into_iter().map(|line| line.text).collect();
    (fleet.iter().map(|life| policy(&life.model)).collect(), text.join("\n"))
}

/// Replays a text, and says what was shown.
pub(crate) fn run(text: &str, options: &Options) -> (Vec<String>, Summary) {
    let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
    let source = Source { name: "events".to_owned(), text: Box::new(bytes) };
    let mut shown = Vec::new();
    let summary = replay(vec![Box::new(std::iter::once(Ok(source)))], options, |line| {
        shown.push(line.to_owned());
        Ok(())
    });
    (shown, summary.unwrap())
}

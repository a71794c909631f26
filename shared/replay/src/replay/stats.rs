//! The statistics of a replay.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidegate_engine::DecisionRecord;
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Policy;

use crate::input::Skip;

/// The number of failures whose text is kept.
const KEPT: usize = 5;

/// The statistics of a replay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Events that were replayed.
    pub events: u64,
    /// Datapoints of traffic that were counted.
    pub metrics: u64,
    /// The skipped values, by cause.
    pub skipped: BTreeMap<Skip, u64>,
    /// Lines that could not be read.
    pub bad_lines: u64,
    /// The place and the problem of the first of them.
    pub first_bad_line: Option<String>,
    /// Events that arrived after later ones were processed.
    pub late: u64,
    /// Events that concern no model of the policies.
    pub unconcerned: u64,
    /// The time of the first and the last event.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The hub's account.
    pub hub_account: String,
    /// The decisions under the policies.
    pub policy: Counted,
    /// The decisions under the policies of the comparison.
    pub against: Option<Counted>,
    /// Decisions that differ.
    pub differences: u64,
}

/// The decisions under a set of policies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// By function, decision and reason.
    pub decisions: BTreeMap<(String, String, String), u64>,
    /// Events for a model that were already processed.
    pub duplicates: u64,
    /// Notifications to people.
    pub messages: u64,
    /// The number of failed invocations.
    pub failed: u64,
    /// The messages of the first failures.
    pub failures: Vec<String>,
    /// Whether the stream contains any traffic.
    pub has_traffic: bool,
    /// By model and environment, for every endpoint to which a version was deployed.
    pub endpoints: BTreeMap<(String, String), ZeroTime>,
}

/// How long an endpoint existed, and how long it was at zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ZeroTime {
    /// Seconds since it first served.
    pub served: i64,
    /// Of these, the seconds at zero.
    pub at_zero: i64,
    /// The type and minimum number of its instances while it is not at zero; `None` for a serverless endpoint.
    pub instances: Option<(String, u32)>,
    since: Option<Timestamp>,
    zero_since: Option<Timestamp>,
}

impl Counted {
    /// All decisions of a function with a verdict.
    #[must_use]
    pub fn of(&self, function: &str, verdict: Verdict) -> u64 {
        let of = |(found, code, _): &&(String, String, String)| found == function && code == verdict.code();
        self.decisions.iter().filter(|(key, _)| of(key)).map(|(_, count)| count).sum()
    }

    /// All decisions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.decisions.values().sum()
    }

    pub(super) fn decide(&mut self, record: &DecisionRecord) {
        let key = (record.function.clone(), record.verdict.clone(), record.reason.clone());
        *self.decisions.entry(key).or_default() += 1;
        let place = || (record.model.clone(), record.environment.clone());
        match Verdict::from_code(&record.verdict) {
            Some(Verdict::Succeeded) => self.endpoints.entry(place()).or_default().serves(record.at),
            Some(Verdict::ScaleToZero) => self.endpoints.entry(place()).or_default().sleeps(record.at),
            Some(Verdict::ScaleFromZero) => self.endpoints.entry(place()).or_default().wakes(record.at),
            _ => {}
        }
    }

    pub(super) fn fail(&mut self, message: &str) {
        self.failed += 1;
        if self.failures.len() < KEPT {
            self.failures.push(message.to_owned());
        }
    }

    /// Completes the periods and adds the instances of the endpoints.
    pub(super) fn close(&mut self, end: Timestamp, policies: &[Policy]) {
        for ((model, environment), endpoint) in &mut self.endpoints {
            endpoint.wakes(end);
            if let Some(since) = endpoint.since {
                endpoint.served = seconds(since, end);
            }
            let policy = policies.iter().find(|policy| policy.model.as_str() == model);
            let environment = policy.and_then(|policy| policy.environment(environment));
            let instances = environment.and_then(|environment| environment.endpoint.spec.instances());
            endpoint.instances =
                instances.map(|instances| (instances.instance_type.to_string(), instances.min));
        }
    }

    /// Adds the statistics of other models.
    pub(super) fn add(&mut self, other: Self) {
        for (key, count) in other.decisions {
            *self.decisions.entry(key).or_default() += count;
        }
        self.duplicates += other.duplicates;
        self.messages += other.messages;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.failures.sort();
        self.failures.truncate(KEPT);
        self.has_traffic |= other.has_traffic;
        self.endpoints.extend(other.endpoints);
    }
}

impl ZeroTime {
    /// Hours at zero.
    #[must_use]
    pub fn idle_hours(&self) -> f64 {
        hours(self.at_zero)
    }

    /// The minimum hours of instances that ran, and the hours saved because the endpoint was at zero.
    #[must_use]
    pub fn instance_hours(&self) -> (f64, f64) {
        let count = self.instances.as_ref().map_or(0.0, |(_, count)| f64::from(*count));
        (hours(self.served.saturating_sub(self.at_zero)) * count, hours(self.at_zero) * count)
    }

    fn serves(&mut self, at: Timestamp) {
        self.wakes(at);
        self.since.get_or_insert(at);
    }

    fn sleeps(&mut self, at: Timestamp) {
        self.zero_since.get_or_insert(at);
    }

    fn wakes(&mut self, at: Timestamp) {
        if let Some(since) = self.zero_since.take() {
            self.at_zero = self.at_zero.saturating_add(seconds(since, at));
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second()).max(0)
}

fn hours(seconds: i64) -> f64 {
    // An `f64` represents centuries of seconds without loss.
    seconds as f64 / 3_600.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_at_zero_ends_when_the_endpoint_is_scaled_from_zero() {
        let example = include_str!("../../../../events/contract/decision-recorded.json");
        let envelope: serde_json::Value = serde_json::from_str(example).unwrap();
        let mut record: DecisionRecord = serde_json::from_value(envelope["detail"].clone()).unwrap();
        let start = record.at;
        let mut counted = Counted::default();
        for (hour, verdict) in
            [Verdict::Succeeded, Verdict::ScaleToZero, Verdict::ScaleFromZero].into_iter().enumerate()
        {
            record.verdict = verdict.code().to_owned();
            record.at = start + jiff::SignedDuration::from_hours(hour as i64);
            counted.decide(&record);
        }
        counted.close(start + jiff::SignedDuration::from_hours(5), &[]);
        let endpoint = counted.endpoints.values().next().unwrap();
        assert_eq!((endpoint.served, endpoint.at_zero), (5 * 3_600, 3_600));
        assert_eq!(counted.of(&record.function, Verdict::ScaleFromZero), 1);
    }
}

//! Model Monitor's reports in S3.

use crate::file::{CheckMeaning, Drift, Policy};
use crate::reason::Reason;
use crate::respond::{MonitorReport, Observation, ReportKey, Snapshot, Trigger, Violation};

pub(super) fn observe(policy: &Policy, trigger: &Trigger, seen: &Snapshot) -> Option<Observation> {
    let Trigger::Report { key, .. } = trigger else { return None };
    let Some(place) = ReportKey::parse(key) else {
        return Some(Observation::Inconclusive(Reason::NotAScheduledReport { key: key.clone() }));
    };
    let failed = |error: &str| {
        Observation::Inconclusive(Reason::SourceFailed { source: key.clone(), error: error.to_owned() })
    };
    Some(match &seen.report {
        None => failed("it was not read"),
        Some(MonitorReport::Unreadable(error)) => failed(error),
        Some(MonitorReport::Read(violations)) => of_violations(policy.drift.as_ref(), &place, violations),
    })
}

/// The violations of a report, by what they mean.
#[derive(Default)]
struct Sorted<'r> {
    drift: Vec<&'r Violation>,
    for_people: Vec<&'r Violation>,
}

impl<'r> Sorted<'r> {
    fn of(drift: Option<&Drift>, violations: &'r [Violation]) -> Self {
        let mut sorted = Self::default();
        for violation in violations {
            match meaning(drift, violation) {
                CheckMeaning::Drift => sorted.drift.push(violation),
                CheckMeaning::Alert => sorted.for_people.push(violation),
                CheckMeaning::Ignore => {}
            }
        }
        sorted
    }
}

fn meaning(drift: Option<&Drift>, violation: &Violation) -> CheckMeaning {
    let ignored = drift.is_some_and(|drift| {
        violation.subject.as_ref().is_some_and(|subject| drift.ignore_features.contains(subject))
    });
    if ignored {
        return CheckMeaning::Ignore;
    }
    let checks = drift.map(|drift| drift.checks.clone()).unwrap_or_default();
    checks.meaning(&violation.check)
}

fn of_violations(drift: Option<&Drift>, key: &ReportKey<'_>, violations: &[Violation]) -> Observation {
    let Sorted { drift: drifted, for_people } = Sorted::of(drift, violations);
    let (source, at) = (format!("reports {}", key.place), Some(key.hour));
    let required = drift.and_then(|drift| drift.min_violations).unwrap_or(1) as usize;
    let count = drifted.len();
    match (drifted.first(), for_people.first()) {
        (Some(first), _) if count >= required => {
            let besides = besides(&for_people);
            let reason = Reason::Violations { count, first: first.to_string(), besides };
            let feed_is_broken = !for_people.is_empty();
            Observation::Drift { source, at, alarm: None, reason, numbers: None, feed_is_broken }
        }
        (_, Some(first)) => {
            let reason = Reason::BrokenFeed { count: for_people.len(), first: first.to_string() };
            Observation::BrokenFeed { source, at, reason }
        }
        (Some(first), None) => {
            Observation::Inconclusive(Reason::TooFewViolations { count, required, first: first.to_string() })
        }
        (None, None) if violations.is_empty() => {
            Observation::NoDrift { source, at, reason: Reason::NoViolations }
        }
        (None, None) => {
            Observation::NoDrift { source, at, reason: Reason::ViolationsIgnored { count: violations.len() } }
        }
    }
}

/// The end of a sentence about drift that names violations of another kind in the same report.
fn besides(for_people: &[&Violation]) -> String {
    const NAMED: usize = 3;
    if for_people.is_empty() {
        return String::new();
    }
    let mut names: Vec<String> = for_people.iter().take(NAMED).map(ToString::to_string).collect();
    let more = for_people.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    format!("; the data feed may be broken as well: {}", names.join(", "))
}

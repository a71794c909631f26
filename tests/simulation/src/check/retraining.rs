//! Retraining needs drift and respects its limits.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{AlarmState, Body, DriftVerdict, RetrainingFinished, RetrainingOutcome};
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::fleet::Drift;
use crate::history::ReportContent;
use crate::site::SiteId;
use crate::system::System;

#[derive(Default)]
struct Past {
    /// The times of the retraining requests, by the site's clock.
    asked: Vec<Timestamp>,
    /// The number of retrainings since no source reports drift.
    attempts: u32,
    /// The requests whose retraining failed since the last one that did not.
    failed: Vec<Timestamp>,
    /// When the last retraining ended that trained nothing, by the site's clock.
    nothing_trained_at: Option<Timestamp>,
    /// The sources that report drift, and when they last did.
    drifting: BTreeMap<&'static str, Timestamp>,
    /// The latest signal of each source, by its own clock.
    last_signal_at: BTreeMap<&'static str, Timestamp>,
}

/// Cooldown, budget and attempts are respected, and only drift leads to retraining.
#[derive(Default)]
pub(super) struct RetrainingLimits {
    past: BTreeMap<(SiteId, String), Past>,
}

/// A drift signal about a model.
struct DriftSignal {
    of: &'static str,
    drifts: bool,
    at: Option<Timestamp>,
}

/// Whether an event is about a report of a broken data feed, about which people must be notified.
fn is_broken_feed(body: &Body, site: SiteId, model: &str, system: &System) -> bool {
    let Body::ObjectCreated(object) = body else { return false };
    let content = system.reports.get(&(site, object.key.clone()));
    content == Some(&ReportContent::BrokenFeed) && !is_drift(model, system)
}

/// Whether the policy says that a missing column is drift.
fn is_drift(model: &str, system: &System) -> bool {
    let drift = system.fleet.model(model).and_then(|model| model.drift.as_ref());
    drift.is_some_and(|drift| drift.missing_column_is_drift)
}

impl Past {
    /// Records a signal and returns whether it means drift; `None` if the same source has a later one.
    fn record(&mut self, signal: &DriftSignal, answered: bool, now: Timestamp) -> Option<bool> {
        let newest = self.last_signal_at.get(signal.of).copied();
        if newest > signal.at.or(newest) {
            return None;
        }
        self.last_signal_at.extend(signal.at.map(|at| (signal.of, at)));
        // A source that is silent for a month no longer counts.
        self.drifting.retain(|_, at| now.duration_since(*at) < SignedDuration::from_hours(720));
        if signal.drifts && answered {
            self.drifting.insert(signal.of, now);
        }
        if !signal.drifts {
            self.drifting.remove(signal.of);
            if self.drifting.is_empty() {
                self.attempts = 0;
                self.failed.clear();
            }
        }
        Some(signal.drifts)
    }

    /// Accounts for the end of a retraining. One that trained nothing counts for nothing, and one that failed is no
    /// attempt without improvement.
    fn finish(&mut self, end: &RetrainingFinished, now: Timestamp) {
        let asked = end.requested_at;
        let (was_open, had_failed) = (self.asked.contains(&asked), self.failed.contains(&asked));
        if !was_open && !had_failed {
            return;
        }
        let trained_nothing =
            matches!(end.outcome, RetrainingOutcome::Failed | RetrainingOutcome::NotStarted);
        self.nothing_trained_at = trained_nothing.then_some(now);
        match end.outcome {
            RetrainingOutcome::Succeeded | RetrainingOutcome::NoVersion => {
                self.failed.clear();
                self.attempts += u32::from(had_failed);
                if !was_open {
                    self.asked.push(asked);
                    self.asked.sort_unstable();
                }
                return;
            }
            RetrainingOutcome::Failed | RetrainingOutcome::FailedAfterTraining if !had_failed => {
                self.failed.push(asked);
            }
            _ => {}
        }
        if trained_nothing {
            self.asked.retain(|at| *at != asked);
        }
        if !had_failed {
            self.attempts = self.attempts.saturating_sub(1);
        }
    }

    fn may_retrain(&self, drift: &Drift, at: Timestamp) -> Result<(), String> {
        if !drift.retrain {
            return Err("the policy does not retrain".to_owned());
        }
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        if let Some(last) = self.asked.last()
            && at.duration_since(*last) < minutes(drift.cooldown)
        {
            return Err(format!("the last one was at {last} and the cooldown is {} minutes", drift.cooldown));
        }
        if let Some(ended) = self.nothing_trained_at
            && at.duration_since(ended) < minutes(drift.cooldown.min(30))
        {
            return Err(format!("one that trained nothing ended at {ended}"));
        }
        if let Some((most, per)) = drift.budget {
            let recent = self.asked.iter().filter(|asked| at.duration_since(**asked) < minutes(per)).count();
            if recent >= most as usize {
                return Err(format!("{recent} in the last {per} minutes have spent the budget of {most}"));
            }
        }
        if let Some(limit) = drift.escalate_after
            && self.attempts >= limit
        {
            return Err(format!(
                "{} brought no improvement, and people are asked after {limit}",
                self.attempts
            ));
        }
        Ok(())
    }
}

/// The drift signal of an event, if any.
fn signal_of(body: &Body, site: SiteId, model: &str, system: &System) -> Option<DriftSignal> {
    let signal = |of, drifts, at| Some(DriftSignal { of, drifts, at });
    match body {
        Body::AlarmChanged(changed) => match changed.state {
            AlarmState::Alarm if changed.muted || changed.previous == Some(AlarmState::Alarm) => None,
            AlarmState::Alarm => signal("alarm", true, changed.changed_at),
            AlarmState::Ok => signal("alarm", false, changed.changed_at),
            _ => None,
        },
        Body::DriftObserved(observed) => match observed.verdict {
            DriftVerdict::Drift => signal("job", true, Some(observed.observed_at)),
            DriftVerdict::NoDrift => signal("job", false, Some(observed.observed_at)),
            _ => None,
        },
        Body::ObjectCreated(object) => match system.reports.get(&(site, object.key.clone())) {
            Some(ReportContent::Violations | ReportContent::DriftAndBrokenFeed) => {
                signal("report", true, None)
            }
            Some(ReportContent::BrokenFeed) if is_drift(model, system) => signal("report", true, None),
            Some(ReportContent::Nothing) => signal("report", false, None),
            _ => None,
        },
        Body::Scheduled(_) => match system.alarms.get(&(site, model.to_owned())) {
            Some(("ALARM", false)) => signal("alarm", true, None),
            Some(("OK", _)) => signal("alarm", false, None),
            _ => None,
        },
        _ => None,
    }
}

impl Rule for RetrainingLimits {
    fn name(&self) -> &'static str {
        "retraining needs drift, and respects cooldown, budget and attempts"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String> {
        let Observed::LedgerNote {
            by,
            site,
            function: "respond",
            note: Note::Decided { .. },
            record: Some(record),
        } = observed
        else {
            return Ok(());
        };
        let past = self.past.entry((*site, record.model.clone())).or_default();
        let seen = facts.evidence(*by);
        let event = seen.and_then(|seen| seen.event.as_ref());
        let asks = record.plan.iter().any(|action| text(action, "/action") == "request_retraining");
        if event.is_some_and(|event| is_broken_feed(&event.body, *site, &record.model, system)) {
            let answers = ["alert", "suppress"].contains(&record.verdict.as_str())
                || record.reason == "older_observation";
            let is_right = answers && !asks;
            return is_right.then_some(()).ok_or_else(|| {
                format!(
                    "{} of {} in {site} for a broken data feed: {}",
                    record.verdict, record.model, record.message
                )
            });
        }
        let signal = event.and_then(|event| signal_of(&event.body, *site, &record.model, system));
        if let Some(Body::RetrainingFinished(end)) = event.map(|event| &event.body) {
            past.finish(end, record.at);
            return Ok(());
        }
        let drifts = signal.and_then(|signal| past.record(&signal, record.verdict != "ignore", record.at));
        // An invocation cannot see changes during its pause.
        let is_sure = seen.is_some_and(|seen| !seen.was_paused);
        if drifts != Some(true) && is_sure && record.verdict != "ignore" {
            return Err(format!(
                "{} of {} in {site}, but no source reports drift: {}",
                record.verdict, record.model, record.message
            ));
        }
        if !asks {
            return Ok(());
        }
        let drift = system.fleet.model(&record.model).and_then(|model| model.drift.as_ref());
        let allowed = drift.ok_or_else(|| "the policy has no drift section".to_owned());
        let allowed = allowed.and_then(|drift| past.may_retrain(drift, record.at));
        past.asked.push(record.at);
        past.attempts += 1;
        allowed.map_err(|why| format!("{} in {site} is to be retrained, but {why}", record.model))
    }
}

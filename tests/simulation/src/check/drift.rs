//! Retraining has limits, and needs drift.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{AlarmState, Body, DriftVerdict, Wake};
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Rule, Seen};
use crate::fleet::Drift;
use crate::place::Where;
use crate::stage::Stage;
use crate::step::Found;

#[derive(Default)]
struct Past {
    /// When retrainings were asked for, by the place's clock.
    asked: Vec<Timestamp>,
    /// How many since drift was last seen gone everywhere.
    since_calm: u32,
    /// What saw drift and has not seen its end, and when it last did.
    drifting: BTreeMap<&'static str, Timestamp>,
    /// When each last spoke, by its own clock.
    heard: BTreeMap<&'static str, Timestamp>,
}

/// Cooldown, budget and attempts are kept, and only drift leads to anything.
#[derive(Default)]
pub(super) struct Governed {
    past: BTreeMap<(Where, String), Past>,
}

/// What something says of drift in a model.
struct Word {
    of: &'static str,
    drifts: bool,
    at: Option<Timestamp>,
}

impl Past {
    /// Takes note of a word, and gives what it says: nothing, if the same source has spoken of a later time before.
    fn hear(&mut self, word: &Word, answered: bool, now: Timestamp) -> Option<bool> {
        let newest = self.heard.get(word.of).copied();
        if newest > word.at.or(newest) {
            return None;
        }
        self.heard.extend(word.at.map(|at| (word.of, at)));
        // What has been silent for a month is not waited for.
        self.drifting.retain(|_, at| now.duration_since(*at) < SignedDuration::from_hours(720));
        if word.drifts && answered {
            self.drifting.insert(word.of, now);
        }
        if !word.drifts {
            self.drifting.remove(word.of);
            if self.drifting.is_empty() {
                self.since_calm = 0;
            }
        }
        Some(word.drifts)
    }

    fn may_retrain(&self, drift: &Drift, at: Timestamp) -> Result<(), String> {
        if !drift.retrain {
            return Err("the policy says to tell people".to_owned());
        }
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        if let Some(last) = self.asked.last()
            && at.duration_since(*last) < minutes(drift.cooldown)
        {
            return Err(format!("the last one was at {last} and the cooldown is {} minutes", drift.cooldown));
        }
        if let Some((most, per)) = drift.budget {
            let recent = self.asked.iter().filter(|asked| at.duration_since(**asked) < minutes(per)).count();
            if recent >= most as usize {
                return Err(format!("{recent} in the last {per} minutes have spent the budget of {most}"));
            }
        }
        if let Some(limit) = drift.escalate_after
            && self.since_calm >= limit
        {
            return Err(format!(
                "{} brought no improvement, and people are asked after {limit}",
                self.since_calm
            ));
        }
        Ok(())
    }
}

/// What an event truly says of drift in a model, if anything.
fn says(body: &Body, place: Where, model: &str, stage: &Stage) -> Option<Word> {
    let word = |of, drifts, at| Some(Word { of, drifts, at });
    match body {
        Body::AlarmChanged(changed) => match changed.state {
            AlarmState::Alarm if changed.muted || changed.previous == Some(AlarmState::Alarm) => None,
            AlarmState::Alarm => word("alarm", true, changed.changed_at),
            AlarmState::Ok => word("alarm", false, changed.changed_at),
            _ => None,
        },
        Body::DriftObserved(seen) => match seen.verdict {
            DriftVerdict::Drift => word("job", true, Some(seen.observed_at)),
            DriftVerdict::NoDrift => word("job", false, Some(seen.observed_at)),
            _ => None,
        },
        Body::ObjectCreated(object) => match stage.reports.get(&(place, object.key.clone())) {
            Some(Found::Violations) => word("report", true, None),
            Some(Found::Nothing) => word("report", false, None),
            _ => None,
        },
        Body::Wake(Wake::Reconcile | Wake::CheckDrift { .. }) => {
            match stage.alarms.get(&(place, model.to_owned())) {
                Some(("ALARM", false)) => word("alarm", true, None),
                Some(("OK", _)) => word("alarm", false, None),
                _ => None,
            }
        }
        _ => None,
    }
}

impl Rule for Governed {
    fn name(&self) -> &'static str {
        "retraining needs drift, and keeps cooldown, budget and attempts"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, stage: &Stage) -> Result<(), String> {
        let Seen::Noted { by, place, function: "respond", note: Note::Decided { .. }, record: Some(record) } =
            seen
        else {
            return Ok(());
        };
        let past = self.past.entry((*place, record.model.clone())).or_default();
        let saw = facts.evidence(*by);
        let event = saw.and_then(|saw| saw.event.as_ref());
        let word = event.and_then(|event| says(&event.body, *place, &record.model, stage));
        let drifts = word.and_then(|word| past.hear(&word, record.verdict != "ignore", record.at));
        // What changed while the invocation waited, it could not see.
        let is_sure = saw.is_some_and(|saw| !saw.was_paused);
        if drifts != Some(true) && is_sure && record.verdict != "ignore" {
            return Err(format!(
                "{} of {} in {place}, and nothing says that there is drift: {}",
                record.verdict, record.model, record.message
            ));
        }
        if !record.plan.iter().any(|action| text(action, "/action") == "request_retraining") {
            return Ok(());
        }
        let drift = stage.fleet.model(&record.model).and_then(|model| model.drift.as_ref());
        let allowed = drift.ok_or_else(|| "the policy says nothing of drift".to_owned());
        let allowed = allowed.and_then(|drift| past.may_retrain(drift, record.at));
        past.asked.push(record.at);
        past.since_calm += 1;
        allowed.map_err(|why| format!("{} in {place} is to be retrained, but {why}", record.model))
    }
}

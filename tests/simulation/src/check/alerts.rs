//! The alerts of a decision are sent once, and no others.

use tidegate_engine::{ActionOutcome, ActionStatus};
use tidegate_scenarios::Alert;
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::history::InvocationFault;
use crate::site::SiteId;
use crate::system::System;

/// An alert of a plan.
struct Due {
    site: SiteId,
    decision: String,
    /// Its index in the plan.
    at: usize,
    alert: Alert,
    is_told: bool,
    /// Whether its outcome is recorded: from then on it is not sent again.
    is_over: bool,
    /// Whether the current invocation wrote to its decision.
    is_at_work: bool,
}

/// Each alert with the status done has reached the topic, and is not sent again once that is recorded, or within one
/// invocation. An invocation may crash between the sending and the recording: its retry cannot know.
#[derive(Default)]
pub(super) struct AlertsDelivered {
    due: Vec<Due>,
    /// The alerts that reached topics in this check.
    told: Vec<(SiteId, Alert)>,
    /// The number of alerts whose response was lost in this check: they are sent twice.
    lost: usize,
    /// Whether a decision of this check reports a violated invariant: its alert is not part of a plan.
    is_defect: bool,
    /// The outcomes that were recorded in this check.
    noted: Vec<(SiteId, String, usize, Vec<ActionOutcome>)>,
}

impl AlertsDelivered {
    fn plan(&mut self, site: SiteId, decision: &str, plan: &[serde_json::Value]) {
        for (at, action) in plan.iter().enumerate().filter(|(_, action)| text(action, "/action") == "alert") {
            let (subject, message) =
                (text(action, "/subject").to_owned(), text(action, "/message").to_owned());
            self.due.push(Due {
                site,
                decision: decision.to_owned(),
                at,
                alert: Alert { subject, message },
                is_told: false,
                is_over: false,
                is_at_work: true,
            });
        }
    }

    fn note(&mut self, site: SiteId, decision: &str, count: usize, outcomes: &[ActionOutcome]) {
        for due in self.due.iter_mut().filter(|due| due.site == site && due.decision == decision) {
            due.is_at_work = true;
        }
        self.noted.push((site, decision.to_owned(), count, outcomes.to_vec()));
    }

    /// Matches an alert with one of a plan: preferably of the current decision, and one that was not sent yet.
    fn hear(&mut self, site: SiteId, alert: &Alert, heard: &mut Vec<usize>) -> Result<(), String> {
        let open = self.due.iter().enumerate().filter(|(number, due)| {
            due.site == site && due.alert == *alert && !due.is_over && !heard.contains(number)
        });
        let found = open.max_by_key(|(_, due)| (due.is_at_work, !due.is_told)).map(|(number, _)| number);
        match found.and_then(|number| Some((number, self.due.get_mut(number)?))) {
            Some((number, due)) => {
                due.is_told = true;
                heard.push(number);
                Ok(())
            }
            None if self.lost > 0 => {
                self.lost -= 1;
                Ok(())
            }
            None => Err(format!("an alert in {site} was sent twice, or without a decision: {alert:?}")),
        }
    }

    /// Whether every alert that is recorded as done was sent.
    fn settle(&mut self) -> Result<(), String> {
        for (site, decision, count, outcomes) in std::mem::take(&mut self.noted) {
            let of = |due: &&mut Due| due.site == site && due.decision == decision && due.at < count;
            for due in self.due.iter_mut().filter(of) {
                due.is_over = true;
                let is_done =
                    outcomes.get(due.at).is_some_and(|outcome| outcome.status == ActionStatus::Done);
                if is_done && !due.is_told {
                    return Err(format!(
                        "decision {decision} in {site} records an alert that was not sent: {:?}",
                        due.alert
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Rule for AlertsDelivered {
    fn name(&self) -> &'static str {
        "every alert of a decision is sent once, and no other"
    }

    fn observe(&mut self, observed: &Observed<'_>, _: &Facts, _: &System) -> Result<(), String> {
        match observed {
            Observed::CallStarted { call, .. }
                if call.operation == "Publish" && call.fault == Some(InvocationFault::ResponseLost) =>
            {
                self.lost += 1;
            }
            Observed::LedgerNote { site, note: Note::Decided { .. }, record: Some(record), .. } => {
                self.is_defect |= record.reason == "violates_invariant";
                self.plan(*site, &record.id, &record.plan);
            }
            Observed::LedgerNote { site, note: Note::Progress { decision, outcomes, .. }, .. } => {
                self.note(*site, decision, *outcomes, &[]);
            }
            Observed::LedgerNote { site, note: Note::Noted { .. }, record: Some(record), .. } => {
                self.note(*site, &record.id, record.outcomes.len(), &record.outcomes);
            }
            Observed::Alerted { site, alert } => self.told.push((*site, (*alert).clone())),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &Facts) -> Result<(), String> {
        let (mut heard, is_defect) = (Vec::new(), std::mem::take(&mut self.is_defect));
        for (site, alert) in std::mem::take(&mut self.told) {
            if !is_defect {
                self.hear(site, &alert, &mut heard)?;
            }
        }
        self.settle()?;
        self.lost = 0;
        self.due.iter_mut().for_each(|due| due.is_at_work = false);
        Ok(())
    }
}

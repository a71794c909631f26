//! People are told what a decision says that they are told: once, and nothing else.

use tidegate_engine::{ActionOutcome, ActionStatus};
use tidegate_scenarios::Alert;
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Rule, Seen};
use crate::place::Where;
use crate::stage::Stage;
use crate::step::Goes;

/// An alert of a plan.
struct Due {
    place: Where,
    decision: String,
    /// Its place in the plan.
    at: usize,
    alert: Alert,
    is_told: bool,
    /// Whether its outcome is written down: from then on nobody tells it again.
    is_over: bool,
    /// Whether the present invocation has written about its decision.
    is_at_work: bool,
}

/// Each alert that is noted as told has reached the topic, and none reaches it again once that is noted, or within one
/// invocation. Between the telling and the note an invocation may die: its retry cannot know.
#[derive(Default)]
pub(super) struct PeopleTold {
    due: Vec<Due>,
    /// What reached topics in this look.
    told: Vec<(Where, Alert)>,
    /// Alerts of which the answer was lost in this look: they are told twice.
    lost: usize,
    /// Whether a decision of this look is none, but the product's own defect, of which it tells by itself.
    is_defect: bool,
    /// What was noted in this look, with the outcomes if they are known.
    noted: Vec<(Where, String, usize, Vec<ActionOutcome>)>,
}

impl PeopleTold {
    fn plan(&mut self, place: Where, decision: &str, plan: &[serde_json::Value]) {
        for (at, action) in plan.iter().enumerate().filter(|(_, action)| text(action, "/action") == "alert") {
            let (subject, message) =
                (text(action, "/subject").to_owned(), text(action, "/message").to_owned());
            self.due.push(Due {
                place,
                decision: decision.to_owned(),
                at,
                alert: Alert { subject, message },
                is_told: false,
                is_over: false,
                is_at_work: true,
            });
        }
    }

    fn note(&mut self, place: Where, decision: &str, count: usize, outcomes: &[ActionOutcome]) {
        for due in self.due.iter_mut().filter(|due| due.place == place && due.decision == decision) {
            due.is_at_work = true;
        }
        self.noted.push((place, decision.to_owned(), count, outcomes.to_vec()));
    }

    /// The alert of a plan that this one is: of the decision at work, if it can be, and of one that was not told yet.
    fn hear(&mut self, place: Where, alert: &Alert, heard: &mut Vec<usize>) -> Result<(), String> {
        let open = self.due.iter().enumerate().filter(|(number, due)| {
            due.place == place && due.alert == *alert && !due.is_over && !heard.contains(number)
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
            None => Err(format!("people of {place} are told once more, or without a decision: {alert:?}")),
        }
    }

    /// Whether all is told that was noted in this look as told.
    fn settle(&mut self) -> Result<(), String> {
        for (place, decision, count, outcomes) in std::mem::take(&mut self.noted) {
            let of = |due: &&mut Due| due.place == place && due.decision == decision && due.at < count;
            for due in self.due.iter_mut().filter(of) {
                due.is_over = true;
                let is_done =
                    outcomes.get(due.at).is_some_and(|outcome| outcome.status == ActionStatus::Done);
                if is_done && !due.is_told {
                    return Err(format!(
                        "decision {decision} in {place} says that people were told, and nobody was: {:?}",
                        due.alert
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Rule for PeopleTold {
    fn name(&self) -> &'static str {
        "people are told what was decided, and once"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Facts, _: &Stage) -> Result<(), String> {
        match seen {
            Seen::Call { call, .. } if call.operation == "Publish" && call.goes == Some(Goes::AnswerLost) => {
                self.lost += 1;
            }
            Seen::Noted { place, note: Note::Decided { .. }, record: Some(record), .. } => {
                self.is_defect |= record.reason == "violates_invariant";
                self.plan(*place, &record.id, &record.plan);
            }
            Seen::Noted { place, note: Note::Progress { decision, outcomes, .. }, .. } => {
                self.note(*place, decision, *outcomes, &[]);
            }
            Seen::Noted { place, note: Note::Noted { .. }, record: Some(record), .. } => {
                self.note(*place, &record.id, record.outcomes.len(), &record.outcomes);
            }
            Seen::Alerted { place, alert } => self.told.push((*place, (*alert).clone())),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: &Facts) -> Result<(), String> {
        let (mut heard, is_defect) = (Vec::new(), std::mem::take(&mut self.is_defect));
        for (place, alert) in std::mem::take(&mut self.told) {
            if !is_defect {
                self.hear(place, &alert, &mut heard)?;
            }
        }
        self.settle()?;
        self.lost = 0;
        self.due.iter_mut().for_each(|due| due.is_at_work = false);
        Ok(())
    }
}

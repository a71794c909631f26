//! Shrinks a failing history while it breaks the same rule.

use crate::fleet::Kind;
use crate::history::{Action, DeliveryFault, History, InvocationFault, Step};
use crate::mutant::Mutant;

/// The smaller history.
struct Shrinking {
    history: History,
    rule: &'static str,
    mutant: Option<Mutant>,
    /// The number of runs left.
    runs_left: u32,
}

impl History {
    /// The smallest history that breaks the same rule; itself if it breaks none. `runs` limits the work.
    #[must_use]
    pub fn shrink(&self, mutant: Option<Mutant>, runs: u32) -> Self {
        let Some(violation) = self.run(mutant, false).ok().and_then(|result| result.violation) else {
            return self.clone();
        };
        let mut all = Shrinking { history: self.clone(), rule: violation.rule, mutant, runs_left: runs };
        loop {
            let before = all.history.clone();
            all.remove_steps();
            all.simplify_fleet();
            all.simplify_steps();
            if all.history == before || all.runs_left == 0 {
                return all.history;
            }
        }
    }
}

impl Shrinking {
    /// Replaces the history if the other one breaks the same rule.
    fn try_replace(&mut self, other: History) -> bool {
        if self.runs_left == 0 || other == self.history {
            return false;
        }
        self.runs_left -= 1;
        let result = other.run(self.mutant, false);
        let same = result.is_ok_and(|result| result.violation.is_some_and(|found| found.rule == self.rule));
        if same {
            self.history = other;
        }
        same
    }

    /// Removes halves, quarters, … of the steps, down to single ones.
    fn remove_steps(&mut self) {
        let mut size = self.history.steps.len().div_ceil(2).max(1);
        loop {
            let mut from = 0;
            while from < self.history.steps.len() {
                let mut other = self.history.clone();
                let to = (from + size).min(other.steps.len());
                other.steps.drain(from..to);
                if !self.try_replace(other) {
                    from += size;
                }
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }

    fn simplify_fleet(&mut self) {
        for at in (0..self.history.fleet.models.len()).rev() {
            let mut other = self.history.clone();
            let gone = other.fleet.models.remove(at).name;
            other.steps.retain(|step| step.action.model() != Some(&gone));
            if !other.fleet.models.is_empty() {
                self.try_replace(other);
            }
        }
        let mut other = self.history.clone();
        other.fleet.clocks = [0; 4];
        self.try_replace(other);
        for at in 0..self.history.fleet.models.len() {
            self.plainer_model(at);
        }
    }

    fn plainer_model(&mut self, at: usize) {
        let with = |history: &History, change: &dyn Fn(&mut crate::fleet::Model)| {
            let mut other = history.clone();
            if let Some(model) = other.fleet.models.get_mut(at) {
                change(model);
            }
            other
        };
        self.try_replace(with(&self.history, &|model| model.drift = None));
        self.try_replace(with(&self.history, &|model| model.keeps_pipeline = false));
        for number in (0..3).rev() {
            self.try_replace(with(&self.history, &|model| {
                if model.environments.len() > 1 && number < model.environments.len() {
                    model.environments.remove(number);
                }
            }));
        }
        for number in 0..3 {
            let change = |edit: fn(&mut crate::fleet::Environment)| {
                move |model: &mut crate::fleet::Model| {
                    if let Some(environment) = model.environments.get_mut(number) {
                        edit(environment);
                    }
                }
            };
            self.try_replace(with(&self.history, &change(|e| e.soak = None)));
            self.try_replace(with(&self.history, &change(|e| e.approvals = 0)));
            self.try_replace(with(&self.history, &change(|e| e.scale_to_zero = None)));
            self.try_replace(with(&self.history, &change(|e| e.without_sample = false)));
            self.try_replace(with(
                &self.history,
                &change(|e| {
                    e.scale_to_zero = None;
                    e.kind = Kind::Serverless;
                }),
            ));
        }
    }

    /// Shortens delays and pauses.
    fn simplify_steps(&mut self) {
        for at in 0..self.history.steps.len() {
            let mut other = self.history.clone();
            let Some(step) = other.steps.get_mut(at) else { return };
            let Some(simplified) = simplified(&step.action) else { continue };
            step.action = simplified;
            self.try_replace(other);
        }
        self.shorten_gaps();
    }

    /// Less time between the steps.
    fn shorten_gaps(&mut self) {
        for at in 1..self.history.steps.len() {
            let times: Vec<u64> = self.history.steps.iter().map(|step| step.at).collect();
            let (Some(before), Some(now)) = (times.get(at - 1), times.get(at)) else { return };
            let gap = now - before;
            for shorter in [0, 1, 60, 600, 3_600] {
                if shorter >= gap {
                    break;
                }
                let mut other = self.history.clone();
                for Step { at, .. } in other.steps.iter_mut().skip(at) {
                    *at -= gap - shorter;
                }
                if self.try_replace(other) {
                    break;
                }
            }
        }
    }
}

fn simplified(what: &Action) -> Option<Action> {
    Some(match what.clone() {
        Action::DeliveryFault { topic, fault: DeliveryFault::Late(seconds) } if seconds > 60 => {
            Action::DeliveryFault { topic, fault: DeliveryFault::Late(seconds / 2) }
        }
        Action::DeliveryFault { topic, fault: DeliveryFault::Again(seconds) } if seconds > 60 => {
            Action::DeliveryFault { topic, fault: DeliveryFault::Again(seconds / 2) }
        }
        Action::DeliveryFault { topic, fault: DeliveryFault::Times(times) } if times > 2 => {
            Action::DeliveryFault { topic, fault: DeliveryFault::Times(2) }
        }
        Action::CallFault { site, function, call, fault: InvocationFault::Pause(seconds) } if seconds > 1 => {
            Action::CallFault { site, function, call, fault: InvocationFault::Pause(1) }
        }
        Action::Traffic { model, site, requests } if requests > 1 => {
            Action::Traffic { model, site, requests: 1 }
        }
        Action::Throttling { site, seconds, passes } if seconds > 30 => {
            Action::Throttling { site, seconds: seconds / 2, passes }
        }
        _ => return None,
    })
}

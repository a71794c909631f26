//! A failing history is made as small as it can be while the same rule is broken.

use crate::fleet::Kind;
use crate::mutant::Mutant;
use crate::step::{Goes, Post, Step, Story, What};

/// The smaller story.
struct Shrinking {
    story: Story,
    rule: &'static str,
    mutant: Option<Mutant>,
    /// How often it may still be played.
    left: u32,
}

impl Story {
    /// The smallest story that breaks the same rule; itself if it breaks none. `plays` limits the work.
    #[must_use]
    pub fn shrunk(&self, mutant: Option<Mutant>, plays: u32) -> Self {
        let Some(violation) = self.play(mutant, false).ok().and_then(|ending| ending.violation) else {
            return self.clone();
        };
        let mut all = Shrinking { story: self.clone(), rule: violation.rule, mutant, left: plays };
        loop {
            let before = all.story.clone();
            all.fewer_steps();
            all.smaller_fleet();
            all.plainer_steps();
            if all.story == before || all.left == 0 {
                return all.story;
            }
        }
    }
}

impl Shrinking {
    /// Takes the other story if it breaks the same rule.
    fn try_out(&mut self, other: Story) -> bool {
        if self.left == 0 || other == self.story {
            return false;
        }
        self.left -= 1;
        let ending = other.play(self.mutant, false);
        let same = ending.is_ok_and(|ending| ending.violation.is_some_and(|found| found.rule == self.rule));
        if same {
            self.story = other;
        }
        same
    }

    /// Leaves out halves, quarters, … of the steps, down to single ones.
    fn fewer_steps(&mut self) {
        let mut size = self.story.steps.len().div_ceil(2).max(1);
        loop {
            let mut from = 0;
            while from < self.story.steps.len() {
                let mut other = self.story.clone();
                let to = (from + size).min(other.steps.len());
                other.steps.drain(from..to);
                if !self.try_out(other) {
                    from += size;
                }
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }

    fn smaller_fleet(&mut self) {
        for at in (0..self.story.fleet.models.len()).rev() {
            let mut other = self.story.clone();
            let gone = other.fleet.models.remove(at).name;
            other.steps.retain(|step| step.what.model() != Some(&gone));
            if !other.fleet.models.is_empty() {
                self.try_out(other);
            }
        }
        let mut other = self.story.clone();
        other.fleet.clocks = [0; 4];
        self.try_out(other);
        for at in 0..self.story.fleet.models.len() {
            self.plainer_model(at);
        }
    }

    fn plainer_model(&mut self, at: usize) {
        let with = |story: &Story, change: &dyn Fn(&mut crate::fleet::Model)| {
            let mut other = story.clone();
            if let Some(model) = other.fleet.models.get_mut(at) {
                change(model);
            }
            other
        };
        self.try_out(with(&self.story, &|model| model.drift = None));
        self.try_out(with(&self.story, &|model| model.keeps_pipeline = false));
        for number in (0..3).rev() {
            self.try_out(with(&self.story, &|model| {
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
            self.try_out(with(&self.story, &change(|e| e.soak = None)));
            self.try_out(with(&self.story, &change(|e| e.approvals = 0)));
            self.try_out(with(&self.story, &change(|e| e.to_zero = None)));
            self.try_out(with(&self.story, &change(|e| e.unasked = false)));
            self.try_out(with(
                &self.story,
                &change(|e| {
                    e.to_zero = None;
                    e.kind = Kind::Serverless;
                }),
            ));
        }
    }

    /// Rounder times, shorter waits.
    fn plainer_steps(&mut self) {
        for at in 0..self.story.steps.len() {
            let mut other = self.story.clone();
            let Some(step) = other.steps.get_mut(at) else { return };
            let Some(plainer) = plainer(&step.what) else { continue };
            step.what = plainer;
            self.try_out(other);
        }
        self.closer();
    }

    /// Less time between the steps.
    fn closer(&mut self) {
        for at in 1..self.story.steps.len() {
            let times: Vec<u64> = self.story.steps.iter().map(|step| step.at).collect();
            let (Some(before), Some(now)) = (times.get(at - 1), times.get(at)) else { return };
            let gap = now - before;
            for shorter in [0, 1, 60, 600, 3_600] {
                if shorter >= gap {
                    break;
                }
                let mut other = self.story.clone();
                for Step { at, .. } in other.steps.iter_mut().skip(at) {
                    *at -= gap - shorter;
                }
                if self.try_out(other) {
                    break;
                }
            }
        }
    }
}

fn plainer(what: &What) -> Option<What> {
    Some(match what.clone() {
        What::Post { about, does: Post::Late(seconds) } if seconds > 60 => {
            What::Post { about, does: Post::Late(seconds / 2) }
        }
        What::Post { about, does: Post::Again(seconds) } if seconds > 60 => {
            What::Post { about, does: Post::Again(seconds / 2) }
        }
        What::Post { about, does: Post::Times(times) } if times > 2 => {
            What::Post { about, does: Post::Times(2) }
        }
        What::Call { place, function, call, goes: Goes::Waits(seconds) } if seconds > 1 => {
            What::Call { place, function, call, goes: Goes::Waits(1) }
        }
        What::Traffic { model, place, requests } if requests > 1 => {
            What::Traffic { model, place, requests: 1 }
        }
        What::Storm { place, seconds, passes } if seconds > 30 => {
            What::Storm { place, seconds: seconds / 2, passes }
        }
        _ => return None,
    })
}

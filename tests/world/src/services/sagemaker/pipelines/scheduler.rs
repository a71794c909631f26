//! Which step of an execution may start, and how the execution ends.

use jiff::Timestamp;

use super::definition::Trigger;
use super::execution::Execution;
use crate::account::AccountRegion;
use crate::json::{int, later};
use crate::world::{Scheduled, World};

/// What is to be done with a step that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Wait,
    Skip,
    Start,
}

impl Execution {
    fn status_of(&self, name: &str) -> (&'static str, Option<bool>) {
        let at = self.definition.steps.iter().position(|step| step.name == name);
        at.and_then(|at| self.steps.get(at)).map_or(("Skipped", None), |state| (state.status, state.outcome))
    }

    fn over(&self, name: &str) -> bool {
        matches!(self.status_of(name).0, "Succeeded" | "Failed" | "Stopped" | "Skipped")
    }

    /// Once a step has failed, only steps that wait for exactly that may still start.
    fn turn(&self, at: usize, failed: bool) -> Turn {
        let (Some(step), Some(state)) = (self.definition.steps.get(at), self.steps.get(at)) else {
            return Turn::Wait;
        };
        if !state.status.is_empty() {
            return Turn::Wait;
        }
        let gate = step.gate.as_ref().map(|(parent, _)| parent.as_str());
        if !step.needs.iter().map(|(name, _)| name.as_str()).chain(gate).all(|name| self.over(name)) {
            return Turn::Wait;
        }
        if let Some((parent, branch)) = &step.gate
            && self.status_of(parent) != ("Succeeded", Some(*branch))
        {
            return Turn::Skip;
        }
        let met = step.needs.iter().all(|(name, trigger)| {
            let status = self.status_of(name).0;
            match trigger {
                Trigger::Succeeded => status == "Succeeded",
                Trigger::Failed => status == "Failed",
                Trigger::Any => true,
            }
        });
        let heals = step.needs.iter().any(|(_, trigger)| *trigger != Trigger::Succeeded);
        if met && (!failed || heals) { Turn::Start } else { Turn::Skip }
    }

    /// How an execution ends in which nothing runs any more.
    fn verdict(&self) -> &'static str {
        let failed: Vec<&str> = self
            .definition
            .steps
            .iter()
            .zip(&self.steps)
            .filter(|(_, state)| state.status == "Failed")
            .map(|(step, _)| step.name.as_str())
            .collect();
        if failed.is_empty() {
            return "Succeeded";
        }
        // A failure that another step was waiting for is a failure that was provided for.
        let provided = |name: &&str| {
            self.definition.steps.iter().any(|step| {
                step.needs.iter().any(|(needed, trigger)| needed == name && *trigger != Trigger::Succeeded)
            })
        };
        if failed.iter().all(provided) { "CompletedWithFailures" } else { "Failed" }
    }
}

impl World {
    /// Evaluates an execution: starts, continues or stops it.
    pub(crate) fn execution_tick(&mut self, place: &AccountRegion, arn: &str, at: Timestamp) {
        let Some(mut run) = self.resources_mut(place).executions.remove(arn) else { return };
        match run.status {
            "Executing" => self.walk(place, &mut run, at),
            "Stopping" => self.finish_stop(place, &mut run, at),
            _ => {}
        }
        self.resources_mut(place).executions.insert(arn.to_owned(), run);
    }

    /// A step has run its time.
    pub(crate) fn step_done(&mut self, place: &AccountRegion, arn: &str, step: usize, at: Timestamp) {
        let Some(mut run) = self.resources_mut(place).executions.remove(arn) else { return };
        if run.steps.get(step).is_some_and(|state| state.status == "Executing") {
            self.complete_step(place, &mut run, step, at);
            self.walk(place, &mut run, at);
        }
        self.resources_mut(place).executions.insert(arn.to_owned(), run);
    }

    fn walk(&mut self, place: &AccountRegion, run: &mut Execution, at: Timestamp) {
        let most =
            run.request.get("ParallelismConfiguration").and_then(|p| int(p, "MaxParallelExecutionSteps"));
        let most = most.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        // A skipped step may let others be skipped or start, wherever they stand: go round until nothing moves.
        let mut moved = true;
        while moved {
            moved = false;
            for step in 0..run.steps.len() {
                let failed = run.steps.iter().any(|state| state.status == "Failed");
                let running = run.steps.iter().filter(|state| state.running()).count();
                match run.turn(step, failed) {
                    Turn::Skip => {
                        if let Some(state) = run.steps.get_mut(step) {
                            state.status = "Skipped";
                        }
                        moved = true;
                    }
                    Turn::Start if running < most => {
                        self.begin_step(place, run, step, at);
                        moved = true;
                    }
                    Turn::Start | Turn::Wait => {}
                }
            }
        }
        if !run.steps.iter().any(super::execution::StepRun::running) {
            let verdict = run.verdict();
            if verdict != "Succeeded" {
                run.failure = Some("Step failure: One or multiple steps failed.".to_owned());
            }
            self.end_execution(place, run, verdict, at);
        }
    }

    fn end_execution(
        &mut self,
        place: &AccountRegion,
        run: &mut Execution,
        status: &'static str,
        at: Timestamp,
    ) {
        let previous = std::mem::replace(&mut run.status, status);
        run.modified = at;
        run.ended = Some(at);
        self.emit_execution_change(place, run, Some(previous), at);
    }

    /// Asks everything that runs to stop.
    pub(super) fn begin_stop(&mut self, place: &AccountRegion, run: &mut Execution, at: Timestamp) {
        run.status = "Stopping";
        run.modified = at;
        self.emit_execution_change(place, run, Some("Executing"), at);
        for step in 0..run.steps.len() {
            if let Some(state) = run.steps.get_mut(step).filter(|state| state.running()) {
                let previous = std::mem::replace(&mut state.status, "Stopping");
                self.emit_step_change(place, run, step, Some(previous), at);
            }
        }
        let soon = later(at, self.pace.short_step);
        self.schedule(soon, place, Scheduled::Execution { arn: run.arn.clone() });
    }

    fn finish_stop(&mut self, place: &AccountRegion, run: &mut Execution, at: Timestamp) {
        for step in 0..run.steps.len() {
            let Some(state) = run.steps.get_mut(step).filter(|state| state.running()) else { continue };
            state.status = "Stopped";
            state.ended = Some(at);
            if let Some(job) = state.job.clone() {
                self.stop_job(place, &job, at);
            }
            self.emit_step_change(place, run, step, Some("Stopping"), at);
        }
        self.end_execution(place, run, "Stopped", at);
    }
}

//! The sweeps: when a look could find something, and the look.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate_engine::ports::Remembered;
use tidegate_events::{AlarmState, ApprovalStatus, Body, read};
use tidegate_functions::of_scope;
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::promote::EnvironmentStatus;
use tidegate_policy::{deploy, promote, scale};

use super::simulation::{HUB_SITE, Simulation};
use super::stack::Stack;

/// As long as promote waits for an answer before it asks again.
const ANSWER: SignedDuration = SignedDuration::from_mins(60);
/// As long as claims are kept: after that an alarm that is still on is news.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How often something overdue is looked at that a look did not change.
const OVERDUE: SignedDuration = SignedDuration::from_mins(60);

impl Simulation {
    /// Lets the sweeps from `at` on look at every model.
    pub(super) fn schedule_everything(&mut self, at: Timestamp) {
        for index in 0..self.stacks.len() {
            let models = self.stacks.get(index).map(|stack| stack.ledger().all_models()).unwrap_or_default();
            let Some(scope) = self.stacks.get(index).map(|stack| stack.site().scope()) else { continue };
            for model in models {
                for function in of_scope(scope) {
                    self.schedule(at, index, function.name, &model);
                }
            }
        }
    }

    fn schedule(&mut self, at: Timestamp, index: usize, function: &str, model: &str) {
        let watch = if function == "scale" { &mut self.ticks } else { &mut self.reconciles };
        watch.put(at, index, function, model);
    }

    /// A function's state changed: who rests on it looks again.
    pub(super) fn schedule_after_change(&mut self, index: usize, function: &str, model: &str) {
        match function {
            "deploy" => {
                if self.is_deploying(index, model) {
                    self.schedule(self.now, index, "deploy", model);
                }
                if self.idle_of(index, model).is_some() {
                    self.schedule(self.now, index, "scale", model);
                }
            }
            // What it remembers says nothing about alarms.
            "respond" => {}
            _ => self.schedule(self.now, index, function, model),
        }
    }

    /// An event of AWS reported something that a sweep would find.
    pub(super) fn schedule_after_event(&mut self, index: usize, body: &Body) {
        let (kind, name, function, at) = match body {
            Body::CommitPushed(push) => (LookupKind::Repository, push.repository.as_str(), "train", self.now),
            Body::ModelPackageChanged(change) if change.approval == ApprovalStatus::Approved => {
                (LookupKind::PackageGroup, change.group.as_deref().unwrap_or_default(), "promote", self.now)
            }
            Body::AlarmChanged(alarm) if alarm.state == AlarmState::Alarm => {
                let at = self.now.checked_add(FORGOTTEN).unwrap_or(Timestamp::MAX);
                (LookupKind::Alarm, alarm.alarm.as_str(), "respond", at)
            }
            _ => return,
        };
        let is_there = |stack: &&Stack| of_scope(stack.site().scope()).any(|one| one.name == function);
        let Some(stack) = self.stacks.get(index).filter(is_there) else {
            return;
        };
        let mut models = stack.ledger().models_named(kind, name);
        if let Body::CommitPushed(push) = body {
            models.retain(|model| self.trains_on(model, &push.branch));
        }
        for model in models {
            self.schedule(at, index, function, &model);
        }
    }

    /// Whether a sweep asks for the head of a branch.
    fn trains_on(&self, model: &str, branch: &str) -> bool {
        self.policy(model).is_some_and(|policy| policy.plain_branches().any(|one| one == branch))
    }

    fn is_deploying(&self, index: usize, model: &str) -> bool {
        let state = |stack| -> Arc<deploy::State> { remembered(stack, "deploy", model) };
        self.stacks.get(index).is_some_and(|stack| state(stack).in_flight.is_some())
    }

    fn policy(&self, model: &str) -> Option<Arc<Policy>> {
        self.stacks.get(HUB_SITE)?.ledger().applied(model)
    }

    /// Requests arrived. Only the first of them is news for a tick, and the idle time after the last.
    pub(super) fn schedule_after_traffic(&mut self, index: usize, models: &[String], invocations: u64) {
        if invocations == 0 {
            return;
        }
        for model in models {
            let Some(stack) = self.stacks.get(index) else { return };
            let state: Arc<scale::State> = remembered(stack, "scale", model);
            let known = state.last_reason.as_deref() == Some("traffic") && state.zero_since.is_none();
            let idle = self.idle_of(index, model).filter(|_| known).unwrap_or_default();
            let at = self.now.checked_add(idle).unwrap_or(Timestamp::MAX);
            self.schedule(at, index, "scale", model);
        }
    }

    fn idle_of(&self, index: usize, model: &str) -> Option<SignedDuration> {
        let site = self.stacks.get(index)?.site();
        let policy = self.policy(model)?;
        Some(policy.environment(&site.environment)?.scale.to_zero.as_ref()?.idle.signed())
    }

    /// One sweep, over the models that it may find something about.
    pub(super) fn sweep(&mut self, at: Timestamp, ticks: bool) {
        let looks = if ticks { self.ticks.take(at) } else { self.reconciles.take(at) };
        for (index, function, models) in looks {
            if self.is_over && function.name == "respond" {
                continue;
            }
            let Some(stack) = self.stacks.get(index) else { continue };
            let payload = if function.name == "scale" {
                let (account, region) = (&stack.site().account, &stack.site().region);
                json!({"version": "0", "id": format!("tick-{at}"), "source": "aws.scheduler",
                    "detail-type": "Scheduled Event", "account": account, "region": region, "time": at,
                    "resources": [format!("arn:aws:scheduler:{region}:{account}:schedule/tidegate/scale-tick")],
                    "detail": "{}"})
            } else {
                json!({"tidegate": "reconcile", "at": at, "execution_id": format!("reconcile-{at}")})
            };
            let Ok(event) = read(&payload) else { continue };
            stack.ledger().focus_on(Some(models.clone()));
            self.deliver(index, function, &event, &format!("sweep-{at}"));
            if let Some(stack) = self.stacks.get(index) {
                stack.ledger().focus_on(None);
            }
            for model in models {
                if let Some(next) = self.next_look(index, function.name, &model, at) {
                    self.schedule(next, index, function.name, &model);
                }
            }
        }
    }

    /// When the next look could find something, if nothing happens until then.
    fn next_look(&self, index: usize, function: &str, model: &str, at: Timestamp) -> Option<Timestamp> {
        let after = at.checked_add(SignedDuration::from_secs(1)).ok()?;
        if self.everything {
            return Some(after);
        }
        let stack = self.stacks.get(index)?;
        let policy = self.policy(model)?;
        match function {
            "promote" => {
                let state: Arc<promote::State> = remembered(stack, function, model);
                let next = state.promotion.as_ref().and_then(|promotion| overdue_at(&policy, promotion))?;
                Some(if next > at { next } else { at.checked_add(OVERDUE).ok()? })
            }
            "deploy" => {
                let state: Arc<deploy::State> = remembered(stack, function, model);
                state.in_flight.as_ref().map(|_| after)
            }
            "respond" => at.checked_add(FORGOTTEN).ok().filter(|_| {
                let named = policy.drift.iter().flat_map(|drift| &drift.alarms);
                named.into_iter().any(|alarm| stack.aws.is_in_alarm(alarm))
            }),
            "scale" => next_tick(stack, &policy, at),
            _ => None,
        }
    }
}

/// When a tick could find an endpoint idle, or its grace over.
fn next_tick(stack: &Stack, policy: &Policy, at: Timestamp) -> Option<Timestamp> {
    let environment = policy.environment(&stack.site().environment)?;
    let to_zero = environment.scale.to_zero.as_ref()?;
    let model = policy.model.as_str();
    let state: Arc<scale::State> = remembered(stack, "scale", model);
    let live: Arc<deploy::State> = remembered(stack, "deploy", model);
    let (idle, grace) = (to_zero.idle.signed(), to_zero.grace.signed());
    let invoked = stack.aws.last_invoked(environment.endpoint.name.as_str());
    // A request at the very beginning of the window still counts.
    let idle_since = invoked.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
    let later = |at: Option<Timestamp>, span: SignedDuration| at?.checked_add(span).ok();
    let dues = [
        later(scale::live_since(&live), grace),
        later(state.rejected_at, grace),
        later(state.rejected_at, idle),
        later(state.scaled_up_at, idle),
        later(idle_since, idle),
    ];
    dues.into_iter().flatten().filter(|due| *due > at).min()
}

/// When a request has had no answer for too long, or a soak is over.
fn overdue_at(policy: &Policy, promotion: &promote::Promotion) -> Option<Timestamp> {
    if promotion.stopped {
        return None;
    }
    let of = |(name, step): (&String, &EnvironmentStatus)| match step {
        EnvironmentStatus::Requested { at, .. } => at.checked_add(ANSWER).ok(),
        EnvironmentStatus::Succeeded { at } => {
            let next = policy.environment_after(name)?;
            let entered = promotion.environments.contains_key(next.name.as_str());
            let soak = next.gates.soak.map(tidegate_policy::duration::Duration::signed).unwrap_or_default();
            at.checked_add(soak).ok().filter(|_| !entered)
        }
        EnvironmentStatus::Failed { .. } => None,
    };
    promotion.environments.iter().filter_map(of).min()
}

/// What a function remembers; nothing if it never decided anything.
fn remembered<S: Remembered>(stack: &Stack, function: &str, model: &str) -> Arc<S> {
    stack.ledger().remembered(function, model)
}

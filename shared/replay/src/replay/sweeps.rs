//! Decides when a sweep could find a change, and what it checks.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate_engine::ports::{CLAIM_DAYS, Remembered};
use tidegate_events::{AlarmState, ApprovalStatus, Body, read};
use tidegate_functions::of_scope;
use tidegate_policy::controller::{Context, Controller};
use tidegate_policy::deploy::DeployController;
use tidegate_policy::file::Policy;
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::promote::PromoteController;
use tidegate_policy::scale::ScaleController;
use tidegate_policy::{deploy, scale};

use super::simulation::{HUB_SITE, Simulation};
use super::stack::Stack;

/// The lifetime of claims: after it, an alarm that is still in ALARM is a new event.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(CLAIM_DAYS * 24);
/// The interval of checks of an overdue item that a check did not change.
const OVERDUE: SignedDuration = SignedDuration::from_mins(60);

impl Simulation {
    /// Schedules a check of every model at the sweeps from `at` on.
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
        let schedule = if function == "scale" { &mut self.ticks } else { &mut self.reconciles };
        schedule.put(at, index, function, model);
    }

    /// Schedules the functions that read a changed state.
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
            // Its state contains nothing about alarms.
            "respond" => {}
            _ => self.schedule(self.now, index, function, model),
        }
    }

    /// Schedules the checks that could find the change that an AWS event reported.
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

    /// Whether a sweep reads the head of a branch.
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

    /// Schedules checks after requests. A tick's decision can change only at the first request, and one idle window
    /// after the last.
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

    /// Runs one sweep over the models that have a scheduled check.
    pub(super) fn sweep(&mut self, at: Timestamp, ticks: bool) {
        let checks = if ticks { self.ticks.take(at) } else { self.reconciles.take(at) };
        for (index, function, models) in checks {
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
                if let Some(next) = self.next_check_at(index, function.name, &model, at) {
                    self.schedule(next, index, function.name, &model);
                }
            }
        }
    }

    /// When the next sweep could find a change if nothing else happens.
    fn next_check_at(&self, index: usize, function: &str, model: &str, at: Timestamp) -> Option<Timestamp> {
        let after = at.checked_add(SignedDuration::from_secs(1)).ok()?;
        if self.check_every_model {
            return Some(after);
        }
        let stack = self.stacks.get(index)?;
        let policy = self.policy(model)?;
        let cx = Context { policy: Some(&policy), site: stack.site(), event: "", now: at };
        match function {
            "promote" => {
                let next = next_check::<PromoteController>(stack, &cx, model)?;
                // An overdue item that this sweep has found is due again later.
                Some(if next > at { next } else { at.checked_add(OVERDUE).ok()? })
            }
            "deploy" => next_check::<DeployController>(stack, &cx, model).map(|_| after),
            "respond" => at.checked_add(FORGOTTEN).ok().filter(|_| {
                let named = policy.drift.iter().flat_map(|drift| &drift.alarms);
                named.into_iter().any(|alarm| stack.aws.is_in_alarm(alarm))
            }),
            "scale" => next_tick(stack, &cx, &policy),
            _ => None,
        }
    }
}

/// When the controller next has something to decide, according to the state.
fn next_check<C: Controller>(stack: &Stack, cx: &Context<'_>, model: &str) -> Option<Timestamp> {
    C::next_check(cx, remembered::<C::State>(stack, C::NAME, model).as_ref())
}

/// When a tick could find an endpoint idle, or its grace period over. The state of scale does not contain deployments
/// and requests.
fn next_tick(stack: &Stack, cx: &Context<'_>, policy: &Policy) -> Option<Timestamp> {
    let environment = cx.named_environment()?;
    let to_zero = environment.scale.to_zero.as_ref()?;
    let model = policy.model.as_str();
    let deployed: Arc<deploy::State> = remembered(stack, "deploy", model);
    let invoked = stack.aws.last_invoked(environment.endpoint.name.as_str());
    // A request at the very beginning of the window still counts.
    let idle_since = invoked.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
    let later = |at: Option<Timestamp>, span: SignedDuration| at?.checked_add(span).ok();
    let ends = [
        next_check::<ScaleController>(stack, cx, model),
        later(scale::live_since(&deployed), to_zero.grace.signed()),
        later(idle_since, to_zero.idle.signed()),
    ];
    ends.into_iter().flatten().filter(|end| *end > cx.now).min()
}

/// The state of a function; its default if the function has never decided anything.
fn remembered<S: Remembered>(stack: &Stack, function: &str, model: &str) -> Arc<S> {
    stack.ledger().remembered(function, model)
}

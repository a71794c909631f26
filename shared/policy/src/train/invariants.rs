//! Safety invariants of train.

use tidegate_events::{
    CommitPushed, RefChange, RefKind, RetrainingFinished, RetrainingOutcome, RetrainingRequested,
};

use super::{Action, Definition, NAME, Snapshot, State, Train, Trigger};
use crate::check::{Change, Effect, HasEffect, Invariant, Scope, Violation, Violations, effect};
use crate::controller::Context;
use crate::file::Policy;
use crate::fingerprint::fingerprint;
use crate::names::RoleArn;
use crate::step::Step;

impl HasEffect for Action {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::UpsertPipeline { pipeline, .. } => {
                Effect::Change { resource: pipeline, change: Change::Define }
            }
            Self::TagPipeline { pipeline, .. } => Effect::Annotate { resource: pipeline },
            Self::StartExecution { pipeline, .. } => {
                Effect::Change { resource: pipeline, change: Change::Start }
            }
        }
    }
}

/// Every invariant that a decision violates.
pub(super) fn violations(
    cx: &Context<'_>,
    state: &State,
    trigger: &Trigger,
    seen: &Snapshot,
    decision: &Train,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let Some(policy) = cx.policy else { return violations.found() };
    let resource = policy.pipeline.name.as_str();
    violations.plan(decision, &Scope { cx, function: NAME, resource, component: resource });
    if decision.plan.iter().any(|step| effect(step).acts()) {
        match trigger {
            Trigger::Commit(push) => violations.commit(policy, state, push),
            Trigger::Retraining(request) => violations.retraining(policy, seen, request),
            Trigger::Ended(_) | Trigger::UnauthorizedSender { .. } => {
                violations
                    .require(false, Invariant::StartedWithoutCause, || format!("{trigger:?} is no cause"));
            }
        }
        violations.known(trigger, seen, &decision.plan);
        violations.once(state, &decision.plan);
        violations.ours(policy, state, seen, &decision.plan);
        violations.tagged(policy, seen, &decision.plan);
        violations.has_roles(policy, &decision.plan);
    }
    for step in &decision.plan {
        if let Effect::ReportRetraining(finished) = effect(step) {
            violations.report(state, trigger, seen, finished);
        }
    }
    if let Trigger::UnauthorizedSender { from, .. } = trigger {
        violations.ignores_sender(from, state, decision);
    }
    violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(cx: &Context<'_>, decision: &Train) -> Vec<Violation> {
    let mut violations = Violations::default();
    violations.plan_after_rejection(decision, &Scope { cx, function: NAME, resource: "", component: "" });
    violations.found()
}

impl Violations {
    /// A push to a watched branch starts the pipeline once.
    fn commit(&mut self, policy: &Policy, state: &State, push: &CommitPushed) {
        let watched = push.repository.eq_ignore_ascii_case(policy.source.repository.as_str())
            && push.ref_kind == RefKind::Branch
            && push.change != RefChange::Deleted
            && policy.watches(&push.branch)
            && push.commit.as_ref().is_some_and(|commit| !commit.is_empty());
        self.require(watched, Invariant::StartedWithoutCause, || format!("the push was {push:?}"));
        let trained = state.commits.get(&push.full_ref);
        self.require(push.commit.as_ref() != trained, Invariant::StartedTwice, || {
            format!("{trained:?} of {} started it before", push.full_ref)
        });
    }

    /// A request from an environment of the model starts the pipeline if no execution runs and no hold is in effect.
    /// A commit is a person's own decision: it trains even under a hold and while another execution runs.
    fn retraining(&mut self, policy: &Policy, seen: &Snapshot, request: &RetrainingRequested) {
        let asks = policy.environment(&request.environment).is_some_and(|environment| {
            environment.account.as_str() == request.environment_account
                && request.model == policy.model.as_str()
        });
        self.require(asks, Invariant::StartedWithoutCause, || format!("the request was {request:?}"));
        self.not_held(seen.hold.as_ref());
        let running = seen.running.first();
        self.require(running.is_none(), Invariant::ResourceBusy, || format!("{running:?} has not ended"));
    }

    /// The pipeline to start exists, and so does the definition if the commit must contain one.
    fn known(&mut self, trigger: &Trigger, seen: &Snapshot, plan: &[Step<Action>]) {
        let defines = |step| matches!(effect(step), Effect::Change { change: Change::Define, .. });
        let there = seen.pipeline.is_some() || plan.iter().any(defines);
        let missing = matches!((trigger, &seen.definition), (Trigger::Commit(_), Definition::Missing { .. }));
        self.require(there && !missing, Invariant::ActsOnUnknown, || {
            format!("the commit has {:?}, and the pipeline is {:?}", seen.definition, seen.pipeline)
        });
    }

    /// A report is about the request that started the execution, or about the request that starts nothing. A version is
    /// reported only if SageMaker shows it, or cannot show it.
    fn report(&mut self, state: &State, trigger: &Trigger, seen: &Snapshot, finished: &RetrainingFinished) {
        let (matches, can_succeed) = match trigger {
            Trigger::Ended(run) => {
                let requests =
                    state.executions.iter().filter(|one| Some(&one.name) == run.display_name.as_ref());
                let mut requests = requests.filter_map(|one| one.request.as_ref());
                let fails = |status: &str| status == "Failed" || status == "Stopped";
                let ran = seen.execution.as_ref().map_or(run.status.as_str(), |ran| ran.status.as_str());
                let shows =
                    seen.execution.as_ref().is_some_and(|ran| ran.steps.iter().any(|s| s.package.is_some()));
                (requests.any(|request| request.id == finished.request_id), shows || !fails(ran))
            }
            Trigger::Retraining(request) => (request.request_id == finished.request_id, false),
            Trigger::Commit(_) | Trigger::UnauthorizedSender { .. } => (false, false),
        };
        let succeeds =
            matches!(finished.outcome, RetrainingOutcome::Succeeded | RetrainingOutcome::NoVersion);
        self.require(matches && (can_succeed || !succeeds), Invariant::ReportMismatch, || {
            format!("{finished:?} for {trigger:?}")
        });
    }

    /// An existing pipeline is changed or started only if it has the tag of this model, or no such tag and either the policy
    /// adopts it, or its definition is the one that was decided last. One without such a tag may also be started by a
    /// policy that keeps its definition.
    fn ours(&mut self, policy: &Policy, state: &State, seen: &Snapshot, plan: &[Step<Action>]) {
        let defines =
            plan.iter().any(|step| matches!(effect(step), Effect::Change { change: Change::Define, .. }));
        let starts = plan.iter().any(|step| matches!(step, Step::Call(Action::StartExecution { .. })));
        let Some(pipeline) = seen.pipeline.as_ref().filter(|_| defines || starts) else { return };
        let keeps = !defines && policy.pipeline.definition.keep;
        let tag = seen.pipeline_tags.as_ref().and_then(|tags| tags.get("tidegate:model"));
        let present = serde_json::from_str::<serde_json::Value>(&pipeline.definition).ok();
        let digest = present.map(|present| fingerprint(&["definition as JSON", &present.to_string()]));
        let decided = digest.is_some() && digest == state.definition_digest;
        let may = tag.map_or(policy.pipeline.adopt || decided || keeps, |tag| tag == policy.model.as_str());
        self.require(may, Invariant::NotOurs, || {
            format!("the pipeline has the tags {:?}", seen.pipeline_tags)
        });
    }

    /// A pipeline that is defined has the tags of the policy, or gets them.
    fn tagged(&mut self, policy: &Policy, seen: &Snapshot, plan: &[Step<Action>]) {
        for step in plan {
            let Step::Call(Action::UpsertPipeline { tags, create, .. }) = step else { continue };
            let added = plan.iter().filter_map(|step| match step {
                Step::Call(Action::TagPipeline { tags, .. }) => Some(tags.clone()),
                _ => None,
            });
            let kept = seen.pipeline_tags.clone().unwrap_or_default().into_iter();
            let tags: Vec<(String, String)> =
                if *create { tags.clone() } else { kept.chain(added.flatten()).collect() };
            for (key, value) in &policy.tags {
                let has = tags.iter().rev().find(|(k, _)| k == key).is_some_and(|(_, v)| v == value);
                self.require(has, Invariant::NotTagged, || format!("{step:?} has no {key}={value}"));
            }
        }
    }

    /// A pipeline is defined with the role of the policy, and its steps get this role if the policy says so.
    fn has_roles(&mut self, policy: &Policy, plan: &[Step<Action>]) {
        for step in plan {
            let Step::Call(Action::UpsertPipeline { role, step_role, .. }) = step else { continue };
            let chosen = policy.pipeline.execution_role.as_ref().map(RoleArn::as_str);
            let replaces = policy.pipeline.definition.role.is_some();
            let same = chosen.is_none() || !replaces || step_role.as_deref() == chosen;
            let right = role.as_deref() == chosen && step_role.is_some() == replaces && same;
            self.require(right, Invariant::SettingChanged, || format!("{step:?} instead of {chosen:?}"));
        }
    }

    /// One execution starts, and its trigger is not that of the last start.
    fn once(&mut self, state: &State, plan: &[Step<Action>]) {
        let starts = plan.iter().filter_map(|step| match step {
            Step::Call(Action::StartExecution { token, .. }) => Some(token),
            _ => None,
        });
        let last = state.last_start.as_ref().map(|last| &last.token);
        let again = starts.clone().find(|token| Some(*token) == last);
        self.require(again.is_none() && starts.count() <= 1, Invariant::StartedTwice, || {
            format!("the last start was {last:?}, and the plan is {plan:?}")
        });
    }
}

//! What holds for every decision to train.

use jiff::Timestamp;
use tidegate_events::{CommitPushed, RefChange, RefKind};

use super::{Invariant, Violation, Violations, limits};
use crate::decision::Verdict;
use crate::file::Policy;
use crate::fingerprint::fingerprint;
use crate::step::Step;
use crate::train::{Action, Definition, Snapshot, State, Train, Trigger};

/// Everything that a decision to train breaks. `seen` is what was observed, if anything was.
#[must_use]
pub fn train(
    policy: &Policy,
    state: &State,
    seen: Option<&Snapshot>,
    trigger: &Trigger,
    decision: &Train,
    now: Timestamp,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let quiet = [Verdict::Ignore, Verdict::Skip, Verdict::Wait, Verdict::Reject];
    violations.shape(decision, &[Verdict::Start], &quiet, changes);
    let mut checker =
        Checker { policy, state, after: decision.state.as_ref().unwrap_or(state), trigger, now, violations };
    checker.memory(decision);
    checker.definition_kept(seen, decision);
    if decision.plan.iter().any(changes) {
        checker.cause();
        checker.plan(&decision.plan);
        match (seen, trigger) {
            (None, _) => checker
                .violations
                .require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned()),
            (Some(seen), Trigger::Commit(push)) => checker.definition(seen, push, &decision.plan),
            (Some(seen), Trigger::Retraining(_)) => checker.single_flight(seen, &decision.plan),
            (Some(_), Trigger::UnauthorizedSender { .. }) => {}
        }
    }
    checker.violations.0
}

fn changes(step: &Step<Action>) -> bool {
    !matches!(step, Step::Notify { .. })
}

struct Checker<'a> {
    policy: &'a Policy,
    state: &'a State,
    after: &'a State,
    trigger: &'a Trigger,
    now: Timestamp,
    violations: Violations,
}

impl Checker<'_> {
    /// The token is worked out a second time. It must not change between two versions of the program either, or one cause
    /// would start twice.
    fn token(&self) -> String {
        let (model, pipeline) = (self.policy.model.as_str(), self.policy.pipeline.name.as_str());
        match self.trigger {
            Trigger::Commit(CommitPushed { repository, full_ref, commit, .. }) => {
                let of = |commit| vec!["commit", model, pipeline, repository, full_ref, commit];
                let mut parts = of(commit.as_deref().unwrap_or_default());
                // A state of an earlier version does not name the token of the last start.
                let last = self.state.commits.get(full_ref).map(|commit| fingerprint(&of(commit)));
                let last = self.state.pushes.get(full_ref).map(|push| push.token.clone()).or(last);
                parts.extend(last.as_deref());
                fingerprint(&parts)
            }
            Trigger::Retraining(request) => {
                fingerprint(&["retraining", model, pipeline, &request.request_id])
            }
            Trigger::UnauthorizedSender { .. } => String::new(),
        }
    }

    /// Whether anything may start at all.
    fn cause(&mut self) {
        match self.trigger {
            Trigger::Commit(push) => {
                let repository = self.policy.source.repository.as_str();
                let watched = push.repository.eq_ignore_ascii_case(repository)
                    && push.ref_kind == RefKind::Branch
                    && push.change != RefChange::Deleted
                    && self.policy.watches(&push.branch)
                    && push.commit.as_ref().is_some_and(|commit| !commit.is_empty());
                self.violations
                    .require(watched, Invariant::StartedWithoutCause, || format!("the push was {push:?}"));
                let before = self.state.commits.get(&push.full_ref);
                self.violations.require(push.commit.as_ref() != before, Invariant::StartedTwice, || {
                    format!("{} has trained {before:?} before", push.full_ref)
                });
            }
            Trigger::Retraining(request) => {
                let known = self.policy.environment(&request.environment);
                let ours = request.model == self.policy.model.as_str()
                    && known.is_some_and(|e| e.account.as_str() == request.environment_account);
                self.violations
                    .require(ours, Invariant::StartedWithoutCause, || format!("the request was {request:?}"));
            }
            Trigger::UnauthorizedSender { .. } => {
                self.violations
                    .require(false, Invariant::UnauthorizedSender, || "the pipeline is started".to_owned());
            }
        }
        let last = self.state.last_start.as_ref().map(|last| last.token.as_str());
        let again = last == Some(self.token().as_str());
        self.violations.require(!again, Invariant::StartedTwice, || {
            "this cause was the last that started it".to_owned()
        });
    }

    fn plan(&mut self, plan: &[Step<Action>]) {
        let place = |wanted: fn(&Step<Action>) -> bool| plan.iter().position(wanted);
        let starts =
            plan.iter().filter(|step| matches!(step, Step::Call(Action::StartExecution { .. }))).count();
        let upserts =
            plan.iter().filter(|step| matches!(step, Step::Call(Action::UpsertPipeline { .. }))).count();
        self.violations.require(starts <= 1 && upserts <= 1, Invariant::StartedTwice, || {
            format!("the plan has {starts} starts and {upserts} definitions")
        });
        let start = place(|step| matches!(step, Step::Call(Action::StartExecution { .. })));
        let upsert = place(|step| matches!(step, Step::Call(Action::UpsertPipeline { .. })));
        self.violations.require(upsert < start, Invariant::DefinitionAfterStart, || {
            format!("the definition is step {upsert:?}, the start {start:?}")
        });
        let expected = self.token();
        for step in plan {
            let Step::Call(
                Action::UpsertPipeline { pipeline, token, .. }
                | Action::StartExecution { pipeline, token, .. },
            ) = step
            else {
                continue;
            };
            let ours = pipeline == self.policy.pipeline.name.as_str();
            self.violations.require(ours, Invariant::OutOfScope, || format!("the pipeline is {pipeline}"));
            let of_cause = limits::is_token(token) && *token == expected;
            self.violations.require(of_cause, Invariant::ClientTokenMismatch, || {
                format!("the token is {token}, the cause's is {expected}")
            });
            if let Step::Call(Action::StartExecution { .. }) = step {
                self.start(step);
            }
        }
    }

    fn start(&mut self, step: &Step<Action>) {
        let Step::Call(Action::StartExecution { display_name, description, parameters, .. }) = step else {
            return;
        };
        // A description has 3 to 3072 characters of one line, a display name 82, a value 1024.
        let fits = limits::is_name(display_name, 82)
            && limits::is_line(description, 3_072)
            && description.chars().count() >= 3
            && parameters.values().all(|value| value.chars().count() <= 1_024);
        self.violations.require(fits, Invariant::BeyondLimits, || {
            format!("the execution is named `{display_name}` and described as `{description}`")
        });
        let same = *parameters == self.policy.pipeline.parameters;
        self.violations.require(same, Invariant::ParametersChanged, || format!("they are {parameters:?}"));
    }

    /// What a push installs before it starts.
    fn definition(&mut self, seen: &Snapshot, push: &CommitPushed, plan: &[Step<Action>]) {
        let upsert = plan.iter().find(|step| matches!(step, Step::Call(Action::UpsertPipeline { .. })));
        let right = match (&seen.definition, &seen.pipeline, upsert) {
            (Definition::Missing { .. }, _, _) => false,
            (Definition::Kept, present, upsert) => {
                self.policy.pipeline.definition.keep && present.is_some() && upsert.is_none()
            }
            (Definition::File { text, .. }, Some(present), None) => {
                let last = self.state.definition_digest.as_ref();
                same_json(text, &present.definition)
                    && last.is_none_or(|last| Some(last) == json_digest(text).as_ref())
            }
            (Definition::File { .. }, None, None) => false,
            (
                Definition::File { path, text },
                present,
                Some(Step::Call(Action::UpsertPipeline {
                    repository,
                    commit,
                    path: from,
                    sha256,
                    create,
                    ..
                })),
            ) => {
                self.policy.pipeline.definition.file.as_ref() == Some(path)
                    && from == path
                    && Some(commit) == push.commit.as_ref()
                    && *repository == push.repository
                    && *sha256 == fingerprint(&["definition", text])
                    && *create == present.is_none()
                    && is_definition(text)
            }
            (Definition::File { .. }, _, Some(_)) => false,
        };
        self.violations.require(right, Invariant::DefinitionMismatch, || {
            format!("the commit has {:?}, the plan {upsert:?}", seen.definition)
        });
    }

    fn single_flight(&mut self, seen: &Snapshot, plan: &[Step<Action>]) {
        let upsert = plan.iter().find(|step| matches!(step, Step::Call(Action::UpsertPipeline { .. })));
        self.violations.require(
            upsert.is_none() && seen.pipeline.is_some(),
            Invariant::DefinitionMismatch,
            || format!("a retraining keeps the definition that is there, and the plan has {upsert:?}"),
        );
        // A commit is a person's own word, and trains under a hold as well.
        let hold = seen.hold.as_ref();
        self.violations.require(hold.is_none(), Invariant::ActsWhileHeld, || format!("held: {hold:?}"));
        let running = seen.running.first();
        self.violations.require(running.is_none(), Invariant::ConcurrentExecution, || {
            format!("{running:?} has not ended")
        });
    }

    /// The definition that was decided on last is remembered, or the next push would not know what is on its way.
    fn definition_kept(&mut self, seen: Option<&Snapshot>, decision: &Train) {
        let starts =
            decision.plan.iter().any(|step| matches!(step, Step::Call(Action::StartExecution { .. })));
        let asked = match (seen.map(|seen| &seen.definition), self.trigger) {
            (Some(Definition::File { text, .. }), Trigger::Commit(_)) if starts => json_digest(text),
            _ => self.state.definition_digest.clone(),
        };
        let kept = self.after.definition_digest == asked;
        self.violations.require(kept, Invariant::ActionNotInState, || {
            format!("the last definition is {:?}, and was {asked:?}", self.after.definition_digest)
        });
    }

    /// What is remembered.
    fn memory(&mut self, decision: &Train) {
        let starts =
            decision.plan.iter().any(|step| matches!(step, Step::Call(Action::StartExecution { .. })));
        let (before, after) = (&self.state.commits, &self.after.commits);
        let pushed = match self.trigger {
            Trigger::Commit(push) => Some((&push.full_ref, &push.commit)),
            Trigger::Retraining(_) | Trigger::UnauthorizedSender { .. } => None,
        };
        for (reference, commit) in before {
            let moved = starts && pushed.is_some_and(|(pushed, _)| pushed == reference);
            let kept = moved || after.get(reference) == Some(commit);
            self.violations.require(kept, Invariant::StateLost, || format!("{commit} of {reference}"));
        }
        if starts {
            let last = self.after.last_start.as_ref();
            let token = self.token();
            let is_last =
                |reference| self.after.pushes.get(reference).is_some_and(|push| push.token == token);
            let known = last.is_some_and(|last| last.token == token)
                && pushed.is_none_or(|(reference, commit)| {
                    after.get(reference) == commit.as_ref() && is_last(reference)
                });
            self.violations
                .require(known, Invariant::ActionNotInState, || format!("the last start is {last:?}"));
            if let Some(last) = last {
                self.violations.is_now("the start", last.at, self.now);
            }
        } else {
            let same = self.after.last_start == self.state.last_start
                && after.iter().all(|(reference, commit)| before.get(reference) == Some(commit));
            self.violations
                .require(same, Invariant::StateWithoutAction, || format!("the state is {:?}", self.after));
        }
    }
}

/// A pipeline definition is JSON with steps, and small enough to be sent as it is.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html>
fn is_definition(text: &str) -> bool {
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    text.len() < 100 * 1_024
        && value.is_ok_and(|value| value.get("Steps").is_some_and(serde_json::Value::is_array))
}

/// What tells two definitions apart: white space does not.
fn json_digest(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(fingerprint(&["definition as JSON", &value.to_string()]))
}

fn same_json(left: &str, right: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    read(left).is_some() && read(left) == read(right)
}

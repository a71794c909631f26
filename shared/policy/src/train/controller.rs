//! train's controller.

use jiff::Timestamp;
use tidegate_events::{Body, CommitPushed, Event, PipelineExecutionChanged, RetrainingRequested, Scheduled};

use super::{
    Action, Snapshot, State, decide_commit, decide_end, decide_retraining, invariants, on_rejected,
    skip_without_reading, still_applies,
};
use crate::check;
use crate::controller::{Context, Controller, DecisionOf, Route, StepOf};
use crate::decision::Decision;
use crate::hold::Hold;
use crate::lookup::LookupKind;
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// Decides whether a pipeline is started.
#[derive(Debug, Clone, Copy)]
pub struct TrainController;

/// The trigger: why the pipeline may have to be started, or how an execution of it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// A push.
    Commit(CommitPushed),
    /// A retraining request.
    Retraining(RetrainingRequested),
    /// An execution of the pipeline ended.
    Ended(PipelineExecutionChanged),
    /// An account sent an event that it is not authorized to send.
    UnauthorizedSender {
        /// The account.
        from: String,
        /// Why it is not authorized.
        why: Reason,
    },
}

/// What train must read before deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the event and the state are sufficient.
    Nothing,
    /// For a push: the pipeline, its executions, and the contents of the repository.
    Commit {
        /// The definition file: the commit and the path.
        file: Option<(String, String)>,
        /// The branch whose head shows whether the push is still the newest.
        head_of: Option<String>,
    },
    /// For a retraining request: the pipeline, its executions, and the hold on the requesting environment.
    Retraining {
        /// The environment.
        environment: String,
    },
    /// For the end of an execution: the execution with its steps.
    Execution {
        /// Its ARN.
        arn: String,
    },
}

impl Controller for TrainController {
    const NAME: &'static str = super::NAME;
    type Trigger = Trigger;
    type State = State;
    type Need = Need;
    type Snapshot = Snapshot;
    type Call = Action;
    type Current = Option<Hold>;

    fn route(_site: &Site, event: &Event) -> Route<Trigger> {
        match &event.body {
            Body::CommitPushed(push) => {
                Route::by_name(LookupKind::Repository, &push.repository, Trigger::Commit(push.clone()))
            }
            Body::RetrainingRequested(request) => {
                let from = event.envelope.account.clone();
                // Another account that the event bus admits is not authorized to send requests for an environment.
                let trigger = if request.environment_account == from {
                    Trigger::Retraining(request.clone())
                } else {
                    let why = Reason::OtherEnvironment { wanted: request.environment_account.clone() };
                    Trigger::UnauthorizedSender { from: from.clone(), why }
                };
                let model = request.model.clone();
                Route::Model { model, sender: Some(from), answers_unmanaged: false, trigger }
            }
            Body::PipelineExecutionChanged(run) => {
                Route::by_name(LookupKind::Pipeline, &run.pipeline, Trigger::Ended(run.clone()))
            }
            Body::Scheduled(Scheduled::Reconcile) => Route::Sweep,
            _ => Route::NotApplicable(Reason::UnsupportedEvent),
        }
    }

    fn needs(cx: &Context<'_>, state: &State, trigger: &Trigger) -> Need {
        let Some(policy) = cx.policy else { return Need::Nothing };
        match trigger {
            Trigger::Commit(push) if skip_without_reading(policy, state, push).is_some() => Need::Nothing,
            Trigger::Commit(push) => {
                let file = push.commit.clone().zip(policy.pipeline.definition.file.clone());
                // The head is read only if another commit of the branch is known, and only from CodeCommit.
                let has_head = policy.source.repository.codecommit().is_some();
                let head_of =
                    (has_head && state.known(&push.full_ref).is_some()).then(|| push.branch.clone());
                Need::Commit { file, head_of }
            }
            Trigger::Retraining(request) => Need::Retraining { environment: request.environment.clone() },
            Trigger::Ended(run) if state.execution(run.display_name.as_deref()).is_some() => {
                Need::Execution { arn: run.execution_arn.clone() }
            }
            Trigger::Ended(_) | Trigger::UnauthorizedSender { .. } => Need::Nothing,
        }
    }

    fn decide(cx: &Context<'_>, state: &State, trigger: &Trigger, seen: &Snapshot) -> DecisionOf<Self> {
        let Some(policy) = cx.policy else { return Decision::unmanaged(cx) };
        match trigger {
            Trigger::Commit(push) => decide_commit(policy, state, push, seen, cx.now),
            Trigger::Retraining(request) => decide_retraining(policy, state, request, seen, cx.now),
            Trigger::Ended(run) => decide_end(policy, state, run, seen, cx.now),
            Trigger::UnauthorizedSender { from, why } => Decision::unauthorized(from, why.clone()),
        }
    }

    fn violations(
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        seen: &Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::violations(cx, state, trigger, seen, decision)
    }

    fn still_applies(cx: &Context<'_>, state: &State, step: &StepOf<Self>) -> bool {
        cx.policy.is_some_and(|policy| still_applies(policy, state, step))
    }

    /// A newer push may have been decided since, and its definition must not be overwritten.
    fn requires_recheck(step: &StepOf<Self>) -> bool {
        matches!(step, Step::Call(Action::UpsertPipeline { .. } | Action::StartExecution { .. }))
    }

    /// An unfinished plan may have waited for days, and a person may have placed a hold since.
    fn precondition(
        _cx: &Context<'_>,
        _state: &State,
        step: &StepOf<Self>,
        current: &Option<Hold>,
    ) -> Option<Reason> {
        let Step::Call(Action::StartExecution { .. }) = step else { return None };
        current.as_ref().map(Hold::why)
    }

    fn on_rejected(
        cx: &Context<'_>,
        state: &State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        on_rejected(cx.policy?, state, step, why, cx.now)
    }

    fn violations_after_rejection(
        cx: &Context<'_>,
        _state: &State,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::after_rejection(cx, decision)
    }

    /// A sweep looks for the end of an execution whose event may have been lost. The heads of branches are in the
    /// repository: the state does not say when to read them.
    fn next_check(cx: &Context<'_>, state: &State) -> Option<Timestamp> {
        state.awaits_end().then_some(cx.now)
    }
}

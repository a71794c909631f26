//! One push or request, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Alerts, Ledger, Pipelines, Repository};
use tidegate_engine::resolve;
use tidegate_engine::{CallError, Case, Class, EngineError};
use tidegate_events::{CommitPushed, RetrainingRequested};
use tidegate_policy::check::{self, TrainCause, Violation};
use tidegate_policy::decision::Decision;
use tidegate_policy::file::Policy;
use tidegate_policy::hold::{self, Hold};
use tidegate_policy::promote;
use tidegate_policy::reason::Reason;
use tidegate_policy::train::{
    self, Action, Definition, Snapshot, State, Train, decide_commit, decide_retraining, definition_digest,
};

/// Why the pipeline may have to start.
pub(crate) enum Cause {
    Commit(CommitPushed),
    Retraining(RetrainingRequested),
    /// Somebody asked who may not ask.
    Stranger {
        from: String,
        why: Reason,
    },
}

pub(crate) struct TrainCase {
    pub(crate) policy: Arc<Policy>,
    pub(crate) cause: Cause,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) pipelines: Arc<dyn Pipelines>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) alerts: Arc<dyn Alerts>,
}

#[async_trait]
impl Case for TrainCase {
    type State = State;
    type Action = Action;
    type Snapshot = Snapshot;

    async fn observe(&self, state: &State, _now: Timestamp) -> Result<Snapshot, EngineError> {
        Ok(match &self.cause {
            Cause::Commit(push) if train::skip_without_reading(&self.policy, state, push).is_some() => {
                Snapshot::default()
            }
            Cause::Commit(push) => Snapshot {
                head: self.head(state, push).await?,
                ..self.snapshot(push.commit.as_deref()).await?
            },
            Cause::Stranger { .. } => Snapshot::default(),
            Cause::Retraining(request) => {
                Snapshot { hold: self.hold(&request.environment).await?, ..self.snapshot(None).await? }
            }
        })
    }

    fn decide(&self, state: &State, seen: &Snapshot, now: Timestamp) -> Train {
        match &self.cause {
            Cause::Commit(push) => decide_commit(&self.policy, state, push, seen, now),
            Cause::Stranger { from, why } => Decision::of_stranger(from, why.clone()),
            Cause::Retraining(request) => decide_retraining(&self.policy, state, request, seen, now),
        }
    }

    fn check(&self, state: &State, seen: &Snapshot, decision: &Train, now: Timestamp) -> Vec<Violation> {
        let cause = match &self.cause {
            Cause::Commit(push) => TrainCause::Push(push),
            Cause::Retraining(request) => TrainCause::Request(request),
            Cause::Stranger { .. } => TrainCause::Stranger,
        };
        check::train(&self.policy, state, Some(seen), cause, decision, now)
    }

    fn check_follow_up(&self, state: &State, decision: &Train, _now: Timestamp) -> Vec<Violation> {
        check::follow_up::train(state, decision)
    }

    /// Both are looked at once more: a newer push may have decided since, and its definition must not be overwritten.
    fn requires_recheck(&self, action: &Action) -> bool {
        matches!(action, Action::UpsertPipeline { .. } | Action::StartExecution { .. })
    }

    /// A plan that was left behind may have waited for days, and a person may have placed a hold since.
    async fn precondition(
        &self,
        _state: &State,
        action: &Action,
        _now: Timestamp,
    ) -> Result<Option<Reason>, EngineError> {
        let (Action::StartExecution { .. }, Cause::Retraining(request)) = (action, &self.cause) else {
            return Ok(None);
        };
        Ok(self.hold(&request.environment).await?.map(|hold| hold.why()))
    }

    async fn act(&self, action: &Action) -> Result<String, CallError> {
        match action {
            Action::UpsertPipeline { pipeline, repository, commit, path, sha256, create, token } => {
                let text = self.definition(repository, commit, path, sha256).await?;
                if *create {
                    self.pipelines.create(pipeline, &text, token).await?;
                    Ok(format!("created pipeline {pipeline}"))
                } else {
                    self.pipelines.update(pipeline, &text).await?;
                    Ok(format!("updated pipeline {pipeline}"))
                }
            }
            Action::StartExecution { pipeline, token, display_name, description, parameters } => {
                let arn =
                    self.pipelines.start(pipeline, token, display_name, description, parameters).await?;
                Ok(format!("started {arn}"))
            }
            Action::Alert { subject, message } => {
                self.alerts.notify(subject, message).await?;
                Ok(format!("told people: {subject}"))
            }
        }
    }

    fn still_applies(&self, state: &State, action: &Action) -> bool {
        train::still_applies(&self.policy, state, action)
    }

    fn is_alert(&self, action: &Action) -> bool {
        action.is_alert()
    }

    fn refused(&self, state: &State, action: &Action, why: &Reason, _now: Timestamp) -> Option<Train> {
        train::refused(&self.policy, state, action, why)
    }
}

impl TrainCase {
    async fn snapshot(&self, commit: Option<&str>) -> Result<Snapshot, CallError> {
        let name = self.policy.pipeline.name.as_str();
        let pipeline = self.pipelines.pipeline(name);
        let definition = self.wanted(commit);
        let (pipeline, definition) = futures::future::try_join(pipeline, definition).await?;
        let running = if pipeline.is_some() { self.pipelines.running(name).await? } else { Vec::new() };
        Ok(Snapshot { definition, pipeline, running, ..Snapshot::default() })
    }

    /// Holds are promote's to remember. A commit is a person's word of its own, and trains under a hold as well.
    async fn hold(&self, environment: &str) -> Result<Option<Hold>, EngineError> {
        let promotes: Arc<promote::State> =
            resolve::state(self.ledger.as_ref(), "promote", self.policy.model.as_str()).await?;
        Ok(hold::on(&promotes.holds, environment).cloned())
    }

    /// Only of a branch of which another commit is known, and only CodeCommit can be asked.
    async fn head(&self, state: &State, push: &CommitPushed) -> Result<Option<String>, CallError> {
        let repository = &self.policy.source.repository;
        if repository.codecommit().is_none() || state.known(&push.full_ref).is_none() {
            return Ok(None);
        }
        self.repository.head(repository.as_str(), &push.branch).await
    }

    async fn wanted(&self, commit: Option<&str>) -> Result<Definition, CallError> {
        match (commit, &self.policy.pipeline.definition.file) {
            (Some(commit), Some(path)) => {
                let text = self.repository.file(self.policy.source.repository.as_str(), commit, path).await?;
                Ok(match text {
                    Some(text) => Definition::File { path: path.clone(), text },
                    None => Definition::Missing { path: path.clone() },
                })
            }
            _ => Ok(Definition::Kept),
        }
    }

    /// The file again, which must be the one that was decided about.
    async fn definition(
        &self,
        repository: &str,
        commit: &str,
        path: &str,
        sha256: &str,
    ) -> Result<String, CallError> {
        let text = self.repository.file(repository, commit, path).await?.unwrap_or_default();
        if definition_digest(&text) == sha256 {
            return Ok(text);
        }
        Err(CallError {
            service: "codecommit",
            operation: "GetFile",
            class: Class::Permanent,
            message: format!("{path} of commit {commit} is not the file that was decided about"),
        })
    }
}

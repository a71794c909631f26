//! One push or request, for one model.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Pipelines, Repository};
use tidegate_engine::{CallError, Case, Class, EngineError};
use tidegate_events::{CommitPushed, RetrainingRequested};
use tidegate_policy::file::Policy;
use tidegate_policy::train::{
    self, Action, Definition, Snapshot, State, decide_commit, decide_retraining, definition_digest,
};

/// Why the pipeline may have to start.
pub(crate) enum Cause {
    Commit(CommitPushed),
    Retraining(RetrainingRequested),
}

pub(crate) struct TrainCase {
    pub(crate) policy: Policy,
    pub(crate) cause: Cause,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) pipelines: Arc<dyn Pipelines>,
}

#[async_trait]
impl Case for TrainCase {
    type State = State;
    type Action = Action;

    async fn decide(&self, state: State, now: Timestamp) -> Result<train::Train, EngineError> {
        match &self.cause {
            Cause::Commit(push) => {
                if let Some(decided) = train::not_worth_a_look(&self.policy, &state, push) {
                    return Ok(decided);
                }
                let mut seen = self.snapshot(push.commit.as_deref()).await?;
                seen.head = self.head(&state, push).await?;
                Ok(decide_commit(&self.policy, &state, push, &seen, now))
            }
            Cause::Retraining(request) => {
                let seen = self.snapshot(None).await?;
                Ok(decide_retraining(&self.policy, &state, request, &seen, now))
            }
        }
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
        }
    }

    fn stands(&self, state: &State, action: &Action) -> bool {
        train::stands(&self.policy, state, action)
    }
}

impl TrainCase {
    async fn snapshot(&self, commit: Option<&str>) -> Result<Snapshot, CallError> {
        let name = self.policy.pipeline.name.as_str();
        let pipeline = self.pipelines.pipeline(name);
        let definition = self.wanted(commit);
        let (pipeline, definition) = futures::future::try_join(pipeline, definition).await?;
        let running = if pipeline.is_some() { self.pipelines.running(name).await? } else { Vec::new() };
        Ok(Snapshot { definition, pipeline, running, head: None })
    }

    /// Only of a branch that another commit has trained, and only CodeCommit can be asked.
    async fn head(&self, state: &State, push: &CommitPushed) -> Result<Option<String>, CallError> {
        let repository = &self.policy.source.repository;
        if repository.codecommit().is_none() || !state.commits.contains_key(&push.full_ref) {
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

//! train: starts the model's pipeline for a commit or a retraining request, once.

mod spec;
mod sweep;

use async_trait::async_trait;
use std::sync::Arc;
use tidegate_engine::ports::{Pipelines, Repository};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Adapter, CallError, Class, Engine, EngineError, EventRef};
use tidegate_policy::controller::Context;
use tidegate_policy::hold::{self, Hold};
use tidegate_policy::promote::PromoteController;
use tidegate_policy::step::Step;
use tidegate_policy::train::{
    Action, Definition, Need, Snapshot, State, TrainController, Trigger, definition_digest,
};

pub use spec::SPEC;
pub use tidegate_policy::train::NAME;

/// The adapter of train with its ports.
pub struct Train {
    /// The source repository with the pipeline definitions.
    pub repository: Arc<dyn Repository>,
    /// The SageMaker pipelines.
    pub pipelines: Arc<dyn Pipelines>,
}

#[async_trait]
impl Adapter for Train {
    type Controller = TrainController;

    async fn observe(&self, engine: &Engine, cx: &Context<'_>, need: Need) -> Result<Snapshot, EngineError> {
        Ok(match need {
            Need::Nothing => Snapshot::default(),
            Need::Commit { file, head_of } => {
                Snapshot { head: self.head(cx, head_of).await?, ..self.pipeline(cx, file).await? }
            }
            Need::Retraining { environment } => {
                Snapshot { hold: held(engine, cx, &environment).await?, ..self.pipeline(cx, None).await? }
            }
        })
    }

    async fn recheck(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        _state: &State,
        trigger: &Trigger,
        step: &Step<Action>,
    ) -> Result<Option<Hold>, EngineError> {
        match (step, trigger) {
            (Step::Call(Action::StartExecution { .. }), Trigger::Retraining(request)) => {
                held(engine, cx, &request.environment).await
            }
            _ => Ok(None),
        }
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        match call {
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

    async fn lost_events(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        sweep: &EventRef,
    ) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
        sweep::lost_pushes(self, engine, managed, sweep).await
    }
}

/// Reads the hold from the state of promote, which stores the holds of the hub.
async fn held(engine: &Engine, cx: &Context<'_>, environment: &str) -> Result<Option<Hold>, EngineError> {
    let model = cx.policy.map(|policy| policy.model.as_str()).unwrap_or_default();
    let state = resolve::state_of::<PromoteController>(engine.ledger.as_ref(), model).await?;
    Ok(hold::on(&state.holds, environment).cloned())
}

impl Train {
    /// Reads the pipeline, its running executions, and the definition in the commit.
    async fn pipeline(
        &self,
        cx: &Context<'_>,
        file: Option<(String, String)>,
    ) -> Result<Snapshot, CallError> {
        let name = cx.policy.map(|policy| policy.pipeline.name.as_str()).unwrap_or_default();
        let pipeline = self.pipelines.pipeline(name);
        let definition = self.wanted(cx, file);
        let (pipeline, definition) = futures::future::try_join(pipeline, definition).await?;
        let running = if pipeline.is_some() { self.pipelines.running(name).await? } else { Vec::new() };
        Ok(Snapshot { definition, pipeline, running, ..Snapshot::default() })
    }

    async fn head(&self, cx: &Context<'_>, branch: Option<String>) -> Result<Option<String>, CallError> {
        match (cx.policy, branch) {
            (Some(policy), Some(branch)) => {
                self.repository.head(policy.source.repository.as_str(), &branch).await
            }
            _ => Ok(None),
        }
    }

    async fn wanted(
        &self,
        cx: &Context<'_>,
        file: Option<(String, String)>,
    ) -> Result<Definition, CallError> {
        let Some((policy, (commit, path))) = cx.policy.zip(file) else { return Ok(Definition::Kept) };
        let text = self.repository.file(policy.source.repository.as_str(), &commit, &path).await?;
        Ok(match text {
            Some(text) => Definition::File { path, text },
            None => Definition::Missing { path },
        })
    }

    /// Reads the definition again. It must be equal to the one of the decision.
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
            message: format!("{path} of commit {commit} is not the definition of the decision"),
        })
    }
}

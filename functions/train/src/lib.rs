//! train: starts the model's pipeline for a commit or a retraining request, once.

mod spec;
mod sweep;

use async_trait::async_trait;
use std::sync::Arc;
use tidegate_engine::ports::{Pipelines, Repository};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Adapter, CallError, Class, Engine, EngineError, EventRef};
use tidegate_events::ExecutionStatus;
use tidegate_policy::controller::Context;
use tidegate_policy::hold::{self, Hold};
use tidegate_policy::promote::PromoteController;
use tidegate_policy::step::Step;
use tidegate_policy::train::{
    Action, Definition, ListedExecution, Need, Snapshot, StartRequest, State, TrainController, Trigger,
    definition_digest, definition_with_step_role, json_digest,
};

pub use spec::SPEC;
pub use tidegate_policy::train::NAME;

/// How many versions of a pipeline are searched for the definition of a decision, newest first.
const VERSIONS: usize = 10;

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
            Need::Execution { arn } => {
                Snapshot { execution: self.pipelines.execution(&arn).await?, ..Snapshot::default() }
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
            Action::UpsertPipeline { .. } => self.upsert(call).await,
            Action::TagPipeline { arn, tags, .. } => self.pipelines.add_tags(arn, tags).await,
            Action::StartExecution { pipeline, token, display_name, description, parameters, definition } => {
                let version = match definition {
                    Some(digest) => self.version_of(pipeline, digest).await?,
                    None => None,
                };
                let request =
                    StartRequest { pipeline, token, display_name, description, parameters, version };
                let arn = self.pipelines.start(&request).await?;
                let version =
                    version.map(|version| format!(" with pipeline version {version}")).unwrap_or_default();
                Ok(format!("started {arn}{version}"))
            }
        }
    }

    async fn lost_events(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        sweep: &EventRef,
    ) -> Result<Vec<(Trigger, EventRef)>, EngineError> {
        sweep::lost(self, engine, managed, sweep).await
    }
}

/// Reads the hold from the state of promote, which stores the holds of the hub.
async fn held(engine: &Engine, cx: &Context<'_>, environment: &str) -> Result<Option<Hold>, EngineError> {
    let model = cx.policy.map(|policy| policy.model.as_str()).unwrap_or_default();
    let state = resolve::state_of::<PromoteController>(engine.ledger.as_ref(), model).await?;
    Ok(hold::on(&state.holds, environment).cloned())
}

impl Train {
    async fn upsert(&self, call: &Action) -> Result<String, CallError> {
        let Action::UpsertPipeline {
            pipeline,
            repository,
            commit,
            path,
            sha256,
            create,
            role,
            step_role,
            token,
            tags,
        } = call
        else {
            return Ok("nothing to define".to_owned());
        };
        let text = self.definition(repository, commit, path, sha256).await?;
        let text = match step_role {
            Some(role) => definition_with_step_role(&text, role).ok_or_else(|| CallError {
                service: "codecommit",
                operation: "GetFile",
                class: Class::Permanent,
                message: format!("{path} of commit {commit} is not JSON"),
            })?,
            None => text,
        };
        if *create {
            self.pipelines.create(pipeline, &text, role.as_deref(), token, tags).await?;
            return Ok(format!("created pipeline {pipeline}"));
        }
        let version = self.pipelines.update(pipeline, &text, role.as_deref()).await?;
        let version = version.map(|version| format!(" to version {version}")).unwrap_or_default();
        Ok(format!("updated pipeline {pipeline}{version}"))
    }

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
        let tags = async {
            match &pipeline {
                Some(found) => self.pipelines.tags(&found.arn).await.map(Some),
                None => Ok(None),
            }
        };
        let listed =
            async { if pipeline.is_some() { self.pipelines.executions(name).await } else { Ok(Vec::new()) } };
        let (pipeline_tags, listed) = futures::future::try_join(tags, listed).await?;
        let runs = |one: &ListedExecution| {
            matches!(one.status, ExecutionStatus::Executing | ExecutionStatus::Stopping)
        };
        let running = listed.into_iter().filter(runs).map(|one| one.arn).collect();
        let (job_roles, pipeline_roles) = (self.pipelines.job_roles(), Some(self.pipelines.pipeline_roles()));
        let roles = Snapshot { job_roles, pipeline_roles, ..Snapshot::default() };
        Ok(Snapshot { definition, pipeline, pipeline_tags, running, ..roles })
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

    /// The version of the pipeline that has the definition of the decision. Somebody may have updated the pipeline since
    /// the decision; the version ensures that the execution runs what was decided.
    async fn version_of(&self, pipeline: &str, digest: &str) -> Result<Option<i64>, CallError> {
        let versions = self.pipelines.versions(pipeline).await?;
        for version in versions.iter().take(VERSIONS) {
            let text = self.pipelines.definition(pipeline, *version).await?;
            if text.as_deref().and_then(json_digest).as_deref() == Some(digest) {
                return Ok(Some(*version));
            }
        }
        let not_there = |class, message| {
            Err(CallError { service: "sagemaker", operation: "ListPipelineVersions", class, message })
        };
        if versions.is_empty() {
            let present = self.pipelines.pipeline(pipeline).await?;
            if present.and_then(|found| json_digest(&found.definition)).as_deref() == Some(digest) {
                return Ok(None);
            }
            let message = format!("pipeline {pipeline} no longer has the definition that was decided");
            return not_there(Class::Permanent, message);
        }
        // A version that was made a moment ago may not be visible yet, so the invocation is retried.
        let message = format!("no recent version of pipeline {pipeline} has the definition that was decided");
        not_there(Class::Retryable, message)
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

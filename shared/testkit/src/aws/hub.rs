//! Repository, pipelines and registry.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tidegate_engine::CallError;
use tidegate_engine::ports::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
use tidegate_events::ApprovalStatus;
use tidegate_policy::train::Pipeline;

use super::FakeAws;
use super::state::Execution;

type Call<T> = Result<T, CallError>;

#[async_trait]
impl Repository for FakeAws {
    async fn file(&self, _repository: &str, _commit: &str, _path: &str) -> Call<Option<String>> {
        Ok(self.canned.file.clone())
    }

    async fn head(&self, repository: &str, branch: &str) -> Call<Option<String>> {
        let state = self.state();
        let reported = state.heads.get(repository).and_then(|branches| branches.get(branch));
        Ok(reported.or_else(|| self.canned.heads.get(branch)).cloned())
    }
}

#[async_trait]
impl Pipelines for FakeAws {
    async fn pipeline(&self, name: &str) -> Call<Option<Pipeline>> {
        let state = self.state();
        let definition = state.pipelines.get(name).or(self.canned.pipeline.as_ref());
        Ok(definition.cloned().map(|definition| Pipeline { definition }))
    }

    async fn running(&self, name: &str) -> Call<Vec<String>> {
        let mut state = self.state();
        let now = state.now;
        let mut running: Vec<String> = Vec::new();
        if let Some(executions) = state.executions.get_mut(name) {
            executions.running.retain(|execution| execution.until > now);
            running.extend(executions.running.iter().rev().map(|execution| execution.arn.clone()));
        }
        running.extend(self.canned.running.iter().cloned());
        Ok(running)
    }

    async fn create(&self, name: &str, definition: &str, _token: &str) -> Call<()> {
        self.accept("sagemaker", "CreatePipeline")?;
        self.state().pipelines.insert(name, definition.to_owned());
        Ok(())
    }

    async fn update(&self, name: &str, definition: &str) -> Call<()> {
        self.accept("sagemaker", "UpdatePipeline")?;
        self.state().pipelines.insert(name, definition.to_owned());
        Ok(())
    }

    async fn start(
        &self,
        name: &str,
        token: &str,
        _display_name: &str,
        _description: &str,
        _parameters: &BTreeMap<String, String>,
    ) -> Call<String> {
        self.accept("sagemaker", "StartPipelineExecution")?;
        let id: String = token.chars().take(12).collect();
        let (account, region) = (&self.account, &self.region);
        let arn = format!("arn:aws:sagemaker:{region}:{account}:pipeline/{name}/execution/{id}");
        let mut state = self.state();
        let until = state.now.checked_add(self.pace.training).unwrap_or(state.now);
        let running = &mut state.executions.of(name).running;
        // The same token starts the same execution.
        if running.iter().all(|execution| execution.arn != arn) {
            running.push(Execution { arn: arn.clone(), is_reported: false, until });
        }
        Ok(arn)
    }
}

#[async_trait]
impl Registry for FakeAws {
    async fn package(&self, arn: &str) -> Call<Option<RegistryPackage>> {
        let state = self.state();
        Ok(state.package(arn).map(|package| &package.seen).or(self.canned.package.as_ref()).cloned())
    }

    async fn newest_approved(&self, group: &str) -> Call<Option<ApprovedPackage>> {
        let state = self.state();
        let approved = state.packages.get(group).and_then(|versions| {
            let mut newest_first = versions.iter().rev();
            newest_first.find(|(_, package)| package.seen.package.approval == ApprovalStatus::Approved)
        });
        let reported = approved
            .map(|(version, package)| ApprovedPackage { arn: package.arn.clone(), version: *version });
        Ok(reported.or_else(|| self.canned.newest_approved.clone()))
    }

    async fn note(&self, _arn: &str, _stage: &str, _status: &str, _description: &str) -> Call<()> {
        self.accept("sagemaker", "UpdateModelPackage")
    }
}

//! Repository, pipelines and registry.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tidegate_engine::CallError;
use tidegate_engine::ports::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
use tidegate_events::ApprovalStatus;
use tidegate_policy::train::Pipeline;

use super::Mirror;
use super::known::Execution;

type Call<T> = Result<T, CallError>;

#[async_trait]
impl Repository for Mirror {
    async fn file(&self, _repository: &str, _commit: &str, _path: &str) -> Call<Option<String>> {
        Ok(self.answers.file.clone())
    }

    async fn head(&self, repository: &str, branch: &str) -> Call<Option<String>> {
        let known = self.inner();
        let told = known.heads.get(repository).and_then(|branches| branches.get(branch));
        Ok(told.or_else(|| self.answers.heads.get(branch)).cloned())
    }
}

#[async_trait]
impl Pipelines for Mirror {
    async fn pipeline(&self, name: &str) -> Call<Option<Pipeline>> {
        let known = self.inner();
        let definition = known.pipelines.get(name).or(self.answers.pipeline.as_ref());
        Ok(definition.cloned().map(|definition| Pipeline { definition }))
    }

    async fn running(&self, name: &str) -> Call<Vec<String>> {
        let mut known = self.inner();
        let now = known.now;
        let mut running: Vec<String> = Vec::new();
        if let Some(executions) = known.executions.get_mut(name) {
            executions.running.retain(|execution| execution.until > now);
            running.extend(executions.running.iter().rev().map(|execution| execution.arn.clone()));
        }
        running.extend(self.answers.running.iter().cloned());
        Ok(running)
    }

    async fn create(&self, name: &str, definition: &str, _token: &str) -> Call<()> {
        self.update(name, definition).await
    }

    async fn update(&self, name: &str, definition: &str) -> Call<()> {
        self.inner().pipelines.insert(name, definition.to_owned());
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
        let id: String = token.chars().take(12).collect();
        let (account, region) = (&self.account, &self.region);
        let arn = format!("arn:aws:sagemaker:{region}:{account}:pipeline/{name}/execution/{id}");
        let mut known = self.inner();
        let until = known.now.checked_add(self.pace.training).unwrap_or(known.now);
        let running = &mut known.executions.of(name).running;
        // The same token starts the same execution.
        if running.iter().all(|execution| execution.arn != arn) {
            running.push(Execution { arn: arn.clone(), is_told: false, until });
        }
        Ok(arn)
    }
}

#[async_trait]
impl Registry for Mirror {
    async fn package(&self, arn: &str) -> Call<Option<RegistryPackage>> {
        let known = self.inner();
        Ok(known.package(arn).map(|package| &package.seen).or(self.answers.package.as_ref()).cloned())
    }

    async fn newest_approved(&self, group: &str) -> Call<Option<ApprovedPackage>> {
        let known = self.inner();
        let approved = known.packages.get(group).and_then(|versions| {
            let mut newest_first = versions.iter().rev();
            newest_first.find(|(_, package)| package.seen.package.approval == ApprovalStatus::Approved)
        });
        let told = approved
            .map(|(version, package)| ApprovedPackage { arn: package.arn.clone(), version: *version });
        Ok(told.or_else(|| self.answers.newest_approved.clone()))
    }

    async fn update_lifecycle(
        &self,
        _arn: &str,
        _stage: &str,
        _status: &str,
        _description: &str,
    ) -> Call<()> {
        Ok(())
    }
}

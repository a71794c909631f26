//! Repository, pipelines and registry.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_engine::CallError;
use tidegate_engine::ports::{ApprovedPackage, Pipelines, Registry, RegistryPackage, Repository};
use tidegate_events::{ApprovalStatus, ExecutionStatus};
use tidegate_policy::owner::Tags;
use tidegate_policy::train::{
    DescribedExecution, JobRoles, ListedExecution, Pipeline, PipelineRoles, StartRequest,
};

use super::FakeAws;
use super::state::Execution;

type Call<T> = Result<T, CallError>;

#[async_trait]
impl Repository for FakeAws {
    async fn file(&self, _repository: &str, _commit: &str, _path: &str) -> Call<Option<String>> {
        self.pass("codecommit", "GetFile").await?;
        Ok(self.canned.file.clone())
    }

    async fn head(&self, repository: &str, branch: &str) -> Call<Option<String>> {
        self.pass("codecommit", "GetBranch").await?;
        let state = self.state();
        let reported = state.heads.get(repository).and_then(|branches| branches.get(branch));
        Ok(reported.or_else(|| self.canned.heads.get(branch)).cloned())
    }
}

#[async_trait]
impl Pipelines for FakeAws {
    async fn pipeline(&self, name: &str) -> Call<Option<Pipeline>> {
        self.pass("sagemaker", "DescribePipeline").await?;
        let state = self.state();
        let definition = state.pipelines.get(name).or(self.canned.pipeline.as_ref());
        let arn = self.arn("pipeline", name);
        Ok(definition.cloned().map(|definition| {
            let role = self.canned.pipeline_role.clone();
            Pipeline { arn, definition, role }
        }))
    }

    fn job_roles(&self) -> Option<JobRoles> {
        self.canned.job_roles.clone()
    }

    fn pipeline_roles(&self) -> PipelineRoles {
        let own = format!("arn:aws:iam::{}:role/tidegate-pipeline", self.account);
        self.canned.pipeline_roles.clone().unwrap_or(PipelineRoles { own, passable: Vec::new() })
    }

    async fn executions(&self, name: &str) -> Call<Vec<ListedExecution>> {
        self.pass("sagemaker", "ListPipelineExecutions").await?;
        let mut state = self.state();
        let now = state.now;
        let running = |arn: String, name| ListedExecution { arn, name, status: ExecutionStatus::Executing };
        let mut listed: Vec<ListedExecution> = Vec::new();
        if let Some(executions) = state.executions.get_mut(name) {
            executions.running.retain(|execution| execution.until > now);
            let newest_first = executions.running.iter().rev();
            listed.extend(newest_first.map(|one| running(one.arn.clone(), one.name.clone())));
        }
        listed.extend(self.canned.running.iter().map(|arn| running(arn.clone(), None)));
        listed.extend(self.canned.executions.iter().map(|(listed, _)| listed.clone()));
        Ok(listed)
    }

    async fn execution(&self, arn: &str) -> Call<Option<DescribedExecution>> {
        self.pass("sagemaker", "DescribePipelineExecution").await?;
        let found = self.canned.executions.iter().find(|(listed, _)| listed.arn.eq_ignore_ascii_case(arn));
        Ok(found.map(|(_, described)| described.clone()))
    }

    /// A pipeline here has no versions, only its present definition.
    async fn versions(&self, _name: &str) -> Call<Vec<i64>> {
        self.pass("sagemaker", "ListPipelineVersions").await?;
        Ok(Vec::new())
    }

    async fn definition(&self, name: &str, _version: i64) -> Call<Option<String>> {
        Ok(self.pipeline(name).await?.map(|pipeline| pipeline.definition))
    }

    async fn tags(&self, arn: &str) -> Call<Tags> {
        self.pass("sagemaker", "ListTags").await?;
        Ok(self.tags_of(arn))
    }

    async fn add_tags(&self, arn: &str, _tags: &[(String, String)]) -> Call<String> {
        self.accept("sagemaker", "AddTags").await?;
        Ok(format!("tagged {arn}"))
    }

    async fn create(
        &self,
        name: &str,
        definition: &str,
        _role: Option<&str>,
        _token: &str,
        _tags: &[(String, String)],
    ) -> Call<()> {
        self.accept("sagemaker", "CreatePipeline").await?;
        self.state().pipelines.insert(name, definition.to_owned());
        Ok(())
    }

    async fn update(&self, name: &str, definition: &str, _role: Option<&str>) -> Call<Option<i64>> {
        self.accept("sagemaker", "UpdatePipeline").await?;
        self.state().pipelines.insert(name, definition.to_owned());
        Ok(None)
    }

    async fn start(&self, request: &StartRequest<'_>) -> Call<String> {
        self.accept("sagemaker", "StartPipelineExecution").await?;
        let id: String = request.token.chars().take(12).collect();
        let (account, region, pipeline) = (&self.account, &self.region, request.pipeline);
        let arn = format!("arn:aws:sagemaker:{region}:{account}:pipeline/{pipeline}/execution/{id}");
        let mut state = self.state();
        let until = state.now.checked_add(self.pace.training).unwrap_or(state.now);
        let running = &mut state.executions.of(pipeline).running;
        // The same token starts the same execution.
        if running.iter().all(|execution| execution.arn != arn) {
            let name = Some(request.display_name.to_owned());
            running.push(Execution { arn: arn.clone(), name, is_reported: false, until });
        }
        Ok(arn)
    }
}

#[async_trait]
impl Registry for FakeAws {
    async fn package(&self, arn: &str) -> Call<Option<RegistryPackage>> {
        self.pass("sagemaker", "DescribeModelPackage").await?;
        let state = self.state();
        Ok(state.package(arn).map(|package| &package.seen).or(self.canned.package.as_ref()).cloned())
    }

    async fn approved_before(&self, group: &str, version: u64) -> Call<Option<ApprovedPackage>> {
        self.pass("sagemaker", "ListModelPackages").await?;
        let state = self.state();
        let versions = state.packages.get(group);
        let mut earlier = versions.into_iter().flat_map(|versions| versions.range(..version).rev());
        let reported = earlier
            .find(|(_, package)| package.seen.package.approval == ApprovalStatus::Approved)
            .map(|(version, package)| ApprovedPackage { arn: package.arn.clone(), version: *version });
        let canned = self.canned.newest_approved.clone().filter(|package| package.version < version);
        Ok(reported.or(canned))
    }

    async fn groups_changed_since(&self, since: Timestamp) -> Call<Vec<String>> {
        let changed = self.state().groups_changed_since(since);
        self.pass_pages("sagemaker", "Search", changed.len().max(1), 100).await?;
        Ok(changed)
    }

    async fn update_lifecycle(
        &self,
        _arn: &str,
        _stage: &str,
        _status: &str,
        _description: &str,
    ) -> Call<()> {
        self.accept("sagemaker", "UpdateModelPackage").await
    }

    async fn reject(&self, _arn: &str, _description: &str) -> Call<()> {
        self.accept("sagemaker", "UpdateModelPackage").await
    }
}

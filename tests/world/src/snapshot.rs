//! The current resources of the world, for tests and diagnosis.

use serde::Serialize;

use crate::world::World;

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointState {
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// As the API writes it.
    pub status: String,
    /// The configuration that runs.
    pub config: String,
    /// The configuration that is being rolled out.
    pub pending: Option<String>,
    /// The models of the configuration that runs.
    pub models: Vec<String>,
    /// The images that run, each with its digest.
    pub images: Vec<String>,
    /// Instances that run, over all variants.
    pub instances: i64,
    /// Its failure reason.
    pub failure: Option<String>,
}

/// An inference component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComponentState {
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// The endpoint it is placed on.
    pub endpoint: String,
    /// As the API writes it.
    pub status: String,
    /// The model that runs, if it was given by name.
    pub model: Option<String>,
    /// Copies wanted.
    pub desired: i64,
    /// Copies that run.
    pub current: i64,
}

/// An execution of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExecutionState {
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its pipeline.
    pub pipeline: String,
    /// Its ARN.
    pub arn: String,
    /// As the API writes it.
    pub status: String,
    /// Its failure reason.
    pub failure: Option<String>,
    /// Name and status of each step that started or was skipped, in the order of the definition.
    pub steps: Vec<(String, String)>,
}

/// A model package version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackageState {
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its group.
    pub group: String,
    /// Its version.
    pub version: i64,
    /// Its ARN.
    pub arn: String,
    /// As the API writes it.
    pub status: String,
    /// As the API writes it.
    pub approval: String,
    /// The digests of its images.
    pub digests: Vec<String>,
}

/// All resources, by account, region and name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// All endpoints.
    pub endpoints: Vec<EndpointState>,
    /// All inference components.
    pub components: Vec<ComponentState>,
    /// All executions.
    pub executions: Vec<ExecutionState>,
    /// All model package versions.
    pub packages: Vec<PackageState>,
}

impl Snapshot {
    /// The endpoint of this account and name.
    #[must_use]
    pub fn endpoint(&self, account: &str, name: &str) -> Option<&EndpointState> {
        self.endpoints.iter().find(|e| e.account == account && e.name == name)
    }

    /// The component of this account and name.
    #[must_use]
    pub fn component(&self, account: &str, name: &str) -> Option<&ComponentState> {
        self.components.iter().find(|c| c.account == account && c.name == name)
    }

    /// The executions of this account and pipeline, oldest first.
    #[must_use]
    pub fn executions_of(&self, account: &str, pipeline: &str) -> Vec<&ExecutionState> {
        self.executions.iter().filter(|e| e.account == account && e.pipeline == pipeline).collect()
    }

    /// The versions of this account and group, oldest first.
    #[must_use]
    pub fn packages_of(&self, account: &str, group: &str) -> Vec<&PackageState> {
        self.packages.iter().filter(|p| p.account == account && p.group == group).collect()
    }
}

impl World {
    /// The current resources.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut all = Snapshot::default();
        for (place, resources) in &self.resources {
            let (account, region) = (place.account.clone(), place.region.clone());
            all.endpoints.extend(resources.endpoints.values().map(|e| EndpointState {
                account: account.clone(),
                region: region.clone(),
                name: e.name.clone(),
                status: e.status.to_owned(),
                config: e.config.clone(),
                pending: e.pending.as_ref().map(|p| p.config.clone()),
                models: e.variants.iter().filter_map(|v| v.model.clone()).collect(),
                images:
                    e.variants.iter().flat_map(|v| &v.images).map(|(_, resolved)| resolved.clone()).collect(),
                instances: e.variants.iter().map(|v| v.count).sum(),
                failure: e.failure.clone(),
            }));
            all.components.extend(resources.components.values().map(|c| ComponentState {
                account: account.clone(),
                region: region.clone(),
                name: c.name.clone(),
                endpoint: c.endpoint.clone(),
                status: c.status.to_owned(),
                model: crate::json::text(&c.specification, "ModelName").map(str::to_owned),
                desired: c.desired,
                current: c.current,
            }));
            let mut runs: Vec<_> = resources.executions.values().collect();
            runs.sort_by_key(|run| run.created);
            all.executions.extend(runs.into_iter().map(|run| ExecutionState {
                account: account.clone(),
                region: region.clone(),
                pipeline: run.pipeline.clone(),
                arn: run.arn.clone(),
                status: run.status.to_owned(),
                failure: run.failure.clone(),
                steps: run.step_states(),
            }));
            let mut packages: Vec<_> = resources.packages.values().collect();
            packages.sort_by_key(|p| (p.group.clone(), p.version));
            all.packages.extend(packages.into_iter().map(|p| PackageState {
                account: account.clone(),
                region: region.clone(),
                group: p.group.clone(),
                version: p.version,
                arn: p.arn.clone(),
                status: p.status.to_owned(),
                approval: p.approval.clone(),
                digests: p.image_digests(),
            }));
        }
        all
    }
}

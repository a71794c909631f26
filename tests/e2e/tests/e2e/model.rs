//! The models of the stories: a policy, a pipeline definition, and the names of everything.

use serde_json::{Value, json};
use tidegate_sandbox::{PRODUCTION, REGION, STAGING, workspace};

/// Serverless, as most stagings are.
pub(crate) const SERVERLESS: &str = "kind: serverless, memoryMb: 2048, maxConcurrency: 5";
/// A component, which can go to zero.
pub(crate) const COMPONENT: &str =
    "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024";
/// Instances that always run.
pub(crate) const REAL_TIME: &str = "kind: realTime, instanceType: ml.m5.large, instances: 2";

/// A model and what its team wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// Its name, from which all other names are made.
    pub(crate) name: &'static str,
    /// Staging's endpoint, without its name.
    pub(crate) staging: &'static str,
    /// What staging's environment has besides, as YAML lines.
    pub(crate) staging_more: &'static str,
    /// Production's endpoint, without its name.
    pub(crate) production: &'static str,
    /// What production's environment has besides, as YAML lines.
    pub(crate) production_more: &'static str,
    /// The drift section.
    pub(crate) drift: &'static str,
}

impl Model {
    /// A model that is deployed to both environments without a soak and that does nothing about drift.
    pub(crate) const fn plain(name: &'static str) -> Self {
        let drift = "{ response: alert, cooldown: 24h }";
        Self {
            name,
            staging: SERVERLESS,
            staging_more: "",
            production: COMPONENT,
            production_more: "",
            drift,
        }
    }

    /// Its endpoint in staging.
    pub(crate) fn in_staging(&self) -> String {
        format!("{}-staging", self.name)
    }

    /// Its endpoint in production.
    pub(crate) fn in_production(&self) -> String {
        self.name.to_owned()
    }

    /// Its repository.
    pub(crate) fn repository(&self) -> String {
        format!("{}-model", self.name)
    }

    /// Its pipeline.
    pub(crate) fn pipeline(&self) -> String {
        format!("{}-train", self.name)
    }

    /// Its model package group.
    pub(crate) fn group(&self) -> String {
        format!("{}-packages", self.name)
    }

    /// Its policy file.
    pub(crate) fn policy(&self) -> String {
        let Self { name, staging, staging_more, production, production_more, drift } = self;
        let (repository, pipeline, group) = (self.repository(), self.pipeline(), self.group());
        let (in_staging, in_production) = (self.in_staging(), self.in_production());
        let (staging_id, production_id) = (STAGING.id, PRODUCTION.id);
        let invoke = "invoke: { contentType: text/csv, body: \"0.455,0.365,0.095\" }";
        format!(
            r#"apiVersion: tidegate/v1
model: {name}
source:
  repository: codecommit:{repository}
  branches: [main]
pipeline:
  name: {pipeline}
  definition: {{ file: pipeline.json }}
registry:
  group: {group}
environments:
  - name: staging
    account: "{staging_id}"
    region: {REGION}
    endpoint: {{ name: {in_staging}, {staging} }}
    verify: {{ {invoke} }}
{staging_more}
  - name: production
    account: "{production_id}"
    region: {REGION}
    endpoint: {{ name: {in_production}, {production} }}
    verify: {{ {invoke} }}
{production_more}
drift: {drift}
"#
        )
    }

    /// Its pipeline's definition: the published abalone example, with a group of its own.
    pub(crate) fn definition(&self) -> String {
        let path = workspace().join("events/pipelines/v2/a_abalone_register.json");
        let text = std::fs::read_to_string(path).expect("the sample definition is there");
        let changed = text.replace("AbaloneModelPackageGroup", &self.group());
        assert_ne!(text, changed, "the sample names its group");
        tidegate_sandbox::with_artifact_key(&changed)
    }

    /// The same with a note in its metadata: another definition.
    pub(crate) fn definition_with(&self, note: &str) -> String {
        let mut definition: Value = serde_json::from_str(&self.definition()).expect("the sample is JSON");
        definition["Metadata"] = json!({ "note": note });
        definition.to_string()
    }
}

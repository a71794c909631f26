//! The kinds of endpoints: their configuration, the resources that they need, how they scale to zero, and what a
//! policy may request for them.
//!
//! A setting is one field: of [`ModelSettings`] if it belongs to the model, of [`InstanceSettings`] if it belongs to
//! the instances, or of one kind.
//!
//! A kind is a module with an implementation of `Behavior`. A new kind needs that module, an entry in
//! [`EndpointKind`] and [`EndpointSpec`], and the match arms in this file that the compiler then requires.

mod async_inference;
mod component;
mod config_spec;
mod copy_size;
mod fields;
mod inference_component;
mod instance_settings;
mod model_settings;
mod model_spec;
mod real_time;
mod resources;
mod rollout;
mod serverless;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::decision::Verdict;
use crate::file::{self, Environment, Finding, Scale};
use crate::names::{EndpointName, InstanceType};
use crate::reason::Reason;

pub use async_inference::{AsyncInference, AsyncSettings};
pub use component::{Component, ComponentStatus, RunningComponent};
pub use config_spec::{ComponentHost, ConfigSettings, EndpointConfigSpec, ProductionVariant};
pub use copy_size::CopySize;
pub use inference_component::InferenceComponent;
pub use instance_settings::{InstanceSettings, StartupTimes};
pub use model_settings::ModelSettings;
pub use model_spec::ModelSpec;
pub use real_time::RealTime;
pub use resources::{DesiredResources, InvokedResource, VARIANT};
pub use rollout::{BatchSize, Batches, Rollout};
pub use serverless::Serverless;

pub(crate) use fields::FieldRules;

/// The endpoint of an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Json>")]
pub struct Endpoint {
    /// The endpoint's name.
    pub name: EndpointName,
    /// What is set on its model.
    #[serde(flatten)]
    pub model: ModelSettings,
    /// Whether a failed endpoint or component of this environment that never served is deleted and created again.
    #[serde(default, rename = "recreateFailed", skip_serializing_if = "std::ops::Not::not")]
    pub recreate_failed: bool,
    /// How SageMaker serves it.
    #[serde(flatten)]
    pub spec: EndpointSpec,
}

/// Serde ignores unknown fields beside flattened ones, so they are compared with those of the kind.
impl TryFrom<Map<String, Json>> for Endpoint {
    type Error = String;

    fn try_from(fields: Map<String, Json>) -> Result<Self, String> {
        let read = |what: &str| fields.get(what).cloned().ok_or_else(|| format!("missing field `{what}`"));
        let kind = EndpointKind::deserialize(read("kind")?).map_err(|error| error.to_string())?;
        if let Some(unknown) = fields.keys().find(|name| !kind.fields().allows(name)) {
            return Err(format!("unknown field `{unknown}` of {} endpoint", kind.fields().kind));
        }
        let name = EndpointName::deserialize(read("name")?);
        let recreate = fields.get("recreateFailed").map_or(Ok(false), bool::deserialize);
        let fields = Json::Object(fields);
        Ok(Self {
            name: name.map_err(|error| error.to_string())?,
            recreate_failed: recreate.map_err(|error| error.to_string())?,
            model: ModelSettings::deserialize(&fields).map_err(|error| error.to_string())?,
            spec: EndpointSpec::deserialize(fields).map_err(|error| error.to_string())?,
        })
    }
}

/// The kind of an endpoint, with its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum EndpointSpec {
    /// Instances that always run.
    RealTime(RealTime),
    /// No instances; scales to zero by itself.
    Serverless(Serverless),
    /// A component on an endpoint whose instances SageMaker manages.
    InferenceComponent(InferenceComponent),
    /// Instances behind a queue.
    Async(AsyncInference),
}

/// The ways SageMaker serves a model behind an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndpointKind {
    /// Instances that always run.
    RealTime,
    /// No instances; scales to zero by itself.
    Serverless,
    /// A component on an endpoint whose instances SageMaker manages; can go to zero copies.
    InferenceComponent,
    /// Instances behind a queue; answers go to S3.
    Async,
}

/// The instances behind an endpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instances<'e> {
    /// Their type.
    pub instance_type: &'e InstanceType,
    /// The minimum while the endpoint serves.
    pub min: u32,
    /// The maximum.
    pub max: u32,
}

/// A component whose copies can be scaled to zero and up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalableComponent {
    /// Its name.
    pub name: String,
    /// The number of copies while it serves.
    pub copies: u32,
}

/// Why Tidegate does not scale an endpoint to zero.
#[derive(Debug, Clone, PartialEq)]
pub struct NotScalable {
    /// The verdict if a policy requests it.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
}

/// The differences between the kinds of endpoints.
pub(crate) trait Behavior {
    /// The instances that it runs on, if it has any.
    fn instances(&self) -> Option<Instances<'_>> {
        self.instance_settings().map(InstanceSettings::fixed)
    }

    /// The settings of its instances, if it has any.
    fn instance_settings(&self) -> Option<&InstanceSettings>;

    /// How it takes requests from a queue, if it does.
    fn async_settings(&self) -> Option<&AsyncSettings> {
        None
    }

    /// The production variant in its configuration.
    fn variant(&self, model: &str, scale: &Scale) -> ProductionVariant;

    /// The component that runs the model, if the variant does not. Requests are then sent to the component.
    fn component(&self, _endpoint: &str, _model: &str) -> Option<Component> {
        None
    }

    /// The component that scales to zero, or why there is none.
    fn scalable_component(&self, endpoint: &str) -> Result<ScalableComponent, NotScalable>;

    /// Whether SageMaker can capture its requests and answers.
    fn has_data_capture(&self) -> bool {
        true
    }

    /// Why its updates cannot be rolled out in the way of the policy; `None` if they can.
    fn rollout_problem(&self, _rollout: &file::Rollout) -> Option<String> {
        None
    }

    /// The AWS page after which it cannot run a model of several containers; `None` if it can.
    fn refuses_several_containers(&self) -> Option<&'static str> {
        None
    }

    /// What its environment requests although the kind does not support it. `at` is the environment's path.
    fn problems(&self, _at: &str, _environment: &Environment) -> Vec<Finding> {
        Vec::new()
    }

    /// What its environment requests without any effect. `at` is the environment's path.
    fn warnings(&self, _at: &str, _environment: &Environment) -> Vec<Finding> {
        Vec::new()
    }
}

impl EndpointSpec {
    /// The behavior of this kind.
    pub(crate) fn behavior(&self) -> &dyn Behavior {
        match self {
            Self::RealTime(spec) => spec,
            Self::Serverless(spec) => spec,
            Self::InferenceComponent(spec) => spec,
            Self::Async(spec) => spec,
        }
    }

    /// The kind without its configuration.
    #[must_use]
    pub fn kind(&self) -> EndpointKind {
        match self {
            Self::RealTime(_) => EndpointKind::RealTime,
            Self::Serverless(_) => EndpointKind::Serverless,
            Self::InferenceComponent(_) => EndpointKind::InferenceComponent,
            Self::Async(_) => EndpointKind::Async,
        }
    }

    /// The instances that it runs on, if it has any.
    #[must_use]
    pub fn instances(&self) -> Option<Instances<'_>> {
        self.behavior().instances()
    }
}

impl Endpoint {
    /// The name of what serves the model: the component's, if the endpoint is shared, otherwise the endpoint's.
    #[must_use]
    pub fn served_name(&self) -> &str {
        match &self.spec {
            EndpointSpec::InferenceComponent(spec) => spec.component_name(self.name.as_str()),
            EndpointSpec::RealTime(_) | EndpointSpec::Serverless(_) | EndpointSpec::Async(_) => {
                self.name.as_str()
            }
        }
    }

    /// Whether the policy shares the endpoint with the components of other models.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(&self.spec, EndpointSpec::InferenceComponent(spec) if spec.component.is_some())
    }

    /// The component whose copies can be scaled to zero.
    ///
    /// # Errors
    /// [`NotScalable`] if this kind of endpoint has none.
    pub fn scalable_component(&self) -> Result<ScalableComponent, NotScalable> {
        self.spec.behavior().scalable_component(self.name.as_str())
    }
}

impl EndpointKind {
    /// The fields of a policy's section that describe this kind.
    pub(crate) fn fields(self) -> &'static FieldRules {
        match self {
            Self::RealTime => &real_time::FIELDS,
            Self::Serverless => &serverless::FIELDS,
            Self::InferenceComponent => &inference_component::FIELDS,
            Self::Async => &async_inference::FIELDS,
        }
    }
}

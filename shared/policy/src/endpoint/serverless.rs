//! A serverless endpoint: no instances; SageMaker starts containers for incoming requests.

use serde::{Deserialize, Serialize};

use super::fields::{Refusal, SERVERLESS_CONFIG_PAGE};
use super::{
    Behavior, FieldRules, InstanceSettings, NotScalable, ProductionVariant, ScalableComponent, model_settings,
};
use crate::decision::Verdict;
use crate::file::{Environment, Finding, Rollout, Scale};
use crate::reason::Reason;

const PAGE: &str = "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html";
const GUARDRAILS_PAGE: &str = "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html";
const NO_INSTANCES: &str = "it has no instances, and so no GPU";

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "a serverless",
    required: &["memoryMb", "maxConcurrency"],
    optional: &[model_settings::FIELDS],
    page: SERVERLESS_CONFIG_PAGE,
    refusals: &[
        Refusal { field: "instanceType", why: NO_INSTANCES, page: PAGE },
        Refusal { field: "instances", why: NO_INSTANCES, page: PAGE },
        Refusal { field: "vpc", why: "it cannot be attached to a VPC", page: PAGE },
        Refusal { field: "kms", why: "it has no storage volume and no capture", page: PAGE },
        Refusal { field: "startup", why: "SageMaker starts its containers for each request", page: PAGE },
        Refusal { field: "inferenceAmiVersion", why: NO_INSTANCES, page: PAGE },
        Refusal { field: "networkIsolation", why: "its containers cannot be isolated", page: PAGE },
    ],
};

/// The configuration of a serverless endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Serverless {
    /// Memory in MB.
    pub memory_mb: u32,
    /// The maximum number of concurrent invocations.
    pub max_concurrency: u32,
}

impl Behavior for Serverless {
    fn instance_settings(&self) -> Option<&InstanceSettings> {
        None
    }

    fn variant(&self, model: &str, _scale: &Scale) -> ProductionVariant {
        ProductionVariant::Serverless {
            model: model.to_owned(),
            memory_mb: self.memory_mb,
            max_concurrency: self.max_concurrency,
        }
    }

    fn scalable_component(&self, endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        let reason = Reason::ServerlessScalesItself { endpoint: endpoint.to_owned() };
        Err(NotScalable { verdict: Verdict::NoChange, reason })
    }

    fn has_data_capture(&self) -> bool {
        false
    }

    fn refuses_several_containers(&self) -> Option<&'static str> {
        Some(PAGE)
    }

    fn rollout_problem(&self, _rollout: &Rollout) -> Option<String> {
        Some(format!("a serverless endpoint has no instances to replace in steps ({GUARDRAILS_PAGE})"))
    }

    fn problems(&self, at: &str, environment: &Environment) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut refuse = |field: &str, message: String| {
            found.push(Finding::new(format!("{at}/{field}"), message).because(format!("{at}/endpoint/kind")));
        };
        let mb = self.memory_mb;
        if !(1_024..=6_144).contains(&mb) || !mb.is_multiple_of(1_024) {
            let message = format!("found {mb}, expected 1024, 2048, 3072, 4096, 5120 or 6144 ({PAGE})");
            refuse("endpoint/memoryMb", message);
        }
        let count = self.max_concurrency;
        if count > 200 {
            let message = format!("found {count}, expected a whole number from 1 to 200 ({PAGE})");
            refuse("endpoint/maxConcurrency", message);
        }
        for (given, field, what) in [
            (environment.capture.is_some(), "capture", "has no data capture"),
            (
                environment.monitor.is_some(),
                "monitor",
                "cannot be watched by Model Monitor, which needs data capture",
            ),
            (environment.scale.target.is_some(), "scale/target", "has no instances to add or remove"),
        ] {
            if given {
                refuse(field, format!("a serverless endpoint {what} ({PAGE})"));
            }
        }
        found
    }

    fn warnings(&self, at: &str, environment: &Environment) -> Vec<Finding> {
        if environment.scale.to_zero.is_none() {
            return Vec::new();
        }
        let message =
            format!("a serverless endpoint costs nothing while idle, so there is nothing to do ({PAGE})");
        vec![Finding::new(format!("{at}/scale/toZero"), message)]
    }
}

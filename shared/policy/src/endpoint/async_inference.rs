//! An asynchronous endpoint: instances behind a queue that write responses to S3.

use serde::{Deserialize, Serialize};

use super::fields::ASYNC_OUTPUT_PAGE;
use super::{
    Behavior, FieldRules, InstanceSettings, NotScalable, ProductionVariant, ScalableComponent,
    instance_settings, model_settings,
};
use crate::decision::Verdict;
use crate::file::{Environment, Finding, NotifiedTopic, Notify, Scale};
use crate::names::S3Uri;
use crate::reason::Reason;

const FEATURES_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html";
const SCALING_PAGE: &str = "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html";
const INVOKE_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html";
const NOTIFICATION_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceNotificationConfig.html";
/// The largest body of a request that is not in S3, in bytes.
const LARGEST_BODY: usize = 128_000;

pub(super) const FIELDS: FieldRules = FieldRules {
    kind: "an async",
    required: &["instanceType", "instances", "output"],
    optional: &[
        &["failures", "notify", "maxConcurrentPerInstance"],
        model_settings::FIELDS,
        model_settings::NETWORK,
        instance_settings::FIELDS,
    ],
    page: ASYNC_OUTPUT_PAGE,
    refusals: &[],
};

/// The configuration of an asynchronous endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsyncInference {
    /// Its instances.
    #[serde(flatten)]
    pub instances: InstanceSettings,
    /// Its queue, and where its answers are put.
    #[serde(flatten)]
    pub queue: AsyncSettings,
}

/// What a policy sets on the queue of an asynchronous endpoint and on its answers.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceConfig.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AsyncSettings {
    /// Where the answers are put.
    pub output: S3Uri,
    /// Where it is put why a request failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<S3Uri>,
    /// Who is told that a request has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// How many requests an instance gets at once; SageMaker's choice if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_per_instance: Option<u32>,
}

impl Behavior for AsyncInference {
    fn instance_settings(&self) -> Option<&InstanceSettings> {
        Some(&self.instances)
    }

    fn async_settings(&self) -> Option<&AsyncSettings> {
        Some(&self.queue)
    }

    fn variant(&self, model: &str, _scale: &Scale) -> ProductionVariant {
        self.instances.variant_of(model)
    }

    fn scalable_component(&self, _endpoint: &str) -> Result<ScalableComponent, NotScalable> {
        Err(NotScalable { verdict: Verdict::NoChange, reason: Reason::NoScalePolicy })
    }

    fn has_data_capture(&self) -> bool {
        false
    }

    fn problems(&self, at: &str, environment: &Environment) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut refuse = |given: bool, field: &str, why: String| {
            if given {
                found.push(Finding::new(format!("{at}/{field}"), why).because(format!("{at}/endpoint/kind")));
            }
        };
        refuse(
            environment.scale.to_zero.is_some(),
            "scale/toZero",
            format!(
                "an async endpoint goes to zero when its queue is empty: write `scale.target` with \
                 `backlogPerInstance` and `min: 0` instead ({SCALING_PAGE})"
            ),
        );
        for (given, field) in
            [(environment.capture.is_some(), "capture"), (environment.monitor.is_some(), "monitor")]
        {
            let why = format!(
                "SageMaker has data capture and Model Monitor for real-time endpoints and batch transform only; the \
                 answers of an async endpoint are in `output` ({FEATURES_PAGE})"
            );
            refuse(given, field, why);
        }
        let inf1 = self.instances.instance_type.as_str().starts_with("ml.inf1.");
        let why = format!("SageMaker runs no async endpoint on Inf1 instances ({FEATURES_PAGE})");
        refuse(inf1, "endpoint/instanceType", why);
        let samples = environment.verify.samples();
        let body = samples.iter().map(|sample| sample.body.len()).max().unwrap_or_default();
        let why = format!(
            "found {body} bytes, expected at most {LARGEST_BODY}: a larger request to an async endpoint must be in S3 \
             ({INVOKE_PAGE})"
        );
        refuse(body > LARGEST_BODY, "verify", why);
        let why = format!(
            "deploy only looks whether the answer of an async endpoint is in S3, so nothing else can be expected of it \
             ({INVOKE_PAGE})"
        );
        refuse(samples.iter().any(|sample| sample.expect.is_some()), "verify", why);
        found.extend(self.queue.notify.as_ref().and_then(|notify| without_topic(at, notify)));
        found
    }

    fn warnings(&self, at: &str, environment: &Environment) -> Vec<Finding> {
        if environment.verify.samples().is_empty() || self.queue.failures.is_some() {
            return Vec::new();
        }
        let message = format!(
            "without `failures` SageMaker does not store why a request failed, so a sample that fails looks like one \
             that is not answered in time ({ASYNC_OUTPUT_PAGE})"
        );
        vec![Finding::new(format!("{at}/endpoint"), message)]
    }
}

/// A topic that gets the answers must exist.
fn without_topic(at: &str, notify: &Notify) -> Option<Finding> {
    let at = format!("{at}/endpoint/notify");
    if notify.success.is_none() && notify.error.is_none() {
        let message = format!("expected `success`, `error` or both ({NOTIFICATION_PAGE})");
        return Some(Finding::new(at, message));
    }
    let has = |topic: &NotifiedTopic| match topic {
        NotifiedTopic::Success => notify.success.is_some(),
        NotifiedTopic::Error => notify.error.is_some(),
    };
    let all = notify.include_response_in.iter().flatten().all(has);
    (!all).then(|| {
        let message = format!("names a topic that `notify` does not have ({NOTIFICATION_PAGE})");
        Finding::new(format!("{at}/includeResponseIn"), message).because(at)
    })
}

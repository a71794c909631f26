//! Sample requests to an endpoint.

use async_trait::async_trait;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::primitives::Blob;
use tidegate_engine::refusals::may_be_starting;
use tidegate_engine::{CallError, Class, ports::Sampler};
use tidegate_policy::deploy::Probe;

use crate::convert::cut;
use crate::error::{Failure, failed};

/// The longest error, in characters. The error of a container may contain a stack trace.
const LONGEST_ERROR: usize = 300;
/// The only status with which `InvokeEndpoint` succeeds.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
const SUCCESS: u16 = 200;

/// SageMaker Runtime.
#[derive(Debug, Clone)]
pub struct RuntimeSampler {
    client: Client,
}

impl RuntimeSampler {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Sampler for RuntimeSampler {
    async fn ask(
        &self,
        endpoint: &str,
        component: Option<&str>,
        content_type: &str,
        body: &str,
    ) -> Result<Probe, CallError> {
        let answer = self
            .client
            .invoke_endpoint()
            .endpoint_name(endpoint)
            .set_inference_component_name(component.map(str::to_owned))
            .content_type(content_type)
            .body(Blob::new(body))
            .send()
            .await;
        match answer.map_err(failed("sagemaker-runtime", "InvokeEndpoint")) {
            Ok(_) => Ok(Probe::Answered(SUCCESS)),
            Err(failure) => probe(failure),
        }
    }
}

/// Converts a failed request to a finding about the model, if it is one.
pub(crate) fn probe(failure: Failure) -> Result<Probe, CallError> {
    // The model does not answer or is still being loaded. The latter is not throttling, although its status is 429.
    if failure.timed_out {
        return Ok(Probe::Silent);
    }
    if may_be_starting(&failure.code, &failure.text) {
        return Ok(Probe::NotReady(cut(&failure.call.message, LONGEST_ERROR)));
    }
    match failure.call.class {
        // SageMaker failed. This is no finding about the model.
        Class::Retryable | Class::Throttled | Class::Denied if !failure.is("ModelError") => {
            Err(failure.into())
        }
        // The model or its endpoint answered with an error. This is a finding about the deployment.
        _ => Ok(Probe::Failed(cut(&failure.call.message, LONGEST_ERROR))),
    }
}

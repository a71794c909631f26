//! Sample requests to an endpoint.

use async_trait::async_trait;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::primitives::Blob;
use tidegate_engine::{CallError, Class, ports::Sampler};
use tidegate_policy::deploy::Probe;

use crate::convert::cut;
use crate::error::{Failure, failed};

/// A container's error may carry its whole stack trace.
const LONGEST_ERROR: usize = 300;
/// The one status with which `InvokeEndpoint` succeeds.
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
        let asked = self
            .client
            .invoke_endpoint()
            .endpoint_name(endpoint)
            .set_inference_component_name(component.map(str::to_owned))
            .content_type(content_type)
            .body(Blob::new(body))
            .send()
            .await;
        match asked.map_err(failed("sagemaker-runtime", "InvokeEndpoint")) {
            Ok(_) => Ok(Probe::Answered(SUCCESS)),
            Err(failure) => probe(failure),
        }
    }
}

/// What a failed request says about the model, if anything.
pub(crate) fn probe(failure: Failure) -> Result<Probe, CallError> {
    // It hangs, or is still being loaded. The latter has nothing to do with too many calls, though the status is 429.
    if failure.timed_out || failure.is("ModelNotReadyException") {
        return Ok(Probe::Silent);
    }
    match failure.call.class {
        // SageMaker itself could not tell: no evidence against the model.
        Class::Retryable | Class::Throttled | Class::Denied if !failure.is("ModelError") => {
            Err(failure.into())
        }
        // The model spoke, or its endpoint refused: that is an answer about the deployment.
        _ => Ok(Probe::Failed(cut(&failure.call.message, LONGEST_ERROR))),
    }
}

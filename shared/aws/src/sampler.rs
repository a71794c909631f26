//! Sample requests to an endpoint.

use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_s3::Client as S3;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::primitives::Blob;
use jiff::SignedDuration;
use tidegate_engine::refusals::may_be_starting;
use tidegate_engine::{CallError, Class, ports::Sampler};
use tidegate_policy::deploy::{Answer, Probe, QueuedSample, SAMPLE_TTL_SECONDS};
use tidegate_policy::file::Sample;

use crate::convert::{cut, int};
use crate::error::{Failure, failed, refused};

/// The longest error, in characters. The error of a container may contain a stack trace.
const LONGEST_ERROR: usize = 300;
/// The only status with which `InvokeEndpoint` succeeds.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
const SUCCESS: u16 = 200;

/// SageMaker Runtime, and the answers of asynchronous endpoints in S3.
#[derive(Debug, Clone)]
pub struct RuntimeSampler {
    client: Client,
    s3: S3,
}

impl RuntimeSampler {
    pub(crate) fn new(client: Client, s3: S3) -> Self {
        Self { client, s3 }
    }

    /// Whether an object exists, by its URI. A list needs no permission to read the object.
    async fn exists(&self, uri: &str) -> Result<bool, CallError> {
        const LIST: &str = "ListObjectsV2";
        let (bucket, key) = uri
            .strip_prefix("s3://")
            .and_then(|path| path.split_once('/'))
            .ok_or_else(|| refused("s3", LIST, format!("`{uri}` is no place in S3")))?;
        let answer = self.s3.list_objects_v2().bucket(bucket).prefix(key).send().await;
        let found = answer.map_err(failed("s3", LIST))?;
        Ok(found.contents().iter().any(|object| object.key() == Some(key)))
    }
}

#[async_trait]
impl Sampler for RuntimeSampler {
    async fn ask(
        &self,
        endpoint: &str,
        component: Option<&str>,
        sample: &Sample,
    ) -> Result<Probe, CallError> {
        let began = Instant::now();
        let answer = self
            .client
            .invoke_endpoint()
            .endpoint_name(endpoint)
            .set_inference_component_name(component.map(str::to_owned))
            .content_type(&sample.content_type)
            .set_accept(sample.accept.clone())
            .body(Blob::new(sample.body.as_str()))
            .send()
            .await;
        let took = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX);
        match answer.map_err(failed("sagemaker-runtime", "InvokeEndpoint")) {
            Ok(answer) => Ok(Probe::Replied(Answer {
                status: SUCCESS,
                content_type: answer.content_type,
                body: answer.body.map(Blob::into_inner).unwrap_or_default(),
                took,
            })),
            Err(failure) => probe(failure),
        }
    }

    async fn enqueue(&self, endpoint: &str, sample: &Sample) -> Result<Probe, CallError> {
        const INVOKE: &str = "InvokeEndpointAsync";
        let answer = self
            .client
            .invoke_endpoint_async()
            .endpoint_name(endpoint)
            .content_type(&sample.content_type)
            .set_accept(sample.accept.clone())
            // A small request needs no object in S3.
            .body(Blob::new(sample.body.as_str()))
            .request_ttl_seconds(int(SAMPLE_TTL_SECONDS))
            .send()
            .await;
        match answer.map_err(failed("sagemaker-runtime", INVOKE)) {
            Ok(queued) => {
                let output = queued.output_location.ok_or_else(|| {
                    refused("sagemaker-runtime", INVOKE, "the answer has no OutputLocation")
                })?;
                Ok(Probe::Queued(QueuedSample { output, failure: queued.failure_location }))
            }
            Err(failure) => probe(failure),
        }
    }

    async fn find_answer(&self, sample: &QueuedSample) -> Result<Probe, CallError> {
        if self.exists(&sample.output).await? {
            return Ok(Probe::Answered(SUCCESS));
        }
        match &sample.failure {
            Some(failure) if self.exists(failure).await? => {
                Ok(Probe::Failed(format!("SageMaker wrote why to {failure}")))
            }
            _ => Ok(Probe::Silent),
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

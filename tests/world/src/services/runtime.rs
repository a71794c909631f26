//! SageMaker Runtime: invocations and their metrics.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::error::ApiError;
use crate::faults::SlowAnswer;
use crate::json::{int, later, need, put, put_some, text};
use crate::services::Operations;
use crate::services::sagemaker::endpoints::queue::{self, QueuedRequest};
use crate::world::World;

pub(crate) const OPERATIONS: Operations =
    &[("InvokeEndpoint", invoke), ("InvokeEndpointAsync", invoke_async)];

/// What a component without copies answers.
const NO_CAPACITY: &str = "Inference Component has no capacity to process this request. ApplicationAutoScaling may be \
    in-progress (if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API.";

/// `SageMaker Runtime` has its own name for the same error.
fn rejected(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

/// What the container did not do in time.
/// <https://github.com/aws-samples/host-yolov8-on-sagemaker-endpoint/issues/21>
const TIMED_OUT: &str = "Your invocation timed out while waiting for a response from container primary. Review the latency \
    metrics for each container in Amazon CloudWatch, resolve the issue, and try again.";

/// The variant that answers, the names under which a fault can break its container, and since when it is in service.
struct Serving {
    variant: String,
    names: Vec<String>,
    since: Timestamp,
}

fn invoke(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let component = text(request, "InferenceComponentName");
    let served = serving(world, &call.place, name, component, text(request, "TargetVariant"));
    if let (Err(error), Some(component)) = (&served, component)
        && error.message == NO_CAPACITY
    {
        let dimensions = [("InferenceComponentName", component)];
        world.count_metric(&call.place, "NoCapacityInvocationFailures", &dimensions, call.now);
    }
    let served = served?;
    let names: Vec<&str> = served.names.iter().map(String::as_str).collect();
    if let Some((answer, seconds)) = world.faults.slow_start(&call.place.account, &names)
        && call.now < later(served.since, world.pace.bake(seconds))
    {
        return Err(not_ready(call, name, answer));
    }
    let mut series = vec![vec![("EndpointName", name), ("VariantName", served.variant.as_str())]];
    series.extend(component.map(|component| vec![("InferenceComponentName", component)]));
    let broken = world.faults.container(&call.place.account, &names);
    for dimensions in &series {
        world.count_metric(&call.place, "Invocations", dimensions, call.now);
        if let Some((status, _)) = &broken {
            let metric = if *status < 500 { "Invocation4XXErrors" } else { "Invocation5XXErrors" };
            world.count_metric(&call.place, metric, dimensions, call.now);
        }
    }
    if let Some((status, message)) = broken {
        return Err(model_error(call, name, status, &message));
    }
    Ok(json!({
        "Body": "{\"predictions\": [0.5]}",
        "ContentType": "application/json",
        "InvokedProductionVariant": served.variant,
    }))
}

/// After how long a request expires in the queue.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html>
const DEFAULT_TTL_SECONDS: i64 = 21_600;

/// Puts a request into the queue of an asynchronous endpoint. The texts of the refusals are ours.
fn invoke_async(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let name = need(request, "EndpointName")?;
    let missing = || rejected(format!("Endpoint {name} of account {} not found.", call.place.account));
    let resources = world.resources(&call.place).ok_or_else(missing)?;
    let endpoint = resources.endpoints.get(name).ok_or_else(missing)?;
    if !is_serving(endpoint.status) {
        let account = &call.place.account;
        return Err(rejected(format!("Endpoint {name} of account {account} is {}.", endpoint.status)));
    }
    let Some(config) = resources.async_config(endpoint).cloned() else {
        return Err(rejected(format!("Endpoint {name} has no AsyncInferenceConfig; use InvokeEndpoint.")));
    };
    let given = |member: &str| request.get(member).is_some_and(|value| !value.is_null());
    if given("Body") == given("InputLocation") {
        return Err(rejected("Provide exactly one of Body and InputLocation."));
    }
    let id = world.id("inference", 32);
    let (output, failure) = queue::locations(&config, &id);
    let output = output.ok_or_else(|| rejected(format!("Endpoint {name} has no S3OutputPath.")))?;
    let seconds = int(request, "RequestTTLSeconds").unwrap_or(DEFAULT_TTL_SECONDS);
    // Also in a fast world: a request waits for CloudWatch, whose minutes are real.
    let expires = later(call.now, Duration::from_secs(seconds.unsigned_abs()));
    let queued = QueuedRequest { id: id.clone(), output: output.clone(), failure: failure.clone(), expires };
    world.enqueue(&call.place, name, queued, call.now);
    let mut answer = json!({"InferenceId": id, "OutputLocation": output});
    put_some(&mut answer, "FailureLocation", failure);
    Ok(answer)
}

fn is_serving(status: &str) -> bool {
    matches!(status, "InService" | "Updating" | "SystemUpdating" | "RollingBack")
}

fn serving(
    world: &World,
    place: &AccountRegion,
    name: &str,
    component: Option<&str>,
    variant: Option<&str>,
) -> Result<Serving, ApiError> {
    let missing = || rejected(format!("Endpoint {name} of account {} not found.", place.account));
    let resources = world.resources(place).ok_or_else(missing)?;
    let endpoint = resources.endpoints.get(name).ok_or_else(missing)?;
    if !is_serving(endpoint.status) {
        return Err(rejected(format!(
            "Endpoint {name} of account {} is {}.",
            place.account, endpoint.status
        )));
    }
    // "the endpoint can only receive asynchronous invocations"; the code is recorded, the text is ours.
    // https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
    // https://github.com/strands-agents/harness-sdk/issues/1969
    if resources.async_config(endpoint).is_some() {
        return Err(rejected(format!("Endpoint {name} is asynchronous; use InvokeEndpointAsync.")));
    }
    let mut names = vec![name.to_owned()];
    if let Some(wanted) = component {
        let found = resources.components.get(wanted).filter(|c| c.is_on(endpoint));
        let found = found.ok_or_else(|| rejected(format!("Inference Component Name {wanted} not found.")))?;
        if found.current == 0 {
            return Err(rejected(NO_CAPACITY));
        }
        names.push(wanted.to_owned());
        names.extend(text(&found.specification, "ModelName").map(str::to_owned));
        return Ok(Serving { variant: found.variant.clone(), names, since: found.modified() });
    }
    let chosen = match variant {
        Some(wanted) => endpoint.variants.iter().find(|v| v.name == wanted),
        None => endpoint.variants.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)),
    };
    let chosen = chosen.ok_or_else(|| rejected("Could not find the requested variant."))?;
    if chosen.model.is_none() {
        return Err(rejected(
            "Inference Component Name header is required for endpoints to which you plan to deploy \
            inference components. Please include Inference Component Name header or consider using SageMaker models.",
        ));
    }
    names.extend(chosen.model.clone());
    Ok(Serving { variant: chosen.name.clone(), names, since: endpoint.modified })
}

/// How SageMaker answers while a container that is in service still loads its model.
fn not_ready(call: &Call, name: &str, answer: SlowAnswer) -> ApiError {
    match answer {
        SlowAnswer::TimedOut => model_error(call, name, 0, TIMED_OUT),
        SlowAnswer::Unavailable => model_error(call, name, 503, "the model is loading"),
        SlowAnswer::NoCapacity => rejected(NO_CAPACITY),
        // The text is that of the API model.
        SlowAnswer::NotReady => ApiError::new(
            "ModelNotReadyException",
            "Either a serverless endpoint variant's resources are still being provisioned, or a multi-model endpoint \
             is still downloading or loading the target model. Wait and try your request again.",
        )
        .with_status(429),
    }
}

fn model_error(call: &Call, name: &str, status: u16, message: &str) -> ApiError {
    let text = format!(
        "Received {} error ({status}) from primary with message \"{message}\". See \
         https://{}.console.aws.amazon.com/cloudwatch/home for more information.",
        if (400..500).contains(&status) { "client" } else { "server" },
        call.place.region
    );
    let mut error = ApiError::new("ModelError", text.clone()).with_status(424);
    let mut fields = json!({"Message": text, "OriginalStatusCode": status, "OriginalMessage": message});
    let log = format!(
        "arn:aws:logs:{}:{}:log-group:/aws/sagemaker/Endpoints/{name}",
        call.place.region, call.place.account
    );
    put(&mut fields, "LogStreamArn", json!(log));
    error.fields = fields.as_object().cloned().unwrap_or_default();
    error
}

//! The queue of an asynchronous endpoint.
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html>

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Endpoint;
use crate::account::AccountRegion;
use crate::emissions::{Emission, Object};
use crate::error::ApiError;
use crate::json::{later, text};
use crate::resources::Resources;
use crate::world::{Scheduled, World};

/// How long one request takes that needs not wait. Assumed.
const PROCESSING_SECONDS: i64 = 5;
/// How often SageMaker looks at a queue whose requests wait, and publishes its metrics. CloudWatch's resolution.
const TICK_SECONDS: i64 = 60;
/// The least time between two looks, however fast the world is.
const LEAST_TICK: Duration = Duration::from_secs(5);
/// How long a queue is empty before target tracking scales in: 15 minutes were measured.
/// <https://repost.aws/questions/QUT4xru2SdTSqtoNyt1XV3VA/configuring-auto-scaling-for-sagemaker-async-inference>
const EMPTY_SECONDS: i64 = 900;

/// A request that was accepted and not answered.
#[derive(Debug, Clone)]
pub(crate) struct QueuedRequest {
    pub(crate) id: String,
    /// Where its answer will be.
    pub(crate) output: String,
    /// Where it will be why it has no answer.
    pub(crate) failure: Option<String>,
    pub(crate) expires: Timestamp,
}

/// The requests of an asynchronous endpoint.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    requests: VecDeque<QueuedRequest>,
    /// Whether a look at the queue is scheduled.
    is_watched: bool,
    /// Since when target tracking has had no reason to keep the instances.
    empty_since: Option<Timestamp>,
}

impl Resources {
    /// How an endpoint takes requests from a queue, if it does.
    pub(crate) fn async_config(&self, endpoint: &Endpoint) -> Option<&Value> {
        asynchronous(&self.configs.get(&endpoint.config)?.request)
    }
}

/// `AsyncInferenceConfig` of a configuration, if it has one.
pub(crate) fn asynchronous(config: &Value) -> Option<&Value> {
    config.get("AsyncInferenceConfig").filter(|config| !config.is_null())
}

/// An endpoint stays asynchronous. AWS's text ends in the middle of a word where it was recorded; the rest, and that none
/// becomes asynchronous, is assumed. <https://github.com/aws/sagemaker-python-sdk/pull/3124>
pub(super) fn check_kept(resources: &Resources, endpoint: &Endpoint, wanted: &Value) -> Result<(), ApiError> {
    let change = match (resources.async_config(endpoint).is_some(), asynchronous(wanted).is_some()) {
        (true, false) => "removed from",
        (false, true) => "added to",
        _ => return Ok(()),
    };
    Err(ApiError::validation(format!(
        "The AsyncInferenceConfig parameter cannot be {change} this endpoint {}. To change the endpoint type, create \
         another endpoint.",
        endpoint.name
    )))
}

impl World {
    /// Puts a request into the queue.
    pub(crate) fn enqueue(
        &mut self,
        place: &AccountRegion,
        name: &str,
        request: QueuedRequest,
        at: Timestamp,
    ) {
        let after = self.pace.bake(PROCESSING_SECONDS);
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        endpoint.queue.requests.push_back(request);
        endpoint.queue.empty_since = None;
        if !std::mem::replace(&mut endpoint.queue.is_watched, true) {
            self.schedule(later(at, after), place, Scheduled::Queue { endpoint: name.to_owned() });
        }
    }

    /// Answers what waits, if there is an instance. Requests that wait too long expire.
    pub(crate) fn work_on_queue(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        let (expired, waiting): (VecDeque<_>, VecDeque<_>) =
            endpoint.queue.requests.drain(..).partition(|request| request.expires <= at);
        let instances: i64 = endpoint.variants.iter().map(|variant| variant.count).sum();
        let serves = matches!(endpoint.status, "InService" | "Updating" | "SystemUpdating" | "RollingBack");
        let models: Vec<String> =
            endpoint.variants.iter().filter_map(|variant| variant.model.clone()).collect();
        let answered = if serves && instances > 0 { waiting.len() } else { 0 };
        for _ in expired {
            self.count_metric(place, "ExpiredRequests", &[("EndpointName", name)], at);
        }
        for request in waiting.iter().take(answered) {
            self.answer_queued(place, name, &models, request);
        }
        let left: VecDeque<_> = waiting.into_iter().skip(answered).collect();
        self.measure_queue(place, name, left.len(), instances, at);
        let tick = self.pace.bake(TICK_SECONDS).max(LEAST_TICK);
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        endpoint.queue.is_watched = !left.is_empty();
        endpoint.queue.requests = left;
        if endpoint.queue.is_watched {
            self.schedule(later(at, tick), place, Scheduled::Queue { endpoint: name.to_owned() });
        } else {
            self.watch_empty_queue(place, name, at);
        }
    }

    /// The container answers, and the answer or the failure is put into S3. The names of failures are those of the
    /// examples, their content is ours.
    fn answer_queued(&mut self, place: &AccountRegion, name: &str, models: &[String], asked: &QueuedRequest) {
        let names: Vec<&str> = std::iter::once(name).chain(models.iter().map(String::as_str)).collect();
        let broken = self.faults.container(&place.account, &names);
        let (uri, body) = match broken {
            None => (Some(asked.output.clone()), json!({"predictions": [0.5]})),
            Some((status, message)) => (
                asked.failure.clone(),
                json!({"inferenceId": asked.id, "status": status, "message": message}),
            ),
        };
        let Some(uri) = uri else { return };
        let (account, region) = (place.account.clone(), place.region.clone());
        self.push_emission(Emission::Object(Object { account, region, uri, body: body.to_string() }));
    }

    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html>
    fn measure_queue(
        &mut self,
        place: &AccountRegion,
        name: &str,
        backlog: usize,
        instances: i64,
        at: Timestamp,
    ) {
        let of = [("EndpointName", name)];
        let backlog = backlog as f64;
        self.measure(place, "ApproximateBacklogSize", &of, backlog, at);
        let without = if backlog > 0.0 && instances == 0 { 1.0 } else { 0.0 };
        self.measure(place, "HasBacklogWithoutCapacity", &of, without, at);
        // At zero instances there is nothing to divide by.
        if instances > 0 {
            self.measure(place, "ApproximateBacklogSizePerInstance", &of, backlog / instances as f64, at);
        }
    }

    /// Target tracking scales in when the queue has been empty for some time.
    pub(crate) fn watch_empty_queue(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let after = self.pace.bake(EMPTY_SECONDS);
        let Some(resources) = self.resources(place) else { return };
        let Some(endpoint) = resources.endpoints.get(name) else { return };
        if resources.async_config(endpoint).is_none() || !endpoint.queue.requests.is_empty() {
            return;
        }
        if let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) {
            endpoint.queue.empty_since = Some(at);
        }
        let due = Scheduled::EmptyQueue { endpoint: name.to_owned(), since: at };
        self.schedule(later(at, after), place, due);
    }

    /// The queue may have been empty for long enough.
    pub(crate) fn queue_was_empty(
        &mut self,
        place: &AccountRegion,
        name: &str,
        since: Timestamp,
        at: Timestamp,
    ) {
        let endpoint = self.resources(place).and_then(|resources| resources.endpoints.get(name));
        if endpoint.is_some_and(|endpoint| endpoint.queue.empty_since == Some(since)) {
            self.track_empty_queue(place, name, at);
        }
    }
}

/// The places of the answer and of the failure of a request.
pub(crate) fn locations(config: &Value, id: &str) -> (Option<String>, Option<String>) {
    let output = config.get("OutputConfig");
    let of = |member: &str, ending: &str| {
        let path = output.and_then(|output| text(output, member))?;
        Some(format!("{}/{id}{ending}", path.trim_end_matches('/')))
    };
    (of("S3OutputPath", ".out"), of("S3FailurePath", "-error.out"))
}

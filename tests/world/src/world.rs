//! The state machine: calls in, emissions out. The caller passes the time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::account::{AccountRegion, Call, Caller};
use crate::call_log::{ApiCall, CallLog};
use crate::emissions::{Emission, Event, Metric};
use crate::error::ApiError;
use crate::faults::{EventFault, Fault, FaultPlan};
use crate::json::later;
use crate::pace::Pace;
use crate::resources::Resources;
use crate::services;
use crate::throttle::{Share, Throttle};

/// A change that takes place at a scheduled time.
#[derive(Debug, Clone)]
pub(crate) enum Scheduled {
    /// The next stage of an endpoint's creation, update or deletion; skipped if the endpoint changed since.
    Endpoint { name: String, generation: u64 },
    /// The end of a component's change; skipped if the component changed since.
    Component { name: String, generation: u64 },
    /// The next stage of a job.
    Job { name: String },
    /// The end of a step of an execution.
    Step { execution: String, step: usize },
    /// The start of an execution, or the next evaluation of its steps.
    Execution { arn: String },
    /// The retry of a scaling that found its resource busy.
    Scale { resource: String, dimension: String, capacity: i64 },
    /// The instances of a variant with managed scaling are compared with its copies.
    ManagedInstances { endpoint: String },
    /// An alarm that is still in ALARM calls its scaling policy again.
    AlarmAgain { action_arn: String, alarm: String, until: Timestamp },
    /// The next look at the queue of an asynchronous endpoint.
    Queue { endpoint: String },
    /// The queue of an asynchronous endpoint may have been empty for long enough to scale in.
    EmptyQueue { endpoint: String, since: Timestamp },
    /// An event that a fault delays.
    DelayedEvent { event: Event },
    /// The release of an event that waits for a successor and got none.
    HeldEvent,
}

/// The model of SageMaker, Application Auto Scaling, SageMaker Runtime and CodeCommit.
///
/// It has no clock and no randomness: the same calls at the same times have the same results.
#[derive(Debug)]
pub struct World {
    pub(crate) pace: Pace,
    pub(crate) faults: FaultPlan,
    pub(crate) throttle: Throttle,
    pub(crate) resources: BTreeMap<AccountRegion, Resources>,
    /// The S3 objects that the world can read, by URI: large pipeline definitions.
    pub(crate) objects: BTreeMap<String, String>,
    /// The resources that are not visible yet, by ARN, with the number of calls that will not find them.
    pub(crate) hidden: BTreeMap<String, u32>,
    /// Pairs of a pipeline's role and a role that it may pass to jobs.
    pub(crate) passable: BTreeSet<(String, String)>,
    /// Role of a pipeline and name of a step, and why the role cannot run it.
    pub(crate) step_refusals: BTreeMap<(String, String), String>,
    call_log: CallLog,
    queue: BTreeMap<(Timestamp, u64), (AccountRegion, Scheduled)>,
    outbox: Vec<Emission>,
    held_event: Option<Event>,
    counter: u64,
    clock: Timestamp,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            faults: FaultPlan::default(),
            throttle: Throttle::default(),
            resources: BTreeMap::new(),
            objects: BTreeMap::new(),
            hidden: BTreeMap::new(),
            passable: BTreeSet::new(),
            step_refusals: BTreeMap::new(),
            call_log: CallLog::default(),
            queue: BTreeMap::new(),
            outbox: Vec::new(),
            held_event: None,
            counter: 0,
            clock: Timestamp::UNIX_EPOCH,
        }
    }

    /// Handles one call at `now`. A `now` before the latest one counts as the latest one.
    ///
    /// # Errors
    /// The error of the service; `UnknownOperationException` for an operation that the world does not offer.
    pub fn call(
        &mut self,
        caller: &Caller,
        service: &str,
        operation: &str,
        request: &Value,
        now: Timestamp,
    ) -> Result<Value, ApiError> {
        self.run_until(now);
        let call = Call {
            place: AccountRegion::new(&caller.account, &caller.region),
            principal: caller.principal.clone(),
            now: self.clock,
        };
        let rejection = self.faults.rejection(&caller.account, operation);
        let rejected = rejection.map_or(Ok(()), |message| Err(ApiError::new("ValidationException", message)));
        let answer = self
            .throttle
            .admit(&caller.account, operation, self.clock)
            .and(rejected)
            .and_then(|()| services::handler(service, operation))
            .and_then(|handler| {
                services::sagemaker::tags::check(self, &call, operation, request)?;
                self.check_visible(&call, operation, request)?;
                let answer = handler(self, &call, request)?;
                self.hide_created(&call, operation, request);
                Ok(answer)
            });
        let outcome = answer.as_ref().err().map_or_else(|| "ok".to_owned(), |error| error.code.clone());
        self.log_call(caller, service, operation, request, &outcome, now);
        answer
    }

    /// Adds a call to the call log. The HTTP server logs the calls that it rejects.
    pub fn log_call(
        &mut self,
        caller: &Caller,
        service: &str,
        operation: &str,
        request: &Value,
        outcome: &str,
        at: Timestamp,
    ) {
        self.call_log.push(ApiCall {
            at,
            account: caller.account.clone(),
            region: caller.region.clone(),
            principal: caller.principal.clone(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            request: request.clone(),
            outcome: outcome.to_owned(),
        });
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> &[ApiCall] {
        self.call_log.entries()
    }

    /// Advances to `now` and returns the emissions since the last time, in order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Emission> {
        self.run_until(now);
        std::mem::take(&mut self.outbox)
    }

    /// The time of the next scheduled change; the current time if emissions are waiting.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        if !self.outbox.is_empty() {
            return Some(self.clock);
        }
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Stores an S3 object that the world can read.
    pub fn put_object(&mut self, uri: &str, body: String) {
        self.objects.insert(uri.to_owned(), body);
    }

    /// The latest time that a caller passed.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock
    }

    /// Injects a fault, or ends the faults with [`Fault::Clear`].
    pub fn inject_fault(&mut self, fault: Fault) {
        match fault {
            Fault::Throttle { on } => self.throttle.on = on,
            Fault::ThrottleShare { percent, seed } => {
                self.throttle.share = Share { percent, seed, calls: 0 };
            }
            Fault::Clear => {
                self.faults.clear();
                self.hidden.clear();
                self.throttle.on = false;
                self.throttle.share = Share::default();
            }
            other => self.faults.add(other),
        }
    }

    /// The resources of an account and region; `None` if there never was one.
    pub(crate) fn resources(&self, place: &AccountRegion) -> Option<&Resources> {
        self.resources.get(place)
    }

    /// The resources of an account and region, to change them.
    pub(crate) fn resources_mut(&mut self, place: &AccountRegion) -> &mut Resources {
        self.resources.entry(place.clone()).or_default()
    }

    /// Schedules a change at `at`.
    pub(crate) fn schedule(&mut self, at: Timestamp, place: &AccountRegion, change: Scheduled) {
        self.counter += 1;
        self.queue.insert((at, self.counter), (place.clone(), change));
    }

    /// A new unique id: `length` characters of `0-9a-z`, derived from a counter.
    pub(crate) fn id(&mut self, kind: &str, length: usize) -> String {
        const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        self.counter += 1;
        let hash = Sha256::digest(format!("{kind}-{}", self.counter));
        hash.iter()
            .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
            .map(|letter| char::from(*letter))
            .take(length)
            .collect()
    }

    /// Emits an event of SageMaker, subject to injected faults.
    pub(crate) fn emit_sagemaker_event(
        &mut self,
        place: &AccountRegion,
        detail_type: &str,
        resources: Vec<String>,
        detail: Value,
        at: Timestamp,
        copies: u32,
    ) {
        self.emit(Event {
            account: place.account.clone(),
            region: place.region.clone(),
            source: "aws.sagemaker".to_owned(),
            detail_type: detail_type.to_owned(),
            resources,
            detail,
            time: at,
            copies,
        });
    }

    /// Emits an event, subject to injected faults.
    pub(crate) fn emit(&mut self, mut event: Event) {
        match self.faults.event_fault(&event) {
            None => self.push_event(event),
            Some(EventFault::Lost) => {}
            Some(EventFault::Copies(copies)) => {
                event.copies = copies;
                self.push_event(event);
            }
            Some(EventFault::DelayMillis(by)) => {
                let at = later(self.clock.max(event.time), std::time::Duration::from_millis(by));
                let place = AccountRegion::new(&event.account, &event.region);
                self.schedule(at, &place, Scheduled::DelayedEvent { event });
            }
            Some(EventFault::Swapped) => {
                // If no event follows within five seconds, it is emitted alone: swapped is not lost.
                let at = later(self.clock.max(event.time), std::time::Duration::from_secs(5));
                let place = AccountRegion::new(&event.account, &event.region);
                self.schedule(at, &place, Scheduled::HeldEvent);
                let earlier = self.held_event.replace(event);
                self.outbox.extend(earlier.map(Emission::Event));
            }
        }
    }

    fn push_event(&mut self, event: Event) {
        self.outbox.push(Emission::Event(event));
        let event = self.held_event.take();
        self.outbox.extend(event.map(Emission::Event));
    }

    /// Emits an object or a metric.
    pub(crate) fn push_emission(&mut self, emission: Emission) {
        self.outbox.push(emission);
    }

    /// Emits a metric with the value 1.
    pub(crate) fn count_metric(
        &mut self,
        place: &AccountRegion,
        name: &str,
        dimensions: &[(&str, &str)],
        at: Timestamp,
    ) {
        self.measure(place, name, dimensions, 1.0, at);
    }

    /// Emits a metric.
    pub(crate) fn measure(
        &mut self,
        place: &AccountRegion,
        name: &str,
        dimensions: &[(&str, &str)],
        value: f64,
        at: Timestamp,
    ) {
        self.outbox.push(Emission::Metric(Metric {
            account: place.account.clone(),
            region: place.region.clone(),
            namespace: "AWS/SageMaker".to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            value,
            unit: "Count".to_owned(),
            time: at,
        }));
    }

    fn run_until(&mut self, now: Timestamp) {
        while let Some((&(at, order), _)) = self.queue.first_key_value()
            && at <= now
        {
            if let Some((place, change)) = self.queue.remove(&(at, order)) {
                self.clock = self.clock.max(at);
                self.run_scheduled(&place, change, at);
            }
        }
        self.clock = self.clock.max(now);
    }

    fn run_scheduled(&mut self, place: &AccountRegion, change: Scheduled, at: Timestamp) {
        match change {
            Scheduled::Endpoint { name, generation } => self.endpoint_stage(place, &name, generation, at),
            Scheduled::Component { name, generation } => self.component_done(place, &name, generation, at),
            Scheduled::Job { name } => self.job_stage(place, &name, at),
            Scheduled::Step { execution, step } => self.step_done(place, &execution, step, at),
            Scheduled::Execution { arn } => self.execution_tick(place, &arn, at),
            Scheduled::Scale { resource, dimension, capacity } => {
                self.set_capacity(place, &resource, &dimension, capacity, at);
            }
            Scheduled::ManagedInstances { endpoint } => self.adjust_managed_instances(place, &endpoint, at),
            Scheduled::AlarmAgain { action_arn, alarm, until } => {
                self.alarm_again(place, &action_arn, &alarm, until, at);
            }
            Scheduled::Queue { endpoint } => self.work_on_queue(place, &endpoint, at),
            Scheduled::EmptyQueue { endpoint, since } => self.queue_was_empty(place, &endpoint, since, at),
            Scheduled::DelayedEvent { event } => self.push_event(event),
            Scheduled::HeldEvent => {
                let event = self.held_event.take();
                self.outbox.extend(event.map(Emission::Event));
            }
        }
    }
}

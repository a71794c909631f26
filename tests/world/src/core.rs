//! The state machine: calls in, emissions out, time given from outside.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::event::{Emission, Event, Metric};
use crate::journal::{Journal, JournalEntry};
use crate::json::later;
use crate::mischief::{Fate, Mischief, Plans};
use crate::pace::Pace;
use crate::place::{Call, Caller, Place};
use crate::scope::Scope;
use crate::throttle::{Share, Throttle};

/// Answers one operation.
pub(crate) type Handler = fn(&mut World, &Call, &Value) -> Result<Value, ApiError>;

/// Something that happens by itself when its time has come.
#[derive(Debug, Clone)]
pub(crate) enum Due {
    /// The next stage of an endpoint's creation, update or deletion; void if the endpoint changed since.
    Endpoint { name: String, generation: u64 },
    /// The end of a component's change; void if the component changed since.
    Component { name: String, generation: u64 },
    /// The next stage of a job.
    Job { name: String },
    /// A step of an execution has run its time.
    Step { execution: String, step: usize },
    /// An execution starts, or is to be looked at again.
    Execution { arn: String },
    /// A scaling that found its resource busy is tried again.
    Scale { resource: String, dimension: String, capacity: i64 },
    /// An event that was held back goes out.
    Late { event: Event },
    /// An event that waits for a successor goes out without one.
    Release,
}

/// The model of SageMaker, Application Auto Scaling, SageMaker Runtime and CodeCommit.
///
/// It has no clock and no randomness: the same calls at the same times give the same life.
#[derive(Debug)]
pub struct World {
    pub(crate) pace: Pace,
    pub(crate) plans: Plans,
    pub(crate) throttle: Throttle,
    pub(crate) scopes: BTreeMap<Place, Scope>,
    /// Texts that lie on S3, by URI: the world reads large pipeline definitions from there.
    pub(crate) objects: BTreeMap<String, String>,
    journal: Journal,
    queue: BTreeMap<(Timestamp, u64), (Place, Due)>,
    outbox: Vec<Emission>,
    held: Option<Event>,
    counter: u64,
    clock: Timestamp,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            plans: Plans::default(),
            throttle: Throttle::default(),
            scopes: BTreeMap::new(),
            objects: BTreeMap::new(),
            journal: Journal::default(),
            queue: BTreeMap::new(),
            outbox: Vec::new(),
            held: None,
            counter: 0,
            clock: Timestamp::UNIX_EPOCH,
        }
    }

    /// Answers one call at `now`. A `now` before the latest one seen counts as the latest one.
    ///
    /// # Errors
    /// Whatever the service would answer; `UnknownOperationException` for what the world does not offer.
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
            place: Place::new(&caller.account, &caller.region),
            principal: caller.principal.clone(),
            now: self.clock,
        };
        let refusal = self.plans.refusal(&caller.account, operation);
        let refused = refusal.map_or(Ok(()), |message| Err(ApiError::new("ValidationException", message)));
        let answer = self
            .throttle
            .admit(&caller.account, operation, self.clock)
            .and(refused)
            .and_then(|()| handler(service, operation))
            .and_then(|handle| handle(self, &call, request));
        let outcome = answer.as_ref().err().map_or_else(|| "ok".to_owned(), |error| error.code.clone());
        self.note(caller, service, operation, request, &outcome, now);
        answer
    }

    /// Writes a call into the journal; for callers that are refused before they reach the world.
    pub fn note(
        &mut self,
        caller: &Caller,
        service: &str,
        operation: &str,
        request: &Value,
        outcome: &str,
        at: Timestamp,
    ) {
        self.journal.push(JournalEntry {
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

    /// Every call so far.
    #[must_use]
    pub fn journal(&self) -> &[JournalEntry] {
        self.journal.entries()
    }

    /// Lives on until `now` and returns what was to be told since the last time, in order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Emission> {
        self.run_until(now);
        std::mem::take(&mut self.outbox)
    }

    /// When something happens next by itself; at once if emissions wait.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        if !self.outbox.is_empty() {
            return Some(self.clock);
        }
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Makes a text on S3 known to the world.
    pub fn put_object(&mut self, uri: &str, body: String) {
        self.objects.insert(uri.to_owned(), body);
    }

    /// The latest time the world has seen.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock
    }

    /// Makes something go wrong (or right again).
    pub fn mischief(&mut self, mischief: Mischief) {
        match mischief {
            Mischief::Throttle { on } => self.throttle.on = on,
            Mischief::ThrottleShare { percent, seed } => {
                self.throttle.share = Share { percent, seed, calls: 0 };
            }
            Mischief::Clear => {
                self.plans.clear();
                self.throttle.on = false;
                self.throttle.share = Share::default();
            }
            other => self.plans.add(other),
        }
    }

    /// What lives at a place; `None` if nothing ever did.
    pub(crate) fn scope(&self, place: &Place) -> Option<&Scope> {
        self.scopes.get(place)
    }

    /// What lives at a place, to change it.
    pub(crate) fn scope_mut(&mut self, place: &Place) -> &mut Scope {
        self.scopes.entry(place.clone()).or_default()
    }

    /// Lets something happen at `at`.
    pub(crate) fn schedule(&mut self, at: Timestamp, place: &Place, due: Due) {
        self.counter += 1;
        self.queue.insert((at, self.counter), (place.clone(), due));
    }

    /// An id that no earlier one equals: `length` characters of `0-9a-z`, derived from a counter.
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

    /// Tells an event of SageMaker's, subject to what is to go wrong with it.
    pub(crate) fn tell(
        &mut self,
        place: &Place,
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

    /// Sends an event on its way, subject to what is to go wrong with it.
    pub(crate) fn emit(&mut self, mut event: Event) {
        match self.plans.fate(&event) {
            None => self.deliver(event),
            Some(Fate::Lost) => {}
            Some(Fate::Copies(copies)) => {
                event.copies = copies;
                self.deliver(event);
            }
            Some(Fate::LateMillis(by)) => {
                let at = later(self.clock.max(event.time), std::time::Duration::from_millis(by));
                let place = Place::new(&event.account, &event.region);
                self.schedule(at, &place, Due::Late { event });
            }
            Some(Fate::Swapped) => {
                // If nothing follows within a while it goes out alone: swapped is not lost.
                let at = later(self.clock.max(event.time), std::time::Duration::from_secs(5));
                let place = Place::new(&event.account, &event.region);
                self.schedule(at, &place, Due::Release);
                let earlier = self.held.replace(event);
                self.outbox.extend(earlier.map(Emission::Event));
            }
        }
    }

    fn deliver(&mut self, event: Event) {
        self.outbox.push(Emission::Event(event));
        let held = self.held.take();
        self.outbox.extend(held.map(Emission::Event));
    }

    /// Puts a file or a datapoint on its way.
    pub(crate) fn put_out(&mut self, emission: Emission) {
        self.outbox.push(emission);
    }

    /// Records a count of one.
    pub(crate) fn count(&mut self, place: &Place, name: &str, dimensions: &[(&str, &str)], at: Timestamp) {
        self.outbox.push(Emission::Metric(Metric {
            account: place.account.clone(),
            region: place.region.clone(),
            namespace: "AWS/SageMaker".to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            value: 1.0,
            unit: "Count".to_owned(),
            time: at,
        }));
    }

    fn run_until(&mut self, now: Timestamp) {
        while let Some((&(at, order), _)) = self.queue.first_key_value()
            && at <= now
        {
            if let Some((place, due)) = self.queue.remove(&(at, order)) {
                self.clock = self.clock.max(at);
                self.happen(&place, due, at);
            }
        }
        self.clock = self.clock.max(now);
    }

    fn happen(&mut self, place: &Place, due: Due, at: Timestamp) {
        match due {
            Due::Endpoint { name, generation } => self.endpoint_stage(place, &name, generation, at),
            Due::Component { name, generation } => self.component_done(place, &name, generation, at),
            Due::Job { name } => self.job_stage(place, &name, at),
            Due::Step { execution, step } => self.step_done(place, &execution, step, at),
            Due::Execution { arn } => self.execution_tick(place, &arn, at),
            Due::Scale { resource, dimension, capacity } => {
                self.set_capacity(place, &resource, &dimension, capacity, at);
            }
            Due::Late { event } => self.deliver(event),
            Due::Release => {
                let held = self.held.take();
                self.outbox.extend(held.map(Emission::Event));
            }
        }
    }
}

/// The operations of a service and who answers them.
pub(crate) fn offered(service: &str) -> &'static [&'static [(&'static str, Handler)]] {
    match service {
        "sagemaker" => &[
            crate::registry::OPERATIONS,
            crate::model::OPERATIONS,
            crate::endpoint_config::OPERATIONS,
            crate::endpoint::OPERATIONS,
            crate::component::OPERATIONS,
            crate::pipeline::OPERATIONS,
            crate::tags::OPERATIONS,
        ],
        "application-autoscaling" => &[crate::autoscaling::OPERATIONS, crate::scaling_policy::OPERATIONS],
        "codecommit" => &[crate::codecommit::OPERATIONS],
        "sagemaker-runtime" => &[crate::runtime::OPERATIONS],
        _ => &[],
    }
}

/// Who answers `operation` of `service`.
fn handler(service: &str, operation: &str) -> Result<Handler, ApiError> {
    offered(service)
        .iter()
        .flat_map(|table| table.iter())
        .find(|(name, _)| *name == operation)
        .map(|(_, handle)| *handle)
        .ok_or_else(|| {
            ApiError::new("UnknownOperationException", format!("{service} {operation} is not offered"))
        })
}

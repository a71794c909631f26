//! One model of AWS for all accounts, and what a function in one of them can reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::refusals::{Meaning, meaning};
use tidegate_engine::{CallError, Class};
use tidegate_events::AlarmChanged;
use tidegate_world::{AccountRegion, ApiError, Caller, Emission, Metric, Pace, World};

use tidegate_testkit::FaultInjector;

use crate::ports::{JOB_ROLE, ROLE};

/// An event of our own on an account's bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// When it was published.
    pub at: Timestamp,
    /// Its detail-type.
    pub detail_type: String,
    /// Its detail.
    pub detail: Value,
}

/// A message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The subject.
    pub subject: String,
    /// The message.
    pub message: String,
}

/// A one-time schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Wakeup {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub at: Timestamp,
    /// What it hands to the function.
    pub input: Value,
}

/// The state of an account beside the world: bus, alerts, schedules, reports, alarms.
#[derive(Debug, Default)]
pub(crate) struct AccountState {
    pub(crate) bus: Vec<Published>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) schedules: BTreeMap<String, Wakeup>,
    /// By bucket and key.
    pub(crate) reports: BTreeMap<(String, String), String>,
    pub(crate) alarms: BTreeMap<String, AlarmChanged>,
    /// The scaling policy behind the wake alarm of each component and asynchronous endpoint.
    pub(crate) wake_policies: BTreeMap<String, String>,
    /// Whether CloudWatch cannot tell.
    pub(crate) metrics_silent: bool,
}

pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    pub(crate) metrics: Vec<Metric>,
    /// What AWS has written to S3.
    pub(crate) objects: BTreeSet<String>,
    pub(crate) account_states: BTreeMap<AccountRegion, AccountState>,
}

/// AWS, with a clock that the test moves. Cheap to clone.
#[derive(Clone)]
pub struct Cloud {
    inner: Arc<Mutex<Inner>>,
    /// Injects faults into AWS operations, such as `StartPipelineExecution`.
    pub faults: FaultInjector,
}

impl Cloud {
    /// An empty cloud at `now`.
    #[must_use]
    pub fn new(pace: Pace, now: Timestamp) -> Self {
        let mut world = World::new(pace);
        world.set_passable(ROLE, JOB_ROLE, true);
        let inner = Inner {
            world,
            now,
            metrics: Vec::new(),
            objects: BTreeSet::new(),
            account_states: BTreeMap::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)), faults: FaultInjector::default() }
    }

    /// The ports of an account.
    #[must_use]
    pub fn account(&self, account: &str, region: &str) -> Account {
        Account {
            cloud: self.clone(),
            caller: Caller::root(account, region),
            place: AccountRegion::new(account, region),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner().now
    }

    /// Lives on until `now`, and returns what AWS told until then. Metrics and objects stay here as well.
    pub fn advance(&self, now: Timestamp) -> Vec<Emission> {
        let mut inner = self.inner();
        inner.now = inner.now.max(now);
        let now = inner.now;
        let told = inner.world.advance(now);
        for emission in &told {
            match emission {
                Emission::Metric(metric) => inner.metrics.push(metric.clone()),
                Emission::Object(object) => _ = inner.objects.insert(object.uri.clone()),
                Emission::Event(_) => {}
            }
        }
        told
    }

    /// When AWS does something next by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.inner().world.next_due()
    }

    /// Works on the world directly: commits, faults, the call log.
    pub fn with_world<T>(&self, work: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut inner = self.inner();
        let now = inner.now;
        work(&mut inner.world, now)
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An account in a region: all ports of a function that runs there.
#[derive(Clone)]
pub struct Account {
    pub(crate) cloud: Cloud,
    pub(crate) caller: Caller,
    pub(crate) place: AccountRegion,
}

impl Account {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &AccountRegion {
        &self.place
    }

    /// The same account as another role sees it; the world's call log records the caller.
    #[must_use]
    pub fn acting_as(&self, role: &str) -> Self {
        let principal = format!("arn:aws:sts::{}:assumed-role/{role}/tidegate", self.place.account);
        Self { caller: Caller { principal, ..self.caller.clone() }, ..self.clone() }
    }

    /// Any call to the world.
    ///
    /// # Errors
    /// What AWS would answer.
    pub fn ask(&self, service: &str, operation: &str, request: &Value) -> Result<Value, ApiError> {
        let caller = self.caller.clone();
        self.cloud.with_world(|world, now| world.call(&caller, service, operation, request, now))
    }

    /// Takes what was published on the bus since the last time.
    #[must_use]
    pub fn take_published(&self) -> Vec<Published> {
        std::mem::take(&mut self.cloud.inner().account_states.entry(self.place.clone()).or_default().bus)
    }

    /// What was published on the bus under a detail-type.
    #[must_use]
    pub fn published(&self, detail_type: &str) -> Vec<Value> {
        let all = |state: &mut AccountState| -> Vec<Published> { state.bus.clone() };
        let of_type = self.state(all).into_iter().filter(|event| event.detail_type == detail_type);
        of_type.map(|event| event.detail).collect()
    }

    /// What people were told.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        self.state(|state| state.alerts.clone())
    }

    /// The schedules that have not fired.
    #[must_use]
    pub fn schedules(&self) -> Vec<Wakeup> {
        self.state(|state| state.schedules.values().cloned().collect())
    }

    /// Takes the schedules that are due. A one-time schedule is deleted when it has fired.
    #[must_use]
    pub fn take_due(&self) -> Vec<Wakeup> {
        let now = self.cloud.now();
        self.state(|state| {
            let due: Vec<Wakeup> = state.schedules.values().filter(|wake| wake.at <= now).cloned().collect();
            state.schedules.retain(|_, wake| wake.at > now);
            due
        })
    }

    /// Puts a monitoring report into S3.
    pub fn put_report(&self, bucket: &str, key: &str, text: &str) {
        self.state(|state| state.reports.insert((bucket.to_owned(), key.to_owned()), text.to_owned()));
    }

    /// Says which alarm is in ALARM, as its event told it.
    pub fn raise_alarm(&self, alarm: &AlarmChanged) {
        self.state(|state| state.alarms.insert(alarm.alarm.clone(), alarm.clone()));
    }

    /// Ends an alarm.
    pub fn end_alarm(&self, name: &str) {
        self.state(|state| state.alarms.remove(name));
    }

    /// Whether CloudWatch cannot tell metrics.
    pub fn silence_metrics(&self, silent: bool) {
        self.state(|state| state.metrics_silent = silent);
    }

    /// The ARN of the scaling policy that the wake alarm of a component or an asynchronous endpoint runs, once it is armed.
    #[must_use]
    pub fn wake_policy(&self, component: &str) -> Option<String> {
        self.state(|state| state.wake_policies.get(component).cloned())
    }

    pub(crate) fn state<T>(&self, work: impl FnOnce(&mut AccountState) -> T) -> T {
        work(self.cloud.inner().account_states.entry(self.place.clone()).or_default())
    }

    /// A call as a port makes it: subject to faults, with the error's class.
    pub(crate) async fn call(
        &self,
        service: &'static str,
        operation: &'static str,
        request: Value,
    ) -> Result<Value, CallError> {
        let made = || {
            self.ask(service, operation, &request)
                .map_err(|error| failed(service, operation, &request, &error))
        };
        self.cloud.faults.around(service, operation, made).await
    }

    /// As [`Account::call`], but something that is not there is `None`.
    pub(crate) async fn find(
        &self,
        service: &'static str,
        operation: &'static str,
        request: Value,
    ) -> Result<Option<Value>, CallError> {
        match self.call(service, operation, request).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_absent(operation, &error.message) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_absent(operation: &str, message: &str) -> bool {
    let (code, text) = message.split_once(": ").unwrap_or_default();
    meaning(operation, code, text, &[]) == Some(Meaning::NotFound)
}

/// The error as the adapters for the SDK classify it.
fn failed(service: &'static str, operation: &'static str, request: &Value, error: &ApiError) -> CallError {
    let config = request.get("EndpointConfigName").and_then(Value::as_str);
    let known = meaning(operation, &error.code, &error.message, config.as_slice());
    let by_code = match error.code.as_str() {
        code if code.contains("Throttl") => Class::Throttled,
        code if code.contains("AccessDenied") => Class::Denied,
        code if code.contains("Conflict") || code.contains("ResourceInUse") => Class::Conflict,
        _ if error.http_status >= 500 => Class::Retryable,
        _ => Class::Permanent,
    };
    let class = known.map_or(by_code, Meaning::class);
    CallError { service, operation, class, message: error.to_string() }
}

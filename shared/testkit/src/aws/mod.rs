//! AWS in one account, in memory: it implements every port of a function.
//!
//! It answers with canned responses ([`FakeAws::new`]), from the AWS events that were applied ([`FakeAws::apply`]),
//! and from the functions' own calls, which change its state as they would change AWS. No call waits, and only the
//! calls in [`CannedResponses::refuses`] fail. What the functions start (a Tidegate event, a schedule, an endpoint
//! that will be in service) is an [`Effect`] for the code that advances the time.

mod apply_event;
mod canned;
mod common;
mod effect;
mod endpoints;
mod environment;
mod gates;
mod hub;
mod state;
mod traffic;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tidegate_engine::refusals::{Meaning, meaning};
use tidegate_engine::{CallError, Class};
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::owner::{self, Tags};

use crate::Network;
pub use canned::{CannedResponses, Pace};
pub use effect::Effect;
use state::AwsState;
use traffic::Traffic;

/// AWS in one account and region, as far as the functions call it.
#[derive(Debug)]
pub struct FakeAws {
    account: String,
    region: String,
    pace: Pace,
    /// The folder of monitoring reports, as `<folder>/<bucket>/<key>`.
    reports: Option<PathBuf>,
    canned: CannedResponses,
    /// The tags of what the applied policies name, by the end of its ARN.
    owned: BTreeMap<String, Tags>,
    /// The way of each call, if calls take time.
    network: Option<Arc<dyn Network>>,
    state: Mutex<AwsState>,
}

impl FakeAws {
    /// A fake AWS with these responses for everything that is not known otherwise.
    #[must_use]
    pub fn new(account: &str, region: &str, canned: CannedResponses) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            pace: Pace::default(),
            reports: None,
            canned,
            owned: BTreeMap::new(),
            network: None,
            state: Mutex::new(AwsState::default()),
        }
    }

    /// The same fake AWS with other durations of operations.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same fake AWS, in which these policies are applied: Tidegate made the resources that they name.
    #[must_use]
    pub fn with_policies<'p>(mut self, policies: impl IntoIterator<Item = &'p Policy>) -> Self {
        for policy in policies {
            self.own("pipeline", policy.pipeline.name.as_str(), owner::tags_of_policy(policy, None));
            let here =
                |e: &&Environment| e.account.as_str() == self.account && e.region.as_str() == self.region;
            for environment in policy.environments.iter().filter(here).cloned().collect::<Vec<_>>() {
                let tags = owner::tags_of_policy(policy, Some(&environment));
                let endpoint = &environment.endpoint;
                let shared = endpoint.is_shared().then(owner::shared_tags);
                self.own("endpoint", endpoint.name.as_str(), shared.unwrap_or_else(|| tags.clone()));
                self.own("inference-component", endpoint.served_name(), tags);
            }
        }
        self
    }

    fn own(&mut self, kind: &str, name: &str, tags: Vec<(String, String)>) {
        self.owned.insert(format!("{kind}/{name}").to_lowercase(), tags.into_iter().collect());
    }

    /// The same fake AWS with monitoring reports from a folder.
    #[must_use]
    pub fn with_reports(self, reports: Option<PathBuf>) -> Self {
        Self { reports, ..self }
    }

    /// The same fake AWS behind a network. Without one, calls take no time.
    #[must_use]
    pub fn with_network(self, network: Arc<dyn Network>) -> Self {
        Self { network: Some(network), ..self }
    }

    /// Advances the time.
    pub fn set_now(&self, now: Timestamp) {
        self.state().now = now;
    }

    /// Takes the effects since the last call.
    #[must_use]
    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.state().effects)
    }

    /// Counts invocations of an endpoint or component.
    pub fn count(&self, name: &str, at: Timestamp, invocations: u64) {
        self.state().traffic.of(name).add(at, invocations);
    }

    /// Takes the number of metrics that CloudWatch was asked for since the last call.
    #[must_use]
    pub fn take_queried_metrics(&self) -> u64 {
        std::mem::take(&mut self.state().queried_metrics)
    }

    /// Leaves one invocation of an endpoint or component, at a time in the past.
    pub fn forget_traffic(&self, name: &str, last: Timestamp) {
        let mut state = self.state();
        *state.traffic.of(name) = Traffic::default();
        state.traffic.of(name).add(last, 1);
    }

    /// When an endpoint or component was last invoked.
    #[must_use]
    pub fn last_invoked(&self, name: &str) -> Option<Timestamp> {
        self.state().traffic.get(name).and_then(Traffic::last)
    }

    /// Whether an alarm was last reported as ALARM.
    #[must_use]
    pub fn is_in_alarm(&self, alarm: &str) -> bool {
        self.state().alarms.contains(alarm)
    }

    /// Passes one request through the network.
    async fn pass(&self, service: &'static str, operation: &'static str) -> Result<(), CallError> {
        match &self.network {
            Some(network) => network.pass(service, operation).await,
            None => Ok(()),
        }
    }

    /// Passes the requests of a call that has at most `page` entries in each.
    async fn pass_pages(
        &self,
        service: &'static str,
        operation: &'static str,
        entries: usize,
        page: usize,
    ) -> Result<(), CallError> {
        for _ in 0..entries.div_ceil(page) {
            self.pass(service, operation).await?;
        }
        Ok(())
    }

    /// Whether a call is accepted; the calls to reject are configured by the name of their operation.
    async fn accept(&self, service: &'static str, operation: &'static str) -> Result<(), CallError> {
        self.accept_as(operation, service, operation).await
    }

    async fn accept_as(
        &self,
        name: &str,
        service: &'static str,
        operation: &'static str,
    ) -> Result<(), CallError> {
        self.pass(service, operation).await?;
        let Some(message) = self.canned.refuses.get(name) else { return Ok(()) };
        let (code, text) = message.split_once(": ").unwrap_or(("", message));
        // The names in the request are not known here: a message is about the resource that the request names.
        let names: Vec<&str> = text.split(['/', '"']).collect();
        let class = meaning(operation, code, text, &names).map_or(Class::Permanent, Meaning::class);
        Err(CallError { service, operation, class, message: message.clone() })
    }

    /// The ARN of a SageMaker resource here.
    fn arn(&self, kind: &str, name: &str) -> String {
        format!("arn:aws:sagemaker:{}:{}:{kind}/{}", self.region, self.account, name.to_lowercase())
    }

    fn tags_of(&self, arn: &str) -> Tags {
        let resource = arn.rsplit(':').next().unwrap_or_default();
        let kind = resource.split('/').next().unwrap_or_default();
        let given = self.canned.tags.get(kind);
        given.or_else(|| self.owned.get(resource)).cloned().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, AwsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

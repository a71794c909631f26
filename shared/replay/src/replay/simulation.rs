//! Simulates the hub and the environments of a set of policies.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_engine::{DecisionRecord, FunctionSpec, HUB, Outcome, Site};
use tidegate_events::{Event, EventError, read};
use tidegate_functions::targets;
use tidegate_policy::deploy::Probe;
use tidegate_policy::file::{Environment, Policy};
use tidegate_testkit::{CannedResponses, FakeAws, InMemoryLedger, Pace};

use super::hub::Hub;
use super::own_events::endpoint_event;
use super::relevance::{is_relevant, models_of_endpoint};
use super::stack::Stack;
use super::stats::Counted;
use super::sweep_schedule::SweepSchedule;
use super::timeline::{Pending, Timeline};
use crate::explain::DEFINITION;
use crate::input::{Item, Metric};

/// The index of the hub's stack.
pub(super) const HUB_SITE: usize = 0;

/// The interval of the sweeps, as in the templates.
const TICKS: SignedDuration = SignedDuration::from_mins(5);
const RECONCILES: SignedDuration = SignedDuration::from_mins(15);

/// The initial data of a simulation.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) hub: Hub,
    pub(super) pace: Pace,
    pub(super) reports: Option<std::path::PathBuf>,
    /// Whether sweeps check every model each time, as in production. This is slow, and the decisions are the same.
    pub(super) check_every_model: bool,
}

/// All accounts of a set of policies.
pub(super) struct Simulation {
    pub(super) stacks: Vec<Stack>,
    pub(super) policies: Vec<Policy>,
    pub(super) timeline: Timeline,
    pub(super) ticks: SweepSchedule,
    pub(super) reconciles: SweepSchedule,
    pub(super) now: Timestamp,
    pub(super) decided: Vec<DecisionRecord>,
    pub(super) counted: Counted,
    /// Whether the last event was relevant to any model here.
    pub(super) relevant: bool,
    /// Whether sweeps check every model each time.
    pub(super) check_every_model: bool,
    /// Whether the stream has ended.
    pub(super) is_over: bool,
}

impl Simulation {
    /// Creates every site of the policies in its initial state.
    pub(super) fn new(policies: Vec<Policy>, world: &World) -> Self {
        let responses = CannedResponses {
            file: Some(DEFINITION.to_owned()),
            pipeline: Some(DEFINITION.to_owned()),
            probe: Some(Probe::Answered(200)),
            ..CannedResponses::default()
        };
        let aws = |account: &str, region: &str| {
            let aws = FakeAws::new(account, region, responses.clone());
            Arc::new(aws.with_pace(world.pace).with_reports(world.reports.clone()).with_policies(&policies))
        };
        let hub = aws(&world.hub.account, &world.hub.region);
        let stack = |(index, site): (usize, Site)| {
            let ledger = Arc::new(InMemoryLedger::without_history());
            for policy in policies.iter().filter(|policy| index == HUB_SITE || serves(policy, &site)) {
                ledger.put_policy(Arc::new(policy.clone()));
            }
            let own = if index == HUB_SITE { Arc::clone(&hub) } else { aws(&site.account, &site.region) };
            Stack::new(site, ledger, own, &hub)
        };
        let stacks = sites(&policies, &world.hub).into_iter().enumerate().map(stack).collect();
        Self {
            stacks,
            policies,
            timeline: Timeline::default(),
            ticks: SweepSchedule::new(TICKS),
            reconciles: SweepSchedule::new(RECONCILES),
            now: Timestamp::MIN,
            decided: Vec::new(),
            counted: Counted::default(),
            relevant: false,
            check_every_model: world.check_every_model,
            is_over: false,
        }
    }

    /// Advances the time to `at` and delivers an item of the stream.
    pub(super) fn arrive(&mut self, at: Timestamp, item: &Item) {
        if self.now == Timestamp::MIN {
            self.schedule_everything(at);
        }
        self.run_until(at);
        self.now = self.now.max(at);
        self.relevant = false;
        match item {
            Item::Event(arrived) => self.event(&arrived.event),
            Item::Metric(metric) => self.metric(metric),
            Item::Skip(_) => {}
        }
    }

    /// Advances the time after the last item, so that operations in progress can end. No data exists after the last
    /// event: an endpoint without counted requests is not idle, and an alarm that was not reported as ended is not
    /// checked.
    pub(super) fn settle_until(&mut self, until: Timestamp) {
        self.is_over = true;
        self.run_until(until);
    }

    fn run_until(&mut self, until: Timestamp) {
        loop {
            let happens = self.timeline.next();
            let ticks = self.ticks.next().filter(|_| !self.is_over);
            let sweeps = ticks.into_iter().chain(self.reconciles.next()).min();
            match (happens, sweeps) {
                (Some(at), sweep) if at <= until && sweep.is_none_or(|sweep| at <= sweep) => self.happen(),
                (_, Some(at)) if at <= until => {
                    self.now = self.now.max(at);
                    // Of two sweeps at the same time the tick comes first: it does not see what the other changes.
                    self.ticks.pass(at);
                    self.sweep(at, ticks == Some(at));
                }
                _ => break,
            }
        }
        self.ticks.pass(until);
        self.reconciles.pass(until);
    }

    fn event(&mut self, event: &Event) {
        for index in 0..self.stacks.len() {
            let Some(stack) = self.stacks.get(index) else { continue };
            if !self.arrives(event, index) || !is_relevant(stack.ledger(), &event.body) {
                continue;
            }
            self.relevant = true;
            stack.aws.set_now(self.now);
            stack.aws.apply(&event.body);
            self.schedule_after_event(index, &event.body);
            self.deliver_to_targets(index, event);
        }
    }

    /// Invokes every function at a site that receives an event there.
    fn deliver_to_targets(&mut self, index: usize, event: &Event) {
        let Some(stack) = self.stacks.get(index) else { return };
        let functions: Vec<&FunctionSpec> = targets(event, stack.site()).collect();
        for function in functions {
            self.deliver(index, function, event, "replay");
        }
    }

    fn metric(&mut self, metric: &Metric) {
        for index in 0..self.stacks.len() {
            let Some(stack) = self.stacks.get(index).filter(|_| index != HUB_SITE) else { continue };
            let at_home = stack.site().account == metric.account && stack.site().region == metric.region;
            let models = models_of_endpoint(stack.ledger(), &metric.name);
            if at_home && !models.is_empty() {
                self.relevant = true;
                self.counted.has_traffic = true;
                stack.aws.count(&metric.name, metric.at, metric.invocations);
                self.schedule_after_traffic(index, &models, metric.invocations);
            }
        }
    }

    /// Invokes a function once and delivers the effects.
    pub(super) fn deliver(&mut self, index: usize, function: &FunctionSpec, event: &Event, request_id: &str) {
        let Some(stack) = self.stacks.get_mut(index) else { return };
        match stack.invoke(function, event, request_id, self.now) {
            Ok(outcomes) => {
                for outcome in outcomes {
                    match outcome {
                        Outcome::Decided { record } => self.decide(*record),
                        Outcome::Duplicate { .. } => self.counted.duplicates += 1,
                        Outcome::Unchanged { .. }
                        | Outcome::Others { .. }
                        | Outcome::NotApplicable { .. } => {}
                    }
                }
            }
            Err(error) => self.counted.fail(&format!("{} {function}: {error}", self.now)),
        }
        self.collect(index);
    }

    fn decide(&mut self, record: DecisionRecord) {
        self.counted.decide(&record);
        self.decided.push(record);
    }

    /// Executes the next entry of the timeline.
    fn happen(&mut self) {
        let Some((at, index, pending)) = self.timeline.take() else { return };
        self.now = self.now.max(at);
        let Some(stack) = self.stacks.get(index) else { return };
        stack.aws.set_now(self.now);
        let event = match pending {
            Pending::Event(event) => return self.deliver_to_targets(index, &event),
            Pending::Wake { name, input } => {
                stack.aws.fired(&name);
                if self.is_over && input.get("function").and_then(Value::as_str) == Some("respond") {
                    return;
                }
                read(&input)
            }
            Pending::Settles { endpoint } => {
                let Some(settled) = stack.aws.settle(&endpoint) else { return };
                read(&endpoint_event(stack.site(), &endpoint, &settled, self.now))
            }
        };
        match event {
            Ok(event) => self.deliver_to_targets(index, &event),
            Err(error) => self.count_unreadable(&error),
        }
    }

    pub(super) fn count_unreadable(&mut self, error: &EventError) {
        self.counted.fail(&format!("{} an event of our own: {error}", self.now));
    }
}

/// The hub first, then every environment once.
fn sites(policies: &[Policy], hub: &Hub) -> Vec<Site> {
    let mut sites = vec![Site::new(HUB, &hub.account, &hub.region, &hub.account)];
    for environment in policies.iter().flat_map(|policy| &policy.environments) {
        let Environment { name, account, region, .. } = environment;
        let site = Site::new(name.as_str(), account.as_str(), region.as_str(), &hub.account);
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    // This order applies at equal times, whichever policies share a thread.
    if let Some(environments) = sites.get_mut(HUB_SITE + 1..) {
        let key = |site: &Site| [&site.environment, &site.account, &site.region].map(Clone::clone);
        environments.sort_by_cached_key(key);
    }
    sites
}

fn serves(policy: &Policy, site: &Site) -> bool {
    policy.environment(&site.environment).is_some_and(|environment| {
        environment.account.as_str() == site.account && environment.region.as_str() == site.region
    })
}

//! The hub and the environments of some policies, with everything that happens in them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_engine::{DecisionRecord, Outcome};
use tidegate_events::{Body, Event, read};
use tidegate_policy::deploy::Probe;
use tidegate_policy::file::Policy;

use super::agenda::{Agenda, Coming};
use super::concerned;
use super::hub::Hub;
use super::tally::Counted;
use super::watch::Watch;
use crate::input::{Item, Metric};
use crate::{Answers, Book, Crew, Function, HUB, Mirror, Pace, Site, wanted_by};

/// The hub's place among the crews.
pub(super) const HUB_SITE: usize = 0;

/// What any definition is taken to be, in a repository and in a pipeline: its text is not in the stream.
const DEFINITION: &str = r#"{"Version":"2020-12-01","Steps":[]}"#;

/// How often the sweeps look: the templates' values.
const TICKS: SignedDuration = SignedDuration::from_mins(5);
const RECONCILES: SignedDuration = SignedDuration::from_mins(15);

/// What a simulation begins with.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) hub: Hub,
    pub(super) pace: Pace,
    pub(super) reports: Option<std::path::PathBuf>,
    /// Whether sweeps look at every model each time, as in reality. Slow, and the same.
    pub(super) look_at_everything: bool,
}

/// All accounts of some policies.
pub(super) struct Simulation {
    pub(super) crews: Vec<Crew>,
    pub(super) policies: Vec<Policy>,
    pub(super) agenda: Agenda,
    pub(super) ticks: Watch,
    pub(super) reconciles: Watch,
    pub(super) now: Timestamp,
    pub(super) decided: Vec<DecisionRecord>,
    pub(super) counted: Counted,
    /// Whether the last event concerned any model here.
    pub(super) concerned: bool,
    /// Whether sweeps look at every model each time.
    pub(super) everything: bool,
    /// Whether the stream has ended.
    pub(super) is_over: bool,
}

impl Simulation {
    /// Every site of the policies, in which nothing has happened yet.
    pub(super) fn new(policies: Vec<Policy>, world: &World) -> Self {
        let answers = Answers {
            file: Some(DEFINITION.to_owned()),
            pipeline: Some(DEFINITION.to_owned()),
            probe: Some(Probe::Answered(200)),
            ..Answers::default()
        };
        let mirror = |account: &str, region: &str| {
            let mirror = Mirror::showing(account, region, answers.clone());
            Arc::new(mirror.with_pace(world.pace).with_reports(world.reports.clone()))
        };
        let hub = mirror(&world.hub.account, &world.hub.region);
        let crew = |(index, site): (usize, Site)| {
            let book = Arc::new(Book::new());
            for policy in policies.iter().filter(|policy| index == HUB_SITE || serves(policy, &site)) {
                book.put_policy(policy);
            }
            let own = if index == HUB_SITE { Arc::clone(&hub) } else { mirror(&site.account, &site.region) };
            Crew::new(site, book, own, &hub)
        };
        let crews = sites(&policies, &world.hub).into_iter().enumerate().map(crew).collect();
        Self {
            crews,
            policies,
            agenda: Agenda::default(),
            ticks: Watch::new(TICKS),
            reconciles: Watch::new(RECONCILES),
            now: Timestamp::MIN,
            decided: Vec::new(),
            counted: Counted::default(),
            concerned: false,
            everything: world.look_at_everything,
            is_over: false,
        }
    }

    /// Lets the time pass until `at`, and an item of the stream arrive.
    pub(super) fn arrive(&mut self, at: Timestamp, item: &Item) {
        if self.now == Timestamp::MIN {
            self.watch_everything(at);
        }
        self.run_until(at);
        self.now = self.now.max(at);
        self.concerned = false;
        match item {
            Item::Event(arrived) => self.event(&arrived.event),
            Item::Metric(metric) => self.metric(metric),
            Item::Skip(_) => {}
        }
    }

    /// Lets the time pass after the last item, so that what was begun ends. What is not told any more is not known: an
    /// endpoint that nobody is counted to ask is not idle, and an alarm that was not said to be over is not looked at.
    pub(super) fn settle_until(&mut self, until: Timestamp) {
        self.is_over = true;
        self.run_until(until);
    }

    fn run_until(&mut self, until: Timestamp) {
        loop {
            let happens = self.agenda.next();
            let ticks = self.ticks.next().filter(|_| !self.is_over);
            let sweeps = ticks.into_iter().chain(self.reconciles.next()).min();
            match (happens, sweeps) {
                (Some(at), sweep) if at <= until && sweep.is_none_or(|sweep| at <= sweep) => self.happen(),
                (_, Some(at)) if at <= until => {
                    self.now = self.now.max(at);
                    // Of two sweeps at one moment the tick comes first: what the other changes is for the next tick.
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
        let envelope = &event.envelope;
        for index in 0..self.crews.len() {
            let Some(crew) = self.crews.get(index) else { continue };
            let at_home = crew.site.account == envelope.account && crew.site.region == envelope.region;
            let arrives = match &event.body {
                // The hub hands on what people said to every environment.
                Body::HoldPlaced(_) | Body::HoldReleased(_) => envelope.account == crew.site.hub_account,
                // An environment hands it to the hub.
                Body::RetrainingRequested(_) => index == HUB_SITE && self.is_home(&envelope.account),
                _ => at_home,
            };
            if !arrives || !concerned::by(&crew.book, &event.body) {
                continue;
            }
            self.concerned = true;
            crew.mirror.set_now(self.now);
            crew.mirror.tell(&event.body);
            self.watch_told(index, &event.body);
            for function in wanted_by(event).iter().filter(|f| f.is_hubs() == (index == HUB_SITE)) {
                self.deliver(index, *function, event, "replay");
            }
        }
    }

    fn is_home(&self, account: &str) -> bool {
        self.crews.iter().any(|crew| crew.site.account == account)
    }

    fn metric(&mut self, metric: &Metric) {
        for index in 0..self.crews.len() {
            let Some(crew) = self.crews.get(index).filter(|_| index != HUB_SITE) else { continue };
            let at_home = crew.site.account == metric.account && crew.site.region == metric.region;
            let models = concerned::of_endpoint(&crew.book, &metric.name);
            if at_home && !models.is_empty() {
                self.concerned = true;
                self.counted.has_traffic = true;
                crew.mirror.count(&metric.name, metric.at, metric.invocations);
                self.watch_traffic(index, &models, metric.invocations);
            }
        }
    }

    /// One invocation, and what follows from it.
    pub(super) fn deliver(&mut self, index: usize, function: Function, event: &Event, request_id: &str) {
        let Some(crew) = self.crews.get_mut(index) else { return };
        match crew.invoke(function, event, request_id, self.now) {
            Ok(outcomes) => {
                for outcome in outcomes {
                    match outcome {
                        Outcome::Decided { record } => self.decide(*record),
                        Outcome::Duplicate { .. } => self.counted.duplicates += 1,
                        Outcome::Unchanged { .. } | Outcome::NotApplicable { .. } => {}
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

    /// The next thing on the agenda.
    fn happen(&mut self) {
        let Some((at, index, coming)) = self.agenda.take() else { return };
        self.now = self.now.max(at);
        let Some(crew) = self.crews.get(index) else { return };
        crew.mirror.set_now(self.now);
        let event = match coming {
            Coming::Event { from, region, detail_type, detail } => {
                super::carry::contract_event(from, region, detail_type, &detail, self.now)
            }
            Coming::Wake { name, input } => {
                crew.mirror.fired(&name);
                if self.is_over && input.get("tidegate").and_then(Value::as_str) == Some("check_drift") {
                    return;
                }
                read(&input)
            }
            Coming::Settles { endpoint } => {
                let Some(settled) = crew.mirror.settle(&endpoint) else { return };
                read(&super::carry::endpoint_event(&crew.site, &endpoint, &settled, self.now))
            }
        };
        match event {
            Ok(event) => {
                for function in wanted_by(&event).iter().filter(|f| f.is_hubs() == (index == HUB_SITE)) {
                    self.deliver(index, *function, &event, "replay");
                }
            }
            Err(error) => self.counted.fail(&format!("{} an event of our own: {error}", self.now)),
        }
    }
}

/// The hub first, then every environment once.
fn sites(policies: &[Policy], hub: &Hub) -> Vec<Site> {
    let mut sites = vec![Site {
        environment: HUB.to_owned(),
        account: hub.account.clone(),
        region: hub.region.clone(),
        hub_account: hub.account.clone(),
    }];
    for environment in policies.iter().flat_map(|policy| &policy.environments) {
        let site = Site {
            environment: environment.name.to_string(),
            account: environment.account.to_string(),
            region: environment.region.to_string(),
            hub_account: hub.account.clone(),
        };
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    // What happens at one moment is in this order, whichever policies share a thread.
    if let Some(environments) = sites.get_mut(HUB_SITE + 1..) {
        environments.sort_by(|left, right| left.key().cmp(&right.key()));
    }
    sites
}

fn serves(policy: &Policy, site: &Site) -> bool {
    policy.environment(&site.environment).is_some_and(|environment| {
        environment.account.as_str() == site.account && environment.region.as_str() == site.region
    })
}

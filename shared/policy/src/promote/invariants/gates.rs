//! Invariants of the gates that stop a version until a time.

use jiff::Timestamp;
use tidegate_events::GateResult;

use super::Checker;
use crate::check::{Invariant, Violations};
use crate::evaluation::{Evaluation, MetricValue};
use crate::file::{Better, Environment, IfNothingLive, MetricGate, Required};
use crate::freeze::{Freeze, Freezes};
use crate::hold::ALL;
use crate::promote::{Promotion, State, Trigger, VersionFacts};

impl Checker<'_> {
    /// Neither a person nor the policy froze the environment. Freezes that were not read may be in effect.
    pub(super) fn not_frozen(&mut self, environment: &Environment) {
        let (name, now) = (environment.name.as_str(), self.cx.now);
        let stands = |freezes: &Freezes| {
            let mut here = freezes.placed.iter().filter(|(place, _)| *place == name || *place == ALL);
            here.any(|(_, freeze)| now < freeze.until)
        };
        let fleet = self.seen.gates.fleet.as_ref().is_none_or(stands);
        let policy = environment.gates.freeze.iter().any(|period| {
            let zone = period.time_zone.as_str();
            period.from.begins(zone).is_none_or(|from| from <= now)
                && period.to.ends(zone).is_none_or(|to| now < to)
        });
        let frozen = fleet || policy || stands(&self.next.freezes);
        self.violations.require(!frozen, Invariant::FreezeIgnored, || {
            format!("{name} is asked at {now}, and a freeze is in effect")
        });
    }

    /// What the gates of the environment ask of the version itself was read and is so.
    pub(super) fn qualified(&mut self, environment: &Environment, promotion: &Promotion) {
        let (name, gates) = (environment.name.as_str(), &environment.gates);
        let of = |facts: &&VersionFacts| facts.arn == promotion.package_arn;
        let version = self.seen.gates.version.as_ref().filter(of);
        let live = self.next.live(name);
        let facts_of_live =
            live.and_then(|live| self.seen.gates.live.as_ref().filter(|facts| facts.arn == live.package_arn));
        let unknown = live.is_some() && facts_of_live.is_none();
        for metric in &gates.metrics {
            let compares = metric.better_than_live.is_some() || metric.not_worse_than_live.is_some();
            let met = !(unknown && compares) && is_met(metric, version, facts_of_live);
            self.violations.require(met, Invariant::GateIgnored, || {
                format!("{name} is asked, and {} is not what the policy demands", metric.name)
            });
        }
        let details = version.and_then(|facts| facts.details.as_ref().ok()?.as_ref());
        for required in &gates.requires {
            let there = details.is_some_and(|details| match required {
                Required::BiasReport => details.bias_report,
                Required::ExplainabilityReport => details.explainability_report,
                Required::ModelCardApproved => details.card_status.as_deref() == Some("Approved"),
            });
            self.violations
                .require(there, Invariant::GateIgnored, || format!("{name} is asked without {required:?}"));
        }
        for group in gates.features.iter().flat_map(|features| &features.groups) {
            let recorded =
                details.and_then(|found| found.properties.get(&format!("tidegate:feature-group/{group}")));
            let now = match self.seen.gates.feature_groups.get(group) {
                Some(Ok(Some(now))) => Some(now.hash()),
                _ => None,
            };
            let same =
                recorded.zip(now).is_some_and(|(recorded, now)| recorded.trim().eq_ignore_ascii_case(&now));
            self.violations.require(same, Invariant::GateIgnored, || {
                format!("{name} is asked, and feature group {group} is not that of the training")
            });
        }
        for alarm in gates.alarms.iter().flat_map(|alarms| &alarms.names) {
            let fact = self.seen.gates.alarms.as_ref().and_then(|read| read.as_ref().ok()?.get(alarm));
            self.violations.require(
                fact.is_some_and(|fact| fact.state == "OK"),
                Invariant::GateIgnored,
                || format!("{name} is asked, and alarm {alarm} is {fact:?}"),
            );
        }
        for check in &gates.reports {
            let reports = self.next.checks.get(&promotion.version).and_then(|checks| checks.get(check));
            let here = reports.into_iter().flatten().filter(|(place, _)| *place == name || *place == ALL);
            let last = here.map(|(_, report)| report).max_by_key(|report| report.at);
            let passed = last.is_some_and(|report| report.result == GateResult::Passed);
            self.violations.require(passed, Invariant::GateIgnored, || {
                format!("{name} is asked, and {check} is {last:?}")
            });
        }
    }
}

/// Whether a metric satisfies the policy: it is there, it is a number, and it is good enough.
fn is_met(metric: &MetricGate, version: Option<&VersionFacts>, live: Option<&VersionFacts>) -> bool {
    let value = |facts: &VersionFacts| {
        let text = facts.metrics.as_ref()?.as_ref().ok()?;
        let found = Evaluation::parse(text).ok()?;
        let end = format!(".{}", metric.name);
        let mut named = found.all().filter(|(path, _)| *path == metric.name || path.ends_with(&end));
        let exact = found.all().find(|(path, _)| *path == metric.name);
        let only = exact.or_else(|| named.next().filter(|_| named.next().is_none()));
        match only {
            Some((_, MetricValue::Number(number))) => Some(*number),
            _ => None,
        }
    };
    let Some(value_now) = version.and_then(value) else { return false };
    let enough = metric.at_least.is_none_or(|least| value_now >= least)
        && metric.at_most.is_none_or(|most| value_now <= most);
    let (better, worse) = (metric.better_than_live.as_ref(), metric.not_worse_than_live.as_ref());
    if better.is_none() && worse.is_none() {
        return enough;
    }
    let Some(live) = live else { return enough && metric.if_nothing_live == IfNothingLive::Pass };
    let Some(before) = value(live) else { return false };
    let gained =
        |direction: Better| if direction == Better::Higher { value_now - before } else { before - value_now };
    enough
        && better.is_none_or(|rule| gained(rule.better) >= rule.by && gained(rule.better) > 0.0)
        && worse.is_none_or(|rule| gained(rule.better) >= -rule.tolerance)
}

/// Only a person's event changes a freeze, and only the one that it concerns.
pub(super) fn freezes(
    violations: &mut Violations,
    before: &State,
    after: &State,
    trigger: Option<&Trigger>,
    now: Timestamp,
) {
    let place = |environment: &Option<String>| environment.clone().unwrap_or_else(|| ALL.to_owned());
    let placed = match trigger {
        Some(Trigger::Freeze(said)) => Some((place(&said.environment), said.at)),
        _ => None,
    };
    let lifted = match trigger {
        Some(Trigger::FreezeLift(said)) => Some((place(&said.environment), said.at)),
        _ => None,
    };
    let replaced = |name: &String, freeze: &Freeze| {
        placed.as_ref().is_some_and(|(of, at)| of == name && freeze.at < *at)
    };
    let ended = |name: &String, freeze: &Freeze| {
        lifted.as_ref().is_some_and(|(of, at)| (of == ALL || of == name) && freeze.at < *at)
    };
    let kept = before.freezes.placed.iter().filter(|(_, freeze)| now < freeze.until).all(|(name, freeze)| {
        after.freezes.placed.get(name) == Some(freeze) || replaced(name, freeze) || ended(name, freeze)
    });
    let asked = after.freezes.placed.iter().all(|(name, freeze)| {
        before.freezes.placed.get(name) == Some(freeze)
            || placed.as_ref().is_some_and(|(of, at)| of == name && freeze.at == *at)
    });
    violations.require(kept && asked, Invariant::FreezeChanged, || {
        format!("freezes {:?} became {:?}", before.freezes, after.freezes)
    });
}

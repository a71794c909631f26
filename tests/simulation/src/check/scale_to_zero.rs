//! Only an idle component scales to zero, and only if it can scale from zero.

use jiff::SignedDuration;
use tidegate_policy::deploy;

use super::facts::text;
use super::{Facts, Observed, Rule, StoredDecision};
use crate::system::System;

/// Nothing scales to zero with requests in its window, during a deployment, inside the grace period after one, without
/// metrics, or without a way to scale from zero.
pub(super) struct ScaleToZero;

/// How a deployment ends, with a report to the hub.
const ENDS: [&str; 6] = [
    "succeeded",
    "failed",
    "failed_to_start",
    "verification_failed",
    "rolled_back_silently",
    "rolled_back_by_alarm",
];

impl Rule for ScaleToZero {
    fn name(&self) -> &'static str {
        "only an idle component with known metrics and a way back scales to zero"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String> {
        let Observed::WorldCall { by, site, function: "scale", entry } = observed else { return Ok(()) };
        if entry.operation != "UpdateInferenceComponentRuntimeConfig" || entry.outcome != "ok" {
            return Ok(());
        }
        let copies =
            entry.request.pointer("/DesiredRuntimeConfig/CopyCount").and_then(serde_json::Value::as_u64);
        let name = text(&entry.request, "/InferenceComponentName");
        if copies != Some(0) {
            return Ok(());
        }
        let to = |why: String| Err(format!("{name} in {site} goes to zero, but {why}"));
        let model = system.fleet.models.iter().find(|model| model.endpoint(*site) == name);
        let Some((idle, grace)) = model.and_then(|model| model.at(*site)?.scale_to_zero) else {
            return to("the policy does not allow it".to_owned());
        };
        let now = system.now();
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        // An invocation need not know decisions since it began.
        let began = facts.evidence(*by).map_or(0, |seen| seen.began);
        let known = |stored: &&StoredDecision| {
            stored.count < began && model.is_some_and(|model| model.name == stored.record.model)
        };
        let of_deploy = || facts.of(*site, "deploy").filter(known);
        // A version that was rejected during its deployment may serve as well.
        let state: deploy::State =
            system.state(*site, "deploy", model.map_or("", |model| model.name.as_str()));
        let serves = |stored: &StoredDecision| match stored.record.verdict.as_str() {
            "succeeded" => true,
            "failed" => stored.record.reason == "not_approved" && state.live.is_some(),
            _ => false,
        };
        if !of_deploy().any(serves) {
            return to("nothing was deployed there".to_owned());
        }
        // A failed deployment may have set the copies as well.
        let ended = of_deploy().find(|stored| ENDS.contains(&stored.record.verdict.as_str()));
        if let Some(stored) =
            ended.filter(|stored| system.clock(*site).duration_since(stored.record.at) < minutes(grace))
        {
            return to(format!("it was deployed at {}, and its grace is {grace} minutes", stored.record.at));
        }
        if let Some(in_flight) = &state.in_flight
            && of_deploy().any(|stored| stored.record.at == in_flight.accepted_at)
        {
            let request = &in_flight.request.request_id;
            return to(format!("{request} is in flight since {}", in_flight.accepted_at));
        }
        if system.account(*site).wake_policy(name).is_none() {
            return to("nothing would bring it back".to_owned());
        }
        if system.silent.contains(site) && !facts.evidence(*by).is_some_and(|seen| seen.was_paused) {
            return to("CloudWatch is silent".to_owned());
        }
        // The invocation could not know requests after its read of the metrics, or in the future of the site's clock.
        let looked = facts.evidence(*by).and_then(|seen| seen.metrics).unwrap_or(now);
        let ahead = system.clock(*site).duration_since(now);
        let known = looked.checked_add(ahead.min(SignedDuration::ZERO)).unwrap_or(looked);
        let window = minutes(idle) - ahead.max(SignedDuration::ZERO);
        let asked = facts.traffic.iter().find(|request| {
            request.account == entry.account
                && request.endpoint == name
                && request.at <= known
                && looked.duration_since(request.at) < window
        });
        match asked {
            Some(request) => {
                to(format!("it was asked at {}, and counts as idle after {idle} minutes", request.at))
            }
            None => Ok(()),
        }
    }
}

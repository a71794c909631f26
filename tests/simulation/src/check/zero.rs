//! Who is asked does not go to sleep, and who sleeps can be woken.

use jiff::SignedDuration;
use tidegate_policy::deploy;

use super::facts::text;
use super::{Facts, Filed, Rule, Seen};
use crate::stage::Stage;

/// Nothing goes to zero with requests in its window, while a deployment is in flight, inside the grace after one, without
/// metrics, or without a way back.
pub(super) struct Asleep;

/// How a deployment ends, with a report to the hub.
const ENDS: [&str; 3] = ["succeeded", "failed", "rolled_back_silently"];

impl Rule for Asleep {
    fn name(&self) -> &'static str {
        "nothing goes to zero that is asked, is new, is deploying, is unknown, or could not come back"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, stage: &Stage) -> Result<(), String> {
        let Seen::Asked { by, place, function: "scale", entry } = seen else { return Ok(()) };
        if entry.operation != "UpdateInferenceComponentRuntimeConfig" || entry.outcome != "ok" {
            return Ok(());
        }
        let copies =
            entry.request.pointer("/DesiredRuntimeConfig/CopyCount").and_then(serde_json::Value::as_u64);
        let name = text(&entry.request, "/InferenceComponentName");
        if copies != Some(0) {
            return Ok(());
        }
        let to = |why: String| Err(format!("{name} in {place} goes to zero, but {why}"));
        let model = stage.fleet.models.iter().find(|model| model.endpoint(*place) == name);
        let Some((idle, grace)) = model.and_then(|model| model.at(*place)?.to_zero) else {
            return to("the policy does not say so".to_owned());
        };
        let now = stage.now();
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        // What others decided since it began, an invocation need not know.
        let began = facts.evidence(*by).map_or(0, |saw| saw.began);
        let known = |filed: &&Filed| {
            filed.count < began && model.is_some_and(|model| model.name == filed.record.model)
        };
        let of_deploy = || facts.of(*place, "deploy").filter(known);
        // Also a version that was rejected on its way may serve in the end.
        let state: deploy::State =
            stage.state(*place, "deploy", model.map_or("", |model| model.name.as_str()));
        let serves = |filed: &Filed| match filed.record.verdict.as_str() {
            "succeeded" => true,
            "failed" => filed.record.reason == "not_approved" && state.live.is_some(),
            _ => false,
        };
        if !of_deploy().any(serves) {
            return to("nothing was deployed there".to_owned());
        }
        // Also a deployment that failed may have set the copies again.
        let ended = of_deploy().find(|filed| ENDS.contains(&filed.record.verdict.as_str()));
        if let Some(filed) =
            ended.filter(|filed| stage.clock(*place).duration_since(filed.record.at) < minutes(grace))
        {
            return to(format!("it was deployed at {}, and its grace is {grace} minutes", filed.record.at));
        }
        if let Some(in_flight) = &state.in_flight
            && of_deploy().any(|filed| filed.record.at == in_flight.accepted_at)
        {
            let request = &in_flight.request.request_id;
            return to(format!("{request} is in flight since {}", in_flight.accepted_at));
        }
        if stage.account(*place).wake_policy(name).is_none() {
            return to("nothing would bring it back".to_owned());
        }
        if stage.silent.contains(place) && !facts.evidence(*by).is_some_and(|saw| saw.was_paused) {
            return to("CloudWatch is silent".to_owned());
        }
        // Since the metrics were read, nobody could have known; nor of what is in the future by the place's clock.
        let looked = facts.evidence(*by).and_then(|saw| saw.metrics).unwrap_or(now);
        let ahead = stage.clock(*place).duration_since(now);
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

//! Success is reported of what runs and answers.

use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Rule, Seen};
use crate::fleet::Kind;
use crate::stage::Stage;

/// A deployment that is said to have succeeded is in service, with the requested version, and has answered a request.
pub(super) struct Verified;

impl Rule for Verified {
    fn name(&self) -> &'static str {
        "success means that the requested version runs and answers"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, stage: &Stage) -> Result<(), String> {
        let Seen::Noted { by, place, function: "deploy", note: Note::Decided { .. }, record: Some(record) } =
            seen
        else {
            return Ok(());
        };
        let saw = facts.evidence(*by);
        // What changed while the invocation waited, it could not see.
        if record.verdict != "succeeded" || saw.is_none_or(|saw| saw.was_paused) {
            return Ok(());
        }
        let Some(model) = stage.fleet.model(&record.model) else { return Ok(()) };
        let Some(environment) = model.at(*place) else { return Ok(()) };
        let name = model.endpoint(*place);
        let package = record
            .plan
            .iter()
            .map(|action| text(action, "/finished/package_arn"))
            .find(|arn| !arn.is_empty());
        let wrong =
            |why: &str| Err(format!("{name} in {place} is reported as a success of {package:?}, but {why}"));
        let seen = stage.cloud.with_world(|world, _| world.snapshot());
        let Some(endpoint) = seen.endpoint(place.account(), &name) else {
            return wrong("there is no endpoint");
        };
        if endpoint.status != "InService" {
            return wrong(&format!("the endpoint is {}", endpoint.status));
        }
        let models = if environment.kind == Kind::Component {
            let Some(component) = seen.component(place.account(), &name) else {
                return wrong("there is no component");
            };
            if component.status != "InService" {
                return wrong(&format!("the component is {}", component.status));
            }
            component.model.clone().into_iter().collect()
        } else {
            endpoint.models.clone()
        };
        let packages = facts.packages_of(place.account(), &models);
        if packages.first().copied() != package || packages.len() != 1 {
            return wrong(&format!("{packages:?} runs"));
        }
        if !environment.unasked && !saw.is_some_and(|saw| saw.answered.contains(&name)) {
            return wrong("it has answered nothing");
        }
        Ok(())
    }
}

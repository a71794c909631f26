//! A successful deployment runs and answers.

use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::fleet::Kind;
use crate::system::System;

/// A deployment with the outcome succeeded is in service, with the requested version and its images, and has answered a
/// request.
pub(super) struct Verified;

impl Rule for Verified {
    fn name(&self) -> &'static str {
        "a successful deployment runs the requested version and answers"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String> {
        let Observed::LedgerNote {
            by,
            site,
            function: "deploy",
            note: Note::Decided { .. },
            record: Some(record),
        } = observed
        else {
            return Ok(());
        };
        let seen = facts.evidence(*by);
        // An invocation cannot see changes during its pause.
        if record.verdict != "succeeded" || seen.is_none_or(|seen| seen.was_paused) {
            return Ok(());
        }
        let Some(model) = system.fleet.model(&record.model) else { return Ok(()) };
        let Some(environment) = model.at(*site) else { return Ok(()) };
        let name = model.endpoint(*site);
        let package = record
            .plan
            .iter()
            .map(|action| text(action, "/finished/package_arn"))
            .find(|arn| !arn.is_empty());
        let wrong =
            |why: &str| Err(format!("{name} in {site} is reported as a success of {package:?}, but {why}"));
        let observed = system.cloud.with_world(|world, _| world.snapshot());
        let Some(endpoint) = observed.endpoint(site.account(), &name) else {
            return wrong("there is no endpoint");
        };
        if endpoint.status != "InService" {
            return wrong(&format!("the endpoint is {}", endpoint.status));
        }
        let models = if environment.kind == Kind::Component {
            let Some(component) = observed.component(site.account(), &name) else {
                return wrong("there is no component");
            };
            if component.status != "InService" {
                return wrong(&format!("the component is {}", component.status));
            }
            component.model.clone().into_iter().collect()
        } else {
            endpoint.models.clone()
        };
        let packages = facts.packages_of(site.account(), &models);
        if packages.first().copied() != package || packages.len() != 1 {
            return wrong(&format!("{packages:?} runs"));
        }
        let digests = observed.packages.iter().find(|of| Some(of.arn.as_str()) == package);
        let digests = digests.map(|of| of.digests.as_slice()).unwrap_or_default();
        let other = |image: &&String| !digests.iter().any(|digest| image.ends_with(digest.as_str()));
        if environment.kind != Kind::Component
            && let Some(image) = endpoint.images.iter().find(other)
        {
            return wrong(&format!("the image {image} runs, which was not registered"));
        }
        if !environment.without_sample && !seen.is_some_and(|seen| seen.answered.contains(&name)) {
            return wrong("it has answered nothing");
        }
        Ok(())
    }
}

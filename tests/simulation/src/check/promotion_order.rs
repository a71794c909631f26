//! A version goes from environment to environment, after the success and the soak of the one before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{ApprovalGiven, Body, DeploymentRequested};
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::fleet::Model;
use crate::site::SiteId;
use crate::system::System;

/// No environment is skipped, no soak is shortened, no approval is skipped, and a failure stops the promotion.
#[derive(Default)]
pub(super) struct PromotionOrder {
    /// For each model and environment, the request that was decided last.
    asked: BTreeMap<(String, SiteId), DeploymentRequested>,
    /// When each request was answered with success.
    succeeded: BTreeMap<String, Timestamp>,
    /// The requests whose answers promote has dealt with.
    answered: BTreeSet<String>,
    /// The approvals of people.
    agreed: Vec<ApprovalGiven>,
    /// The requests of rollbacks.
    rollbacks: BTreeSet<String>,
}

impl PromotionOrder {
    /// Whether the policy that the decision rests on lets the request be made now.
    fn may_request(
        &self,
        request: &DeploymentRequested,
        model: Option<&Model>,
        system: &System,
    ) -> Result<(), String> {
        let Some(model) = model.filter(|model| model.name == request.model) else {
            return Err("no policy names the model".to_owned());
        };
        let at = model.environments.iter().position(|e| e.site.name() == request.environment);
        let Some((at, wanted)) = at.and_then(|at| Some((at, model.environments.get(at)?))) else {
            return Err("the policy does not name the environment".to_owned());
        };
        if self.answered.contains(&request.request_id) {
            return Err("it was answered before".to_owned());
        }
        // Another rule is about these.
        if self.rollbacks.contains(&request.request_id) {
            return Ok(());
        }
        let is_forced = request.commanded_at.is_some();
        let since = request.approved_at.unwrap_or(request.requested_at);
        let agreed: BTreeSet<&str> = self
            .agreed
            .iter()
            .filter(|given| {
                (&given.model, &given.environment, given.version)
                    == (&request.model, &request.environment, request.version)
                    && given.at >= since
            })
            .map(|given| given.by.as_str())
            .collect();
        if agreed.len() < wanted.approvals as usize && !is_forced {
            return Err(format!("{} people have to agree, and {agreed:?} have", wanted.approvals));
        }
        let Some(before) = at.checked_sub(1).and_then(|at| model.environments.get(at)) else { return Ok(()) };
        let site = before.site;
        let last = self
            .asked
            .get(&(request.model.clone(), site))
            .filter(|last| last.package_arn == request.package_arn);
        let Some(last) = last else { return Err(format!("{site} was not asked for this version last")) };
        let Some(since) = self.succeeded.get(&last.request_id) else {
            return Err(format!("{site} has not reported success"));
        };
        let soak = SignedDuration::from_mins(i64::from(wanted.soak.unwrap_or_default()));
        let soaked = system.now().duration_since(*since);
        if soaked < soak && !is_forced {
            return Err(format!("the soak in {site} is {soak:#}, and {soaked:#} have passed"));
        }
        Ok(())
    }
}

impl Rule for PromotionOrder {
    fn name(&self) -> &'static str {
        "no environment is skipped, no soak shortened, and a failure stops"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String> {
        match observed {
            Observed::Published { site, event } if event.detail_type == "Deployment Finished" => {
                let own = text(&event.detail, "/environment") == site.name();
                if own && text(&event.detail, "/outcome") == "succeeded" {
                    let request = text(&event.detail, "/request_id").to_owned();
                    self.succeeded.entry(request).or_insert_with(|| system.now());
                }
                Ok(())
            }
            Observed::Processed(processed) if processed.delivery.function == "promote" => {
                if let Body::DeploymentFinished(end) = &processed.delivery.event.body {
                    self.answered.insert(end.request_id.clone());
                }
                Ok(())
            }
            Observed::LedgerNote {
                by,
                note: Note::Decided { .. },
                record: Some(record),
                function: "promote",
                ..
            } => {
                if let Some(Body::ApprovalGiven(given)) =
                    facts.evidence(*by).and_then(|seen| seen.event.as_ref()).map(|event| &event.body)
                {
                    self.agreed.push(given.clone());
                }
                for action in &record.plan {
                    if text(action, "/action") != "request_deployment" {
                        continue;
                    }
                    let request = action.get("request").cloned().unwrap_or_default();
                    let Ok(request) = serde_json::from_value::<DeploymentRequested>(request) else {
                        return Err(format!("a request that cannot be read: {action}"));
                    };
                    if record.verdict == "roll_back" {
                        self.rollbacks.insert(request.request_id.clone());
                    }
                    self.may_request(&request, system.model_at(record), system).map_err(|why| {
                        format!(
                            "{} is asked for {} {}, but {why}",
                            request.environment, request.model, request.version
                        )
                    })?;
                    if let Some(site) = SiteId::named(&request.environment) {
                        self.asked.insert((request.model.clone(), site), request);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

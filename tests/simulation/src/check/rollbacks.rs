//! An environment goes back only with a cause, and what a person chose stays.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::DecisionRecord;
use tidegate_events::{ApprovalStatus, Body, DeploymentOutcome, DeploymentRequested};
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::site::SiteId;
use crate::system::System;

/// The rollbacks without a person that the policies allow in a day.
const LIMIT: usize = 2;

/// An environment goes back only after a failed verification, a rejection or a person's request, to a version that succeeded
/// there, and without a person only twice a day. After a person's request, no other version is requested there until a person
/// releases it or commands another one.
#[derive(Default)]
pub(super) struct Rollbacks {
    /// What was requested, by id.
    requests: BTreeMap<String, DeploymentRequested>,
    /// The packages that succeeded, by model and environment.
    succeeded: BTreeSet<(String, String, String)>,
    /// The version that a person chose, by model and environment, and when.
    chosen: BTreeMap<(String, String), (u64, Timestamp)>,
    /// When each environment went back without a person.
    without_person: BTreeMap<(String, String), Vec<Timestamp>>,
}

impl Rollbacks {
    fn goes_back(
        &mut self,
        record: &DecisionRecord,
        event: Option<&Body>,
        request: &DeploymentRequested,
    ) -> Result<(), String> {
        let place = (request.model.clone(), request.environment.clone());
        let has_cause = match event {
            Some(Body::DeploymentFinished(end)) => end.outcome != DeploymentOutcome::Succeeded,
            Some(Body::ModelPackageChanged(change)) => change.approval == ApprovalStatus::Rejected,
            Some(Body::RollbackRequested(asked)) => asked.environment == request.environment,
            _ => false,
        };
        if !has_cause {
            return Err("nothing failed, was rejected or was requested".to_owned());
        }
        let known = (place.0.clone(), place.1.clone(), request.package_arn.clone());
        if !self.succeeded.contains(&known) {
            return Err("that version never succeeded there".to_owned());
        }
        if let Some(Body::RollbackRequested(asked)) = event {
            self.chosen.insert(place, (request.version, asked.at));
            return Ok(());
        }
        let times = self.without_person.entry(place).or_default();
        let day_ago = record.at - SignedDuration::from_hours(24);
        times.retain(|at| *at > day_ago);
        times.push(record.at);
        if times.len() > LIMIT {
            return Err(format!("it is the {}th time within a day", times.len()));
        }
        Ok(())
    }

    fn released(&mut self, event: Option<&Body>) {
        let Some(Body::HoldReleased(release)) = event else { return };
        self.chosen.retain(|(model, environment), (_, at)| {
            let concerns = release.environment.as_ref().is_none_or(|name| name == environment);
            *model != release.model || !concerns || *at >= release.at
        });
    }

    fn decided(&mut self, record: &DecisionRecord, event: Option<&Body>) -> Result<(), String> {
        self.released(event);
        let asks = |action: &&serde_json::Value| text(action, "/action") == "request_deployment";
        for action in record.plan.iter().filter(asks) {
            let request = action.get("request").cloned().unwrap_or_default();
            let request: DeploymentRequested =
                serde_json::from_value(request).map_err(|error| error.to_string())?;
            let (place, to) = (&request.environment, request.version);
            if record.verdict == "roll_back" {
                let went = self.goes_back(record, event, &request);
                went.map_err(|why| format!("{} goes back to {to} in {place}, but {why}", record.model))?;
            } else if let Some((chosen, _)) = self.chosen.get(&(request.model.clone(), place.clone()))
                && *chosen != to
                && request.commanded_at.is_none()
            {
                return Err(format!(
                    "{} {to} is requested in {place}, where a person chose version {chosen}",
                    record.model
                ));
            }
            self.requests.insert(request.request_id.clone(), request);
        }
        Ok(())
    }
}

impl Rule for Rollbacks {
    fn name(&self) -> &'static str {
        "an environment goes back only with a cause, and what a person chose stays"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, _: &System) -> Result<(), String> {
        match observed {
            Observed::Published { site, event } if event.detail_type == "Deployment Finished" => {
                let own = SiteId::named(text(&event.detail, "/environment")) == Some(*site);
                if own && text(&event.detail, "/outcome") == "succeeded" {
                    let member = |name: &str| text(&event.detail, name).to_owned();
                    let known = (member("/model"), member("/environment"), member("/package_arn"));
                    self.succeeded.insert(known);
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
                let event = facts.evidence(*by).and_then(|seen| seen.event.clone());
                self.decided(record, event.as_deref().map(|event| &event.body))
            }
            _ => Ok(()),
        }
    }
}

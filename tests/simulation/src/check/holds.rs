//! Automation stops where a hold is in force.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate_events::Body;
use tidegate_policy::deploy;
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::site::SiteId;
use crate::system::System;

/// A hold or a release that a function has processed.
struct KnownHold {
    by: (SiteId, &'static str),
    model: String,
    /// The environment, or every one.
    environment: Option<String>,
    at: Timestamp,
    holds: bool,
    /// When it was processed, as a count of observations.
    heard: u64,
}

/// Between a hold and its release, as a function has processed them, the function starts nothing there.
#[derive(Default)]
pub(super) struct HoldsRespected {
    heard: Vec<KnownHold>,
    /// The tokens of started executions: a repeated call starts nothing new.
    started: BTreeSet<String>,
}

impl HoldsRespected {
    /// The time of the hold in force in an environment that a function had processed by then.
    fn held(
        &self,
        by: (SiteId, &'static str),
        model: &str,
        environment: &str,
        then: u64,
    ) -> Option<Timestamp> {
        let heard = |holds: bool, scope: Option<&str>| {
            self.heard
                .iter()
                .filter(|said| said.by == by && said.model == model && said.holds == holds)
                .filter(|said| said.environment.as_deref() == scope && said.heard < then)
                .map(|said| said.at)
                .max()
        };
        let released_all = heard(false, None);
        let of = |scope: Option<&str>| {
            let released = heard(false, scope).max(released_all);
            heard(true, scope).filter(|placed| released.is_none_or(|released| *placed >= released))
        };
        of(Some(environment)).or_else(|| of(None))
    }

    fn note(&mut self, by: (SiteId, &'static str), body: &Body, heard: u64) {
        let (model, environment, at, holds) = match body {
            Body::HoldPlaced(said) => (&said.model, &said.environment, said.at, true),
            Body::HoldReleased(said) => (&said.model, &said.environment, said.at, false),
            _ => return,
        };
        let (model, environment) = (model.clone(), environment.clone());
        // The decision about a release already knows it.
        let heard = if holds { heard } else { 0 };
        self.heard.push(KnownHold { by, model, environment, at, holds, heard });
    }
}

/// The requests of a decision and their environments. A retraining is for the environment of its event.
fn asks<'r>(
    record: &'r tidegate_engine::DecisionRecord,
    event: Option<&'r Body>,
) -> impl Iterator<Item = (&'static str, &'r str, Option<Timestamp>)> {
    let retrained = match event {
        Some(Body::RetrainingRequested(request)) => request.environment.as_str(),
        _ => "",
    };
    record.plan.iter().filter_map(move |action| match text(action, "/action") {
        "request_deployment" => {
            let commanded_at = text(action, "/request/commanded_at").parse().ok();
            Some(("is to be deployed to", text(action, "/request/environment"), commanded_at))
        }
        "request_retraining" => Some(("is to be retrained for", text(action, "/request/environment"), None)),
        "start_execution" if !retrained.is_empty() => Some(("is retrained for", retrained, None)),
        _ => None,
    })
}

/// The function whose holds apply: respond uses those of deploy, and train those of promote.
fn remembers(function: &'static str) -> &'static str {
    match function {
        "respond" => "deploy",
        "train" => "promote",
        function => function,
    }
}

impl Rule for HoldsRespected {
    fn name(&self) -> &'static str {
        "automation stops where a hold is in force"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, system: &System) -> Result<(), String> {
        match observed {
            Observed::LedgerNote { by, site, function, note: Note::Decided { .. }, record: Some(record) } => {
                let event = facts.evidence(*by).and_then(|seen| seen.event.as_ref()).map(|event| &event.body);
                if let Some(body) = event {
                    self.note((*site, *function), body, facts.count);
                }
                for (what, environment, commanded_at) in asks(record, event) {
                    let of = remembers(function);
                    let then = facts
                        .evidence(*by)
                        .and_then(|seen| seen.read_at(of, &record.model))
                        .unwrap_or(u64::MAX);
                    let since = self.held((*site, of), &record.model, environment, then);
                    if let Some(since) = since.filter(|since| commanded_at.is_none_or(|at| *since > at)) {
                        return Err(format!(
                            "{} {what} {environment}, which is held since {since}: {}",
                            record.model, record.message
                        ));
                    }
                }
                Ok(())
            }
            Observed::WorldCall { by, site, function: "train", entry }
                if entry.operation == "StartPipelineExecution"
                    && entry.outcome == "ok"
                    && self.started.insert(text(&entry.request, "/ClientRequestToken").to_owned()) =>
            {
                // What promote knew before the invocation began counts.
                let seen = facts.evidence(*by);
                let Some(Body::RetrainingRequested(request)) =
                    seen.and_then(|seen| seen.event.as_ref()).map(|event| &event.body)
                else {
                    return Ok(());
                };
                let (model, environment) = (&request.model, &request.environment);
                let then = seen.map_or(0, |seen| seen.began);
                match self.held((*site, "promote"), model, environment, then) {
                    None => Ok(()),
                    Some(since) => Err(format!(
                        "{model} is retrained for {environment}, which is held since {since}, by a plan of before"
                    )),
                }
            }
            Observed::WorldCall { by, site, function: "deploy", entry } if entry.outcome == "ok" => {
                let models = facts.deployed_by(entry);
                let name = text(&entry.request, "/EndpointName");
                let name =
                    if name.is_empty() { text(&entry.request, "/InferenceComponentName") } else { name };
                let model = system.fleet.models.iter().find(|model| model.endpoint(*site) == name);
                let Some(model) =
                    model.filter(|_| entry.operation.ends_with("Endpoint") || !models.is_empty())
                else {
                    return Ok(());
                };
                if !super::plans::changes(&entry.operation) {
                    return Ok(());
                }
                let then = facts
                    .evidence(*by)
                    .and_then(|seen| seen.read_at("deploy", &model.name))
                    .unwrap_or(u64::MAX);
                // A person's command passes the holds of before.
                let state: deploy::State = system.state(*site, "deploy", &model.name);
                let commanded_at = state.in_flight.and_then(|in_flight| in_flight.request.commanded_at);
                let since = self.held((*site, "deploy"), &model.name, site.name(), then);
                match since.filter(|since| commanded_at.is_none_or(|at| *since > at)) {
                    None => Ok(()),
                    Some(since) => {
                        Err(format!("{} of {name} in {site}, which is held since {since}", entry.operation))
                    }
                }
            }
            _ => Ok(()),
        }
    }
}

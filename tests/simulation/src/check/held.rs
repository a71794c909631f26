//! Where a person said stop, nothing automatic goes on.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate_events::Body;
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Rule, Seen};
use crate::place::Where;
use crate::stage::Stage;

/// What a person said, as a function has heard it.
struct Heard {
    by: (Where, &'static str),
    model: String,
    /// The environment, or every one.
    environment: Option<String>,
    at: Timestamp,
    holds: bool,
    /// When it was heard, as a count of what happened.
    heard: u64,
}

/// From the moment a function has dealt with a hold until it has dealt with the release, it begins nothing there.
#[derive(Default)]
pub(super) struct Held {
    heard: Vec<Heard>,
    /// The tokens of the executions that run: to ask once more for one is nothing new.
    started: BTreeSet<String>,
}

impl Held {
    /// The time of the hold that stands in an environment, of which a function had heard by then.
    fn held(
        &self,
        by: (Where, &'static str),
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

    fn note(&mut self, by: (Where, &'static str), body: &Body, heard: u64) {
        let (model, environment, at, holds) = match body {
            Body::HoldPlaced(said) => (&said.model, &said.environment, said.at, true),
            Body::HoldReleased(said) => (&said.model, &said.environment, said.at, false),
            _ => return,
        };
        let (model, environment) = (model.clone(), environment.clone());
        // Whoever decides about a release knows of it.
        let heard = if holds { heard } else { 0 };
        self.heard.push(Heard { by, model, environment, at, holds, heard });
    }
}

/// What a decision asks for, and where. What train starts for drift is for the environment of the event.
fn asks<'r>(
    record: &'r tidegate_engine::DecisionRecord,
    event: Option<&'r Body>,
) -> impl Iterator<Item = (&'static str, &'r str)> {
    let retrained = match event {
        Some(Body::RetrainingRequested(request)) => request.environment.as_str(),
        _ => "",
    };
    record.plan.iter().filter_map(move |action| match text(action, "/action") {
        "request_deployment" => Some(("is to be deployed to", text(action, "/request/environment"))),
        "request_retraining" => Some(("is to be retrained for", text(action, "/request/environment"))),
        "start_execution" if !retrained.is_empty() => Some(("is retrained for", retrained)),
        _ => None,
    })
}

/// Whose memory of holds a function goes by: respond rests on what deploy has heard, and train on what promote has.
fn remembers(function: &'static str) -> &'static str {
    match function {
        "respond" => "deploy",
        "train" => "promote",
        function => function,
    }
}

impl Rule for Held {
    fn name(&self) -> &'static str {
        "nothing automatic happens where a person said stop"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, stage: &Stage) -> Result<(), String> {
        match seen {
            Seen::Noted { by, place, function, note: Note::Decided { .. }, record: Some(record) } => {
                let event = facts.evidence(*by).and_then(|saw| saw.event.as_ref()).map(|event| &event.body);
                if let Some(body) = event {
                    self.note((*place, *function), body, facts.count);
                }
                for (what, environment) in asks(record, event) {
                    let of = remembers(function);
                    let then = facts
                        .evidence(*by)
                        .and_then(|saw| saw.read_at(of, &record.model))
                        .unwrap_or(u64::MAX);
                    if let Some(since) = self.held((*place, of), &record.model, environment, then) {
                        return Err(format!(
                            "{} {what} {environment}, which is held since {since}: {}",
                            record.model, record.message
                        ));
                    }
                }
                Ok(())
            }
            Seen::Asked { by, place, function: "train", entry }
                if entry.operation == "StartPipelineExecution"
                    && entry.outcome == "ok"
                    && self.started.insert(text(&entry.request, "/ClientRequestToken").to_owned()) =>
            {
                // Whatever the plan rests on: what promote knew before the invocation began counts.
                let saw = facts.evidence(*by);
                let Some(Body::RetrainingRequested(request)) =
                    saw.and_then(|saw| saw.event.as_ref()).map(|event| &event.body)
                else {
                    return Ok(());
                };
                let (model, environment) = (&request.model, &request.environment);
                let then = saw.map_or(0, |saw| saw.began);
                match self.held((*place, "promote"), model, environment, then) {
                    None => Ok(()),
                    Some(since) => Err(format!(
                        "{model} is retrained for {environment}, which is held since {since}, by a plan of before"
                    )),
                }
            }
            Seen::Asked { by, place, function: "deploy", entry } if entry.outcome == "ok" => {
                let models = facts.deployed_by(entry);
                let name = text(&entry.request, "/EndpointName");
                let name =
                    if name.is_empty() { text(&entry.request, "/InferenceComponentName") } else { name };
                let model = stage.fleet.models.iter().find(|model| model.endpoint(*place) == name);
                let Some(model) =
                    model.filter(|_| entry.operation.ends_with("Endpoint") || !models.is_empty())
                else {
                    return Ok(());
                };
                if !super::explain::changes(&entry.operation) {
                    return Ok(());
                }
                let then = facts
                    .evidence(*by)
                    .and_then(|saw| saw.read_at("deploy", &model.name))
                    .unwrap_or(u64::MAX);
                match self.held((*place, "deploy"), &model.name, place.name(), then) {
                    None => Ok(()),
                    Some(since) => {
                        Err(format!("{} of {name} in {place}, which is held since {since}", entry.operation))
                    }
                }
            }
            _ => Ok(()),
        }
    }
}

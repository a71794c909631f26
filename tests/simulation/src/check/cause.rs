//! One cause, one execution.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::text;
use super::{Facts, Rule, Seen};
use crate::stage::Stage;

/// At most one execution of a model's pipeline is started for one push or one request, whatever the copies and crashes;
/// and none without.
#[derive(Default)]
pub(super) struct OneRun {
    /// The token of each cause: what the execution is called and described as.
    started: BTreeMap<(String, String, String), String>,
    tokens: BTreeSet<String>,
    /// For each model, the requests for retraining that were published.
    requests: BTreeMap<String, BTreeSet<String>>,
    retrained: BTreeMap<String, BTreeSet<String>>,
}

impl OneRun {
    fn pushed(stage: &Stage, description: &str, commit: &str) -> bool {
        let known = stage.pushes.iter();
        known.filter(|(.., pushed)| pushed.starts_with(commit)).any(|(repository, full_ref, _)| {
            let branch = full_ref.trim_start_matches("refs/heads/");
            description == format!("{repository} {branch} at {commit}")
        })
    }
}

impl Rule for OneRun {
    fn name(&self) -> &'static str {
        "one execution for one cause"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Facts, stage: &Stage) -> Result<(), String> {
        match seen {
            Seen::Published { event, .. } if event.detail_type == "Retraining Requested" => {
                let model = text(&event.detail, "/model").to_owned();
                self.requests.entry(model).or_default().insert(text(&event.detail, "/request_id").to_owned());
                Ok(())
            }
            Seen::Asked { entry, .. }
                if entry.operation == "StartPipelineExecution" && entry.outcome == "ok" =>
            {
                let of = |pointer| text(&entry.request, pointer).to_owned();
                let (pipeline, token) = (of("/PipelineName"), of("/ClientRequestToken"));
                let (name, described) =
                    (of("/PipelineExecutionDisplayName"), of("/PipelineExecutionDescription"));
                let Some(model) = stage.fleet.models.iter().find(|model| model.pipeline() == pipeline) else {
                    return Err(format!("{pipeline}, which no policy names, is started"));
                };
                let cause = format!("{name}: {described}");
                let key = (pipeline, name.clone(), described.clone());
                let before = self.started.insert(key, token.clone());
                if before.as_ref().is_some_and(|before| *before != token) {
                    return Err(format!("{} was started twice for {cause}", model.name));
                }
                if before.is_none() && !self.tokens.insert(token.clone()) {
                    return Err(format!("the token of {cause} is another cause's"));
                }
                if let Some(commit) = name.strip_prefix("commit-") {
                    if Self::pushed(stage, &described, commit) {
                        return Ok(());
                    }
                    return Err(format!("{} was started for {cause}, and nobody pushed that", model.name));
                }
                let runs = self.retrained.entry(model.name.clone()).or_default();
                runs.insert(token);
                let asked = self.requests.get(&model.name).map_or(0, BTreeSet::len);
                if runs.len() > asked {
                    return Err(format!(
                        "{} was retrained {} times for {asked} requests",
                        model.name,
                        runs.len()
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

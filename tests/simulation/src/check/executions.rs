//! One execution for one push or request.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::system::System;

/// A pipeline, and what its execution is called and described as.
type Cause = (String, String, String);

/// At most one execution of a model's pipeline is started for one push or one request, whatever the copies and crashes;
/// and none without.
///
/// A commit that becomes the head once more, because its branch is set back, is a cause once more.
#[derive(Default)]
pub(super) struct OneExecution {
    /// The tokens of each cause: what the execution is called and described as.
    started: BTreeMap<Cause, BTreeSet<String>>,
    /// The cause of each token.
    tokens: BTreeMap<String, Cause>,
    /// For each model, the requests for retraining that were published.
    requests: BTreeMap<String, BTreeSet<String>>,
    retrained: BTreeMap<String, BTreeSet<String>>,
}

impl OneExecution {
    /// How often a commit was pushed.
    fn pushed(system: &System, description: &str, commit: &str) -> usize {
        let of_commit = system.pushes.iter().filter(|((.., pushed), _)| pushed.starts_with(commit));
        let described = of_commit.filter(|((repository, full_ref, _), _)| {
            let branch = full_ref.trim_start_matches("refs/heads/");
            description == format!("{repository} {branch} at {commit}")
        });
        described.map(|(_, times)| times).sum()
    }
}

impl Rule for OneExecution {
    fn name(&self) -> &'static str {
        "one execution for one push or request"
    }

    fn observe(&mut self, observed: &Observed<'_>, _: &Facts, system: &System) -> Result<(), String> {
        match observed {
            Observed::Published { event, .. } if event.detail_type == "Retraining Requested" => {
                let model = text(&event.detail, "/model").to_owned();
                self.requests.entry(model).or_default().insert(text(&event.detail, "/request_id").to_owned());
                Ok(())
            }
            Observed::WorldCall { entry, .. }
                if entry.operation == "StartPipelineExecution" && entry.outcome == "ok" =>
            {
                let of = |pointer| text(&entry.request, pointer).to_owned();
                let (pipeline, token) = (of("/PipelineName"), of("/ClientRequestToken"));
                let (name, described) =
                    (of("/PipelineExecutionDisplayName"), of("/PipelineExecutionDescription"));
                let Some(model) = system.fleet.models.iter().find(|model| model.pipeline() == pipeline)
                else {
                    return Err(format!("{pipeline}, which no policy names, is started"));
                };
                let cause = format!("{name}: {described}");
                let key = (pipeline, name.clone(), described.clone());
                if *self.tokens.entry(token.clone()).or_insert_with(|| key.clone()) != key {
                    return Err(format!("the token of {cause} is another cause's"));
                }
                let runs = self.started.entry(key).or_default();
                runs.insert(token.clone());
                // After the commit stand the first characters of the token.
                let commit = name.strip_prefix("commit-").and_then(|rest| rest.split('-').next());
                let times = commit.map_or(1, |commit| Self::pushed(system, &described, commit));
                if times == 0 {
                    return Err(format!("{} was started for {cause}, and nobody pushed that", model.name));
                }
                if runs.len() > times {
                    return Err(format!("{} was started {} times for {cause}", model.name, runs.len()));
                }
                if commit.is_some() {
                    return Ok(());
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

//! The parts of the policy language that this version reads but cannot act on yet.
//!
//! They are refused when a policy is applied, so that nobody believes in a gate or a guard that is not there.

use super::{DriftResponse, OnNewCommit, Policy};

pub(super) fn in_policy(policy: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    let mut refuse = |wished: bool, field: String| {
        if wished {
            found.push(format!("{field}: not supported by this version; remove it"));
        }
    };
    refuse(!policy.source.paths.is_empty(), "source.paths".to_owned());
    refuse(
        policy.pipeline.definition.file.is_some() && policy.source.repository.codecommit().is_none(),
        "pipeline.definition.file from a repository that is not CodeCommit".to_owned(),
    );
    refuse(
        policy.pipeline.on_new_commit != OnNewCommit::Parallel,
        "pipeline.onNewCommit other than parallel".to_owned(),
    );
    refuse(policy.alerts.topic != "default", "alerts.topic other than default".to_owned());
    if let Some(drift) = &policy.drift {
        refuse(drift.response == DriftResponse::RollBack, "drift.response: rollBack".to_owned());
    }
    for environment in &policy.environments {
        let at = |field: &str| format!("environments.{}.{field}", environment.name);
        refuse(environment.gates.windows.is_some(), at("gates.windows"));
        refuse(environment.capture.is_some(), at("capture"));
        refuse(environment.monitor.is_some(), at("monitor"));
        refuse(environment.scale.target.is_some(), at("scale.target"));
    }
    found
}

//! Settings that are valid but probably not intended.

use super::problem::{Finding, Problem};
use super::rules::{component, instances};
use super::{Drift, DriftResponse, Environment, Policy};
use crate::scale::SCALE_UP_ALARM;

/// Settings in a policy that are valid but probably not intended. The problems have no place in a file; those of
/// [`read`](super::read()) have one.
#[must_use]
pub fn warnings(policy: &Policy) -> Vec<Problem> {
    let names: Vec<String> = policy.environments.iter().map(|e| e.name.to_string()).collect();
    findings(policy).into_iter().map(|finding| finding.problem((0, 0), &names)).collect()
}

pub(super) fn findings(policy: &Policy) -> Vec<Finding> {
    let mut found = super::rules::doubtful_tags(policy);
    if policy.source.repository.codecommit().is_none() {
        let repository = &policy.source.repository;
        let message = format!(
            "AWS does not report pushes to {repository} by itself: without EventBridge's webhook for GitHub or a job that sends \
             `Commit Pushed`, no push starts the pipeline (docs/policy.md, `source`)"
        );
        found.push(Finding::new("source/repository", message));
    }
    for (index, environment) in policy.environments.iter().enumerate() {
        found.extend(in_environment(&format!("environments/{index}"), environment));
    }
    if let Some(drift) = &policy.drift {
        found.extend(in_drift(drift));
    }
    found
}

fn in_environment(at: &str, environment: &Environment) -> Vec<Finding> {
    let spec = &environment.endpoint.spec;
    let mut found = spec.behavior().warnings(at, environment);
    found.extend(instances::warnings(at, environment));
    found.extend(component::warnings(at, environment));
    found.extend(super::rules::doubtful(at, environment));
    let mut warn = |field: &str, message: String| found.push(Finding::new(format!("{at}/{field}"), message));
    if let Some(to_zero) = &environment.scale.to_zero
        && to_zero.grace < to_zero.idle
    {
        warn(
            "scale/toZero/grace",
            format!(
                "the grace of {} is over before the idle time of {} can be; it protects nothing",
                to_zero.grace, to_zero.idle
            ),
        );
    }
    if let Some(to_zero) = environment.scale.to_zero.as_ref().filter(|z| z.idle.signed() < SCALE_UP_ALARM) {
        warn(
            "scale/toZero/idle",
            format!(
                "the alarm that scales the endpoint from zero stays in ALARM for about ten minutes; after a scale-up the \
                 endpoint keeps its copies for 20m, although the idle time is {}",
                to_zero.idle
            ),
        );
    }
    let rollout = &environment.rollout;
    if spec.instances().is_some_and(|instances| instances.max == 1) {
        for (given, field) in [(rollout.canary.is_some(), "canary"), (rollout.linear.is_some(), "linear")] {
            if given {
                let message = "with one instance the first step is already the whole capacity".to_owned();
                warn(&format!("rollout/{field}"), message);
            }
        }
    }
    if environment.verify.samples().is_empty() {
        let message =
            "without `verify.invoke` a deployment counts as good although the endpoint never answered"
                .to_owned();
        warn("verify", message);
    }
    found
}

fn in_drift(drift: &Drift) -> Vec<Finding> {
    let mut found = Vec::new();
    if drift.response != DriftResponse::Retrain {
        for (given, field) in
            [(drift.budget.is_some(), "budget"), (drift.escalate_after.is_some(), "escalateAfter")]
        {
            if given {
                let message = "has no effect: only the response `retrain` retrains";
                found.push(Finding::new(format!("drift/{field}"), message));
            }
        }
    } else if let Some(budget) = &drift.budget {
        let possible = (budget.per.seconds() - 1) / drift.cooldown.seconds() + 1;
        if possible <= budget.retrainings {
            let message = format!(
                "a cooldown of {} allows at most {possible} retrainings in {}, so the budget of {} limits nothing",
                drift.cooldown, budget.per, budget.retrainings
            );
            found.push(Finding::new("drift/budget", message));
        }
    }
    found
}

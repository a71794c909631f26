//! What people can do after a promotion has stopped: one advice for each cause, with the commands.

use tidegate_events::{DeploymentFinished, DeploymentOutcome};

use super::{Candidate, EnvironmentStatus, Promotion, State};
use crate::denial;
use crate::file::Policy;
use crate::people::{approve_again, set_approval};

/// The texts with which SageMaker says that it has no instances, or not enough room on them.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-troubleshooting.html>
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-python-sdk-troubleshooting.html>
const NO_CAPACITY: [&str; 3] =
    ["InsufficientInstanceCapacity", "Unable to provision requested ML compute capacity", "CapacityError"];
const NO_ROOM: &str = "not enough hardware resources";

/// After a rejection in the registry, or a withdrawn approval. A version that is live stays live.
pub(super) fn after_withdrawal(
    policy: &Policy,
    state: &State,
    promotion: &Promotion,
    earlier: Option<&Candidate>,
) -> String {
    let of = |wanted: fn(&EnvironmentStatus) -> bool| {
        let found = promotion.environments.iter().filter(|(_, status)| wanted(status));
        found.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let version = promotion.version;
    let serves = of(|status| matches!(status, EnvironmentStatus::Succeeded { .. }));
    let requested = of(|status| matches!(status, EnvironmentStatus::Requested { .. })).join(", ");
    let mut lines = Vec::new();
    if !requested.is_empty() {
        lines.push(format!(
            "It was requested in {requested}: what SageMaker has not begun there is not begun any more."
        ));
    }
    if serves.is_empty() {
        lines.push(format!("No environment has reported that version {version} serves."));
    } else {
        let ways = ways_back(policy, state, promotion, &serves, earlier);
        lines.push(format!("Version {version} still serves in {}. {ways}", serves.join(", ")));
    }
    lines.join("\n")
}

/// After the report of an environment that a deployment failed or was rolled back.
pub(super) fn after_failure(
    policy: &Policy,
    state: &State,
    promotion: &Promotion,
    report: &DeploymentFinished,
    earlier: Option<&Candidate>,
) -> String {
    let (name, version) = (&report.environment, report.version);
    let again = again(promotion);
    if let Some(advice) = denial::advice(&report.detail) {
        return format!("{advice} Then {again}");
    }
    if report.outcome == DeploymentOutcome::VerificationFailed {
        return format!(
            "Version {version} serves in {name} now, although it did not pass the verification. {}",
            ways_back(policy, state, promotion, &[name.as_str()], earlier)
        );
    }
    match report.reason.as_str() {
        "endpoint_failed_before" | "component_failed_before" | "component_elsewhere" => format!(
            "Run the command above in account {}. Then {again}\nWith `recreateFailed: true` in the endpoint's section \
             Tidegate deletes by itself what it made and what never served.",
            report.environment_account
        ),
        "foreign_arn" | "wrong_region" | "other_package" => {
            format!("Correct the policy and apply it with `tidegate apply`. Then {again}")
        }
        "unmanaged" => {
            format!("Apply the policy to the ledger of {name} as well, with `tidegate apply`. Then {again}")
        }
        _ if NO_CAPACITY.iter().any(|text| report.detail.contains(text)) => format!(
            "{}Try another instance type in the policy, or the same one later: {again}",
            leftover(policy, report)
        ),
        _ if report.detail.contains(NO_ROOM) => format!(
            "{}Ask for less memory for each copy in the policy, or for a larger instance type. Then {again}",
            leftover(policy, report)
        ),
        "old_config_running" | "rolled_back_by_alarm" => {
            format!("What served in {name} before serves on. When the cause is removed, {again}")
        }
        _ => format!("{}When the cause is removed, {again}", leftover(policy, report)),
    }
}

/// After a request that could not be sent.
pub(super) fn after_unsent_request(promotion: &Promotion) -> String {
    format!("Nothing was changed in the environment. When the cause is removed, {}", again(promotion))
}

/// After a soak that a failure, a deletion or a change by hand ended.
pub(super) fn after_broken_soak(promotion: &Promotion, environment: &str) -> String {
    format!(
        "The alert of {environment} says what to do there. When the cause is removed, {}",
        again(promotion)
    )
}

/// A failed endpoint keeps its name until it is deleted.
fn leftover(policy: &Policy, report: &DeploymentFinished) -> String {
    let environment = policy.environment(&report.environment);
    match (report.reason.as_str(), environment) {
        ("endpoint_failed", Some(environment)) if !environment.endpoint.recreate_failed => format!(
            "A failed endpoint can only be deleted, in account {}:\n  aws sagemaker delete-endpoint --endpoint-name {} \
             --region {}\n",
            environment.account, environment.endpoint.name, environment.region
        ),
        ("component_failed", Some(environment)) if !environment.endpoint.recreate_failed => format!(
            "A failed component can only be deleted, in account {}:\n  aws sagemaker delete-inference-component \
             --inference-component-name {} --region {}\n",
            environment.account, environment.endpoint.name, environment.region
        ),
        _ => String::new(),
    }
}

/// Approves the same version again: an approval counts only if the status changes to it.
fn again(promotion: &Promotion) -> String {
    format!("approve version {} again:\n{}", promotion.version, approve_again(&promotion.package_arn))
}

/// How environments go back from the version of a promotion.
fn ways_back(
    policy: &Policy,
    state: &State,
    promotion: &Promotion,
    environments: &[&str],
    earlier: Option<&Candidate>,
) -> String {
    let way = |name: &&str| go_back(policy, state, name, &promotion.package_arn);
    let ways: Vec<String> = environments.iter().filter_map(way).collect();
    if ways.is_empty() { approve_earlier(promotion, earlier) } else { ways.join("\n") }
}

/// The command with which an environment goes back from a package to the version that succeeded there before.
pub(super) fn go_back(policy: &Policy, state: &State, environment: &str, from_arn: &str) -> Option<String> {
    let before = state.ways_back(environment, from_arn).next()?;
    Some(format!(
        "To go back to version {} in {environment}:\n  tidegate rollback {} {environment}",
        before.version, policy.model
    ))
}

/// The way back through every environment and its gates, where no other version has succeeded.
fn approve_earlier(promotion: &Promotion, earlier: Option<&Candidate>) -> String {
    match earlier {
        Some(Candidate { arn, version }) => format!(
            "To go back, approve version {version}. It is Approved already, and only a new approval starts a promotion:\n{}",
            approve_again(arn)
        ),
        None => {
            let group = promotion.package_arn.rsplit_once('/').map_or("ARN", |(group, _)| group);
            format!(
                "To go back, approve an earlier version N; no earlier one is Approved in the registry:\n{}",
                set_approval(&format!("{group}/N"), "Approved")
            )
        }
    }
}

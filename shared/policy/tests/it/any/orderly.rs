//! States that a promotion can be in: a version goes through the environments in their order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_events::DeploymentFinished;
use tidegate_policy::file::Policy;
use tidegate_policy::promote::{EnvironmentStatus, Promotion, State};

use super::{promote_state, time};

/// How far it is: in so many environments it succeeded, and in the next it is so.
fn steps() -> BoxedStrategy<(BTreeMap<String, EnvironmentStatus>, bool)> {
    let last = prop_oneof![
        2 => Just(None),
        3 => (prop_oneof![Just("r1"), Just("r2")], time(), 0..4_u32).prop_map(|(id, at, retries)| {
            Some(EnvironmentStatus::Requested { request_id: id.to_owned(), at, retries, waits_for: None })
        }),
        1 => time().prop_map(|at| Some(EnvironmentStatus::Failed { at, cause: "c".to_owned() })),
    ];
    // The policy may have had another environment when it began.
    (any::<bool>(), 0..4_usize, last, [time(), time(), time()])
        .prop_map(|(qa, far, last, times)| {
            let names: &[&str] =
                if qa { &["staging", "qa", "production"] } else { &["staging", "production"] };
            let mut steps: BTreeMap<String, EnvironmentStatus> = names
                .iter()
                .zip(times)
                .take(far)
                .map(|(name, at)| ((*name).to_owned(), EnvironmentStatus::Succeeded { at }))
                .collect();
            let failed = matches!(last, Some(EnvironmentStatus::Failed { .. })) && far < names.len();
            if let (Some(name), Some(step)) = (names.get(far), last) {
                steps.insert((*name).to_owned(), step);
            }
            (steps, failed)
        })
        .boxed()
}

/// A state of promote's that can be.
pub(crate) fn orderly_state() -> BoxedStrategy<State> {
    (promote_state(), steps())
        .prop_map(|(state, (steps, failed))| {
            let promotion = state.promotion.map(|promotion| Promotion {
                stopped: promotion.stopped || failed,
                environments: steps,
                ..promotion
            });
            State { promotion, ..state }
        })
        .boxed()
}

/// The report as an answer to the request that waits, if one does.
pub(crate) fn answering(policy: &Policy, state: &State, report: &DeploymentFinished) -> DeploymentFinished {
    let mut report = report.clone();
    let waiting = state.promotion.as_ref().and_then(|promotion| {
        promotion.environments.iter().find_map(|(name, step)| match step {
            EnvironmentStatus::Requested { request_id, .. } => Some((name, request_id, promotion.version)),
            _ => None,
        })
    });
    if let Some((name, request_id, version)) = waiting {
        (report.environment, report.request_id) = (name.clone(), request_id.clone());
        report.version = version;
        if let Some(environment) = policy.environment(name) {
            report.environment_account = environment.account.to_string();
        }
    }
    report
}

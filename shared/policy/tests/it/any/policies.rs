//! Policies that differ in what decisions turn on.

use proptest::option;
use proptest::prelude::*;
use tidegate_policy::endpoint::{EndpointKind, EndpointSpec};
use tidegate_policy::file::{
    Approvals, Canary, CheckMeaning, Checks, Definition, Drift, DriftResponse, Environment, Policy, Response,
};

use super::{policy, serve};

/// The typical policy with other gates, another endpoint in production, another answer to drift, another source of the
/// pipeline's definition, and sometimes one environment more.
pub(crate) fn policies() -> BoxedStrategy<Policy> {
    (
        option::of(1..3_u32),
        any::<bool>(),
        production(),
        option::of(drift()),
        any::<bool>(),
        option::of(0..3_usize),
        any::<bool>(),
    )
        .prop_map(|(required, soak, production, drift, keep, qa, undoes)| {
            let mut policy = policy();
            policy.drift = drift;
            for environment in policy.environments.iter_mut().filter(|_| undoes) {
                environment.rollback.on_failure = Response::RollBack;
                environment.rollback.on_rejection = Response::RollBack;
                environment.rollback.all_environments = keep;
            }
            policy.pipeline.definition =
                Definition { file: (!keep).then(|| "p".to_owned()), keep, role: None, build: None };
            if let Some(last) = policy.environments.last_mut() {
                last.endpoint = production.endpoint;
                last.rollout = production.rollout;
                last.gates.approvals =
                    required.map(|required| Approvals { required, groups: Vec::new(), not_author: false });
                last.gates.soak = last.gates.soak.filter(|_| soak);
            }
            if let Some(place) = qa {
                let mut between = policy.environments[0].clone();
                between.name = "qa".parse().unwrap();
                between.endpoint.name = "churn-qa".parse().unwrap();
                policy.environments.insert(place, between);
            }
            policy
        })
        .boxed()
}

fn production() -> BoxedStrategy<Environment> {
    let kinds = prop_oneof![
        3 => Just(EndpointKind::InferenceComponent),
        2 => Just(EndpointKind::RealTime),
        1 => Just(EndpointKind::Serverless),
        1 => Just(EndpointKind::Async),
    ];
    (kinds, any::<bool>(), option::of(1..3_u32), any::<bool>())
        .prop_map(|(kind, guarded, copies, recreate)| {
            let mut production = policy().environment("production").unwrap().clone();
            serve(&mut production, kind);
            production.endpoint.recreate_failed = recreate;
            if let EndpointSpec::InferenceComponent(spec) = &mut production.endpoint.spec {
                spec.copies = copies;
            }
            if kind == EndpointKind::RealTime && guarded {
                let bake = "10m".to_owned().try_into().unwrap();
                production.rollout.canary = Some(Canary { percent: 20, bake });
                production.rollout.alarms = vec!["churn-5xx".to_owned()];
            }
            production
        })
        .boxed()
}

fn drift() -> BoxedStrategy<Drift> {
    let response = prop_oneof![3 => Just(DriftResponse::Retrain), 1 => Just(DriftResponse::Alert)];
    let cooldown = prop_oneof![Just("1h"), Just("24h")];
    (response, cooldown, any::<bool>(), option::of(1..3_u32), evidence())
        .prop_map(|(response, cooldown, budget, escalate_after, (checks, ignored, min_violations))| {
            let drift = policy().drift.unwrap();
            Drift {
                response,
                cooldown: cooldown.to_owned().try_into().unwrap(),
                budget: drift.budget.filter(|_| budget),
                escalate_after,
                checks,
                ignore_features: ignored.then(|| "customer_id".to_owned()).into_iter().collect(),
                min_violations,
                ..drift
            }
        })
        .boxed()
}

/// What counts in a monitoring report: the checks, whether a feature is ignored, and how many violations.
fn evidence() -> BoxedStrategy<(Checks, bool, Option<u32>)> {
    let meaning = || {
        option::weighted(
            0.3,
            prop_oneof![Just(CheckMeaning::Drift), Just(CheckMeaning::Alert), Just(CheckMeaning::Ignore)],
        )
    };
    let checks = (meaning(), meaning()).prop_map(|(baseline_drift, missing_column)| Checks {
        baseline_drift,
        missing_column,
        ..Checks::default()
    });
    (checks, any::<bool>(), option::weighted(0.3, 1..3_u32)).boxed()
}

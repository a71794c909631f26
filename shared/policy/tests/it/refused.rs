//! Whatever is refused or prevented, in whatever state, there is one answer, and it begins nothing.

use proptest::prelude::*;
use tidegate_policy::check::{Violation, follow_up};
use tidegate_policy::decision::Decision;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Observation};
use tidegate_policy::step::Step;
use tidegate_policy::{deploy, promote, scale, train};

use super::{any, decide};

/// Why AWS, or the last look, will not have an action.
fn why() -> BoxedStrategy<Reason> {
    let endpoint = || "churn".to_owned();
    prop_oneof![
        "\\PC{0,20}".prop_map(|cause| Reason::RejectedByAws { operation: "sagemaker:Op".to_owned(), cause }),
        Just(Reason::NotApproved { arn: any::arn(1), status: "Rejected".to_owned() }),
        Just(Reason::EndpointBusy { endpoint: endpoint(), status: "Updating".to_owned() }),
        Just(Reason::NoMetrics),
        Just(Reason::Traffic { invocations: 3 }),
    ]
    .boxed()
}

/// Of every action of a plan, in the state that the plan left and in any other: the same answer twice, and none that
/// breaks an invariant.
fn answers<S: Clone + PartialEq + std::fmt::Debug, A: PartialEq + std::fmt::Debug>(
    decision: &Decision<S, A>,
    other: &S,
    follows: impl Fn(&S, &Step<A>) -> Option<Decision<S, A>>,
    check: impl Fn(&S, &Decision<S, A>) -> Vec<Violation>,
) -> Result<(), TestCaseError> {
    for step in &decision.plan {
        for state in decision.state.iter().chain([other]) {
            let next = follows(state, step);
            prop_assert_eq!(&next, &follows(state, step));
            let broken = next.as_ref().map(|next| check(state, next)).unwrap_or_default();
            prop_assert!(broken.is_empty(), "{broken:?}\n{step:?} in {state:?}: {next:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn of_train(
        state in any::train_state(), other in any::train_state(), push in any::push(), seen in any::train_seen(),
        request in any::retraining(), why in why(), now in any::time(),
    ) {
        let policy = any::policy();
        let follows = |state: &_, step: &_| train::on_rejected(&policy, state, step, &why);
        let commit = train::decide_commit(&policy, &state, &push, &seen, now);
        answers(&commit, &other, follows, follow_up::train)?;
        let retraining = train::decide_retraining(&policy, &state, &request, &seen, now);
        answers(&retraining, &other, follows, follow_up::train)?;
    }

    #[test]
    fn of_promote(
        state in any::orderly_state(), other in any::promote_state(), change in any::change(),
        package in any::package(), report in any::report(), why in why(), now in any::time(),
    ) {
        let policy = any::policy();
        let follows = |state: &_, step: &_| promote::on_rejected(state, step, &why, now);
        let begun = decide::package(&policy, &state, &change, package.as_ref(), now);
        answers(&begun, &other, follows, follow_up::promote)?;
        let report = any::answering(&policy, &state, &report);
        let went_on = decide::report(&policy, &state, &report, now);
        answers(&went_on, &other, follows, follow_up::promote)?;
        answers(&decide::sweep(&policy, &state, now), &other, follows, follow_up::promote)?;
    }

    #[test]
    fn of_deploy((policy, look) in any::look(), other in any::deploy_state(), why in why(), now in any::time()) {
        let any::Look { site, environment, state, seen, .. } = &look;
        let decision = deploy::converge(site, &policy, environment, state, seen, now);
        let check = |state: &_, next: &_| follow_up::deploy(&site.environment, state, next, now);
        let refused = |state: &_, step: &_| deploy::on_rejected(environment, state, step, &why, now);
        answers(&decision, &other, refused, check)?;
        let prevented = |state: &_, step: &_| deploy::on_precondition_failed(site, environment, state, step, &why, now);
        answers(&decision, &other, prevented, check)?;
    }

    #[test]
    fn of_respond(
        state in any::respond_state(), other in any::respond_state(), why in why(), now in any::time(),
    ) {
        let policy = any::policy();
        let environment = any::environment(&policy, "staging");
        let drift = Observation::Drift {
            source: "s".to_owned(),
            alarm: Some("a".to_owned()),
            at: Some(now),
            reason: Reason::DriftObserved { metric: "m".to_owned() },
            numbers: None,
        };
        let decision = respond::decide(&policy, &environment, &state, &drift, "m", (None, None), now);
        let follows = |state: &_, step: &_| respond::on_rejected(&policy, &environment, state, step, &why);
        answers(&decision, &other, follows, follow_up::respond)?;
    }

    #[test]
    fn of_scale(
        environment in any::scaled(), state in any::scale_state(), other in any::scale_state(),
        seen in any::scale_seen(), alarm in any::alarm(), why in why(), now in any::time(),
    ) {
        let check = |state: &_, next: &_| follow_up::scale(&environment, state, next, now);
        let refused = |state: &_, step: &_| scale::on_rejected(&environment, state, step, &why, now);
        let prevented = |state: &_, step: &_| scale::on_precondition_failed(&environment, state, step, &why);
        for decision in [
            scale::on_tick(&environment, &state, &seen, now),
            scale::on_capacity_alarm(&environment, &state, &alarm, now),
        ] {
            answers(&decision, &other, refused, check)?;
            answers(&decision, &other, prevented, check)?;
        }
    }
}

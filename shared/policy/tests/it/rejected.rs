//! Whatever AWS rejects, and whatever precondition fails, in whatever state: there is one answer, and it begins nothing.

use proptest::prelude::*;
use tidegate_policy::deploy::{self, DeployController};
use tidegate_policy::promote::{self, PromoteController};
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, RespondController};
use tidegate_policy::scale::{self, ScaleController};
use tidegate_policy::train::{self, TrainController};

use super::any;
use super::decide::{self, Decided};
use super::properties::{self, Properties};

/// Why AWS rejects a step, or its precondition fails.
fn why() -> BoxedStrategy<Reason> {
    let endpoint = || "churn".to_owned();
    prop_oneof![
        "\\PC{0,20}".prop_map(|cause| Reason::RejectedByAws { operation: "sagemaker:Op".to_owned(), cause }),
        "\\PC{0,20}".prop_map(|cause| Reason::NotVisibleYet {
            operation: "sagemaker:CreateEndpoint".to_owned(),
            cause
        }),
        "\\PC{0,20}".prop_map(|cause| Reason::OtherChange { operation: "sagemaker:Op".to_owned(), cause }),
        Just(Reason::NotApproved { arn: any::arn(1), status: "Rejected".to_owned() }),
        Just(Reason::EndpointBusy { endpoint: endpoint(), status: "Updating".to_owned() }),
        Just(Reason::NoMetrics),
        Just(Reason::Traffic { invocations: 3 }),
    ]
    .boxed()
}

/// Of every step of a plan, in the state that the plan left and in any other: the same answer twice, and none that breaks an
/// invariant.
fn answers<C: Properties>(decided: &Decided<C>, other: &C::State, why: &Reason) -> Result<(), TestCaseError> {
    let cx = decide::context(decided.policy.as_ref(), &decided.site, decided.now);
    for step in &decided.decision.plan {
        for state in decided.decision.state.iter().chain([other]) {
            let follow = || {
                [
                    C::on_rejected(&cx, state, step, why),
                    C::on_precondition_failed(&cx, state, step, why),
                    C::on_deferred(&cx, state, step, why),
                ]
            };
            let (once, again) = (follow(), follow());
            prop_assert_eq!(&once, &again);
            for next in once.into_iter().flatten() {
                let broken = C::violations_after_rejection(&cx, state, &next);
                prop_assert!(broken.is_empty(), "{broken:?}\n{step:?} in {state:?}: {next:?}");
                let rejected = decided.followed_by(state, next);
                properties::hold_after_rejection(state, &rejected)?;
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_train(
        state in any::train_state(), other in any::train_state(), push in any::push(), seen in any::train_seen(),
        request in any::retraining(), why in why(), now in any::time(),
    ) {
        for trigger in [train::Trigger::Commit(push), train::Trigger::Retraining(request)] {
            let (policy, hub) = (any::policy(), decide::hub());
            let decided =
                Decided::<TrainController>::by(policy, hub, state.clone(), trigger, seen.clone(), now);
            answers(&decided, &other, &why)?;
        }
    }

    #[test]
    fn of_promote(
        state in any::orderly_state(), other in any::promote_state(), change in any::change(),
        package in any::package(), report in any::report(), why in why(), now in any::time(),
    ) {
        use promote::Trigger;
        let report = any::answering(&any::policy(), &state, &report);
        for trigger in [Trigger::Package(change), Trigger::Report(report), Trigger::Sweep] {
            let (policy, hub) = (any::policy(), decide::hub());
            let decided =
                Decided::<PromoteController>::by(policy, hub, state.clone(), trigger, decide::seen(package.clone()), now);
            answers(&decided, &other, &why)?;
        }
    }

    #[test]
    fn of_deploy((policy, look) in any::look(), other in any::deploy_state(), why in why(), now in any::time()) {
        let any::Look { site, state, seen, .. } = look;
        let sweep = deploy::Trigger::Sweep;
        answers(&Decided::<DeployController>::by(policy, site, state, sweep, Some(seen), now), &other, &why)?;
    }

    #[test]
    fn of_respond(
        state in any::respond_state(), other in any::respond_state(), why in why(), now in any::time(),
    ) {
        let alarm = tidegate_events::AlarmChanged {
            alarm: "a".to_owned(),
            state: tidegate_events::AlarmState::Alarm,
            previous: None,
            reason: None,
            changed_at: Some(now),
            metrics: vec![tidegate_events::AlarmMetric {
                namespace: "aws/sagemaker/Endpoints/data-metrics".to_owned(),
                name: "m".to_owned(),
                dimensions: [].into(),
            }],
            muted: false,
            observed: None,
            threshold: None,
        };
        let (policy, site, trigger) = (any::policy(), any::staging(), respond::Trigger::Alarm(alarm));
        let seen = respond::Snapshot::default();
        answers(&Decided::<RespondController>::by(policy, site, state, trigger, seen, now), &other, &why)?;
    }

    #[test]
    fn of_scale(
        environment in any::scaled(), state in any::scale_state(), other in any::scale_state(),
        seen in any::scale_seen(), alarm in any::alarm(), why in why(), now in any::time(),
    ) {
        use scale::Trigger;
        for (trigger, seen) in [(Trigger::Tick, Some(seen)), (Trigger::Alarm(alarm), None)] {
            let (policy, site) = (decide::policy_with(&environment), decide::site(&environment));
            let decided = Decided::<ScaleController>::by(policy, site, state.clone(), trigger, seen, now);
            answers(&decided, &other, &why)?;
        }
    }
}

//! Every decide function answers everything, answers the same the next time, and does not act twice.

use jiff::Timestamp;
use proptest::prelude::*;
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::step::Step;
use tidegate_policy::{deploy, promote, scale, train};

use super::{any, decide};

/// Whether a verdict stands for calls that change something.
fn acts(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Start
            | Verdict::Deploy
            | Verdict::RollBack
            | Verdict::Apply
            | Verdict::Retrain
            | Verdict::ScaleToZero
            | Verdict::ScaleFromZero
    )
}

/// The same again, and what was decided is in the state: deciding the same event then does not act again.
fn settles<S: Clone + PartialEq + std::fmt::Debug, A: PartialEq + std::fmt::Debug>(
    state: &S,
    decide: impl Fn(&S) -> Decision<S, A>,
    still_applies: impl Fn(&S, &Step<A>) -> bool,
) -> Result<(), TestCaseError> {
    let first = decide(state);
    prop_assert_eq!(&first, &decide(state));
    prop_assert!(!first.reason.to_string().is_empty());
    let after = first.state.clone().unwrap_or_else(|| state.clone());
    // A plan that nobody has overtaken stands as a whole, so that a retry carries all of it out.
    for step in &first.plan {
        prop_assert!(still_applies(&after, step), "{:?} does not stand in {:?}", step, after);
    }
    if acts(first.verdict) {
        let second = decide(&after);
        prop_assert!(!acts(second.verdict), "{:?} after {:?}", second, first);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn promote_answers_changes(
        state in any::promote_state(), change in any::change(), package in any::package(), now in any::time(),
    ) {
        let policy = any::policy();
        let decide = |state: &_| {
            decide::package(&policy, state, &change, package.as_ref(), now)
        };
        settles(&state, decide, promote::still_applies)?;
    }

    #[test]
    fn promote_answers_reports(state in any::promote_state(), report in any::report(), now in any::time()) {
        let policy = any::policy();
        settles(&state, |state| decide::report(&policy, state, &report, now), promote::still_applies)?;
    }

    #[test]
    fn promote_answers_soak_ends_and_sweeps(
        state in any::promote_state(), version in 1..4_u64, now in any::time(),
    ) {
        let policy = any::policy();
        let ended = |state: &_| decide::check(&policy, state, version, now);
        settles(&state, ended, promote::still_applies)?;
        // A sweep heals one thing at a time, and each only once.
        let mut swept = state;
        for _ in 0..=policy.environments.len() {
            let decision = decide::sweep(&policy, &swept, now);
            prop_assert_eq!(&decision, &decide::sweep(&policy, &swept, now));
            swept = decision.state.unwrap_or(swept);
            prop_assert!(decision.plan.iter().all(|step| promote::still_applies(&swept, step)));
        }
        prop_assert!(!acts(decide::sweep(&policy, &swept, now).verdict));
    }

    #[test]
    fn deploy_answers_everything(
        state in any::deploy_state(), seen in any::deploy_seen(), request in any::request(),
        production in any::<bool>(), now in any::time(),
    ) {
        let policy = any::policy();
        let environment = any::environment(&policy, if production { "production" } else { "staging" });
        let site = any::staging();
        let converge = |state: &_| deploy::converge(&site, &policy, &environment, state, &seen, now);
        let first = converge(&state);
        prop_assert_eq!(&first, &converge(&state));
        let after = first.state.clone().unwrap_or_else(|| state.clone());
        // A deployment that has ended only leaves its report behind.
        for step in &first.plan {
            prop_assert!(deploy::still_applies(Some(&environment), &after, step), "{:?}", step);
        }
        let taken = deploy::accept_request(&state, &request, now);
        prop_assert_eq!(&taken, &deploy::accept_request(&state, &request, now));
        if let Ok(taken) = taken {
            let again = deploy::accept_request(&taken, &request, now);
            prop_assert_eq!(again.as_ref(), Ok(&taken));
        }
    }

    #[test]
    fn scale_answers_everything(
        environment in any::scaled(), state in any::scale_state(), seen in any::scale_seen(),
        alarm in any::alarm(), now in any::time(),
    ) {
        // At the last time that exists nothing can be left alone for a while.
        prop_assume!(now < Timestamp::MAX);
        let tick = |state: &_| scale::on_tick(&environment, state, &seen, now);
        let first = tick(&state);
        prop_assert_eq!(&first, &tick(&state));
        let after = first.state.clone().unwrap_or_else(|| state.clone());
        prop_assert!(first.plan.iter().all(|step| scale::still_applies(&after, step)));
        prop_assert_eq!(scale::should_record(&after, &tick(&after)), acts(tick(&after).verdict)
            || tick(&after).reason.code() != first.reason.code());
        // A later deployment sets the copies again; until then, what is at zero is not sent there twice.
        if seen.live_since.is_none_or(|live| live < now) {
            settles(&state, tick, scale::still_applies)?;
        }
        let wake = |state: &_| scale::on_capacity_alarm(&environment, state, &alarm, None, now);
        prop_assert_eq!(wake(&state), wake(&state));
    }

    #[test]
    fn train_answers_everything(
        state in any::train_state(), push in any::push(), seen in any::train_seen(),
        request in any::retraining(), ended in any::ended(), now in any::time(),
    ) {
        let policy = any::policy();
        let end = |state: &_| train::decide_end(&policy, state, &ended, &seen, now);
        let told = end(&state);
        prop_assert_eq!(&told, &end(&state));
        // The end of an execution is told once.
        let again = end(&told.state.clone().unwrap_or_else(|| state.clone()));
        prop_assert!(told.plan.is_empty() || again.plan.is_empty(), "{:?} after {:?}", again, told);
        let still_applies = |state: &_, step: &_| train::still_applies(&policy, state, step);
        settles(&state, |state| train::decide_commit(&policy, state, &push, &seen, now), still_applies)?;
        let retrain = |state: &_| train::decide_retraining(&policy, state, &request, &seen, now);
        let first = retrain(&state);
        prop_assert_eq!(&first, &retrain(&state));
        let after = first.state.clone().unwrap_or_else(|| state.clone());
        prop_assert!(first.plan.iter().all(|step| still_applies(&after, step)));
        prop_assert!(seen.hold.is_none() || !acts(first.verdict), "{:?}", first);
    }
}

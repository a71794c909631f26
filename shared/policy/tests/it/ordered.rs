//! Equal inputs in another order give equal decisions.

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_events::{AlarmChanged, AlarmMetric, ApprovalGiven, ModelPackageChanged};
use tidegate_policy::decision::Decision;
use tidegate_policy::file::Policy;
use tidegate_policy::promote::State;
use tidegate_policy::respond::{self, MonitorReport, Trigger, Violation};
use tidegate_policy::{scale, train};

use super::{any, decide};
use tidegate_policy::step::Step;

/// A list, and the same in another order.
fn shuffled<T: Clone + std::fmt::Debug + 'static>(
    of: impl Strategy<Value = Vec<T>> + 'static,
) -> BoxedStrategy<(Vec<T>, Vec<T>)> {
    of.prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())).boxed()
}

/// All but the sentence, which may name the first of a list.
fn gist<S: Clone, A: Clone>(decision: &Decision<S, A>) -> (String, &'static str, Vec<Step<A>>, Option<S>) {
    let Decision { verdict, reason, plan, state, .. } = decision;
    (verdict.to_string(), reason.code(), plan.clone(), state.clone())
}

fn agree(policy: &Policy, mut state: State, words: &[ApprovalGiven]) -> (State, Vec<String>) {
    let mut asked = Vec::new();
    for given in words {
        let decision = decide::approval(policy, &state, given, any::at(500));
        for step in &decision.plan {
            if let Step::RequestDeployment { request } = step {
                asked.push(request.request_id.clone());
            }
        }
        state = decision.state.unwrap_or(state);
    }
    (state, asked)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_an_alarms_metrics(
        alarm in any::alarm(), environment in any::scaled(), state in any::scale_state(), now in any::time(),
        (metrics, other) in shuffled(vec(any::metric(), 0..5)),
    ) {
        let policy = any::policy();
        let ringing = |metrics: Vec<AlarmMetric>| tidegate_events::AlarmChanged { metrics, ..alarm.clone() };
        let (one, two) = (ringing(metrics), ringing(other));
        // Not a number is not itself, so what is printed is compared.
        let answer = |alarm: &AlarmChanged| {
            let (state, seen) = (respond::State::default(), respond::Snapshot::default());
            format!("{:?}", decide::respond(&policy, &state, Trigger::Alarm(alarm.clone()), &seen, now))
        };
        prop_assert_eq!(answer(&one), answer(&two));
        prop_assert_eq!(
            scale::on_capacity_alarm(&environment, &state, &one, None, now),
            scale::on_capacity_alarm(&environment, &state, &two, None, now)
        );
    }

    #[test]
    fn of_executions_that_run(
        policy in any::policies(), state in any::train_state(), seen in any::train_seen(), push in any::push(),
        request in any::retraining(), now in any::time(), (running, other) in shuffled(vec("arn:[a-z]{3}", 0..4)),
    ) {
        let see = |running: Vec<String>| train::Snapshot { running, ..seen.clone() };
        let (one, two) = (see(running), see(other));
        // The report to the environment names the newest one.
        let answer = |seen: &train::Snapshot| {
            let decision = train::decide_retraining(&policy, &state, &request, seen, now);
            (decision.verdict, decision.reason.code(), decision.plan.len(), decision.state)
        };
        prop_assert_eq!(answer(&one), answer(&two));
        prop_assert_eq!(
            train::decide_commit(&policy, &state, &push, &one, now),
            train::decide_commit(&policy, &state, &push, &two, now)
        );
    }

    #[test]
    fn of_fields_that_changed(
        policy in any::policies(), state in any::orderly_state(), change in any::change(), package in any::package(),
        now in any::time(), (fields, other) in shuffled(vec(any::field(), 0..4)),
    ) {
        let decide = |fields: Vec<String>| {
            let change = ModelPackageChanged { updated_fields: Some(fields), ..change.clone() };
            decide::package(&policy, &state, &change, package.as_ref(), now)
        };
        prop_assert_eq!(gist(&decide(fields)), gist(&decide(other)));
    }

    #[test]
    fn of_violations((found, other) in shuffled(vec(any::violation(), 0..4))) {
        let kind = |violations: Vec<Violation>| {
            let report = Some(MonitorReport::Read(violations));
            let seen = respond::Snapshot { report, ..respond::Snapshot::default() };
            let trigger = Trigger::Report { bucket: "b".to_owned(), key: any::REPORT_KEY.to_owned() };
            let decision = decide::respond(&any::policy(), &respond::State::default(), trigger, &seen, any::at(0));
            (decision.verdict, decision.reason.code())
        };
        prop_assert_eq!(kind(found), kind(other));
    }

    #[test]
    fn of_branches_and_alarms_that_the_policy_names(
        push in any::push(), alarm in any::alarm(), (branches, others) in shuffled(Just(any::policy().source.branches)),
        (alarms, more) in shuffled(vec("[ab]{0,2}", 0..4)),
    ) {
        let policy = |branches: Vec<String>, alarms: Vec<String>| {
            let mut policy = any::policy();
            policy.source.branches = branches;
            policy.drift.as_mut().unwrap().alarms = alarms;
            policy
        };
        let (one, two) = (policy(branches, alarms), policy(others, more));
        prop_assert_eq!(one.watches(&push.branch), two.watches(&push.branch));
        let answer = |policy| {
            let (state, seen) = (respond::State::default(), respond::Snapshot::default());
            format!("{:?}", decide::respond(policy, &state, Trigger::Alarm(alarm.clone()), &seen, any::at(0)))
        };
        prop_assert_eq!(answer(&one), answer(&two));
    }

    /// People agree in any order: the same is remembered, and the environment is asked once.
    #[test]
    fn of_peoples_words(
        policy in any::policies(), state in any::orderly_state(), (words, other) in shuffled(vec(any::approval_given(), 0..5)),
    ) {
        let (one, asked_one) = agree(&policy, state.clone(), &words);
        let (two, asked_two) = agree(&policy, state, &other);
        let steps = |state: &State| state.promotion.as_ref().map(|promotion| promotion.environments.clone());
        prop_assert_eq!(steps(&one), steps(&two));
        prop_assert_eq!(asked_one, asked_two);
    }
}

//! Whatever the controllers decide, no invariant is broken, and every property holds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tidegate_events::{DriftObserved, DriftVerdict};
use tidegate_policy::check::Violation;
use tidegate_policy::deploy::{self, DeployController};
use tidegate_policy::file::Policy;
use tidegate_policy::hold::Hold;
use tidegate_policy::promote::{self, PromoteController};
use tidegate_policy::respond::{self, RespondController, Trigger};
use tidegate_policy::scale::{self, ScaleController};
use tidegate_policy::site::Site;
use tidegate_policy::train::{self, TrainController};

use crate::any::{self, Look};
use crate::decide::{self, Decided};
use crate::properties::{self, Properties};

fn none(violations: &[Violation]) -> Result<(), TestCaseError> {
    let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
    prop_assert!(said.is_empty(), "{}", said.join("\n"));
    Ok(())
}

fn drift() -> impl Strategy<Value = Trigger> {
    let verdicts = prop_oneof![
        3 => Just(DriftVerdict::Drift),
        1 => Just(DriftVerdict::NoDrift),
        1 => Just(DriftVerdict::Insufficient),
    ];
    let sources = prop_oneof![Just("s"), Just("u")].prop_map(str::to_owned);
    let observed =
        (verdicts, sources, any::time()).prop_map(|(verdict, source, observed_at)| DriftObserved {
            model: "churn".to_owned(),
            environment: "staging".to_owned(),
            endpoint: None,
            verdict,
            metric: None,
            observed: Some(0.3),
            threshold: Some(0.2),
            source,
            observed_at,
        });
    prop_oneof![
        3 => observed.prop_map(Trigger::Observed),
        2 => any::finished().prop_map(Trigger::Finished),
        1 => any::alarm().prop_map(Trigger::Alarm),
        1 => Just(Trigger::Recheck { alarm: "a".to_owned() }),
        3 => prop_oneof![
            4 => Just(any::REPORT_KEY.to_owned()),
            1 => Just("churn-staging/churn-train/z8m4/DataQualityCheck/violations/constraint_violations.json".to_owned()),
        ].prop_map(|key| Trigger::Report { bucket: "b".to_owned(), key }),
    ]
}

fn hold() -> impl Strategy<Value = Option<Hold>> {
    prop_oneof![
        3 => Just(None),
        1 => any::time().prop_map(|at| Some(Hold { at, by: "ana".to_owned(), reason: "r".to_owned(), keeps: None })),
    ]
}

fn drift_seen() -> impl Strategy<Value = respond::Snapshot> {
    let alarm = option::of(any::alarm());
    let report = option::weighted(0.9, any::monitor_report());
    (hold(), option::of(any::time()), alarm, report).prop_map(|(hold, live, alarm, report)| {
        respond::Snapshot { deployed: decide::deployed(live, hold.as_ref()), alarm, report }
    })
}

/// What train's handler can have seen under a policy: the file is read where the policy has one, and only there.
fn under(policy: &Policy, seen: train::Snapshot) -> train::Snapshot {
    let definition = match (seen.definition, &policy.pipeline.definition.file) {
        (_, None) => train::Definition::Kept,
        (train::Definition::Kept, Some(path)) => train::Definition::Missing { path: path.clone() },
        (found, Some(_)) => found,
    };
    train::Snapshot { definition, ..seen }
}

/// Asks a controller, and holds every invariant and property against the decision. Returns the state that follows.
fn obeys<C: Properties>(
    policy: &Policy,
    site: &Site,
    state: &C::State,
    trigger: C::Trigger,
    seen: &C::Snapshot,
    now: Timestamp,
) -> Result<C::State, TestCaseError> {
    let decided = Decided::<C>::by(policy.clone(), site.clone(), state.clone(), trigger, seen.clone(), now);
    none(&decided.violations())?;
    properties::hold(&decided)?;
    Ok(decided.after())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn train_keeps_every_invariant_and_property(
        policy in any::policies(), state in any::train_state(), push in any::push(), seen in any::train_seen(),
        request in any::retraining(), ended in any::ended(), now in any::time(),
    ) {
        obeys::<TrainController>(&policy, &decide::hub(), &state, train::Trigger::Ended(ended), &seen, now)?;
        let (hub, pushed_seen) = (decide::hub(), under(&policy, seen.clone()));
        obeys::<TrainController>(&policy, &hub, &state, train::Trigger::Commit(push), &pushed_seen, now)?;
        let asks = train::Trigger::Retraining(request);
        let state = obeys::<TrainController>(&policy, &hub, &state, asks.clone(), &seen, now)?;
        // The same request again, when the execution that it started is over.
        obeys::<TrainController>(&policy, &hub, &state, asks, &seen, now)?;
    }

    #[test]
    fn promote_keeps_every_invariant_and_property(
        policy in any::policies(), state in any::orderly_state(), change in any::change(), package in any::package(),
        report in any::report(), approval in any::approval_given(), placed in any::hold_placed(),
        release in any::hold_released(), (freeze, lift) in any::freezing(), version in 1..4_u64,
        (health, since) in any::health(), now in any::time(),
        (rollback, forced, ways_back, serves) in (any::rollback(), any::forced(), any::ways_back(), any::<bool>()),
    ) {
        use promote::Trigger;
        let unhealthy = any::health_of(&policy, &state, health, since);
        let mut answer = any::answering(&policy, &state, &report);
        if serves {
            "sample_failed".clone_into(&mut answer.reason);
        }
        let triggers = [
            Trigger::Package(change),
            Trigger::Report(report),
            Trigger::Report(answer),
            Trigger::Health(unhealthy),
            Trigger::Approval(approval),
            Trigger::Hold(placed),
            Trigger::Release(release),
            Trigger::Freeze(freeze),
            Trigger::FreezeLift(lift),
            Trigger::Check { version },
            Trigger::Rollback(rollback),
            Trigger::Force(forced),
            Trigger::Sweep,
        ];
        let seen = promote::Snapshot { ways_back, ..decide::seen(package) };
        for trigger in triggers {
            obeys::<PromoteController>(&policy, &decide::hub(), &state, trigger, &seen, now)?;
        }
    }

    #[test]
    fn deploy_keeps_every_invariant_and_property(
        (policy, look) in any::look(), placed in any::hold_placed(), release in any::hold_released(),
        unauthorized in prop::bool::weighted(0.1), now in any::time(),
    ) {
        use deploy::Trigger;
        let from = if unauthorized { "123456789012" } else { any::HUB }.to_owned();
        let any::Look { site, state, seen, request, environment } = look;
        let triggers = [
            Trigger::Request { from, request },
            Trigger::Hold(placed),
            Trigger::Release(release),
            Trigger::Check { request_id: "r1".to_owned() },
            Trigger::Endpoint(environment.endpoint.name.to_string()),
            Trigger::Sweep,
        ];
        for trigger in triggers {
            obeys::<DeployController>(&policy, &site, &state, trigger, &Some(seen.clone()), now)?;
        }
    }

    #[test]
    fn respond_keeps_every_invariant_and_property(
        policy in any::policies(), state in any::respond_state(), trigger in drift(), seen in drift_seen(),
        now in any::time(),
    ) {
        obeys::<RespondController>(&policy, &any::staging(), &state, trigger, &seen, now)?;
    }

    #[test]
    fn scale_keeps_every_invariant_and_property(
        environment in any::scaled(), state in any::scale_state(), seen in any::scale_seen(),
        alarm in any::alarm(), now in any::time(),
    ) {
        let (policy, site) = (decide::policy_with(&environment), decide::site(&environment));
        obeys::<ScaleController>(&policy, &site, &state, scale::Trigger::Tick, &Some(seen), now)?;
        obeys::<ScaleController>(&policy, &site, &state, scale::Trigger::Alarm(alarm), &None, now)?;
    }
}

/// One value, drawn the same each time.
fn draw<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// The properties above say nothing about a verdict that is never given.
#[test]
fn every_verdict_was_looked_at() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    let (policies, look, now) = (any::policies(), any::look(), any::time());
    let trains = (any::train_state(), any::push(), any::train_seen(), any::retraining(), any::ended());
    let promotes =
        (any::orderly_state(), any::report(), any::approval_given(), any::change(), any::package());
    let responds = (any::respond_state(), drift(), drift_seen());
    let scales = (any::scaled(), any::scale_state(), any::scale_seen(), any::alarm());
    for _ in 0..1_000 {
        let (policy, now) = (draw(&policies, &mut runner), draw(&now, &mut runner));
        let (state, push, found, request, ended) = draw(&trains, &mut runner);
        seen.insert(train::decide_end(&policy, &state, &ended, &found, now).verdict.code());
        let found = under(&policy, found);
        seen.insert(train::decide_commit(&policy, &state, &push, &found, now).verdict.code());
        seen.insert(train::decide_retraining(&policy, &state, &request, &found, now).verdict.code());
        let (state, report, given, change, package) = draw(&promotes, &mut runner);
        seen.insert(decide::package(&policy, &state, &change, package.as_ref(), now).verdict.code());
        let answer = any::answering(&policy, &state, &report);
        seen.insert(decide::report(&policy, &state, &answer, now).verdict.code());
        seen.insert(decide::approval(&policy, &state, &given, now).verdict.code());
        let (state, trigger, found) = draw(&responds, &mut runner);
        seen.insert(decide::respond(&policy, &state, trigger, &found, now).verdict.code());
        let (environment, state, found, alarm) = draw(&scales, &mut runner);
        seen.insert(scale::on_tick(&environment, &state, &found, now).verdict.code());
        seen.insert(scale::on_capacity_alarm(&environment, &state, &alarm, None, now).verdict.code());
        let (policy, look) = draw(&look, &mut runner);
        let Look { site, state, seen: found, .. } = look;
        seen.insert(
            decide::deploy(&policy, &site, &state, &deploy::Trigger::Sweep, &found, now).verdict.code(),
        );
    }
    for verdict in [
        "ignore",
        "skip",
        "start",
        "deploy",
        "wait",
        "stop",
        "complete",
        "apply",
        "succeeded",
        "failed",
        "rolled_back_silently",
        "reject",
        "retrain",
        "alert",
        "suppress",
        "scale_to_zero",
        "scale_from_zero",
        "no_change",
    ] {
        assert!(seen.contains(verdict), "{verdict} was never decided");
    }
}

//! Whatever the deciding functions decide, the referee has nothing against it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tidegate_policy::check::{self, DeployCause, PromoteCause, TrainCause, Violation};
use tidegate_policy::file::Policy;
use tidegate_policy::hold::Hold;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Finding};
use tidegate_policy::{deploy, promote, scale, train};

use crate::any::{self, Look};

fn none(violations: &[Violation]) -> Result<(), TestCaseError> {
    let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
    prop_assert!(said.is_empty(), "{}", said.join("\n"));
    Ok(())
}

fn finding() -> impl Strategy<Value = Finding> {
    let source = || prop_oneof![Just("s"), Just("u")].prop_map(str::to_owned);
    let said = || (source(), proptest::option::of(any::time()));
    prop_oneof![
        3 => said().prop_map(|(source, at)| Finding::Drift {
            source,
            at,
            alarm: None,
            reason: Reason::DriftObserved { metric: "psi".to_owned() },
            numbers: Some((0.3, 0.2)),
        }),
        1 => said().prop_map(|(source, at)| Finding::Calm { source, at, reason: Reason::NoViolations }),
        1 => Just(Finding::Nothing(Reason::InsufficientData { source: "s".to_owned() })),
    ]
}

fn hold() -> impl Strategy<Value = Option<Hold>> {
    prop_oneof![
        3 => Just(None),
        1 => any::time().prop_map(|at| Some(Hold { at, by: "ana".to_owned(), reason: "r".to_owned() })),
    ]
}

/// What deploy's handler does with a cause, without AWS.
fn deployed(policy: &Policy, look: &Look, cause: DeployCause<'_>, now: Timestamp) -> deploy::Deploy {
    let Look { post, environment, state, seen, .. } = look;
    let begun = match cause {
        DeployCause::Request { from, request } => {
            match deploy::reject_unauthorized(post, Some(policy), from, request) {
                Some(refusal) => Err(Box::new(refusal)),
                None => deploy::accept_request(state, request, now),
            }
        }
        DeployCause::Hold(placed) => Err(Box::new(deploy::decide_hold(state, placed))),
        DeployCause::Release(release) => deploy::release(state, release),
        DeployCause::Look => Ok(state.clone()),
    };
    begun.map_or_else(
        |decided| *decided,
        |state| deploy::converge(post, policy, environment, &state, seen, now),
    )
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn train_obeys(
        policy in any::policies(), state in any::train_state(), push in any::push(), seen in any::train_seen(),
        request in any::retraining(), now in any::time(),
    ) {
        let (pushed_seen, asked_seen) = (under(&policy, seen.clone()), seen);
        let pushed = train::decide_commit(&policy, &state, &push, &pushed_seen, now);
        none(&check::train(&policy, &state, Some(&pushed_seen), TrainCause::Push(&push), &pushed, now))?;
        let asked = train::decide_retraining(&policy, &state, &request, &asked_seen, now);
        none(&check::train(&policy, &state, Some(&asked_seen), TrainCause::Request(&request), &asked, now))?;
        // The same request again, when the execution that it started is over.
        let state = asked.state.unwrap_or(state);
        let again = train::decide_retraining(&policy, &state, &request, &asked_seen, now);
        none(&check::train(&policy, &state, Some(&asked_seen), TrainCause::Request(&request), &again, now))?;
    }

    #[test]
    fn promote_obeys(
        policy in any::policies(), state in any::orderly_state(), change in any::change(), package in any::package(),
        report in any::report(), approval in any::approval_given(), placed in any::hold_placed(),
        release in any::hold_released(), version in 1..4_u64, now in any::time(),
    ) {
        let home = any::home();
        let package = package.as_ref();
        let answer = any::answering(&policy, &state, &report);
        let decisions = [
            (PromoteCause::Package { change: &change, package },
                promote::decide_package(&policy, &state, &home, &change, package, now)),
            (PromoteCause::Report(&report), promote::decide_report(&policy, &state, &report, now)),
            (PromoteCause::Report(&answer), promote::decide_report(&policy, &state, &answer, now)),
            (PromoteCause::Approval(&approval), promote::decide_approval(&policy, &state, &approval, now)),
            (PromoteCause::Hold(&placed), promote::decide_hold(&policy, &state, &placed)),
            (PromoteCause::Release(&release), promote::decide_release(&policy, &state, &release, now)),
            (PromoteCause::Time, promote::decide_check(&policy, &state, "staging", version, now)),
            (PromoteCause::Time, promote::decide_sweep(&policy, &state, now)),
        ];
        for (cause, decision) in decisions {
            none(&check::promote(&policy, &state, &home, cause, &decision, now))?;
        }
    }

    #[test]
    fn deploy_obeys(
        (policy, look) in any::look(), placed in any::hold_placed(), release in any::hold_released(),
        stranger in prop::bool::weighted(0.1), now in any::time(),
    ) {
        let from = if stranger { "123456789012" } else { any::HUB };
        let causes = [
            DeployCause::Request { from, request: &look.request },
            DeployCause::Hold(&placed),
            DeployCause::Release(&release),
            DeployCause::Look,
        ];
        for cause in causes {
            let decision = deployed(&policy, &look, cause, now);
            let seen = Some(&look.seen);
            none(&check::deploy(&look.post, Some(&policy), &look.state, seen, cause, &decision, now))?;
        }
    }

    #[test]
    fn respond_obeys(
        policy in any::policies(), state in any::respond_state(), finding in finding(), hold in hold(),
        live in option::of(any::time()), now in any::time(),
    ) {
        let environment = any::environment(&policy, "staging");
        let under = (live, hold.as_ref());
        let decision = respond::decide(&policy, &environment, &state, &finding, "m", under, now);
        none(&check::respond(&policy, &environment, &state, &finding, hold.as_ref(), &decision, now))?;
    }

    #[test]
    fn scale_obeys(
        environment in any::scaled(), state in any::scale_state(), seen in any::scale_seen(),
        alarm in any::alarm(), now in any::time(),
    ) {
        let ticked = scale::on_tick(&environment, &state, &seen, now);
        none(&check::scale(&environment, &state, Some(&seen), None, &ticked, now))?;
        let rung = scale::on_capacity_alarm(&environment, &state, &alarm, now);
        none(&check::scale(&environment, &state, None, Some(&alarm), &rung, now))?;
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
    let trains = (any::train_state(), any::push(), any::train_seen(), any::retraining());
    let promotes =
        (any::orderly_state(), any::report(), any::approval_given(), any::change(), any::package());
    let responds = (any::respond_state(), finding(), hold());
    let scales = (any::scaled(), any::scale_state(), any::scale_seen(), any::alarm());
    for _ in 0..1_000 {
        let (policy, now) = (draw(&policies, &mut runner), draw(&now, &mut runner));
        let (state, push, found, request) = draw(&trains, &mut runner);
        let found = under(&policy, found);
        seen.insert(train::decide_commit(&policy, &state, &push, &found, now).verdict.code());
        seen.insert(train::decide_retraining(&policy, &state, &request, &found, now).verdict.code());
        let (state, report, given, change, package) = draw(&promotes, &mut runner);
        let changed = promote::decide_package(&policy, &state, &any::home(), &change, package.as_ref(), now);
        seen.insert(changed.verdict.code());
        let answer = any::answering(&policy, &state, &report);
        seen.insert(promote::decide_report(&policy, &state, &answer, now).verdict.code());
        seen.insert(promote::decide_approval(&policy, &state, &given, now).verdict.code());
        let (state, finding, hold) = draw(&responds, &mut runner);
        let staging = any::environment(&policy, "staging");
        let under_hold = (None, hold.as_ref());
        let answered = respond::decide(&policy, &staging, &state, &finding, "m", under_hold, now);
        seen.insert(answered.verdict.code());
        let (environment, state, found, alarm) = draw(&scales, &mut runner);
        seen.insert(scale::on_tick(&environment, &state, &found, now).verdict.code());
        seen.insert(scale::on_capacity_alarm(&environment, &state, &alarm, now).verdict.code());
        let (policy, look) = draw(&look, &mut runner);
        seen.insert(deployed(&policy, &look, DeployCause::Look, now).verdict.code());
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

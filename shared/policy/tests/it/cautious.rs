//! Less knowledge, or worse news, never makes a decision bolder.

use proptest::option;
use proptest::prelude::*;
use tidegate_events::{AlarmState, ApprovalStatus, DriftObserved, DriftVerdict};
use tidegate_policy::decision::Verdict;
use tidegate_policy::endpoint::{DesiredResources, EndpointKind};
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, MonitorReport, Observation, Trigger};
use tidegate_policy::step::{NoCall, Step};
use tidegate_policy::{deploy, scale};

use super::{any, decide};

/// Whether the limits of a scale-up must be set again.
fn scale_up_is_pending(state: &scale::State) -> bool {
    state.deferred.as_ref().is_some_and(|deferred| deferred.pending && !deferred.down)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn only_drift_leads_to_anything(
        state in any::respond_state(), live in option::of(any::time()), now in any::time(),
        alarm in any::alarm(), text in "\\PC{0,40}", hold in option::of(any::hold()),
    ) {
        let policy = any::policy();
        let environment = any::environment(&policy, "staging");
        let observed = |observation: &Observation| {
            respond::decide(&policy, &environment, &state, observation, "m", (live, hold.as_ref()), now)
        };
        let nothing = Observation::Inconclusive(Reason::NoViolations);
        let calm = Observation::NoDrift { source: "s".to_owned(), at: None, reason: Reason::NoViolations };
        let seen = respond::Snapshot { deployed: decide::deployed(live, hold.as_ref()), ..respond::Snapshot::default() };
        let rung = decide::respond(&policy, &state, Trigger::Alarm(alarm.clone()), &seen, now);
        let rings = alarm.state == AlarmState::Alarm && alarm.previous != Some(AlarmState::Alarm) && !alarm.muted;
        prop_assert_eq!(observed(&calm), observed(&calm));
        for (decision, drifts) in [(observed(&nothing), false), (observed(&calm), false), (rung, rings)] {
            let after = decision.state.clone().unwrap_or_else(|| state.clone());
            prop_assert!(decision.plan.iter().all(|step| respond::still_applies(&after, step)));
            if !drifts {
                prop_assert_eq!(decision.verdict, Verdict::Ignore);
                prop_assert!(decision.plan.is_empty());
            }
            // Under a hold nothing is asked for, whatever was found.
            let asks = |step: &Step<NoCall>| matches!(step, Step::RequestRetraining { .. });
            prop_assert!(hold.is_none() || !decision.plan.iter().any(asks));
        }
        let _ = MonitorReport::from_json(&text);
    }

    #[test]
    fn a_retraining_obeys_cooldown_attempts_and_budget(
        state in any::respond_state(), live in option::of(any::time()), minutes in 0..100_000_i64,
    ) {
        let policy = any::policy();
        let environment = any::environment(&policy, "staging");
        let now = any::at(minutes);
        let drift = Observation::Drift {
            source: "s".to_owned(),
            at: None,
            alarm: None,
            reason: Reason::DriftObserved { metric: "m".to_owned() },
            numbers: None,
            feed_is_broken: false,
        };
        let first = respond::decide(&policy, &environment, &state, &drift, "m", (live, None), now);
        let wish = policy.drift.clone().unwrap();
        if first.verdict == Verdict::Retrain {
            let cooled = |at: &jiff::Timestamp| now.duration_since(*at) >= wish.cooldown.signed();
            prop_assert!(state.retrainings.last().is_none_or(cooled));
            prop_assert!(state.attempts < wish.escalate_after.unwrap());
            let budget = wish.budget.unwrap();
            let recent = state.retrainings.iter().filter(|at| now.duration_since(**at) < budget.per.signed());
            prop_assert!(recent.count() < budget.retrainings as usize);
            // Single flight: the next drift, whatever its source, does not retrain.
            let after = first.state.unwrap();
            let second = respond::decide(&policy, &environment, &after, &drift, "n", (live, None), now);
            prop_assert_eq!(second.verdict, Verdict::Suppress);
        }
    }

    #[test]
    fn nothing_goes_to_zero_that_is_asked_young_unmeasured_or_changing(
        environment in any::scaled(), state in any::scale_state(), seen in any::scale_seen(), now in any::time(),
    ) {
        // After the last moment of all times nothing can be waited for.
        prop_assume!(now < jiff::Timestamp::MAX);
        let decision = scale::on_tick(&environment, &state, &seen, now);
        if decision.verdict == Verdict::ScaleToZero {
            let counts = seen.invocations.unwrap();
            prop_assert_eq!(counts.in_window, 0);
            prop_assert!(counts.since_deployment > 0);
            prop_assert!(!seen.deploying);
            let grace = environment.scale.to_zero.as_ref().unwrap().grace.signed();
            prop_assert!(now.duration_since(seen.live_since.unwrap()) >= grace);
            // The way back is built before the way down is taken.
            let armed = decision.plan.iter().position(|a| matches!(a, Step::Call(scale::Action::EnsureScaleFromZeroAlarm { .. })));
            let down = decision.plan.iter().position(|a| matches!(a, Step::Call(scale::Action::SetCopyCount { copies: 0, .. })));
            prop_assert!(armed.unwrap() < down.unwrap());
        } else if decision.verdict == Verdict::ScaleFromZero {
            // It was thought to be at zero, and answers all the same; or AWS rejected its limits for now.
            let answers = state.zero_since.is_some() && seen.invocations.is_some_and(|counts| counts.in_window > 0);
            prop_assert!(answers || scale_up_is_pending(&state));
        } else {
            prop_assert!(decision.plan.is_empty());
        }
        let blind = scale::Snapshot { invocations: None, ..seen.clone() };
        let decision = scale::on_tick(&environment, &state, &blind, now);
        prop_assert!(decision.plan.is_empty() || scale_up_is_pending(&state));
    }

    #[test]
    fn what_is_not_approved_is_neither_deployed_nor_a_success(
        state in any::deploy_state(), seen in any::deploy_seen(), production in any::<bool>(), now in any::time(),
    ) {
        let policy = any::policy();
        let environment = any::environment(&policy, if production { "production" } else { "staging" });
        let decision = deploy::converge(&any::staging(), &policy, &environment, &state, &seen, now);
        if seen.approval != Some(ApprovalStatus::Approved) {
            prop_assert!(!matches!(decision.verdict, Verdict::Apply | Verdict::Succeeded), "{:?}", decision);
        }
        if decision.verdict == Verdict::Succeeded {
            let request = &state.in_flight.as_ref().unwrap().request;
            let wanted = DesiredResources::of(&environment, request);
            prop_assert_eq!(seen.endpoint.unwrap().config, Some(wanted.config.name));
            if let Some(wanted) = &wanted.component {
                let running = seen.component.expect("it serves");
                prop_assert!(running.runs(wanted) && running.has_copies(1), "{:?}", running);
            }
            prop_assert!(matches!(seen.probe, Some(deploy::Probe::Answered(_))));
        }
    }

    #[test]
    fn only_the_hub_commands_and_only_here(request in any::request(), from in "[0-9]{12}") {
        let policy = any::policy();
        let refused = deploy::reject_unauthorized(&any::staging(), Some(&policy), &from, &request, any::at(0));
        prop_assert!(refused.is_some_and(|decision| decision.plan.is_empty()) || from == any::HUB);
        if deploy::reject_unauthorized(&any::staging(), Some(&policy), any::HUB, &request, any::at(0)).is_none() {
            prop_assert_eq!(request.environment.as_str(), "staging");
            prop_assert_eq!(request.environment_account.as_str(), "444455556666");
            prop_assert!(request.package_arn.contains(any::HUB));
        }
        prop_assert!(deploy::reject_unauthorized(&any::staging(), None, any::HUB, &request, any::at(0)).is_some());
    }
}

/// No policy file may ask for it, but one that was applied before that was so may.
#[test]
fn a_classic_endpoint_is_never_scaled_to_zero() {
    let mut environment = any::environment(&any::policy(), "production");
    any::serve(&mut environment, EndpointKind::RealTime);
    let invocations = Some(scale::Invocations { in_window: 0, since_deployment: 12 });
    let seen = scale::Snapshot {
        live_since: Some(any::at(0)),
        copies_since: Some(any::at(0)),
        deploying: false,
        not_serving: None,
        invocations,
        limits: None,
    };
    let decision = scale::on_tick(&environment, &scale::State::default(), &seen, any::at(9 * 1_440));
    assert_eq!((decision.verdict, decision.reason.code()), (Verdict::Reject, "real_time_minimum_is_one"));
    assert!(decision.plan.is_empty() && decision.reason.to_string().contains("inference component"));
}

#[test]
fn a_source_that_could_not_tell_never_retrains() {
    let observed = |verdict| DriftObserved {
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        endpoint: None,
        verdict,
        metric: None,
        observed: Some(9.0),
        threshold: Some(0.1),
        source: "job".to_owned(),
        observed_at: any::at(0),
    };
    for verdict in [DriftVerdict::Insufficient, DriftVerdict::SourceFailed] {
        let (state, seen) = (respond::State::default(), respond::Snapshot::default());
        let trigger = Trigger::Observed(observed(verdict));
        let decision = decide::respond(&any::policy(), &state, trigger, &seen, any::at(0));
        assert_eq!((decision.verdict, decision.plan.len()), (Verdict::Ignore, 0));
    }
}

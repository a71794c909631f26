//! A person's hold, in whatever order people's words arrive, and what it keeps from happening.

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_events::{ApprovalStatus, HoldPlaced, HoldReleased};
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Environment;
use tidegate_policy::hold::on;
use tidegate_policy::promote;
use tidegate_policy::{deploy, hold};

use super::{any, decide};
use tidegate_policy::step::Step;

/// What a person says.
#[derive(Debug, Clone)]
enum Said {
    Stop(HoldPlaced),
    GoOn(HoldReleased),
}

fn said() -> impl Strategy<Value = Said> {
    // Only places that the policy has: another one is refused.
    let known = |place: &Option<String>| place.as_ref().is_none_or(|name| name != "qa");
    prop_oneof![
        any::hold_placed().prop_filter("known", move |s| known(&s.environment)).prop_map(Said::Stop),
        any::hold_released().prop_filter("known", move |s| known(&s.environment)).prop_map(Said::GoOn),
    ]
}

/// What stands after people's words, in the order in which they are told.
fn heard(words: &[Said]) -> (hold::Holds, hold::Released) {
    let policy = any::policy();
    let mut state = promote::State::default();
    for word in words {
        let decision = match word {
            Said::Stop(placed) => decide::hold(&policy, &state, placed),
            Said::GoOn(release) => decide::release(&policy, &state, release, any::at(0)),
        };
        state = decision.state.unwrap_or(state);
    }
    (state.holds, state.released)
}

fn changes(step: &Step<deploy::Action>) -> bool {
    matches!(step, Step::Call(_))
}

/// Whether an action of a plan is carried out if a hold comes after the decision, and nothing else has changed.
fn goes_on(
    environment: &Environment,
    decided: &deploy::Deploy,
    held: &deploy::State,
    seen: &deploy::Snapshot,
    step: &Step<deploy::Action>,
) -> bool {
    use deploy::{Action, Current};
    let in_flight = decided.state.clone().and_then(|state| state.in_flight);
    let state = deploy::State { in_flight, ..held.clone() };
    let found = match step {
        Step::Call(Action::CreateComponent { .. } | Action::UpdateComponent { .. }) => {
            Current::Component(seen.component.clone())
        }
        _ => Current::Endpoint(seen.endpoint.clone()),
    };
    deploy::still_applies(Some(environment), &state, step)
        && deploy::precondition(&state, step, &ApprovalStatus::Approved, &found).is_none()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_telling_does_not_count(
        (words, shuffled) in vec(said(), 0..8).prop_flat_map(|words| (Just(words.clone()), Just(words).prop_shuffle())),
    ) {
        prop_assert_eq!(heard(&words), heard(&shuffled));
    }

    #[test]
    fn what_was_said_last_about_a_place_stands(words in vec(said(), 0..8)) {
        let (holds, _) = heard(&words);
        for environment in ["staging", "production"] {
            let stops = |own: bool| words.iter().filter_map(move |word| match word {
                Said::Stop(placed) if own == placed.environment.is_some() =>
                    placed.environment.as_deref().is_none_or(|name| name == environment).then_some(placed.at),
                _ => None,
            });
            let goes = |all: bool| words.iter().filter_map(move |word| match word {
                Said::GoOn(release) => match &release.environment {
                    None => Some(release.at),
                    Some(name) => (!all && name == environment).then_some(release.at),
                },
                Said::Stop(_) => None,
            });
            // Its own hold ends with a release of it or of all; the model's hold only with a release of all.
            let own = stops(true).max().is_some_and(|stop| goes(false).all(|go| go <= stop));
            let models = stops(false).max().is_some_and(|stop| goes(true).all(|go| go <= stop));
            prop_assert_eq!(on(&holds, environment).is_some(), own || models, "{} in {:?}", environment, words);
        }
    }

    #[test]
    fn nothing_is_requested_of_what_is_held(
        state in any::promote_state(), change in any::change(), package in any::package(), report in any::report(),
        approval in any::approval_given(), version in 1..4_u64, word in said(), now in any::time(),
    ) {
        let policy = any::policy();
        let automatic = vec![
            decide::package(&policy, &state, &change, package.as_ref(), now),
            decide::report(&policy, &state, &report, now),
            decide::check(&policy, &state, version, now),
            decide::sweep(&policy, &state, now),
            decide::approval(&policy, &state, &approval, now),
        ];
        for decision in &automatic {
            let after = decision.state.as_ref().unwrap_or(&state);
            prop_assert_eq!((&after.holds, &after.released), (&state.holds, &state.released), "only people say so");
        }
        let persons = match &word {
            Said::Stop(placed) => decide::hold(&policy, &state, placed),
            Said::GoOn(release) => decide::release(&policy, &state, release, now),
        };
        for decision in automatic.into_iter().chain([persons]) {
            let after = decision.state.clone().unwrap_or_else(|| state.clone());
            for step in &decision.plan {
                if let Step::RequestDeployment { request } = step {
                    prop_assert!(on(&after.holds, &request.environment).is_none(), "{:?}", decision);
                }
                prop_assert!(promote::still_applies(&after, step), "{:?} in {:?}", step, after);
            }
        }
    }

    #[test]
    fn nothing_is_begun_in_what_is_held_and_what_was_begun_is_verified(
        state in any::deploy_state(), seen in any::deploy_seen(), production in any::<bool>(),
        placed in any::hold_placed(), now in any::time(),
    ) {
        let policy = any::policy();
        let environment = any::environment(&policy, if production { "production" } else { "staging" });
        let free = deploy::State { holds: hold::Holds::new(), released: hold::Released::new(), ..state };
        let held = deploy::decide_hold(&free, &placed).state.expect("nothing stood there");
        let converge = |state: &_| deploy::converge(&any::staging(), &policy, &environment, state, &seen, now);
        let (freely, under_hold) = (converge(&free), converge(&held));
        prop_assert!(!under_hold.plan.iter().any(changes), "{:?}", under_hold);
        for step in freely.plan.iter().filter(|step| changes(step)) {
            prop_assert!(!goes_on(&environment, &freely, &held, &seen, step), "{:?}", step);
        }
        if freely.verdict == Verdict::Apply {
            prop_assert_eq!((under_hold.verdict, under_hold.reason.code()), (Verdict::Wait, "held"));
            // The release begins what waited.
            let release = HoldReleased {
                model: "churn".to_owned(), environment: placed.environment.clone(), by: "bo".to_owned(),
                at: jiff::Timestamp::MAX,
            };
            let waiting = under_hold.state.clone().expect("what waits is remembered");
            if placed.at < jiff::Timestamp::MAX {
                let going = deploy::release(&waiting, &release).expect("it goes on");
                prop_assert_eq!(converge(&going).verdict, Verdict::Apply);
            }
        } else {
            prop_assert_eq!((under_hold.verdict, &under_hold.reason), (freely.verdict, &freely.reason));
        }
        // Nothing but a person's word changes what is held.
        let after = under_hold.state.unwrap_or(held.clone());
        prop_assert_eq!((after.holds, after.released), (held.holds, held.released));
    }
}

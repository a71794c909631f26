//! A person's hold, in whatever order people's words arrive, and what it keeps from happening.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_events::{ApprovalStatus, HoldPlaced, HoldReleased, PackageStatus};
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Environment;
use tidegate_policy::hold::{against, on};
use tidegate_policy::promote;
use tidegate_policy::reason::Reason;
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
            Said::Stop(placed) => decide::hold(&policy, &state, placed, Timestamp::MAX),
            Said::GoOn(release) => decide::release(&policy, &state, release, Timestamp::MAX),
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
    let artifacts = state.in_flight.as_ref().and_then(|in_flight| in_flight.request.artifacts.clone());
    let package =
        promote::Package { approval: ApprovalStatus::Approved, status: PackageStatus::Completed, artifacts };
    deploy::still_applies(Some(environment), &state, step)
        && deploy::precondition(&state, step, &package, &found).is_none()
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
            // The approval of an older version is a person's, and a hold keeps that version.
            let others = |holds: &hold::Holds| {
                holds.iter().filter(|(_, hold)| hold.keeps.is_none()).map(|(p, h)| (p.clone(), h.clone())).collect()
            };
            let (after_others, before_others): (hold::Holds, hold::Holds) = (others(&after.holds), others(&state.holds));
            prop_assert_eq!((after_others, &after.released), (before_others, &state.released), "only people say so");
        }
        let persons = match &word {
            Said::Stop(placed) => decide::hold(&policy, &state, placed, now),
            Said::GoOn(release) => decide::release(&policy, &state, release, now),
        };
        for decision in automatic.into_iter().chain([persons]) {
            let after = decision.state.clone().unwrap_or_else(|| state.clone());
            for step in &decision.plan {
                if let Step::RequestDeployment { request } = step {
                    let held = against(&after.holds, &request.environment, request.version, request.commanded_at);
                    prop_assert!(held.is_none(), "{:?}", decision);
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
        let held = deploy::decide_hold(&free, &placed, now).state.expect("nothing stood there");
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
                at: Timestamp::MAX,
            };
            let waiting = under_hold.state.clone().expect("what waits is remembered");
            if placed.at < Timestamp::MAX {
                let going = deploy::release(&waiting, &release, now).expect("it goes on");
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

fn place(environment: Option<&str>, by: &str, minutes: i64) -> HoldPlaced {
    HoldPlaced {
        model: "churn".to_owned(),
        environment: environment.map(str::to_owned),
        by: by.to_owned(),
        reason: "look first".to_owned(),
        at: any::at(minutes),
    }
}

fn release(environment: Option<&str>, minutes: i64) -> HoldReleased {
    let (model, environment) = ("churn".to_owned(), environment.map(str::to_owned));
    HoldReleased { model, environment, by: "bo".to_owned(), at: any::at(minutes) }
}

/// What one event decides, and the state that follows.
fn told(state: &promote::State, word: &Said) -> (promote::Promote, promote::State) {
    let policy = any::policy();
    let decision = match word {
        Said::Stop(placed) => decide::hold(&policy, state, placed, any::at(900)),
        Said::GoOn(release) => decide::release(&policy, state, release, any::at(900)),
    };
    let after = decision.state.clone().unwrap_or_else(|| state.clone());
    (decision, after)
}

/// The state after some events.
fn after(words: &[Said]) -> promote::State {
    words.iter().fold(promote::State::default(), |state, word| told(&state, word).1)
}

fn held(by: &str, minutes: i64) -> Reason {
    Reason::Held { by: by.to_owned(), why: "look first".to_owned(), since: any::at(minutes) }
}

#[test]
fn a_hold_says_who_placed_it_when_why_and_where() {
    for (environment, words) in [(None, "every environment"), (Some("production"), "production")] {
        let placed = place(environment, "ana", 10);
        let (decision, state) = told(&promote::State::default(), &Said::Stop(placed.clone()));
        assert_eq!((decision.verdict, &decision.reason), (Verdict::Wait, &held("ana", 10)));
        let evidence =
            |name: &str| decision.evidence.iter().find(|e| e.name == name).map(|e| e.observed.as_str());
        assert_eq!((evidence("place"), evidence("by")), (Some(words), Some("ana")));
        assert_eq!(state.holds.len(), 1);
        assert_eq!(on(&state.holds, "production").map(hold::Hold::why), Some(held("ana", 10)));
        assert_eq!(on(&state.holds, "staging").is_some(), environment.is_none());
    }
}

#[test]
fn an_environments_own_hold_is_the_one_that_counts_there() {
    let state = after(&[Said::Stop(place(None, "ana", 10)), Said::Stop(place(Some("staging"), "bo", 5))]);
    assert_eq!(on(&state.holds, "staging").unwrap().by, "bo");
    assert_eq!(on(&state.holds, "production").unwrap().by, "ana");
}

#[test]
fn only_a_newer_hold_replaces_one() {
    let state = after(&[Said::Stop(place(Some("staging"), "ana", 10))]);
    for minutes in [9, 10] {
        let (decision, unchanged) = told(&state, &Said::Stop(place(Some("staging"), "ana", minutes)));
        let known = Reason::AlreadyHeld { by: "ana".to_owned(), since: any::at(10) };
        assert_eq!((decision.verdict, decision.reason, &unchanged), (Verdict::Ignore, known, &state));
    }
    let (decision, replaced) = told(&state, &Said::Stop(place(Some("staging"), "bo", 11)));
    assert_eq!(decision.reason, held("bo", 11));
    assert_eq!((replaced.holds.len(), replaced.holds["staging"].by.as_str()), (1, "bo"));
}

#[test]
fn of_a_hold_and_a_release_of_one_moment_the_hold_stands() {
    for environment in [None, Some("staging")] {
        let (placed, released) =
            (Said::Stop(place(environment, "ana", 10)), Said::GoOn(release(environment, 10)));
        for words in [[placed.clone(), released.clone()], [released, placed]] {
            assert!(on(&after(&words).holds, "staging").is_some(), "{words:?}");
        }
    }
}

#[test]
fn a_release_ends_the_holds_before_it_of_its_own_place_or_of_all() {
    let words = [
        Said::Stop(place(Some("staging"), "ana", 10)),
        Said::Stop(place(Some("production"), "ana", 20)),
        Said::Stop(place(None, "cy", 5)),
    ];
    let state = after(&words);
    // The model's hold goes on holding what is released.
    let (decision, staging) = told(&state, &Said::GoOn(release(Some("staging"), 15)));
    assert_eq!(decision.reason.code(), "hold_released");
    assert_eq!(staging.holds.keys().collect::<Vec<_>>(), ["*", "production"]);
    let (decision, same) = told(&staging, &Said::GoOn(release(Some("staging"), 16)));
    assert_eq!((decision.reason, same.holds.len()), (held("cy", 5), 2));
    // A release of all ends only what is older.
    let (decision, newer) = told(&state, &Said::GoOn(release(None, 15)));
    assert_eq!(decision.reason.code(), "hold_released");
    assert_eq!(newer.holds.keys().collect::<Vec<_>>(), ["production"]);
    let (decision, newer) = told(&newer, &Said::GoOn(release(None, 16)));
    assert_eq!((decision.reason, newer.released[hold::ALL]), (held("ana", 20), any::at(16)));
    let (decision, none) = told(&newer, &Said::GoOn(release(None, 21)));
    assert_eq!((decision.reason.code(), none.holds.len()), ("hold_released", 0));
}

#[test]
fn a_release_that_releases_nothing_is_remembered_for_the_hold_that_comes_late() {
    for (environment, words) in [(None, "every environment"), (Some("staging"), "staging")] {
        let (decision, state) = told(&promote::State::default(), &Said::GoOn(release(environment, 10)));
        assert_eq!(decision.reason, Reason::NotHeld { place: words.to_owned() });
        let (decision, unchanged) = told(&state, &Said::Stop(place(Some("staging"), "ana", 9)));
        assert_eq!(decision.reason, Reason::OlderHold { released: any::at(10) });
        assert_eq!(unchanged, state);
        // An older release does not replace it.
        let (_, state) = told(&state, &Said::GoOn(release(environment, 8)));
        assert_eq!(state.released.values().collect::<Vec<_>>(), [&any::at(10)]);
        // The release of one environment does not end a hold on all.
        let (_, all) = told(&state, &Said::Stop(place(None, "ana", 9)));
        assert_eq!(all.holds.contains_key(hold::ALL), environment.is_some());
    }
}

/// What a state of an early version may contain, and what a person does about it.
#[test]
fn a_release_from_the_future_disarms_nothing() {
    for (place_of, environment) in [(hold::ALL, None), ("staging", Some("staging"))] {
        let disarmed = hold::Released::from([(place_of.to_owned(), Timestamp::MAX)]);
        let state = promote::State { released: disarmed.clone(), ..promote::State::default() };
        let (decision, held) = told(&state, &Said::Stop(place(environment, "ana", 10)));
        assert_eq!(decision.verdict, Verdict::Wait, "{:?}", decision.reason);
        assert!(on(&held.holds, "staging").is_some());
        let (_, released) = told(&held, &Said::GoOn(release(environment, 11)));
        assert_eq!(released.released[place_of], any::at(11), "the release repairs the state");
        assert!(released.holds.is_empty());
        let deploy = deploy::State { released: disarmed, ..deploy::State::default() };
        let held = deploy::decide_hold(&deploy, &place(environment, "ana", 10), any::at(20));
        assert!(on(&held.state.unwrap().holds, "staging").is_some());
    }
}

#[test]
fn any_release_ends_a_hold_from_the_future() {
    let placed =
        hold::Hold { at: Timestamp::MAX, by: "eve".to_owned(), reason: "for ever".to_owned(), keeps: None };
    let holds = hold::Holds::from([("staging".to_owned(), placed)]);
    let state = promote::State { holds: holds.clone(), ..promote::State::default() };
    let (decision, after) = told(&state, &Said::Stop(place(Some("staging"), "ana", 10)));
    assert_eq!((decision.verdict, after.holds["staging"].at), (Verdict::Wait, any::at(10)));
    let (decision, after) = told(&state, &Said::GoOn(release(Some("staging"), 10)));
    assert_eq!(decision.reason.code(), "hold_released");
    assert!(after.holds.is_empty());
    let deploy = deploy::State { holds, ..deploy::State::default() };
    let after = deploy::release(&deploy, &release(None, 10), any::at(20)).unwrap_err().state.unwrap();
    assert!(after.holds.is_empty());
}

#[test]
fn a_command_that_a_later_one_outdates_is_told() {
    let state = after(&[Said::GoOn(release(None, 10))]);
    let late_hold = told(&state, &Said::Stop(place(Some("staging"), "ana", 9))).0;
    let state = after(&[Said::Stop(place(None, "ana", 10))]);
    let early_release = told(&state, &Said::GoOn(release(None, 9))).0;
    for (decision, words) in
        [(late_hold, "the hold of ana on staging"), (early_release, "the release of every")]
    {
        assert_eq!(decision.verdict, Verdict::Alert);
        let [Step::Notify { subject, message }] = decision.plan.as_slice() else { panic!("{decision:?}") };
        assert!(message.starts_with(words) && message.contains("changed nothing"), "{message}");
        assert!(subject.contains("changed nothing"), "{subject}");
    }
    // What changes nothing because nothing is to be changed is not worth a message.
    for word in [Said::GoOn(release(None, 9)), Said::Stop(place(None, "ana", 9))] {
        let (decision, after) = told(&promote::State::default(), &word);
        assert!(decision.plan.is_empty());
        assert!(told(&after, &word).0.plan.is_empty(), "{word:?}");
    }
}

//! `tidegate explain` says of every scenario what the function itself decides.

use tidegate_replay::explain::{Answer, run};
use tidegate_replay::situation::Scenario;
use tidegate_scenarios::scenario::{Decided, Found, decide_scenario, load, root};

/// The answer that a scenario is about: the first that is written down, or else the first.
fn explained(found: &Found) -> Answer {
    let file = root().join("scenarios").join(found.function.name).join(format!("{}.yaml", found.name));
    let scenario = Scenario::load(&file, None).unwrap_or_else(|error| panic!("{error}"));
    let answers = run(&scenario, "scenario").unwrap_or_else(|error| panic!("{}: {error}", found.name));
    let recorded = answers.iter().position(|answer| answer.recorded);
    answers.into_iter().nth(recorded.unwrap_or_default()).expect("every event has an answer")
}

fn differences(decided: &Decided, answer: &Answer) -> Vec<String> {
    let quiet = match decided.verdict.as_str() {
        // The words of the scenarios for what is not written down.
        "not_applicable" => Some("ignore"),
        "unchanged" => Some("unchanged"),
        _ => None,
    };
    let record = &answer.record;
    let mut found = Vec::new();
    let mut compare = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            found.push(format!("{what}: `{ours}` instead of `{theirs}`"));
        }
    };
    compare("recorded", quiet.is_none().to_string(), answer.recorded.to_string());
    compare("verdict", quiet.unwrap_or(&decided.verdict).to_owned(), record.verdict.clone());
    compare("reason", decided.reason.clone(), record.reason.clone());
    if decided.verdict != "unchanged" {
        compare("message", decided.message.clone(), record.message.clone());
    }
    compare("evidence", format!("{:?}", decided.evidence), format!("{:?}", record.evidence));
    compare("plan", format!("{:?}", decided.plan), format!("{:?}", record.plan));
    compare("outcomes", "[]".to_owned(), format!("{:?}", record.outcomes));
    found
}

#[test]
fn explain_says_what_the_function_decides() {
    let mut wrong = Vec::new();
    let all = load(&root()).unwrap();
    assert!(all.len() > 100, "{} scenarios", all.len());
    // What follows from a refusal is decided after AWS was asked, which explaining never does.
    for found in all.into_iter().filter(|found| found.scenario.seen.refuses.is_empty()) {
        let decided = decide_scenario(&root(), &found).unwrap();
        let answer = explained(&found);
        let place = format!("{}/{}", found.function.name, found.name);
        wrong.extend(differences(&decided, &answer).into_iter().map(|text| format!("{place}: {text}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_scenario_is_explained_the_same_every_time() {
    for found in load(&root()).unwrap() {
        assert_eq!(explained(&found), explained(&found), "{}", found.name);
    }
}

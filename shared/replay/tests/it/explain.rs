//! `explain` says of every scenario what its file expects.

use std::path::Path;

use tidegate_replay::explain::run;
use tidegate_testkit::scenario::Scenario;

#[test]
fn every_scenario_is_explained_as_its_file_expects() {
    for file in Scenario::files(Path::new("../../events")).unwrap() {
        let scenario = Scenario::load(&file, None).unwrap();
        // What follows from a refusal is decided after AWS was asked, which explaining never does.
        if !scenario.setup.responses.refuses.is_empty() {
            continue;
        }
        let answers = run(&scenario, "scenario").unwrap();
        let answer = answers.iter().find(|answer| answer.recorded).or(answers.first()).unwrap();
        let expect = scenario.expect.unwrap();
        let verdict = if expect.verdict == "not_applicable" { "ignore" } else { &expect.verdict };
        let record = &answer.record;
        let decided = (record.verdict.as_str(), record.reason.as_str());
        assert_eq!(decided, (verdict, expect.reason.as_str()), "{}", file.display());
        assert!(record.outcomes.is_empty(), "{}", file.display());
    }
}

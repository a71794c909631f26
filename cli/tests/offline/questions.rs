//! Every argument of `explain` has an effect or is an error.

use serde_json::{Value, json};

use crate::shared::{POLICY, complaint, file, objects, out, policy_of, remark, sample, text, tidegate};

const SCENARIO: &str = "events/scenarios/respond/a-drift-alarm-retrains.yaml";
const RECONCILE: &str = "events/schedule/reconcile.json";
const HOLD: &str = "events/contract/hold-placed.json";
const RETRAINING: &str = "events/contract/retraining-requested.json";

fn record(arguments: &[&str]) -> Value {
    let output = tidegate(&[arguments, &["--json"]].concat());
    remark(&output);
    objects(&output).remove(0)
}

#[test]
fn a_scenario_is_explained_with_another_policy_time_or_function() {
    let folder = tempfile::tempdir().expect("a folder");
    let ask = |more: &[&str]| record(&[&["explain", "--event", SCENARIO], more].concat());
    let as_it_is = ask(&[]);
    assert_eq!(as_it_is["verdict"], "retrain");
    let alert = &file(
        folder.path(),
        "alert.yaml",
        &text(POLICY)
            .replace("response: retrain", "response: alert")
            .replace("  budget: { retrainings: 4, per: 30d }\n  escalateAfter: 2\n", ""),
    );
    assert_eq!(ask(&["--policy", alert])["verdict"], "alert");
    assert_eq!(ask(&["--now", "2026-03-03T09:00:00Z"])["at"], "2026-03-03T09:00:00Z");
    // Outside of the folder of its function, a scenario requires `--function`.
    let moved = &file(folder.path(), "moved.yaml", &inline(SCENARIO));
    let said = complaint(&tidegate(&["explain", "--event", moved]));
    assert!(said.contains("say with --function"), "{said}");
    assert_eq!(record(&["explain", "--event", moved, "--policy", POLICY, "--function", "respond"]), as_it_is);
}

/// A scenario that contains its event.
fn inline(scenario: &str) -> String {
    let text = text(scenario);
    let named = text.lines().find_map(|line| line.strip_prefix("event: ")).expect("it names its event");
    let event = sample(&format!("events/{named}"));
    text.replace(&format!("event: {named}"), &format!("event: {event}\npolicy: none"))
}

#[test]
fn flags_that_a_scenario_specifies_itself_are_errors() {
    for (flag, value) in [
        ("--state", SCENARIO),
        ("--environment", "production"),
        ("--account", "777788889999"),
        ("--region", "eu-west-1"),
        ("--hub-account", "111122223333"),
    ] {
        let said = complaint(&tidegate(&["explain", "--event", SCENARIO, flag, value]));
        assert!(said.contains(&format!("{flag} cannot be used with a scenario")), "{said}");
    }
}

#[test]
fn a_state_is_for_one_model_and_one_function() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = &file(folder.path(), "otter.yaml", &policy_of("otter"));
    let drift = "events/cloudwatch/alarm.drift.alarm.json";
    for (index, state) in [
        "seen: { live_since: 2026-03-03T03:00:00Z }",
        "seen: { holds: { \"*\": { by: alice, reason: a look, at: 2026-03-03T03:00:00Z } } }",
        "state: { retrainings: [], attempts: 1 }",
    ]
    .into_iter()
    .enumerate()
    {
        let state = &file(folder.path(), &format!("{index}.yaml"), state);
        let said =
            complaint(&tidegate(&["explain", "--policy", POLICY, other, "--event", drift, "--state", state]));
        assert!(said.contains("give one --policy"), "{said}");
        remark(&tidegate(&["explain", "--policy", POLICY, "--event", drift, "--state", state]));
    }
    let promotes = r#"{"state": {"promotion": null}}"#;
    let promotes = &file(folder.path(), "promotes.json", promotes);
    let asked =
        ["explain", "--policy", POLICY, "--event", RECONCILE, "--now", "2026-03-03T12:00:00Z", "--state"];
    let ask = |more: &[&str]| tidegate(&[&asked[..], &[promotes], more].concat());
    let said = complaint(&ask(&[]));
    assert!(said.contains("name the function with --function"), "{said}");
    assert!(out(&ask(&["--function", "promote"])).contains("promote in hub"));
}

#[test]
fn an_assumed_hub_account_is_reported() {
    let ask = |more: &[&str]| {
        remark(&tidegate(&[&["explain", "--policy", POLICY, "--event", RETRAINING], more].concat()))
    };
    let said = ask(&[]);
    assert!(
        said.contains("the input does not specify the account of the hub; 444455556666 is assumed"),
        "{said}"
    );
    assert!(!ask(&["--hub-account", "111122223333"]).contains("account"));
    assert!(!ask(&["--account", "111122223333"]).contains("account"));
    let pushed = "events/contract/commit-pushed.json";
    assert!(!remark(&tidegate(&["explain", "--policy", POLICY, "--event", pushed])).contains("account"));
}

#[test]
fn an_event_is_found_in_the_messages_of_a_queue() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = sample(HOLD);
    let failed = json!({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event});
    let received =
        json!({"Messages": [{"MessageId": "1", "ReceiptHandle": "r", "Body": failed.to_string()}]});
    let plain = record(&["explain", "--policy", POLICY, "--event", HOLD]);
    for (name, wrapper) in
        [("dead.json", json!({"Records": [{"body": failed.to_string()}]})), ("received.json", received)]
    {
        let name = &file(folder.path(), name, &wrapper.to_string());
        assert_eq!(record(&["explain", "--policy", POLICY, "--event", name]), plain);
    }
    let none = &file(folder.path(), "none.json", r#"{"Messages": []}"#);
    let said = complaint(&tidegate(&["explain", "--policy", POLICY, "--event", none]));
    assert!(said.contains("contains no event"), "{said}");
}

/// The first questions of somebody who is new: what does an approval do, and what does a push do?
#[test]
fn explain_assumes_what_replay_assumes_and_says_so() {
    for (event, wanted, words) in [
        ("events/sagemaker/model-package.approved.json", ("deploy", "approved"), "the registry has arn:aws"),
        ("events/codecommit/reference-updated.branch-push.json", ("start", "commit"), "the pipeline exists"),
        (RETRAINING, ("start", "retraining_requested"), "the pipeline of churn exists"),
        ("events/contract/deployment-requested.json", ("apply", "requested"), "the endpoint does not exist"),
    ] {
        let explained = tidegate(&["explain", "--policy", POLICY, "--event", event, "--json"]);
        let said = remark(&explained);
        assert!(said.contains("assumed: ") && said.contains(words), "{event}: {said}");
        let first = &objects(&explained)[0];
        assert_eq!(
            (first["verdict"].as_str(), first["reason"].as_str()),
            (Some(wanted.0), Some(wanted.1)),
            "{event}"
        );
        // A replay does not replay the hub's own requests.
        if !event.contains("deployment") {
            let replayed = tidegate(&["replay", "--policy", POLICY, "--events", event, "--json"]);
            let decided = &objects(&replayed)[0];
            assert_eq!(
                (&first["verdict"], &first["reason"]),
                (&decided["verdict"], &decided["reason"]),
                "{event}"
            );
        }
    }
    // Nothing is assumed where somebody says what is there, or where nothing is read.
    let folder = tempfile::tempdir().expect("a folder");
    let empty = &file(folder.path(), "state.yaml", "seen: {}\n");
    let event = "events/sagemaker/model-package.approved.json";
    let said = tidegate(&["explain", "--policy", POLICY, "--event", event, "--state", empty, "--json"]);
    assert!(!remark(&said).contains("assumed"));
    assert_eq!(objects(&said)[0]["reason"], "package_missing");
    assert!(!remark(&tidegate(&["explain", "--policy", POLICY, "--event", HOLD])).contains("assumed"));
}

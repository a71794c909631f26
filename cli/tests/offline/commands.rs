//! `explain` and `replay` as a user runs them: the binary with the repository's own files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::shared::{
    DRIFT, POLICY, command, complaint, file, out, policy_of, remark, root, stream, text, tidegate,
};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn events_of_a_log_group_have_a_decision_each() {
    for form in ["export.log", "filter-log-events.json", "insights.csv", "insights.json", "subscription.json"]
    {
        let file = root().join("events/cloudwatch-logs").join(form);
        let event = file.to_str().expect("text");
        let text = out(&tidegate(&["explain", "--policy", POLICY, "--event", event, "--json"]));
        let functions: Vec<String> = text
            .lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).expect("a record");
                record["function"].as_str().unwrap_or_default().to_owned()
            })
            .collect();
        assert_eq!(functions, ["train", "promote"], "{form}");
    }
}

#[test]
fn every_file_under_events_has_a_decision_with_a_reason() {
    let mut all = Vec::new();
    files(&root().join("events"), &mut all);
    let asked = all.iter().filter(|path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let scenario = path.components().any(|part| part.as_os_str() == "scenarios");
        matches!(ending, Some("json" | "csv" | "log")) || (ending == Some("yaml") && scenario)
    });
    let (mut explained, mut refused) = (0, Vec::new());
    for path in asked {
        let event = path.to_str().expect("text");
        let arguments = ["explain", "--event", event, "--json"];
        let scenario = path.extension().is_some_and(|ending| ending == "yaml");
        let more = ["--policy", POLICY, "--now", "2026-03-05T12:00:00Z"];
        let output = tidegate(&[&arguments[..], if scenario { &[] } else { &more }].concat());
        if output.status.success() {
            explained += 1;
            for line in out(&output).lines() {
                let record: Value = serde_json::from_str(line).expect("a record");
                let said = |name: &str| record[name].as_str().is_some_and(|text| !text.is_empty());
                assert!(said("verdict") && said("reason"), "{event}: {line}");
            }
            assert!(!output.stdout.is_empty(), "{event}");
        } else {
            complaint(&output);
            refused.push(path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned());
        }
    }
    refused.sort();
    // Files that are invalid on purpose, and the input of a schedule that is not Tidegate's.
    let broken = [
        "h24_truncated.json",
        "scheduler-custom-input.json",
        "violations_empty_file.json",
        "violations_missing_key.json",
        "violations_truncated.json",
    ];
    assert_eq!(refused, broken);
    assert!(explained > 400, "{explained} files");
}

#[test]
fn an_explanation_is_printed_as_text_or_as_json() {
    let text = out(&tidegate(&["explain", "--policy", POLICY, "--event", DRIFT]));
    for words in ["retrain", "drift_alarm", "expected 0.1", "request_retraining", "no invariant is violated"]
    {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    let json =
        tidegate(&["explain", "--policy", POLICY, "--event", DRIFT, "--function", "respond", "--json"]);
    let record: Value = serde_json::from_str(out(&json).trim()).expect("one record");
    assert_eq!((&record["verdict"], &record["function"]), (&json!("retrain"), &json!("respond")));
    assert_eq!(record["event"]["received"]["detail"]["state"]["value"], "ALARM");
    assert_eq!(record["outcomes"], json!([]));
}

#[test]
fn the_state_changes_the_decision() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.yaml");
    let held = "seen: { live_since: 2026-03-02T10:00:00Z }\nstate: { retrainings: [2026-03-03T07:00:00Z], attempts: 1 }\n";
    std::fs::write(&state, held).expect("the file is written");
    let state = state.to_str().expect("text");
    let text = out(&tidegate(&["explain", "--policy", POLICY, "--event", DRIFT, "--state", state]));
    assert!(text.starts_with("suppress"), "{text}");
}

#[test]
fn text_that_is_not_json_is_an_error_with_its_position() {
    let mut child = command(&["explain", "--policy", POLICY, "--event", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    child.stdin.take().expect("an input").write_all(b"{\n  \"a\": nothing }").expect("the file is written");
    let said = complaint(&child.wait_with_output().expect("it ends"));
    assert!(said.contains("standard input:2:9: this is not JSON"), "{said}");
    let said = complaint(&tidegate(&["explain", "--policy", "nowhere.yaml", "--event", DRIFT]));
    assert!(said.contains("nowhere.yaml"), "{said}");
}

#[test]
fn a_replay_prints_decisions_and_a_summary() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = &stream(folder.path());
    let text = out(&tidegate(&["replay", "--policy", POLICY, "--events", events]));
    assert_eq!(text.lines().filter(|line| line.contains(" retrain ")).count(), 2 + 1, "{text}");
    assert!(text.contains("3 events from 2026-03-03T08:15:04Z"), "{text}");
    let json = out(&tidegate(&["replay", "--policy", POLICY, "--events", events, "--json"]));
    let last: Value = serde_json::from_str(json.lines().last().expect("a summary")).expect("JSON");
    assert_eq!(
        (&last["summary"]["events"], &last["summary"]["policy"]["duplicates"]),
        (&json!(3), &json!(1))
    );
}

#[test]
fn against_prints_only_differences() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = &stream(folder.path());
    let same = out(&tidegate(&["replay", "--policy", POLICY, "--against", POLICY, "--events", events]));
    assert!(same.contains("0 decisions differ"), "{same}");
    let slower = &file(folder.path(), "slower.yaml", &text(POLICY).replace("cooldown: 24h", "cooldown: 7d"));
    let differ = out(&tidegate(&["replay", "--policy", POLICY, "--against", slower, "--events", events]));
    assert!(differ.contains("against  suppress"), "{differ}");
    assert!(!differ.contains("0 decisions differ"), "{differ}");
}

#[test]
fn a_line_that_cannot_be_parsed_is_named_or_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = &stream(folder.path());
    let text = std::fs::read_to_string(events).expect("the file exists");
    std::fs::write(events, format!("not an event\n{text}")).expect("the file is written");
    let said = complaint(&tidegate(&["replay", "--policy", POLICY, "--events", events]));
    assert!(said.contains("events.jsonl:1"), "{said}");
    let left = tidegate(&["replay", "--policy", POLICY, "--events", events, "--skip-bad"]);
    assert!(out(&left).contains("1 line that cannot be parsed"), "{left:?}");
    let said = String::from_utf8_lossy(&left.stderr);
    assert!(left.status.code() == Some(1) && said.contains("events.jsonl:1: not JSON"), "{said}");
}

#[test]
fn a_stream_without_events_is_no_comparison() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, wanted) in [
        ("", "no event was read"),
        ("[]", "no event was read"),
        ("[", "cut off"),
        ("]", "does not begin in this file"),
    ] {
        let events = &file(folder.path(), "events.jsonl", text);
        let output = tidegate(&["replay", "--policy", POLICY, "--against", POLICY, "--events", events]);
        let said = complaint(&output);
        assert!(said.contains(wanted), "{text}: {said}");
        assert!(!out(&output).contains("the hub is in account"), "{text}");
        let skipped = tidegate(&["replay", "--policy", POLICY, "--events", events, "--skip-bad"]);
        assert_ne!(skipped.status.code(), Some(0), "{text}");
    }
}

/// Two policies, and drift alarms for both models.
fn fleet(folder: &Path) -> [String; 2] {
    for model in ["churn", "otter"] {
        file(folder, &format!("{model}.yaml"), &policy_of(model));
    }
    let name = stream(folder);
    let events = std::fs::read_to_string(&name).expect("the file exists");
    let others = events.replace("churn", "otter").replace("another", "its-own");
    std::fs::write(&name, format!("{events}{others}")).expect("the file is written");
    [folder.to_str().expect("text").to_owned(), name]
}

#[test]
fn a_model_without_another_policy_keeps_its_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let [policies, events] = &fleet(folder.path());
    let changed = tempfile::tempdir().expect("a folder");
    let slower = policy_of("otter").replace("cooldown: 24h", "cooldown: 7d");
    let slower = &file(changed.path(), "otter.yaml", &slower);
    let output = tidegate(&["replay", "--policy", policies, "--against", slower, "--events", events]);
    let said = remark(&output);
    assert!(said.contains("--against has no policy of churn: it keeps the policy of --policy"), "{said}");
    let text = out(&output);
    assert!(text.contains("otter") && text.contains("against  suppress"), "{text}");
    assert!(!text.contains("Z  churn"), "{text}");
}

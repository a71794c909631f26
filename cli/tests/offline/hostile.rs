//! Whatever stands in an input, nothing of it changes what a terminal shows: no control character and no mark of the
//! writing direction comes out, and no line but ours.

use std::process::Output;

use serde_json::{Value, json};

use crate::shared::{POLICY, file, out, sample, text, tidegate};

/// The erased line of CVE-2021-25743, a title for the terminal, a forged line, and characters that are not shown.
const HOSTILE: &str = "x\u{1b}[2K\rroot \u{1b}]0;pwn\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{7f}\u{0}\u{e0041}\u{fdd1}\ncheck forged";

fn is_hidden(c: char) -> bool {
    c != '\n'
        && (c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}' | '\u{fdd0}'..='\u{fdef}'))
}

fn is_clean(output: &Output, what: &str) {
    for bytes in [&output.stdout, &output.stderr] {
        let shown = String::from_utf8(bytes.clone()).expect("text");
        if let Some(found) = shown.chars().find(|c| is_hidden(*c)) {
            panic!("{what}: U+{:04X} came out in {shown:?}", u32::from(found));
        }
        assert!(!shown.lines().any(|line| line.starts_with("check forged")), "{what}: {shown}");
    }
}

/// Every text of a value with the hostile one after it, and without.
fn spoil(value: &Value, all: &mut Vec<Value>, root: &Value, pointer: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                spoil(
                    member,
                    all,
                    root,
                    &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                );
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                spoil(item, all, root, &format!("{pointer}/{index}"));
            }
        }
        Value::String(text) => {
            let mut spoiled = root.clone();
            *spoiled.pointer_mut(pointer).expect("it is there") = json!(format!("{text}{HOSTILE}"));
            all.push(spoiled);
        }
        _ => {}
    }
}

#[test]
fn nothing_hidden_in_an_event_comes_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut answered = 0;
    for name in [
        "cloudwatch/alarm.drift.alarm",
        "s3/object-created.constraint-violations",
        "sagemaker/endpoint.failed",
        "sagemaker/model-package.approved",
        "codecommit/reference-updated.branch-push",
        "contract/hold-placed",
        "contract/deployment-finished",
        "health/endpoint-issue",
        "schedule/scheduled-check.soak",
    ] {
        let event = sample(&format!("events/{name}.json"));
        let mut spoiled = Vec::new();
        spoil(&event, &mut spoiled, &event, "");
        assert!(spoiled.len() > 3, "{name}");
        let lines: Vec<String> = spoiled.iter().map(Value::to_string).collect();
        let stream = file(folder.path(), "events.jsonl", &lines.join("\n"));
        for json in [&[][..], &["--json"]] {
            let replay =
                [&["replay", "--policy", POLICY, "--events", &stream, "--skip-bad"][..], json].concat();
            is_clean(&tidegate(&replay), &format!("replay of {name}"));
        }
        // Starting the command takes longest; a few of each kind are enough.
        for (index, one) in lines.iter().enumerate().step_by(lines.len().div_ceil(6)) {
            let one = file(folder.path(), "event.json", one);
            for json in [&[][..], &["--json"]] {
                let explain = [&["explain", "--policy", POLICY, "--event", &one][..], json].concat();
                let output = tidegate(&explain);
                is_clean(&output, &format!("explain of {name}, text {index}"));
                answered += usize::from(output.status.success());
            }
        }
    }
    assert!(answered > 10, "{answered} were explained");
}

#[test]
fn nothing_hidden_in_what_aws_says_comes_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let seen = json!({"seen": {"endpoint": {"status": "Failed", "config": "c", "failure": HOSTILE}}});
    let state = file(folder.path(), "state.json", &seen.to_string());
    let event = "events/contract/deployment-requested.json";
    let output = tidegate(&["explain", "--policy", POLICY, "--event", event, "--state", &state]);
    is_clean(&output, "a failure of an endpoint");
}

#[test]
fn nothing_hidden_in_a_policy_or_a_name_comes_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let quoted = serde_json::to_string(HOSTILE).expect("JSON");
    for (index, spoiled) in [
        text(POLICY).replace("model: churn\n", &format!("model: {quoted}\n")),
        text(POLICY).replace("model: churn\n", &format!("model: churn\n{quoted}: 1\n")),
        text(POLICY).replace("name: churn-train", &format!("name: {quoted}")),
        text(POLICY).replace("kind: serverless", &format!("kind: {quoted}")),
        format!("{}\n# {}\n", text(POLICY), HOSTILE.replace('\n', " ")),
    ]
    .into_iter()
    .enumerate()
    {
        let policy = file(folder.path(), &format!("p{index}.yaml"), &spoiled);
        for json in [&[][..], &["--json"]] {
            is_clean(&tidegate(&[&["validate", &policy][..], json].concat()), &format!("policy {index}"));
        }
    }
    let odd = file(folder.path(), "odd\u{1b}[2K\u{202e}.yaml", "model: 1\n");
    is_clean(&tidegate(&["validate", &odd]), "the name of a file");
    is_clean(&tidegate(&["explain", "--event", &format!("{odd}.json")]), "the name of a missing file");
    is_clean(&tidegate(&["replay", "--policy", POLICY, "--events", &odd]), "the name of an unreadable file");
}

#[test]
fn colours_of_our_own_are_still_there() {
    let output =
        tidegate(&["explain", "--policy", POLICY, "--event", "events/cloudwatch/alarm.drift.alarm.json"]);
    assert!(out(&output).starts_with("retrain"), "{}", out(&output));
}

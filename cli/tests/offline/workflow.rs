//! The workflow in the documentation sends an event that Tidegate accepts.

use serde_json::{Value, json};

use crate::shared::{file, objects, remark, text, tidegate};

/// What GitHub puts into the expressions of the workflow.
const CONTEXT: [(&str, &str); 5] = [
    ("${{ github.repository }}", "acme/churn-model"),
    ("${{ github.ref_name }}", "main"),
    ("${{ github.ref }}", "refs/heads/main"),
    ("${{ github.sha }}", "9f1d3c5b7a8e6042c1d4f3a2b5968770e1f2a3c4"),
    ("${{ github.event.before }}", "0b4c1f6a7d2e9835a1c04e7fb96d2853e7f0a1b2"),
];

#[test]
fn the_documented_workflow_reports_a_push() {
    let page = text("events/README.md");
    let block =
        page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the workflow");
    let workflow: Value = serde_saphyr::from_str(block).expect("YAML");
    let entries = workflow.pointer("/jobs/tell-tidegate/steps/1/env/ENTRIES").and_then(Value::as_str);
    let mut entries = entries.expect("the entries").to_owned();
    for (expression, value) in CONTEXT {
        assert!(entries.contains(expression), "{expression}");
        entries = entries.replace(expression, value);
    }
    assert!(!entries.contains("${{"), "{entries}");
    let entries: Value = serde_json::from_str(&entries).expect("JSON");
    let entry = &entries[0];
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().expect("text")).expect("JSON");
    let event = json!({"version": "0", "id": "1", "source": entry["Source"], "detail-type": entry["DetailType"],
        "account": "111122223333", "region": "us-east-1", "time": "2026-03-02T08:00:10Z", "resources": [], "detail": detail});
    let folder = tempfile::tempdir().expect("a folder");
    let event = file(folder.path(), "event.json", &event.to_string());
    let policy = "events/policies/minimal.yaml";
    let explained = tidegate(&["explain", "--policy", policy, "--event", &event, "--json"]);
    remark(&explained);
    let decided = &objects(&explained)[0];
    assert_eq!(
        (decided["verdict"].as_str(), decided["reason"].as_str()),
        (Some("start"), Some("commit")),
        "{decided}"
    );
    assert!(remark(&tidegate(&["validate", policy])).contains("no push starts the pipeline"));
}

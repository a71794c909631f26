//! What the demo prints and writes.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tidegate_sandbox::{Heard, LocalCloud, SandboxError, Watch, workspace};

/// The heading over the decisions.
pub(crate) fn heading() {
    println!(
        "\n{:<8}  {:<12}  {:<10}  {:<8}  {:<20}  reason",
        "time", "account", "where", "function", "verdict"
    );
}

/// One line for what people or the data did.
pub(crate) fn note(what: &str) {
    println!("{:8}  -- {what}", "");
}

/// One line for something heard.
pub(crate) fn line(heard: &Heard) {
    match heard {
        Heard::Decision(record) => {
            let at = text(record, "at");
            let time = at.get(11..19).unwrap_or_default();
            println!(
                "{time:<8}  {:<12}  {:<10}  {:<8}  {:<20}  {}",
                text(record, "account"),
                text(record, "environment"),
                text(record, "function"),
                text(record, "verdict"),
                text(record, "message"),
            );
        }
        Heard::Alert { account, subject, .. } => println!("{:8}  {account:<12}  alert: {subject}", ""),
    }
}

/// What was asked of AWS, what runs where, and what people were told.
pub(crate) fn summary(cloud: &LocalCloud, watch: &Watch) {
    let mut asked: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
    for call in cloud.world().calls() {
        // Only what Tidegate's roles asked; the demo's own calls are made by the accounts' roots.
        if call.principal.contains(":assumed-role/") && !call.principal.contains("/Reviewer/") {
            let (calls, errors) =
                asked.entry((call.account, format!("{}:{}", call.service, call.operation))).or_default();
            *calls += 1;
            *errors += u32::from(call.outcome != "ok");
        }
    }
    println!("\nAsked of AWS\n{:<12}  {:<60}  {:>5}  {:>7}", "account", "operation", "calls", "refused");
    for ((account, operation), (calls, errors)) in asked {
        println!("{account:<12}  {operation:<60}  {calls:>5}  {errors:>7}");
    }
    let now = cloud.world().snapshot();
    println!("\nRunning\n{:<12}  {:<18}  {:<12}  serves", "account", "endpoint", "status");
    for endpoint in now.endpoints {
        let mut serves = endpoint.models.join(", ");
        for component in
            now.components.iter().filter(|c| c.endpoint == endpoint.name && c.account == endpoint.account)
        {
            let model = component.model.clone().unwrap_or_default();
            serves = format!("{model}, {} of {} copies", component.current, component.desired);
        }
        println!("{:<12}  {:<18}  {:<12}  {serves}", endpoint.account, endpoint.name, endpoint.status);
    }
    println!("\nTold to people");
    if watch.alerts().is_empty() {
        println!("nothing: there was nothing that a person had to do");
    }
    for alert in watch.alerts() {
        line(alert);
    }
}

/// Writes `target/demo/timeline.json` and returns its path.
pub(crate) fn timeline(decisions: &[Value]) -> Result<PathBuf, SandboxError> {
    let mut entries: Vec<Value> = decisions.iter().map(entry).collect();
    entries.sort_by_key(|entry| text(entry, "at"));
    let path = folder()?.join("timeline.json");
    let written = serde_json::to_string_pretty(&entries)
        .map_err(std::io::Error::other)
        .and_then(|text| std::fs::write(&path, text + "\n"));
    written.map_err(|source| SandboxError::File { path: path.display().to_string(), source })?;
    Ok(path)
}

/// The demo's folder, `target/demo`.
pub(crate) fn folder() -> Result<PathBuf, SandboxError> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let folder = target.join("demo");
    std::fs::create_dir_all(&folder)
        .map_err(|source| SandboxError::File { path: folder.display().to_string(), source })?;
    Ok(folder)
}

fn entry(record: &Value) -> Value {
    let event_id = record.get("event").and_then(|event| event.get("id")).cloned().unwrap_or(Value::Null);
    json!({
        "at": text(record, "at"),
        "account": text(record, "account"),
        "environment": text(record, "environment"),
        "function": text(record, "function"),
        "model": text(record, "model"),
        "verdict": text(record, "verdict"),
        "reason": text(record, "reason"),
        "event_id": event_id,
    })
}

fn text(record: &Value, name: &str) -> String {
    record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

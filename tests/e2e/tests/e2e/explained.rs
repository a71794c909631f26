//! `tidegate explain` prints, from files alone, byte for byte the record that the Lambda wrote.

use serde_json::{Value, json};
use tidegate_sandbox::{Account, HUB, PRODUCTION, REGION, STAGING};

use crate::calm::{ABALONE, Evidence, calm};
use crate::chaos_ledger::Item;
use crate::shared_run::block_on;
use crate::test_cloud::{text, zips};

/// A decision of the calm day, and what was remembered and seen when it was made.
struct Moment {
    account: Account,
    function: &'static str,
    decision: &'static str,
    reason: &'static str,
    situation: Value,
}

/// The record as it lies in the ledger.
fn written(day: &Evidence, moment: &Moment) -> String {
    let is_wanted = |item: &&Item| {
        let is = |name: &str, value: &str| item.attributes.get(name).and_then(Value::as_str) == Some(value);
        item.account == moment.account.id
            && item.sk.starts_with("DECISION#")
            && is("function", moment.function)
            && is("verdict", moment.decision)
            && is("reason", moment.reason)
    };
    let found: Vec<_> = day.ledgers.iter().filter(is_wanted).collect();
    let [item] = found.as_slice() else {
        panic!("{} {} {}: {} records", moment.function, moment.decision, moment.reason, found.len())
    };
    item.attributes.get("record").and_then(Value::as_str).expect("a decision has its record").to_owned()
}

/// The record as it was written before anything was done: what became of its actions is added to it later.
fn before_the_acts(record: &str) -> String {
    const FIELD: &str = r#""outcomes":"#;
    let (before, after) = record.rsplit_once(FIELD).expect("a record has outcomes");
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
    values.next().expect("they have a value").expect("it is JSON");
    let rest = after.get(values.byte_offset()..).unwrap_or_default();
    format!("{before}{FIELD}[]{rest}")
}

/// Since when production serves the version, as its deploy function remembers it.
fn live_since(day: &Evidence) -> Value {
    let of_deploy = |item: &&Item| item.account == PRODUCTION.id && item.sk == "STATE#deploy";
    let state = day.ledgers.iter().find(of_deploy).expect("production was deployed to").json("value");
    state.pointer("/live/at").cloned().expect("it serves")
}

/// The fingerprint of the package's images and model data, as promote read it from the registry.
fn artifacts(day: &Evidence) -> Value {
    let mut requests = day.ledgers.iter().filter_map(|item| {
        let record = item.attributes.get("record").and_then(Value::as_str)?;
        let record: Value = serde_json::from_str(record).expect("a record is JSON");
        record.pointer("/plan/0/request/artifacts").cloned()
    });
    requests.next_back().expect("a deployment was requested")
}

/// One decision of each function. Nothing was remembered before any of them but the first deployment itself.
fn moments(day: &Evidence) -> [Moment; 5] {
    let live_since = live_since(day);
    let approved = json!({ "approval": "Approved", "status": "Completed", "artifacts": artifacts(day) });
    [
        Moment {
            account: HUB,
            function: "train",
            decision: "start",
            reason: "commit",
            situation: json!({ "seen": { "definition": ABALONE.definition() } }),
        },
        Moment {
            account: HUB,
            function: "promote",
            decision: "deploy",
            reason: "approved",
            situation: json!({ "seen": { "package": approved } }),
        },
        Moment {
            account: STAGING,
            function: "deploy",
            decision: "apply",
            reason: "requested",
            situation: json!({ "seen": { "package": approved } }),
        },
        Moment {
            account: PRODUCTION,
            function: "respond",
            decision: "retrain",
            reason: "drift_alarm",
            situation: json!({ "seen": { "live_since": live_since } }),
        },
        Moment {
            account: PRODUCTION,
            function: "scale",
            decision: "scale_to_zero",
            reason: "idle",
            // The one invocation is the sample request, with which deploy verified the endpoint.
            situation: json!({ "seen": { "live_since": live_since, "in_window": 0, "since_deployment": 1 } }),
        },
    ]
}

/// What the command prints about the event of a record.
fn explained(cli: &std::path::Path, moment: &Moment, record: &Value) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("the folder can be written");
        path
    };
    let received = record.pointer("/event/received").expect("the record has the event as it arrived");
    let mut command = std::process::Command::new(cli);
    command.arg("explain").arg("--json");
    command.arg("--policy").arg(file("tidegate.yaml", &ABALONE.policy()));
    command.arg("--event").arg(file("event.json", &received.to_string()));
    command.arg("--state").arg(file("state.json", &moment.situation.to_string()));
    command.args(["--now", text(record, "at"), "--function", moment.function]);
    command.args(["--account", moment.account.id, "--region", REGION, "--hub-account", HUB.id]);
    command.args(["--environment", moment.account.environment]);
    let output = command.output().expect("the command is there");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", said(&output.stderr));
    said(&output.stdout)
}

#[test]
fn explain_prints_byte_for_byte_what_the_lambda_wrote() {
    let (day, zips) = block_on(async { (calm().await, zips().await) });
    for moment in moments(&day) {
        let written = written(&day, &moment);
        let record: Value = serde_json::from_str(&written).expect("a record is JSON");
        let explained = explained(&zips.cli, &moment, &record);
        assert_eq!(explained.trim_end_matches('\n'), before_the_acts(&written), "{}", moment.function);
    }
}

#[test]
fn another_state_of_the_world_is_another_record() {
    let (day, zips) = block_on(async { (calm().await, zips().await) });
    for mut moment in moments(&day) {
        let written = written(&day, &moment);
        let record: Value = serde_json::from_str(&written).expect("a record is JSON");
        moment.situation = match moment.function {
            "train" => json!({ "seen": { "definition": ABALONE.definition_with("another") } }),
            "promote" | "deploy" => json!({ "seen": { "package": { "approval": "Rejected" } } }),
            "respond" => json!({ "state": { "retrainings": [record["at"]], "attempts": 1 } }),
            _ => json!({ "seen": { "live_since": live_since(&day), "in_window": 3, "since_deployment": 4 } }),
        };
        let explained = explained(&zips.cli, &moment, &record);
        assert_ne!(explained.trim_end_matches('\n'), before_the_acts(&written), "{}", moment.function);
    }
}

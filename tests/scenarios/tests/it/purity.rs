//! What Cargo knows about the workspace: the pure crates are pure, and only one names AWS's SDK.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// What would let a decision wait, look at a clock, or talk to somebody.
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "lambda_runtime",
    "reqwest",
    "hyper",
    "ureq",
    "axum",
    "mio",
    "socket2",
    "rand",
    "getrandom",
    "chrono",
    "tracing-subscriber",
];

fn cargo(arguments: &[&str]) -> String {
    let asked = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    String::from_utf8(asked.stdout).expect("cargo writes UTF-8")
}

fn members() -> Vec<Value> {
    let text = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

#[test]
fn what_decides_knows_no_runtime_no_network_and_no_aws() {
    for pure in ["tidegate-policy", "tidegate-events"] {
        let tree = cargo(&[
            "tree",
            "-p",
            pure,
            "-e",
            "normal",
            "--all-features",
            "--target",
            "all",
            "--prefix",
            "none",
            "--locked",
        ]);
        let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(crates.contains("serde_json"), "the list is one of crates: {crates:?}");
        let impure: Vec<&&str> = crates
            .iter()
            .filter(|name| IMPURE.contains(name) || name.starts_with("aws") || name.starts_with("lambda"))
            .collect();
        assert!(impure.is_empty(), "{pure} depends on {impure:?}");
    }
}

/// Whoever only decides compiles in seconds: the SDK and the Lambda runtime take minutes.
#[test]
fn scenarios_and_simulation_compile_without_the_sdk_and_the_lambda_runtime() {
    for member in ["tidegate-scenarios", "tidegate-simulation"] {
        let tree = cargo(&["tree", "-p", member, "-e", "all", "--prefix", "none", "--locked"]);
        let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(crates.contains("tidegate-functions"), "the list is one of crates: {crates:?}");
        let slow: Vec<&&str> = crates
            .iter()
            .filter(|name| name.starts_with("aws-sdk") || name.starts_with("lambda_runtime"))
            .collect();
        assert!(slow.is_empty(), "{member} compiles {slow:?}");
    }
}

#[test]
fn only_one_crate_names_the_sdk() {
    for member in members() {
        let name = member["name"].as_str().unwrap();
        for dependency in member["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let sdk = ["aws-sdk", "aws-config", "aws-smithy", "aws-types", "aws-credential"];
            if sdk.iter().any(|prefix| used.starts_with(prefix)) {
                assert_eq!(name, "tidegate-aws", "{name} names {used}");
            }
        }
    }
}

#[test]
fn no_function_depends_on_another() {
    let functions: Vec<Value> = members()
        .into_iter()
        .filter(|member| {
            let manifest = member["manifest_path"].as_str().unwrap();
            manifest.contains("/functions/") && !manifest.contains("/shared/")
        })
        .collect();
    assert!(functions.len() >= 5);
    let names: BTreeSet<&str> = functions.iter().map(|member| member["name"].as_str().unwrap()).collect();
    for member in &functions {
        for dependency in member["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            assert!(!names.contains(used), "{} depends on {used}", member["name"]);
        }
    }
}

#[test]
fn every_crate_obeys_the_workspaces_lints() {
    for member in members() {
        let manifest = member["manifest_path"].as_str().unwrap();
        let text = std::fs::read_to_string(manifest).unwrap();
        let lints = text.split("[lints]").nth(1).unwrap_or_default();
        assert!(lints.trim_start().starts_with("workspace = true"), "{manifest} has lints of its own");
    }
}

//! The policy file: what is refused, and in which words.

use tidegate_policy::file::parse;

const CHURN: &str = include_str!("../../../../events/policies/churn.yaml");

/// What is replaced by what, and what the error then says.
const BAD: &[(&str, &str, &[&str])] = &[
    ("apiVersion: tidegate/v1", "apiVersion: tidegate/v2", &["tidegate/v1"]),
    ("apiVersion: tidegate/v1\n", "", &["apiVersion"]),
    ("model: churn\n", "", &["model"]),
    ("model: churn\n", "model: churn_model\n", &["churn_model", "a model name"]),
    ("model: churn\n", "model: churn\nmodell: x\n", &["modell"]),
    ("repository: codecommit:churn-model", "repository: churn-model", &["churn-model", "codecommit:NAME"]),
    ("branches: [main, \"release/*\"]", "branches: []", &["source.branches", "at least one"]),
    ("branches: [main, \"release/*\"]", "branches: [\"[\"]", &["source.branches", "not a glob"]),
    ("branches: [main, \"release/*\"]", "branch: main", &["branch"]),
    ("name: churn-train", "name: churn_train", &["churn_train", "no underscore"]),
    (
        "{ file: pipeline.json }",
        "{ file: pipeline.json, keep: true }",
        &["pipeline.definition", "exactly one"],
    ),
    ("{ file: pipeline.json }", "{}", &["pipeline.definition", "exactly one"]),
    ("group: churn", "group: \"\"", &["a model package group"]),
    ("\"444455556666\"", "\"4444\"", &["4444", "12 digits"]),
    ("region: us-east-1", "region: Virginia", &["Virginia", "an AWS region"]),
    ("kind: serverless", "kind: lambda", &["lambda"]),
    ("memoryMb: 2048, ", "", &["environments.staging.endpoint.memoryMb", "needs it"]),
    ("memoryMb: 2048", "memoryMb: 2000", &["environments.staging.endpoint.memoryMb", "1024"]),
    (
        "maxConcurrency: 5",
        "maxConcurrency: 201",
        &["environments.staging.endpoint.maxConcurrency", "1 to 200"],
    ),
    (
        "maxConcurrency: 5",
        "maxConcurrency: 5, copies: 1",
        &["environments.staging.endpoint.copies", "has none"],
    ),
    ("instances: 2", "instances: 0", &["environments.production.endpoint.instances", "at least 1"]),
    ("ml.m5.large", "m5.large", &["m5.large", "an instance type"]),
    ("name: production", "name: staging", &["two are named `staging`"]),
    ("soak: 30m", "soak: 30", &["30", "a duration"]),
    ("soak: 30m", "soak: 1.5h", &["1.5h", "a duration"]),
    ("soak: 30m", "soak: 0s", &["0s", "a duration"]),
    ("contentType: text/csv, body: \"42,1,0.5\"", "body: x", &["contentType"]),
    ("idle: 2h, ", "", &["idle"]),
    ("response: retrain", "response: panic", &["panic"]),
    ("response: retrain", "response: rollBack", &["drift.response", "not supported"]),
    ("cooldown: 24h", "cooldown: soon", &["soon", "a duration"]),
    ("cooldown: 24h\n", "\n", &["cooldown"]),
    ("retrainings: 4, ", "", &["retrainings"]),
    ("escalateAfter: 2", "escalateAfter: -1", &["at least 1"]),
    ("escalateAfter: 2", "escalateAfter: 2\nalerts: { topic: other }", &["alerts.topic", "not supported"]),
];

#[test]
fn what_is_wrong_is_named() {
    for (good, bad, parts) in BAD {
        assert!(CHURN.contains(good), "{good} is not in the policy");
        let error = parse("churn.yaml", &CHURN.replacen(good, bad, 1)).expect_err(bad).to_string();
        assert!(error.starts_with("churn.yaml"), "{error}");
        for part in *parts {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    for (good, bad) in [("soak: 30m", "soak: 30"), ("kind: serverless", "kind: lambda")] {
        let line = 1 + CHURN.lines().position(|line| line.contains(good)).unwrap();
        let error = parse("churn.yaml", &CHURN.replacen(good, bad, 1)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("churn.yaml:{line}:")), "{error}");
    }
}

#[test]
fn every_documented_policy_is_one() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/policies");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        parse(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
        read += 1;
    }
    assert!(read >= 2);
}

#[test]
fn a_policy_can_be_short() {
    let minimal = include_str!("../../../../events/policies/minimal.yaml");
    assert!(minimal.lines().count() < 15);
    let policy = parse("minimal.yaml", minimal).unwrap();
    assert!(policy.drift.is_none() && policy.environments[0].scale.to_zero.is_none());
}

#[test]
fn no_text_makes_the_parser_panic() {
    let bytes = CHURN.as_bytes();
    for at in (0..bytes.len()).step_by(7) {
        let cut = String::from_utf8_lossy(&bytes[..at]);
        let _ = parse("cut", &cut);
        let _ = parse("twisted", &CHURN.replacen(':', ": [", at % 11 + 1));
    }
}

//! Properties of any text and of any policy.

use proptest::prelude::*;

use super::super::{parse, parse_applied, read};
use super::CHURN;

/// Texts that are almost policies: the example with passages removed, moved, duplicated and replaced.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,20}",
        "[ \n:,\\[\\]{}*&!|>'\"#%@-]{1,6}",
        Just("\n  - ".to_owned()),
        Just("null".to_owned()),
        Just("\u{feff}".to_owned()),
    ];
    let edit = (any::<prop::sample::Index>(), 0..40_usize, piece);
    prop::collection::vec(edit, 1..5).prop_map(|edits| {
        let mut text: Vec<char> = CHURN.chars().collect();
        for (at, length, piece) in edits {
            let at = at.index(text.len() + 1);
            text.splice(at..(at + length).min(text.len()), piece.chars());
        }
        text.into_iter().collect()
    })
}

/// Valid policies of many forms.
fn policies() -> impl Strategy<Value = String> {
    let endpoint = prop_oneof![
        (1..=6_u32, 1..=200_u32).prop_map(|(gb, n)| {
            (format!("kind: serverless, memoryMb: {}, maxConcurrency: {n}", gb * 1_024), String::new())
        }),
        (1..9_u32, 1..=50_u32, 1..=60_u32).prop_map(|(n, percent, bake)| {
            (
                format!("kind: realTime, instanceType: ml.m5.large, instances: {n}"),
                format!("    rollout: {{ canary: {{ percent: {percent}, bake: {bake}m }}, alarms: [\"a\\\\b\"] }}\n"),
            )
        }),
        (1..9_u32, 128..9_000_u32).prop_map(|(n, mb)| {
            (
                format!("kind: inferenceComponent, instanceType: ml.g5.xlarge, instances: {n}, memoryMb: {mb}, accelerators: 1"),
                "    scale: { toZero: { idle: 90s, grace: 1d } }\n".to_owned(),
            )
        }),
    ];
    let names = "[a-z]([a-z0-9-]{0,20}[a-z0-9])?";
    (names, prop::collection::vec(endpoint, 1..5), "\\PC{0,30}", any::<bool>(), "[1-9][0-9]{0,3}[smhd]").prop_map(
        |(model, endpoints, body, keep, cooldown)| {
            let definition = if keep { "{ keep: true }" } else { "{ file: a/b.json }" };
            let body = serde_json::to_string(&body).unwrap();
            let mut text = format!(
                "apiVersion: tidegate/v1\nmodel: m{model}\nsource: {{ repository: codecommit:r, branches: [\"*\"] }}\n\
                 pipeline: {{ name: p, definition: {definition} }}\nregistry: {{ group: g }}\n\
                 drift: {{ response: alert, cooldown: {cooldown} }}\nenvironments:\n"
            );
            for (index, (endpoint, rest)) in endpoints.iter().enumerate() {
                text.push_str(&format!(
                    "  - name: e{index}\n    account: \"000000000000\"\n    region: eu-west-1\n    endpoint: {{ name: \
                     n{index}, {endpoint} }}\n    verify: {{ invoke: {{ contentType: text/csv, body: {body} }} }}\n{rest}"
                ));
            }
            text
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_a_policy_or_an_error(text in "\\PC{0,200}|[ -~\n]{0,200}") {
        if let Err(error) = parse("any.yaml", &text) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn nearly_a_policy_is_an_error_with_places(text in nearly()) {
        let lines = u64::try_from(text.lines().count()).unwrap() + 2;
        if let Err(error) = read("any.yaml", &text) {
            prop_assert_eq!(error.to_string().lines().count(), error.problems.len(), "{}", error);
            for problem in &error.problems {
                prop_assert!((1..=lines).contains(&problem.line) && problem.column > 0, "{}", problem);
            }
        }
    }

    #[test]
    fn a_policy_survives_the_ledger(text in policies()) {
        let policy = parse("any.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let stored = serde_json::to_string(&policy).unwrap();
        let back = parse_applied("any", &stored).unwrap();
        prop_assert_eq!(back.version(), policy.version());
        prop_assert_eq!(&back, &policy);
        // JSON is YAML: a stored policy is also a valid file.
        prop_assert_eq!(&parse("any.json", &stored).unwrap(), &policy);
    }
}

#[test]
fn a_stored_policy_of_another_version_is_refused() {
    let stored = serde_json::to_string(&parse("churn.yaml", CHURN).unwrap()).unwrap();
    let newer = stored.replacen("\"response\":\"retrain\"", "\"response\":\"rollBack\"", 1);
    let error = parse_applied("churn", &newer).unwrap_err().to_string();
    assert!(
        error.starts_with("the applied policy of churn: drift.response: rollBack is not supported"),
        "{error}"
    );
    for (from, to) in [
        ("\"model\":", "\"modell\":"),
        ("tidegate/v1", "tidegate/v2"),
        ("{", "["),
        ("\"memoryMb\":", "\"memory\":"),
        ("\"kind\":\"serverless\"", "\"kind\":\"serverless\",\"instances\":1"),
        ("\"kind\":\"serverless\"", "\"kind\":\"batch\""),
    ] {
        let error = parse_applied("churn", &stored.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("the applied policy of churn:1:"), "{error}");
    }
}

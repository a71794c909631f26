//! The tags of what Tidegate makes.

use super::super::{parse, read};
use super::{CHURN, changed, refused};
use crate::owner;

/// The example with tags for the whole policy and for production.
fn tagged(policy: &str, production: &str) -> String {
    let text = changed("model: churn\n", &format!("model: churn\ntags: {{ {policy} }}\n"));
    text.replacen("    gates:\n", &format!("    tags: {{ {production} }}\n    gates:\n"), 1)
}

fn many(count: usize) -> String {
    (0..count).map(|n| format!("k{n}: v")).collect::<Vec<_>>().join(", ")
}

#[test]
fn an_environment_adds_tags_and_replaces_values() {
    let policy =
        parse("churn.yaml", &tagged("team: growth, stage: all", "stage: live, cost-center: \"42\"")).unwrap();
    let of = |environment: Option<usize>| {
        let tags = owner::tags_of_policy(&policy, environment.map(|index| &policy.environments[index]));
        tags.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(of(None), ["tidegate:model=churn", "stage=all", "team=growth"]);
    assert_eq!(
        of(Some(0)),
        ["tidegate:model=churn", "tidegate:environment=staging", "stage=all", "team=growth"]
    );
    assert_eq!(
        of(Some(1)),
        [
            "tidegate:model=churn",
            "tidegate:environment=production",
            "cost-center=42",
            "stage=live",
            "team=growth"
        ]
    );
    assert_ne!(policy.version(), parse("churn.yaml", CHURN).unwrap().version());
}

#[test]
fn tags_that_aws_refuses_are_refused() {
    let key = "k".repeat(129);
    for (tags, message) in [
        (format!("{key}: v"), "expected a key of 1 to 128 characters"),
        ("\"\": v".to_owned(), "expected a key of 1 to 128 characters"),
        (format!("k: {}", "v".repeat(257)), "the value is longer than 256 characters"),
        ("k: \"a;b\"".to_owned(), "expected letters, digits, spaces and _ . : / = + - @"),
        ("\"a#b\": v".to_owned(), "expected letters, digits, spaces and _ . : / = + - @"),
        ("\"aws:team\": v".to_owned(), "keys that begin with `aws:` belong to AWS"),
        ("\"AWS:team\": v".to_owned(), "keys that begin with `aws:` belong to AWS"),
        ("\"tidegate:model\": v".to_owned(), "keys that begin with `tidegate:` belong to Tidegate"),
        ("cost-center: 42".to_owned(), "quote it: \"42\""),
        (many(50), "found 51 tags with the 1 of Tidegate, and a resource has at most 50"),
    ] {
        let error = refused(&tagged(&tags, "a: b")).to_string();
        assert!(error.contains(message), "{error}\nis not\n{message}");
    }
    let error =
        refused(&tagged(&many(40), "a: b, c: d, e: f, g: h, i: j, k: l, m: n, o: p, q: r")).to_string();
    assert!(error.contains("environments.production.tags: found 51 tags with the 2 of Tidegate"), "{error}");
    parse("churn.yaml", &tagged(&many(40), "a: b, c: d, e: f, g: h, i: j, k: l, m: n, o: p")).unwrap();
    parse("churn.yaml", &tagged("\"Größe in cm\": \"\", \"a_b.c:d/e=f+g-h@i\": \"1 2\"", "k: v")).unwrap();
}

#[test]
fn keys_that_differ_only_in_case_are_told() {
    for (policy, production, place) in [
        ("Team: a, team: b", "k: v", Some("tags.team")),
        ("Team: a", "team: b", Some("environments.production.tags.team")),
        ("team: a", "Team: b", Some("environments.production.tags.Team")),
        ("team: a", "team: b", None),
        ("team: a", "teams: b", None),
    ] {
        let checked = read("churn.yaml", &tagged(policy, production)).unwrap();
        let told = checked.warnings.iter().filter(|warning| warning.message.contains("upper and lower case"));
        let places: Vec<String> = told.map(|warning| warning.path.clone()).collect();
        assert_eq!(places, place.into_iter().collect::<Vec<_>>(), "{policy} and {production}");
    }
}

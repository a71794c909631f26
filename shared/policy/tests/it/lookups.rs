//! From what an event names to the models it concerns.

use tidegate_policy::lookup::{Lookup, LookupKind, of};

use super::any;

#[test]
fn a_policy_is_found_by_everything_that_it_names_once_and_in_lower_case() {
    let mut policy = any::policy();
    policy.drift.as_mut().unwrap().alarms =
        vec!["Churn-Drift".to_owned(), "accuracy".to_owned(), "churn-drift".to_owned()];
    let found: Vec<(&str, String)> =
        of(&policy).into_iter().map(|lookup| (lookup.kind.code(), lookup.name)).collect();
    let expected = [
        ("repository", "codecommit:churn-model"),
        ("pipeline", "churn-train"),
        ("package_group", "churn"),
        ("endpoint", "churn"),
        ("endpoint", "churn-staging"),
        ("alarm", "accuracy"),
        ("alarm", "churn-drift"),
    ];
    assert_eq!(found, expected.map(|(kind, name)| (kind, name.to_owned())));
    policy.drift = None;
    assert_eq!(of(&policy).len(), 5);
}

#[test]
fn a_name_from_an_event_is_found_in_any_letter_case() {
    let lookup = Lookup::new(LookupKind::Endpoint, "Churn-Staging");
    assert_eq!(lookup, Lookup { kind: LookupKind::Endpoint, name: "churn-staging".to_owned() });
    assert!(of(&any::policy()).contains(&lookup));
    assert_ne!(lookup, Lookup::new(LookupKind::Alarm, "churn-staging"));
}

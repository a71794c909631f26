use std::collections::BTreeSet;

use super::checks::CHECKS;

#[test]
fn every_check_has_a_source_and_a_name_of_its_own() {
    let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    for check in CHECKS {
        assert!(check.source.starts_with("https://"), "{}", check.name);
        // CloudFormation admits 128 characters for the name of a stack.
        assert!(check.name.len() < 100 && !check.templates.is_empty(), "{}", check.name);
    }
}

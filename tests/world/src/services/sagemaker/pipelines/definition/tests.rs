use super::*;

fn read(path: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/pipelines/");
    std::fs::read_to_string(format!("{folder}{path}")).unwrap()
}

#[test]
fn every_definition_that_the_sdk_writes_is_accepted() {
    let mut seen = 0;
    for folder in ["v2", "v3"] {
        let path = format!("{}/../../events/pipelines/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let parsed = Definition::parse(&std::fs::read_to_string(&path).unwrap());
            assert!(parsed.is_ok(), "{}: {}", path.display(), parsed.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} definitions were found");
}

#[test]
fn invalid_definitions_are_rejected_and_those_that_fail_at_run_time_are_not() {
    let manifest: Value = serde_json::from_str(&read("broken/MANIFEST.json")).unwrap();
    for entry in manifest.as_array().unwrap() {
        let file = text(entry, "file").unwrap();
        // What CreateTrainingJob refuses, the pipeline service does not look at.
        let later = file.starts_with("h20") || file.starts_with("h21");
        let parsed = Definition::parse(&read(&format!("broken/{file}")));
        assert_eq!(parsed.is_ok(), later, "{file}: {:?}", parsed.err());
    }
}

#[test]
fn steps_inside_a_condition_run_for_its_outcome() {
    let definition = Definition::parse(&read("v2/a_abalone_register.json")).unwrap();
    let gate = |name: &str| definition.steps.iter().find(|s| s.name == name).unwrap().gate.clone();
    let condition = "CheckMseAbaloneEvaluation".to_owned();
    assert_eq!(gate("RegisterAbaloneModel-RegisterModel"), Some((condition.clone(), true)));
    assert_eq!(gate("AbaloneMseFail"), Some((condition, false)));
    assert_eq!(gate("TrainAbaloneModel"), None);
}

#[test]
fn a_parameter_is_read_in_its_own_type() {
    let definition = Definition::parse(&read("v2/a_abalone_register.json")).unwrap();
    let parameter = |name: &str| definition.parameters.iter().find(|p| p.name == name).unwrap();
    assert_eq!(parameter("ProcessingInstanceCount").read("2").unwrap(), Value::from(2));
    assert!(parameter("ProcessingInstanceCount").read("two").is_err());
    assert!(parameter("TrainingInstanceType").read("ml.p5.48xlarge").is_err());
}

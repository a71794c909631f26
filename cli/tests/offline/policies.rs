//! Policy files as arguments of the command line.

use std::path::Path;

use serde_json::json;

use crate::shared::{DRIFT, POLICY, complaint, file, objects, out, policy_of, remark, text, tidegate};

/// Policy files of two models, and another file.
fn fleet(folder: &Path) -> [String; 2] {
    file(folder, "README.md", "not a policy");
    [file(folder, "otter.yml", &policy_of("otter")), file(folder, "churn.yaml", &policy_of("churn"))]
}

#[test]
fn a_folder_is_expanded_to_its_policy_files_and_a_flag_accepts_several() {
    let folder = tempfile::tempdir().expect("a folder");
    let [otter, churn] = &fleet(folder.path());
    let all = folder.path().to_str().expect("text");
    let valid = out(&tidegate(&["validate", all]));
    let models: Vec<&str> = valid.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(models, ["churn", "otter"]);
    // A file that is specified twice is read once.
    assert_eq!(out(&tidegate(&["validate", all, otter])), valid);
    let explained = |policies: &[&str]| {
        let output = tidegate(&[&["explain", "--event", DRIFT, "--policy"], policies].concat());
        remark(&output);
        out(&output)
    };
    let of_one = explained(&[POLICY]);
    assert!(of_one.starts_with("retrain"), "{of_one}");
    assert_eq!(explained(&[all]), of_one);
    assert_eq!(explained(&[otter, churn]), of_one);
    assert_eq!(explained(&[otter, "--policy", churn]), of_one);
}

#[test]
fn a_folder_without_policies_and_a_second_policy_of_a_model_are_errors() {
    let empty = tempfile::tempdir().expect("a folder");
    let said = complaint(&tidegate(&["validate", empty.path().to_str().expect("text")]));
    assert!(said.contains("the folder contains no .yaml or .yml file"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let [_, churn] = &fleet(folder.path());
    for command in [
        &["validate"][..],
        &["explain", "--event", DRIFT, "--policy"],
        &["replay", "--events", DRIFT, "--policy"],
        &["apply", "--table", "none"],
    ] {
        let said = complaint(&tidegate(&[command, &[churn, POLICY]].concat()));
        let told = format!(
            "{POLICY}: model: {churn} already has a policy of the model `churn`, and a model has only one policy"
        );
        assert_eq!(said.trim(), told, "{command:?}");
    }
}

#[test]
fn every_file_is_printed_as_an_object() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = policy_of("otter").replace("branches:", "brunches:").replace("soak: 30m", "soak: 30");
    let wrong = &file(folder.path(), "wrong.yaml", &wrong);
    let missing = folder.path().join("missing.yaml");
    let missing = missing.to_str().expect("text");
    let sample = "    verify:\n      invoke: { contentType: text/csv, body: \"42,1,0.5\" }\n";
    let odd = policy_of("stoat").replacen(sample, "", 1);
    let odd = &file(folder.path(), "odd.yaml", &odd);
    for command in [&["validate", "--json"][..], &["apply", "--json", "--table", "none"]] {
        let output = tidegate(&[command, &[POLICY, wrong, missing, odd]].concat());
        let said = complaint(&output);
        assert!(said.contains(&format!("{wrong}:7:3: ")) && said.contains("missing.yaml"), "{said}");
        let [good, wrong_told, missing_told, odd_told] = &objects(&output)[..] else { panic!("{said}") };
        assert_eq!(
            (&good["file"], &good["valid"], &good["model"]),
            (&json!(POLICY), &json!(true), &json!("churn"))
        );
        assert_eq!((&good["problems"], &good["warnings"]), (&json!([]), &json!([])));
        assert_eq!((&wrong_told["file"], &wrong_told["valid"]), (&json!(wrong), &json!(false)));
        let first = &wrong_told["problems"][0];
        assert_eq!((&first["line"], &first["column"]), (&json!(7), &json!(3)), "{wrong_told}");
        assert!(first["message"].as_str().is_some_and(|text| text.contains("branches")), "{wrong_told}");
        assert!(wrong_told["problems"].as_array().is_some_and(|all| all.len() > 1), "{wrong_told}");
        assert_eq!(
            (&missing_told["valid"], &missing_told["problems"][0]["line"]),
            (&json!(false), &json!(null))
        );
        assert_eq!(odd_told["valid"], true, "{odd_told}");
        assert!(
            odd_told["warnings"][0]["path"].as_str().is_some_and(|path| path.contains("verify")),
            "{odd_told}"
        );
    }
}

#[test]
fn a_policy_that_no_ledger_keeps_is_not_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = "9,".repeat(250_000);
    let large = text(POLICY).replace("body: \"", &format!("body: \"{body}"));
    assert!(large.len() > 450_000, "the policy has a sample request");
    let said = complaint(&tidegate(&["validate", &file(folder.path(), "large.yaml", &large)]));
    assert!(said.contains("the ledger keeps at most"), "{}", &said[..said.len().min(300)]);
    let alarms: Vec<String> = (0..100).map(|number| format!("alarm-{number}")).collect();
    let many = text(POLICY).replace("drift:\n", &format!("drift:\n  alarms: [{}]\n", alarms.join(", ")));
    let said = complaint(&tidegate(&["validate", &file(folder.path(), "many.yaml", &many)]));
    assert!(said.contains("the ledger keeps at most 90"), "{said}");
}

#[test]
fn inputs_have_limits() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = complaint(&tidegate(&["validate", "/dev/zero"]));
    assert!(said.contains("more than 4 MB"), "{said}");
    let said = complaint(&tidegate(&["explain", "--event", "/dev/zero"]));
    assert!(said.contains("more than 8 MB") && said.contains("tidegate replay"), "{said}");
    let deep = file(folder.path(), "deep.json", &"[".repeat(1_000_000));
    let said = complaint(&tidegate(&["explain", "--event", &deep]));
    assert!(said.contains("recursion limit"), "{said}");
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = folder.path().join("wide.json");
    std::fs::write(&wide, utf16).expect("the file is written");
    let said = complaint(&tidegate(&["explain", "--event", wide.to_str().expect("text")]));
    assert!(said.contains("UTF-16"), "{said}");
    let said = complaint(&tidegate(&["explain", "--event", "no-such-file.json"]));
    assert!(said.contains("No such file") && !said.contains("os error"), "{said}");
    let log: String = (0..1_001).map(|_| "2026-03-02T09:10:02.000Z {\"detail-type\": \"x\"}\n").collect();
    let said = complaint(&tidegate(&["explain", "--event", &file(folder.path(), "many.log", &log)]));
    assert!(said.contains("1001 events") && said.contains("at most 1000"), "{said}");
}

/// Two regions are two installations.
#[test]
fn policies_of_two_regions_are_not_replayed_as_one_installation() {
    let folder = tempfile::tempdir().expect("a folder");
    let there = policy_of("otter").replace("us-east-1", "eu-west-1");
    file(folder.path(), "otter.yaml", &there);
    file(folder.path(), "churn.yaml", &policy_of("churn"));
    let policies = folder.path().to_str().expect("text");
    let said = remark(&tidegate(&["validate", policies]));
    assert!(said.contains("otter in eu-west-1; churn in us-east-1"), "{said}");
    let said = complaint(&tidegate(&["replay", "--policy", policies, "--events", DRIFT]));
    assert!(said.contains("replay the policies of each region alone"), "{said}");
}

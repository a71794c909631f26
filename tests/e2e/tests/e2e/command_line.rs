//! The `tidegate` command against a real ledger.

use std::process::{Command, Output};

use serde_json::json;
use tidegate_sandbox::{HUB, PRODUCTION, STAGING};

use crate::model::Model;
use crate::shared::{apply, cloud, invoke, sample};
use crate::tale::play;

const STOAT: Model = Model::plain("stoat");
const MINK: Model = Model::plain("mink");

fn run(mut command: Command, arguments: &[&str]) -> Output {
    command.args(arguments).output().expect("the command is there")
}

fn printed(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_typo_is_named_with_file_line_and_field_and_nothing_is_written() {
    play(async {
        let cloud = cloud().await;
        let folder = tempfile::tempdir().expect("a folder");
        let (good, bad) = (folder.path().join("good.yaml"), folder.path().join("bad.yaml"));
        std::fs::write(&good, MINK.policy()).expect("it can be written");
        let typo = STOAT.policy().replace("branches:", "brunches:");
        let line = typo.lines().position(|l| l.contains("brunches:")).expect("it is there") + 1;
        std::fs::write(&bad, typo).expect("it can be written");
        let (good, bad) = (good.display().to_string(), bad.display().to_string());
        for arguments in [&["validate", &good, &bad][..], &["apply", &good, &bad]] {
            let output = run(cloud.tidegate(HUB), arguments);
            let (out, error) = printed(&output);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {out}{error}");
            assert!(error.contains(&format!("{bad}:{line}:")), "{error}");
            assert!(error.contains("brunches"), "{error}");
            assert_eq!(out, "", "nothing else is said");
        }
        for model in [STOAT.name, MINK.name] {
            let (out, _) = printed(&run(cloud.tidegate(HUB), &["status", model]));
            assert!(out.contains(&format!("{model} has no applied policy")), "{out}");
        }
    });
}

#[test]
fn every_problem_of_every_file_is_said_at_once() {
    play(async {
        let cloud = cloud().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tidegate.yaml");
        let wrong = STOAT.policy().replace("name: production", "name: staging").replace("[main]", "[]");
        std::fs::write(&file, wrong).expect("it can be written");
        let missing = folder.path().join("none.yaml").display().to_string();
        let output = run(cloud.tidegate(HUB), &["validate", &file.display().to_string(), &missing]);
        let (_, error) = printed(&output);
        assert_eq!(output.status.code(), Some(2));
        for part in ["two are named `staging`", "source.branches", "none.yaml"] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
    });
}

#[test]
fn status_shows_what_was_decided_and_why() {
    play(async {
        const FERRET: Model = Model::plain("ferret");
        apply(&FERRET).await;
        let mut event = sample("contract/deployment-requested.json");
        event["account"] = json!(PRODUCTION.id);
        event["detail"]["model"] = json!(FERRET.name);
        invoke(STAGING, "deploy", &event).await;
        let output = run(cloud().await.tidegate(STAGING), &["status", FERRET.name]);
        let (out, error) = printed(&output);
        assert_eq!(output.status.code(), Some(0), "{error}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2, "{out}");
        assert!(lines[0].starts_with("tidegate-staging: ferret, policy "), "{out}");
        let sentence =
            format!("the request came from account {}, which is not the hub (not_from_hub)", PRODUCTION.id);
        assert!(lines[1].contains("staging") && lines[1].contains("deploy"), "{out}");
        assert!(lines[1].contains("refuse") && lines[1].ends_with(&sentence), "{out}");
        let (out, _) = printed(&run(cloud().await.tidegate(PRODUCTION), &["status", FERRET.name]));
        assert_eq!(out.lines().count(), 1, "each ledger has its own decisions: {out}");
    });
}

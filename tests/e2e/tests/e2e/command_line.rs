//! The `tidegate` command against a real ledger.

use std::process::{Command, Output};

use serde_json::json;
use tidegate_sandbox::{HUB, PRODUCTION, STAGING};

use crate::model::Model;
use crate::shared::{apply, cloud, invoke, sample};
use crate::shared_run::block_on;

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
    block_on(async {
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
            let (_, error) = printed(&run(cloud.tidegate(HUB), &["status", model]));
            assert!(error.contains(&format!("no policy of {model} is applied")), "{error}");
        }
    });
}

#[test]
fn every_problem_of_every_file_is_reported_at_once() {
    block_on(async {
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
fn history_shows_what_was_decided_and_why() {
    block_on(async {
        const FERRET: Model = Model::plain("ferret");
        apply(&FERRET).await;
        let mut event = sample("contract/deployment-requested.json");
        event["account"] = json!(PRODUCTION.id);
        event["detail"]["model"] = json!(FERRET.name);
        invoke(STAGING, "deploy", &event).await;
        let output = run(cloud().await.tidegate(STAGING), &["history", FERRET.name]);
        let (out, error) = printed(&output);
        assert_eq!(output.status.code(), Some(0), "{error}");
        let [line] = out.lines().collect::<Vec<_>>()[..] else { panic!("{out}") };
        let message =
            format!("the event came from account {}, which is not the hub (not_from_hub)", PRODUCTION.id);
        assert!(line.contains("staging") && line.contains("deploy"), "{out}");
        assert!(line.contains("reject") && line.ends_with(&message), "{out}");
        let (out, _) = printed(&run(cloud().await.tidegate(PRODUCTION), &["history", FERRET.name]));
        assert_eq!(out, "", "each ledger has its own decisions");
        let (out, _) = printed(&run(cloud().await.tidegate(STAGING), &["status", FERRET.name]));
        assert!(out.lines().any(|line| line.contains("staging") && line.contains("deploy reject")), "{out}");
    });
}

#[test]
fn apply_shows_the_difference_and_a_rehearsal_writes_nothing() {
    block_on(async {
        const MARTEN: Model = Model::plain("marten");
        let cloud = cloud().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tidegate.yaml");
        let (before, after) = (MARTEN.policy(), MARTEN.policy().replace("memoryMb: 2048", "memoryMb: 4096"));
        let path = file.display().to_string();
        let apply = |text: &str, more: &[&str]| {
            std::fs::write(&file, text).expect("it can be written");
            let output = run(cloud.tidegate(HUB), &[&["apply", &path], more].concat());
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            printed(&output).0
        };
        assert!(apply(&before, &["--dry-run"]).starts_with("tidegate-hub: would apply marten version "));
        assert!(apply(&before, &["--dry-run"]).ends_with(" (new)\n"), "the rehearsal wrote nothing");
        assert!(apply(&before, &[]).ends_with(" (new)\n"));
        let rehearsed = apply(&after, &["--dry-run"]);
        let change = "\n    environments.staging.endpoint.memoryMb: 2048 -> 4096\n";
        assert!(
            rehearsed.starts_with("tidegate-hub: would apply") && rehearsed.ends_with(change),
            "{rehearsed}"
        );
        let applied = apply(&after, &[]);
        assert_eq!(applied, rehearsed.replace("would apply", "applied"));
        assert!(apply(&after, &[]).ends_with(" (unchanged)\n"));
        let result: serde_json::Value = serde_json::from_str(&apply(&before, &["--json"])).expect("JSON");
        assert_eq!((&result["change"], &result["applied"]), (&json!("changed"), &json!(true)));
        assert_eq!(result["differences"][0]["before"], "4096");
        let (out, _) = printed(&run(cloud.tidegate(HUB), &["policies", "--json"]));
        assert!(
            out.lines().any(|line| line.contains("\"marten\"") && line.contains("\"marten-staging\"")),
            "{out}"
        );
    });
}

#[test]
fn a_policy_that_names_an_endpoint_of_an_applied_policy_is_refused_until_it_has_another_name() {
    block_on(async {
        const SABLE: Model = Model::plain("sable");
        const ERMINE: Model = Model::plain("ermine");
        apply(&SABLE).await;
        let cloud = cloud().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ermine.yaml");
        let path = file.display().to_string();
        let apply = |text: &str| {
            std::fs::write(&file, text).expect("it can be written");
            let output = run(cloud.tidegate(STAGING), &["apply", &path]);
            (output.status.code(), printed(&output))
        };
        let shared = ERMINE.policy().replace("name: ermine-staging", "name: sable-staging");
        let (code, (out, error)) = apply(&shared);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        for part in ["tidegate-staging: ermine: environments.staging.endpoint.name", "`sable`"] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
        let (_, error) = printed(&run(cloud.tidegate(STAGING), &["status", ERMINE.name]));
        assert!(error.contains("no policy of ermine is applied"), "nothing was written: {error}");
        let (code, (out, error)) = apply(&ERMINE.policy());
        assert_eq!(code, Some(0), "{error}");
        assert!(out.ends_with(" (new)\n"), "{out}");
    });
}

#[test]
fn colours_need_a_terminal_or_a_forced_setting() {
    block_on(async {
        let cloud = cloud().await;
        let coloured = |variables: &[(&str, &str)]| {
            let mut command = cloud.tidegate(HUB);
            command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
            printed(&run(command, &["policies"])).0.contains('\u{1b}')
        };
        assert!(!coloured(&[]), "a pipe is no terminal");
        assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
        assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    });
}

#[test]
fn a_missing_model_or_stack_is_an_input_error() {
    block_on(async {
        const OTTER: Model = Model::plain("otter");
        apply(&OTTER).await;
        let cloud = cloud().await;
        for (arguments, said) in [
            (&["status", "badger"][..], "no policy of badger is applied in the specified ledgers"),
            (&["why", "badger", "staging"], "no policy of badger is applied in the specified ledgers"),
            (
                &["why", "otter", "moon"],
                "the policy of otter has no environment moon; it has staging, production",
            ),
            (&["history", "badger"], "no policy of badger is applied in the specified ledgers"),
            (&["history", "otter", "--since", "yesterday"], "write a time span, such as 24h or 7d"),
            (&["history", "otter", "--since", "1h", "--last", "3"], "cannot be used with"),
        ] {
            let output = run(cloud.tidegate(HUB), arguments);
            let (out, error) = printed(&output);
            assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{arguments:?}: {error}");
            assert!(error.contains(said), "{arguments:?}: {error}");
        }
        let nowhere = run(Command::new(cloud.cli()), &["status"]);
        assert_eq!(nowhere.status.code(), Some(2));
        assert!(printed(&nowhere).1.contains("specify the ledgers"));
        let mut no_table = cloud.tidegate(HUB);
        no_table.env("TIDEGATE_TABLE", "no-such-table");
        let output = run(no_table, &["status"]);
        let (_, error) = printed(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("no-such-table: dynamodb:Query failed"), "{error}");
    });
}

#[test]
fn help_has_the_exit_codes_and_shells_can_complete() {
    block_on(async {
        let cloud = cloud().await;
        let (help, _) = printed(&run(Command::new(cloud.cli()), &["--help"]));
        for part in ["Exit codes:", "  0  ", "  1  ", "  2  ", "NO_COLOR"] {
            assert!(help.contains(part), "{part}: {help}");
        }
        for shell in ["bash", "zsh", "fish"] {
            let (script, _) = printed(&run(Command::new(cloud.cli()), &["completions", shell]));
            assert!(script.contains("doctor") && script.contains("redrive"), "{shell}");
        }
    });
}

//! Installing and removing, from the installation file of one account: what a first afternoon has, and what goes wrong in it.

use std::path::Path;
use std::process::Output;

use serde_json::json;
use tidegate_sandbox::{CloudConfig, HUB, LocalCloud, REGION, workspace};
use tokio::sync::OnceCell;

use crate::shared_run::block_on;
use crate::test_cloud::zips;

/// A cloud without any stack, for several installations under different names.
async fn cloud() -> &'static LocalCloud {
    static CLOUD: OnceCell<LocalCloud> = OnceCell::const_new();
    let start = || async {
        let started = LocalCloud::start_empty(CloudConfig::default(), zips().await, &|_| ()).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    };
    CLOUD.get_or_init(start).await
}

/// The file of an installation in one account, with two environments.
fn one_account(name: &str) -> String {
    let id = HUB.id;
    format!(
        "apiVersion: tidegate/v1\nhub: {{ account: \"{id}\", region: {REGION}, stack: {name}-hub }}\nenvironments:\n\
         - {{ name: blue, account: \"{id}\", stack: {name}-blue }}\n- {{ name: green, account: \"{id}\", stack: {name}-green }}\n\
         architecture: {}\n",
        if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
    )
}

/// A template with changes.
fn changed(folder: &Path, template: &str, changes: &[(&str, &str)]) {
    let file = workspace().join("infra").join(template);
    let mut text = std::fs::read_to_string(file).expect("the template is there");
    for (from, to) in changes {
        assert!(text.contains(from), "{template} has {from}");
        text = text.replace(from, to);
    }
    std::fs::write(folder.join(template), text).expect("the folder can be written");
}

fn run(cloud: &LocalCloud, folder: &Path, name: &str, command: &str, more: &[&str]) -> (Option<i32>, String) {
    let file = folder.join("installation.yaml");
    std::fs::write(&file, one_account(name)).expect("the folder can be written");
    let mut tidegate = std::process::Command::new(cloud.cli());
    tidegate.envs(cloud.variables(HUB)).arg(command).arg(&file).args(more);
    if command == "install" {
        tidegate.arg("--code").arg(cloud.code());
    }
    let Output { status, stdout, stderr } = tidegate.output().expect("the command is there");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

async fn stacks(cloud: &LocalCloud, name: &str) -> String {
    let listed = cloud.python("tests/e2e/leftovers.py", &[cloud.url(), HUB.id, name]).await;
    listed.unwrap_or_else(|error| panic!("{error}")).trim().to_owned()
}

#[test]
fn two_environments_and_the_hub_fit_into_one_account_and_leave_nothing_behind() {
    block_on(async {
        let (cloud, folder) = (cloud().await, tempfile::tempdir().expect("a folder"));
        let (code, said) = run(cloud, folder.path(), "trial", "install", &[]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.matches("created").count(), 7, "{said}");
        assert!(said.contains("tidegate apply POLICY.yaml --installation"), "{said}");

        let (code, said) = run(cloud, folder.path(), "trial", "install", &[]);
        assert_eq!((code, said.matches("unchanged").count()), (Some(0), 7), "{said}");

        let doctor = ["--installation", &folder.path().join("installation.yaml").display().to_string()]
            .map(str::to_owned);
        let mut command = std::process::Command::new(cloud.cli());
        let output = command.envs(cloud.variables(HUB)).arg("doctor").args(doctor).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");

        let (code, said) = run(cloud, folder.path(), "trial", "uninstall", &["--delete-ledgers"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(stacks(cloud, "trial").await, "", "{said}");
    });
}

/// A rule that is put before the bus that it sends to.
fn early_rule() -> String {
    format!(
        "Resources:\n  TooEarly:\n    Type: AWS::Events::Rule\n    DependsOn: Table\n    Properties:\n      EventBusName: !Ref Bus\n      \
         EventPattern: {{ source: [tidegate] }}\n      Targets:\n        - Id: bus\n          \
         Arn: arn:aws:events:{REGION}:777788889999:event-bus/nowhere\n          RoleArn: !GetAtt TrainRole.Arn\n"
    )
}

/// The rules of the first templates were in the stacks themselves, so the first one sent to a bus that did not exist.
#[test]
fn a_rule_to_a_bus_that_does_not_exist_yet_is_refused_and_explained() {
    block_on(async {
        let (cloud, folder) = (cloud().await, tempfile::tempdir().expect("a folder"));
        changed(folder.path(), "hub.yaml", &[("Resources:\n", early_rule().as_str())]);
        let templates = folder.path().display().to_string();
        let (code, said) = run(cloud, folder.path(), "early", "install", &["--templates", &templates]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("early-hub in 111122223333 us-east-1 is ROLLBACK_COMPLETE"), "{said}");
        let cause = "TooEarly (AWS::Events::Rule): User: arn:aws:iam::111122223333:role/early-hub-TrainRole-";
        assert!(
            said.contains(cause) && said.contains("event-bus/nowhere does not exist, or its policy"),
            "{said}"
        );

        // The failed creation left nothing that stands in the way of the next one.
        let (code, said) = run(cloud, folder.path(), "early", "install", &[]);
        assert_eq!(code, Some(0), "{said}");
    });
}

/// With the first templates' `Retain`, the table of a failed creation stayed, and the next creation failed because of it.
#[test]
fn a_retained_table_blocks_the_second_attempt_and_the_message_says_so() {
    block_on(async {
        let (cloud, folder) = (cloud().await, tempfile::tempdir().expect("a folder"));
        let retain = ("DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Retain");
        changed(folder.path(), "hub.yaml", &[("Resources:\n", early_rule().as_str()), retain]);
        let templates = folder.path().display().to_string();
        let (code, said) = run(cloud, folder.path(), "kept", "install", &["--templates", &templates]);
        assert_eq!(code, Some(1), "{said}");
        let (code, said) = run(cloud, folder.path(), "kept", "install", &[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("aws dynamodb delete-table --table-name kept-hub"), "{said}");
    });
}

/// The first templates gave each statement of a bus policy the same id in every stack.
#[test]
fn statements_with_one_id_collide_in_an_account() {
    block_on(async {
        let (cloud, folder) = (cloud().await, tempfile::tempdir().expect("a folder"));
        changed(
            folder.path(),
            "environment.yaml",
            &[("StatementId: !Sub ${AWS::StackName}-from-hub", "StatementId: hub")],
        );
        let templates = folder.path().display().to_string();
        let (code, said) = run(cloud, folder.path(), "twice", "install", &["--templates", &templates]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("hub already exists in stack twice-"), "{said}");
        assert!(said.contains("another stack of this account and region has this statement id"), "{said}");
    });
}

#[test]
fn the_example_file_is_valid_and_shows_its_stacks() {
    block_on(async {
        let cloud = cloud().await;
        let file = workspace().join("infra/installation.example.yaml");
        let mut command = std::process::Command::new(cloud.cli());
        let output = command.args(["install", "--dry-run", "--json"]).arg(file).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let first: serde_json::Value =
            serde_json::from_str(said.lines().next().unwrap_or_default()).expect("JSON");
        assert_eq!((said.lines().count(), &first["stack"]), (7, &json!("tidegate-staging")), "{said}");
    });
}

/// The local cloud is what the live check asks AWS about, so every assumption holds here.
#[test]
fn the_live_check_finds_every_assumption_in_the_local_cloud() {
    block_on(async {
        let (cloud, folder) = (cloud().await, tempfile::tempdir().expect("a folder"));
        let record = folder.path().join("answers.json").display().to_string();
        let mut command = std::process::Command::new(cloud.cli());
        command.envs(cloud.variables(HUB)).args([
            "live-check",
            "--account",
            HUB.id,
            "--yes",
            "--record",
            &record,
        ]);
        let Output { status, stdout, stderr } = command.output().expect("the command is there");
        let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(0), "{said}");
        assert_eq!(stacks(cloud, "tidegate-live").await, "", "{said}");
        let answers = std::fs::read_to_string(&record).expect("the answers were recorded");
        assert!(
            answers.contains("\"as_assumed\": true") && !answers.contains("\"as_assumed\": false"),
            "{answers}"
        );
    });
}

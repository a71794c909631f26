//! Profiles whose credentials or region are missing: the message names the profile and the command that mends it. The
//! configuration is a temporary one, and nothing reaches AWS.

use std::path::Path;
use std::process::Command;

use crate::shared::{command, file};

const CONFIG: &str = r#"
[profile program]
region = us-east-1
credential_process = /bin/false
[profile console]
region = us-east-1
login_session = arn:aws:iam::111122223333:user/alice
[profile nowhere]
aws_access_key_id = a
aws_secret_access_key = b
[profile empty]
region = us-east-1
[sso-session company]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
[profile company]
region = us-east-1
sso_session = company
sso_account_id = 111122223333
sso_role_name = reader
"#;

fn with_config<'c>(command: &'c mut Command, home: &Path, config: &str) -> &'c mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", home).env("AWS_CONFIG_FILE", config).env("AWS_EC2_METADATA_DISABLED", "true");
    // If a call were made, it would end here.
    command
        .env("AWS_SHARED_CREDENTIALS_FILE", home.join("none"))
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
}

fn complaint(home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let config = file(home, "config", CONFIG);
    let output = with_config(&mut command(arguments), home, &config).output().expect("the command runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn each_kind_of_profile_has_its_words_and_its_command() {
    let home = tempfile::tempdir().expect("a folder");
    for (profile, what, how) in [
        ("program", "the program that gives the credentials of profile program failed", "credential_process"),
        ("console", "the session of profile console has ended", "`aws login --profile console`"),
        ("nowhere", "profile nowhere has no region", "aws configure set region REGION --profile nowhere"),
        ("empty", "profile empty has no credentials", "`aws configure sso --profile empty`"),
        ("absent", "there is no profile absent in", "`aws configure list-profiles`"),
        ("company", "the SSO session of profile company has ended", "`aws sso login --profile company`"),
    ] {
        let ledger = format!("{profile}=tidegate");
        let (code, said) = complaint(home.path(), &["policies", "--ledger", &ledger]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with(&format!("{ledger}: {what}")) && said.contains(how), "{profile}: {said}");
        assert!(!said.contains("Retryable") && !said.contains("cargo"), "{profile}: {said}");
    }
    let (code, said) = complaint(home.path(), &["policies", "--table", "tidegate"]);
    assert!(code == Some(1) && said.contains("there are no AWS credentials"), "{said}");
    for ledger in ["hub=", "=tidegate", "hub"] {
        let (code, said) = complaint(home.path(), &["policies", "--ledger", ledger]);
        assert!(code == Some(2) && said.contains("write PROFILE=STACK"), "{said}");
    }
}

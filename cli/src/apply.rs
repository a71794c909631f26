//! Policies: from files to ledgers.

use jiff::Timestamp;
use serde_json::json;
use std::path::PathBuf;
use tidegate_engine::ports::Ledger;
use tidegate_policy::file::{self, Policy};

use crate::{Failure, Ledgers, print};

/// Checks policy files.
pub(crate) fn validate(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    for policy in read(files)? {
        let version = policy.version();
        let line = format!("{}: valid, version {version}", policy.model);
        print::line(
            json,
            &json!({ "model": policy.model.as_str(), "version": version, "valid": true }),
            &line,
        );
    }
    Ok(())
}

/// Writes the policies to each ledger. Nothing is written if any file is wrong.
pub(crate) async fn run(files: &[PathBuf], ledgers: &Ledgers, json: bool) -> Result<(), Failure> {
    let policies = read(files)?;
    for (name, ledger) in ledgers.open().await? {
        for policy in &policies {
            let (model, version) = (policy.model.as_str(), policy.version());
            let applied = ledger.apply(policy, Timestamp::now()).await;
            applied.map_err(|error| Failure::Ledger(format!("{name}: {error}")))?;
            let line = format!("{name}: applied {model} version {version}");
            print::line(json, &json!({ "ledger": name, "model": model, "version": version }), &line);
        }
    }
    Ok(())
}

/// Reads policy files; all that is wrong with any of them is said at once.
fn read(files: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    let mut policies = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match std::fs::read_to_string(file) {
            Err(error) => problems.push(format!("{name}: {error}")),
            Ok(text) => match file::read(&name, &text) {
                Ok(checked) => {
                    for warning in checked.warnings {
                        eprintln!("warning: {name}:{warning}");
                    }
                    policies.push(checked.policy);
                }
                Err(error) => problems.push(error.to_string()),
            },
        }
    }
    if problems.is_empty() { Ok(policies) } else { Err(Failure::Input(problems.join("\n"))) }
}

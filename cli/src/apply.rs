//! Policies: from files to ledgers.

use jiff::Timestamp;
use std::path::PathBuf;
use tidegate_aws::Aws;
use tidegate_engine::ports::Ledger;
use tidegate_policy::file::{Policy, parse};

use crate::Ledgers;

/// Reads policy files; all that is wrong with any of them is said at once.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Policy>, String> {
    let mut policies = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match std::fs::read_to_string(file) {
            Err(error) => problems.push(format!("{name}: {error}")),
            Ok(text) => match parse(&name, &text) {
                Ok(policy) => policies.push(policy),
                Err(error) => problems.push(error.to_string()),
            },
        }
    }
    if problems.is_empty() { Ok(policies) } else { Err(problems.join("\n")) }
}

/// The ledgers that were asked for, with the words that name each.
pub(crate) async fn open(ledgers: &Ledgers) -> Result<Vec<(String, impl Ledger + use<>)>, String> {
    let mut opened = Vec::new();
    if let Some(table) = &ledgers.table {
        opened.push((table.clone(), Aws::from_env().await.ledger(table)));
    }
    for pair in &ledgers.ledger {
        let Some((profile, table)) = pair.split_once('=') else {
            return Err(format!("--ledger {pair}: write PROFILE=TABLE"));
        };
        opened.push((pair.clone(), Aws::for_profile(profile).await.ledger(table)));
    }
    if opened.is_empty() {
        return Err("say which ledger: --table STACK, or --ledger PROFILE=STACK for each account".to_owned());
    }
    Ok(opened)
}

/// Writes the policies to each ledger. Nothing is written if any file is wrong.
pub(crate) async fn run(files: &[PathBuf], ledgers: &Ledgers) -> Result<(), String> {
    let policies = read(files)?;
    for (name, ledger) in open(ledgers).await? {
        for policy in &policies {
            ledger.apply(policy, Timestamp::now()).await.map_err(|error| format!("{name}: {error}"))?;
            println!("{name}: applied {} version {}", policy.model, policy.version());
        }
    }
    Ok(())
}

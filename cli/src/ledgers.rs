//! Which ledgers a command talks to.

use tidegate_aws::Aws;
use tidegate_engine::ports::Ledger;

use crate::Failure;

/// The ledgers that were asked for.
#[derive(clap::Args)]
pub(crate) struct Ledgers {
    /// The ledger's table: the name of the stack.
    #[arg(long, env = "TIDEGATE_TABLE")]
    table: Option<String>,
    /// A ledger as PROFILE=TABLE: a profile of the AWS configuration and the stack's name there. May be repeated; it then
    /// counts instead of --table.
    #[arg(long, value_name = "PROFILE=TABLE")]
    ledger: Vec<String>,
}

impl Ledgers {
    /// The ledgers, each with the words that name it.
    pub(crate) async fn open(&self) -> Result<Vec<(String, impl Ledger + use<>)>, Failure> {
        let mut opened = Vec::new();
        for pair in &self.ledger {
            let Some((profile, table)) = pair.split_once('=') else {
                return Err(Failure::Input(format!("--ledger {pair}: write PROFILE=TABLE")));
            };
            opened.push((pair.clone(), Aws::for_profile(profile).await.ledger(table)));
        }
        if let (Some(table), true) = (&self.table, opened.is_empty()) {
            opened.push((table.clone(), Aws::from_env().await.ledger(table)));
        }
        if opened.is_empty() {
            let how = "say which ledger: --table STACK, or --ledger PROFILE=STACK for each account";
            return Err(Failure::Input(how.to_owned()));
        }
        Ok(opened)
    }
}

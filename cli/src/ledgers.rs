//! Which accounts a command talks to. An account is named by its ledger, and the ledger's table is named like the stack:
//! one word for all three.

use tidegate_aws::{Aws, DynamoLedger};
use tidegate_engine::ports::Stored;
use tidegate_engine::{DecisionRecord, EngineError};

use crate::Failure;

/// The ledgers that were asked for.
#[derive(clap::Args)]
pub(crate) struct Ledgers {
    /// The ledger's table: the name of the stack.
    #[arg(long, env = "TIDEGATE_TABLE")]
    table: Option<String>,
    /// A ledger as PROFILE=TABLE: a profile of the AWS configuration and the stack's name there. May be repeated; it
    /// then counts instead of --table.
    #[arg(long, value_name = "PROFILE=TABLE")]
    ledger: Vec<String>,
}

/// One account, through the stack that was named.
pub(crate) struct Place {
    /// The words that named it: `PROFILE=TABLE`, or the table.
    pub(crate) name: String,
    /// The stack, which is also the table.
    pub(crate) stack: String,
    /// The profile, if one was named.
    pub(crate) profile: Option<String>,
    /// The way in.
    pub(crate) aws: Aws,
    /// Its ledger.
    pub(crate) ledger: DynamoLedger,
}

impl Place {
    fn new(name: &str, stack: &str, profile: Option<&str>, aws: Aws) -> Self {
        let ledger = aws.ledger(stack);
        Self {
            name: name.to_owned(),
            stack: stack.to_owned(),
            profile: profile.map(str::to_owned),
            aws,
            ledger,
        }
    }

    /// Something that failed here.
    pub(crate) fn failed(&self, error: impl std::fmt::Display) -> Failure {
        Failure::Ledger(format!("{}: {error}", self.name))
    }

    /// The decisions that can be read. What is wrong with the others is said on standard error.
    pub(crate) fn readable(&self, found: Vec<Stored>) -> Vec<DecisionRecord> {
        let say = |error: &EngineError| eprintln!("warning: {}: {error}", self.name);
        found.into_iter().filter_map(|record| record.inspect_err(say).ok()).collect()
    }

    /// What names this place to the AWS CLI and to `tidegate`.
    pub(crate) fn arguments(&self) -> (String, String) {
        match &self.profile {
            Some(profile) => (format!(" --profile {profile}"), format!("--ledger {}", self.name)),
            None => (String::new(), format!("--table {}", self.stack)),
        }
    }
}

impl Ledgers {
    /// The places, in the order in which they were named.
    pub(crate) async fn open(&self) -> Result<Vec<Place>, Failure> {
        let mut opened = Vec::new();
        for pair in &self.ledger {
            let Some((profile, stack)) = pair.split_once('=') else {
                return Err(Failure::Input(format!("--ledger {pair}: write PROFILE=TABLE")));
            };
            opened.push(Place::new(pair, stack, Some(profile), Aws::for_profile(profile).await));
        }
        if let (Some(stack), true) = (&self.table, opened.is_empty()) {
            opened.push(Place::new(stack, stack, None, Aws::from_env().await));
        }
        if opened.is_empty() {
            let how = "say which ledger: --table STACK, or --ledger PROFILE=STACK for each account";
            return Err(Failure::Input(how.to_owned()));
        }
        Ok(opened)
    }
}

//! Selects the accounts of a command. An account is selected by its ledger, and the table of the ledger has the name of
//! the stack.

use tidegate_aws::{Aws, DynamoLedger};
use tidegate_engine::ports::Stored;
use tidegate_engine::{DecisionRecord, EngineError};
use tidegate_events::clean;

use crate::print::say;
use crate::{Failure, credentials};

/// The ledgers that the user specified.
#[derive(clap::Args)]
pub(crate) struct Ledgers {
    /// The name of the stack, which is also the name of the ledger's table.
    #[arg(long, env = "TIDEGATE_TABLE")]
    table: Option<String>,
    /// A ledger as PROFILE=STACK: a profile of the AWS configuration, and the name of the stack in that account. Can be
    /// repeated. It overrides --table.
    #[arg(long, value_name = "PROFILE=STACK")]
    ledger: Vec<String>,
    /// All ledgers of an installation file. --ledger and --table override it.
    #[cfg(feature = "install")]
    #[arg(long, env = "TIDEGATE_INSTALLATION", value_name = "FILE")]
    installation: Option<std::path::PathBuf>,
}

/// One account, selected by its stack.
pub(crate) struct Place {
    /// The name that the user specified: `PROFILE=STACK`, or the stack.
    pub(crate) name: String,
    /// The name of the stack, which is also the name of the table.
    pub(crate) stack: String,
    /// The AWS profile, if the user specified one.
    pub(crate) profile: Option<String>,
    /// The AWS clients of the account.
    pub(crate) aws: Aws,
    /// The ledger of the account.
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

    /// Adds the name of the ledger to an error.
    pub(crate) fn failed(&self, error: impl std::fmt::Display) -> Failure {
        // An error of AWS is on one line; what follows it on the terminal is ours.
        let error = error.to_string();
        let error = clean(&error);
        Failure::Ledger(match credentials::problem(self.profile.as_deref(), &error) {
            Some((what, how)) => format!("{}: {what}; {how}", self.name),
            None => format!("{}: {error}", self.name),
        })
    }

    /// Returns the records that can be read. For each other record a warning is printed on standard error.
    pub(crate) fn readable(&self, found: Vec<Stored>) -> Vec<DecisionRecord> {
        let warn =
            |error: &EngineError| say(&format!("warning: {}: {}", self.name, clean(&error.to_string())));
        found.into_iter().filter_map(|record| record.inspect_err(warn).ok()).collect()
    }

    /// Returns the arguments that select this account for the AWS CLI and for `tidegate`.
    pub(crate) fn arguments(&self) -> (String, String) {
        match &self.profile {
            Some(profile) => (format!(" --profile {profile}"), format!("--ledger {}", self.name)),
            None => (String::new(), format!("--table {}", self.stack)),
        }
    }
}

impl Ledgers {
    /// Opens the ledgers, in the order of the arguments.
    pub(crate) async fn open(&self) -> Result<Vec<Place>, Failure> {
        let mut opened = Vec::new();
        for pair in &self.ledger {
            let parts =
                pair.split_once('=').filter(|(profile, stack)| !profile.is_empty() && !stack.is_empty());
            let Some((profile, stack)) = parts else {
                return Err(Failure::Input(format!("--ledger {pair}: write PROFILE=STACK")));
            };
            opened.push(Place::new(pair, stack, Some(profile), Aws::for_profile(profile).await));
        }
        if let (Some(stack), true) = (&self.table, opened.is_empty()) {
            opened.push(Place::new(stack, stack, None, Aws::from_env().await));
        }
        #[cfg(feature = "install")]
        if let (Some(file), true) = (&self.installation, opened.is_empty()) {
            for ledger in crate::install::read(file)?.ledgers() {
                let aws = crate::install::clients(ledger.profile.as_deref(), &ledger.region).await;
                let profile = ledger.profile.as_deref();
                let name = profile
                    .map_or_else(|| ledger.name.clone(), |profile| format!("{profile}={}", ledger.name));
                opened.push(Place::new(&name, &ledger.name, profile, aws));
            }
        }
        if opened.is_empty() {
            let how = "specify the ledgers: --installation FILE, --table STACK, or --ledger PROFILE=STACK for each account";
            return Err(Failure::Input(how.to_owned()));
        }
        Ok(opened)
    }
}

//! The `tidegate` command in the hands of somebody who has a profile for each account.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tidegate_sandbox::{Account, HUB, LocalCloud, PRODUCTION, REGION, STAGING};

/// Somebody with three profiles, and with other credentials in the environment, which must not count.
pub(crate) struct Operator {
    binary: PathBuf,
    variables: Vec<(&'static str, String)>,
    config: tempfile::NamedTempFile,
}

/// The output of a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CommandOutput {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// The profile of an account's root.
fn root(profile: &str, account: Account) -> String {
    let key = format!("aws_access_key_id = {}\naws_secret_access_key = none", account.id);
    format!("[profile {profile}]\nregion = {REGION}\n{key}\n")
}

/// How an account is named.
pub(crate) fn ledger(account: Account) -> String {
    format!("{}={}", account.environment, account.stack)
}

impl Operator {
    /// Somebody who may do everything: the root of each account.
    pub(crate) fn new(cloud: &LocalCloud) -> Self {
        Self::with_profiles(cloud, &|account| root(account.environment, account))
    }

    /// Somebody who assumes a role of that name in each account, and has no other rights there.
    pub(crate) fn in_role(cloud: &LocalCloud, role: &str) -> Self {
        Self::with_profiles(cloud, &|account| {
            let (name, arn) = (account.environment, format!("arn:aws:iam::{}:role/{role}", account.id));
            let assume = format!(
                "[profile {name}]\nregion = {REGION}\nrole_arn = {arn}\nsource_profile = {name}-root\n"
            );
            assume + &root(&format!("{name}-root"), account)
        })
    }

    /// Somebody in a session of a role of the hub. The session's name is chosen by whoever assumes the role.
    pub(crate) fn in_session(cloud: &LocalCloud, role: &str, session: &str) -> Self {
        let arn = format!("arn:aws:iam::{}:role/{role}", HUB.id);
        let assume = format!(
            "[profile hub]\nregion = {REGION}\nrole_arn = {arn}\nrole_session_name = {session}\nsource_profile = hub-root\n"
        );
        Self::with_profiles(cloud, &|account| match account {
            HUB => format!("{assume}{}", root("hub-root", HUB)),
            other => root(other.environment, other),
        })
    }

    /// Gives a command at the hub's function URL.
    pub(crate) fn command(&self, url: &str, arguments: &[&str]) -> CommandOutput {
        self.run_in(&[], &[arguments, &["--url", url, "--profile", "hub"]].concat())
    }

    fn with_profiles(cloud: &LocalCloud, profile: &dyn Fn(Account) -> String) -> Self {
        let config = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&config, [HUB, STAGING, PRODUCTION].map(profile).concat()).expect("it can be written");
        let mut variables = cloud.variables(HUB);
        for (name, value) in &mut variables {
            match *name {
                "AWS_ACCESS_KEY_ID" => "123456789012".clone_into(value),
                "AWS_REGION" | "AWS_DEFAULT_REGION" => "eu-west-1".clone_into(value),
                _ => {}
            }
        }
        Self { binary: cloud.cli().to_owned(), variables, config }
    }

    /// Runs the command in all three accounts.
    pub(crate) fn run(&self, arguments: &[&str]) -> CommandOutput {
        self.run_in(&[HUB, STAGING, PRODUCTION].map(ledger), arguments)
    }

    /// Runs the command in these accounts.
    pub(crate) fn run_in(&self, ledgers: &[String], arguments: &[&str]) -> CommandOutput {
        let mut command = Command::new(&self.binary);
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command.env("AWS_CONFIG_FILE", self.config.path()).args(arguments);
        for ledger in ledgers {
            command.args(["--ledger", ledger]);
        }
        let output = command.output().expect("the command is there");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        CommandOutput { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }
}

impl CommandOutput {
    /// The lines, where each is an object.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(read).collect()
    }
}

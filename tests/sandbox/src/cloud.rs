//! The local cloud as a whole.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_world::{AccountRegion, Control, Pace, WorldConfig, WorldServer};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::aws::PERSON;
use crate::binaries::{self, Build, Zips};
use crate::paths::{cloud_files, scratch, workspace};
use crate::{AwsClient, SandboxError, Watch, installation, python};

/// The region of everything here.
pub const REGION: &str = "us-east-1";

/// An account of the local cloud with the stack in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Its id, one of the documented examples.
    pub id: &'static str,
    /// Its environment; `hub` for the hub.
    pub environment: &'static str,
    /// Its stack, which names everything in it.
    pub stack: &'static str,
}

/// The hub.
pub const HUB: Account = Account { id: "111122223333", environment: "hub", stack: "tidegate-hub" };
/// The first environment.
pub const STAGING: Account =
    Account { id: "444455556666", environment: "staging", stack: "tidegate-staging" };
/// The second.
pub const PRODUCTION: Account =
    Account { id: "777788889999", environment: "production", stack: "tidegate-production" };

impl Account {
    /// The place in the world.
    #[must_use]
    pub fn place(&self) -> AccountRegion {
        AccountRegion::new(self.id.to_owned(), REGION.to_owned())
    }

    /// The ARN of its bus.
    #[must_use]
    pub fn bus_arn(&self) -> String {
        format!("arn:aws:events:{REGION}:{}:event-bus/{}", self.id, self.stack)
    }

    /// The name of a function of its stack.
    #[must_use]
    pub fn function(&self, name: &str) -> String {
        format!("{}-{name}", self.stack)
    }
}

/// How a local cloud should be.
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// How fast the world lives.
    pub pace: Pace,
    /// Seconds until Lambda's first retry; AWS waits 60.
    pub retry_seconds: f64,
    /// Folder with changed templates instead of `infra/`.
    pub templates: Option<PathBuf>,
    /// The environments, each with a stack of its own.
    pub environments: Vec<Account>,
    /// Parameters of the hub's stack beside the necessary ones, as `NAME=VALUE`.
    pub hub_parameters: Vec<String>,
    /// Parameters of the environments' stacks beside the necessary ones, as `NAME=VALUE`.
    pub environment_parameters: Vec<String>,
}

impl Default for CloudConfig {
    fn default() -> Self {
        Self {
            pace: Pace::demo(),
            retry_seconds: 1.0,
            templates: None,
            environments: vec![STAGING, PRODUCTION],
            hub_parameters: Vec::new(),
            environment_parameters: Vec::new(),
        }
    }
}

/// A running local cloud with the three stacks. It stops when it is dropped.
pub struct LocalCloud {
    world: WorldServer,
    // Kept for its end: the emulator stops when its standard input closes.
    _launcher: Child,
    url: String,
    python: PathBuf,
    zips: Zips,
    config: CloudConfig,
}

impl LocalCloud {
    /// Starts a cloud and deploys the three stacks into it. `say` hears what is being done.
    ///
    /// # Errors
    /// If something is missing or does not start.
    pub async fn start(config: CloudConfig, zips: Zips, say: &dyn Fn(&str)) -> Result<Self, SandboxError> {
        let cloud = Self::start_empty(config, zips, say).await?;
        say("installing Tidegate into the accounts of the local cloud");
        let accounts: std::collections::BTreeSet<&str> =
            cloud.stacks().iter().map(|account| account.id).collect();
        for account in accounts {
            cloud.aws().make_person(account).await?;
        }
        cloud.install(say).await?;
        cloud.aws().attach_policy(HUB.id, PERSON, &cloud.operator_policy()).await?;
        Ok(cloud)
    }

    /// The name of the policy that lets a role call the hub's function URL.
    #[must_use]
    pub fn operator_policy(&self) -> String {
        format!("{}-operator", HUB.stack)
    }

    /// The hub's function URL, which takes the commands of people.
    ///
    /// # Errors
    /// If the hub has none.
    pub async fn command_url(&self) -> Result<String, SandboxError> {
        let ask = json!({ "account": HUB.id, "function": HUB.function("operate") });
        let answer = self.aws().door("/_tidegate/function-url", &ask).await?;
        let failed = |output: String| SandboxError::Command { what: "function-url".to_owned(), output };
        let url: Value = serde_json::from_str(&answer).map_err(|error| failed(error.to_string()))?;
        url.get("url").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| failed(answer.clone()))
    }

    /// Starts a cloud without any stack. `say` hears what is being done.
    ///
    /// # Errors
    /// If something is missing or does not start.
    pub async fn start_empty(
        config: CloudConfig,
        zips: Zips,
        say: &dyn Fn(&str),
    ) -> Result<Self, SandboxError> {
        let python = python::environment(say)?;
        say("starting the local cloud: the AWS emulator, and our model of SageMaker");
        let world = WorldServer::start(WorldConfig {
            botocore_data: Some(python::api_models(&python)?),
            pace: config.pace.clone(),
            ..WorldConfig::default()
        })
        .await
        .map_err(|error| SandboxError::World(error.to_string()))?;
        let (launcher, url) = launch(&python, &world.url(), &config).await?;
        world.control().connect(&url);
        Ok(Self { world, _launcher: launcher, url, python, zips, config })
    }

    /// The hub and the environments.
    #[must_use]
    pub fn stacks(&self) -> Vec<Account> {
        std::iter::once(HUB).chain(self.config.environments.iter().copied()).collect()
    }

    /// The emulator's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The world's address.
    #[must_use]
    pub fn world_url(&self) -> String {
        self.world.url()
    }

    /// The world's strings.
    #[must_use]
    pub fn world(&self) -> Control {
        self.world.control()
    }

    /// A client of the emulator.
    #[must_use]
    pub fn aws(&self) -> AwsClient {
        AwsClient::new(&self.url)
    }

    /// The `tidegate` command, set up to talk to this cloud as an account.
    #[must_use]
    pub fn tidegate(&self, account: Account) -> Command {
        let mut command = Command::new(&self.zips.cli);
        command.envs(self.variables(account)).env("TIDEGATE_TABLE", account.stack);
        command
    }

    /// Where the `tidegate` command is.
    #[must_use]
    pub fn cli(&self) -> &std::path::Path {
        &self.zips.cli
    }

    /// Where the zips of the functions are.
    #[must_use]
    pub fn code(&self) -> &std::path::Path {
        &self.zips.folder
    }

    /// What makes an AWS client talk to this cloud as an account.
    #[must_use]
    pub fn variables(&self, account: Account) -> Vec<(&'static str, String)> {
        let world = self.world_url();
        vec![
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_ENDPOINT_URL_SAGEMAKER", world.clone()),
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", world.clone()),
            ("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", world.clone()),
            ("AWS_ENDPOINT_URL_CODECOMMIT", world),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", account.id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "none".to_owned()),
        ]
    }

    /// Applies a policy file to the ledger of every stack, with the real command.
    ///
    /// # Errors
    /// What the command said.
    pub async fn apply(&self, policy: &std::path::Path) -> Result<String, SandboxError> {
        let mut said = String::new();
        for account in self.stacks() {
            let mut command = self.tidegate(account);
            command.arg("apply").arg(policy);
            said.push_str(&blocking(command).await?);
        }
        Ok(said)
    }

    /// Puts one entry on a bus as a person may.
    ///
    /// # Errors
    /// If the bus does not take it.
    pub async fn put_as_person(&self, account: &str, entry: &Value) -> Result<(), SandboxError> {
        let outcomes = self.put_as(&[(account, PERSON, entry.clone())]).await?;
        match outcomes.into_iter().flatten().next() {
            None => Ok(()),
            Some(output) => Err(SandboxError::Command { what: "PutEvents".to_owned(), output }),
        }
    }

    /// Puts entries on buses, each in a session of a role of an account. Returns for each the error, if the bus did not take
    /// it.
    ///
    /// # Errors
    /// If a role cannot be assumed.
    pub async fn put_as(&self, entries: &[(&str, &str, Value)]) -> Result<Vec<Option<String>>, SandboxError> {
        let asked: Vec<Value> = entries
            .iter()
            .map(|(account, role, entry)| json!({ "account": account, "role": role, "entry": entry }))
            .collect();
        let mut command = Command::new(&self.python);
        command.arg(cloud_files().join("put_events.py")).args(["--url", &self.url, "--region", REGION]);
        command.arg(Value::from(asked).to_string());
        let printed = blocking(command).await?;
        serde_json::from_str(printed.trim()).map_err(|error| SandboxError::Command {
            what: "put_events.py".to_owned(),
            output: error.to_string(),
        })
    }

    /// Listens to decisions and alerts of every stack.
    ///
    /// # Errors
    /// If the queues cannot be set up.
    pub async fn watch(&self) -> Result<Watch, SandboxError> {
        let mut command = Command::new(&self.python);
        command.arg(cloud_files().join("watch.py")).args(["--url", &self.url, "--region", REGION]);
        for account in self.stacks() {
            command.arg(format!("{}={}", account.id, account.stack));
        }
        Watch::new(self.aws(), &blocking(command).await?)
    }

    /// Runs a Python file of the repository with the emulator's environment and returns what it printed.
    ///
    /// # Errors
    /// What it said, if it failed.
    pub async fn python(&self, file: &str, arguments: &[&str]) -> Result<String, SandboxError> {
        let mut command = Command::new(&self.python);
        command.arg(workspace().join(file)).args(arguments);
        blocking(command).await
    }

    /// Installs all stacks with the real command, from an installation file as a person writes it.
    async fn install(&self, say: &dyn Fn(&str)) -> Result<(), SandboxError> {
        let folder = scratch().join(format!("installation-{}-{}", std::process::id(), unique()));
        std::fs::create_dir_all(&folder).map_err(|e| SandboxError::file(&folder, e))?;
        let (file, profiles) = (folder.join("installation.yaml"), folder.join("aws-config"));
        let write = |path: &std::path::Path, text: String| {
            std::fs::write(path, text).map_err(|e| SandboxError::file(path, e))
        };
        write(&file, installation::file(&self.config))?;
        write(&profiles, installation::profiles(&self.stacks()))?;
        let mut command = Command::new(&self.zips.cli);
        command.envs(self.variables(HUB)).env("AWS_CONFIG_FILE", &profiles);
        command.arg("install").arg(&file).arg("--code").arg(&self.zips.folder);
        if let Some(templates) = &self.config.templates {
            command.arg("--templates").arg(templates);
        }
        let said = blocking(command).await?;
        said.lines().filter(|line| line.contains(" after ")).for_each(say);
        std::fs::remove_dir_all(&folder).map_err(|e| SandboxError::file(&folder, e))
    }
}

/// Builds what a cloud needs and starts one.
impl LocalCloud {
    /// As [`LocalCloud::start`], after having built the zips.
    ///
    /// # Errors
    /// If the build fails, or as [`LocalCloud::start`].
    pub async fn build_and_start(
        what: Build,
        config: CloudConfig,
        say: &dyn Fn(&str),
    ) -> Result<Self, SandboxError> {
        let zips = binaries::build(what, say)?;
        Self::start(config, zips, say).await
    }
}

async fn blocking(mut command: Command) -> Result<String, SandboxError> {
    let done = tokio::task::spawn_blocking(move || python::run(&mut command)).await;
    done.map_err(|error| SandboxError::World(error.to_string()))?
}

/// Starts the emulator and waits for its one line, `ready URL`.
async fn launch(
    python: &std::path::Path,
    world_url: &str,
    config: &CloudConfig,
) -> Result<(Child, String), SandboxError> {
    let folder = scratch();
    std::fs::create_dir_all(&folder).map_err(|e| SandboxError::file(&folder, e))?;
    let log_path = folder.join(format!("ministack-{}-{}.log", std::process::id(), unique()));
    let log = std::fs::File::create(&log_path).map_err(|e| SandboxError::file(&log_path, e))?;
    let mut command = tokio::process::Command::new(python);
    command.arg(cloud_files().join("launcher.py"));
    command.args(["--die-with-stdin", "--retry-seconds", &config.retry_seconds.to_string()]);
    for service in ["SAGEMAKER", "SAGEMAKER_RUNTIME", "APPLICATION_AUTO_SCALING", "CODECOMMIT"] {
        command.env(format!("AWS_ENDPOINT_URL_{service}"), world_url);
    }
    command.env("TIDEGATE_WORLD_URL", world_url);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
    let failed = |output: String| SandboxError::Command { what: "the emulator".to_owned(), output };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let Some(stdout) = child.stdout.take() else { return Err(failed("it has no output".to_owned())) };
    let begun = Instant::now();
    let line =
        tokio::time::timeout(Duration::from_secs(60), BufReader::new(stdout).lines().next_line()).await;
    match line {
        Ok(Ok(Some(line))) if line.starts_with("ready ") => {
            tracing::debug!(seconds = begun.elapsed().as_secs_f64(), "the emulator is ready");
            Ok((child, line.trim_start_matches("ready ").trim().to_owned()))
        }
        _ => Err(failed(std::fs::read_to_string(&log_path).unwrap_or_default())),
    }
}

/// A number that is different each time in this process: several clouds may run in one.
fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

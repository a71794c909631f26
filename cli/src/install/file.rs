//! The installation file: the accounts of one installation, and what is particular about each.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::Failure;

/// The policy of a bus may have 10,240 characters. Each environment needs about 500 of them, and the denials 2,300.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
const MOST_ENVIRONMENTS: usize = 12;

/// One hub with its environments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Installation {
    /// The format of the file: `tidegate/v1`.
    pub(crate) api_version: String,
    /// The account with the pipelines and the model registry.
    pub(crate) hub: Hub,
    /// The accounts with endpoints, in any order.
    pub(crate) environments: Vec<Environment>,
    /// Where the models are.
    #[serde(default)]
    pub(crate) artifacts: Artifacts,
    /// The address that gets the alerts.
    #[serde(default)]
    pub(crate) alert_email: String,
    /// Roles of the hub, by name with path, whose sessions may approve, hold and release.
    #[serde(default)]
    pub(crate) operators: Vec<String>,
    /// Roles, by name with path, of tools: they may send `Commit Pushed` in the hub and `Drift Observed` in an environment.
    #[serde(default)]
    pub(crate) tools: Vec<String>,
    /// The processor of the functions.
    #[serde(default)]
    pub(crate) architecture: Architecture,
    /// Parameters that both `hub.yaml` and `environment.yaml` have.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Value>,
}

/// The account of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Hub {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The AWS profile with which the stacks are deployed. Without it the environment variables count.
    pub(crate) profile: Option<String>,
    #[serde(default = "hub_stack")]
    pub(crate) stack: String,
    /// Further parameters of `hub.yaml`.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Value>,
}

/// The account of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Environment {
    /// The name of the environment in the policies.
    pub(crate) name: String,
    pub(crate) account: String,
    /// The region. Without it, the region of the hub.
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    /// The name of the stack. Without it, `tidegate-NAME`.
    pub(crate) stack: Option<String>,
    /// The buckets with monitoring reports.
    #[serde(default)]
    pub(crate) monitor_buckets: Vec<String>,
    /// The buckets to which endpoints write what they capture.
    #[serde(default)]
    pub(crate) capture_buckets: Vec<String>,
    /// The buckets with the requests and the answers of asynchronous endpoints.
    #[serde(default)]
    pub(crate) async_buckets: Vec<String>,
    /// Whether a policy attaches models to a VPC.
    #[serde(default)]
    pub(crate) models_in_vpc: bool,
    /// Further parameters of `environment.yaml`.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Value>,
}

/// Where the models are, and how they are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Artifacts {
    #[serde(default)]
    pub(crate) buckets: Vec<String>,
    /// The ids of KMS keys of the hub, or the ARNs of keys elsewhere.
    #[serde(default)]
    pub(crate) keys: Vec<String>,
}

/// The processor of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Architecture {
    #[default]
    #[serde(rename = "arm64")]
    Arm64,
    #[serde(rename = "x86_64")]
    X86,
}

impl Architecture {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }
}

/// The value of a parameter: a text, a number, a truth value, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Truth(bool),
    Number(i64),
    Text(String),
    List(Vec<String>),
}

impl Value {
    /// The value as CloudFormation takes it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Truth(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value.clone(),
            Self::List(values) => values.join(","),
        }
    }
}

fn hub_stack() -> String {
    "tidegate-hub".to_owned()
}

impl Environment {
    pub(crate) fn region<'a>(&'a self, hub: &'a Hub) -> &'a str {
        self.region.as_deref().unwrap_or(&hub.region)
    }

    pub(crate) fn stack(&self) -> String {
        self.stack.clone().unwrap_or_else(|| format!("tidegate-{}", self.name))
    }
}

/// Reads an installation file.
pub(crate) fn read(path: &Path) -> Result<Installation, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Input(format!("{shown}: {error}")))?;
    let installation: Installation =
        serde_saphyr::from_str(&text).map_err(|error| Failure::Input(format!("{shown}: {error}")))?;
    let problems = installation.problems();
    if problems.is_empty() {
        return Ok(installation);
    }
    let lines: Vec<String> = problems.iter().map(|problem| format!("{shown}: {problem}")).collect();
    Err(Failure::Input(lines.join("\n")))
}

impl Installation {
    /// What is wrong with the file, a line for each problem.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.api_version != "tidegate/v1" {
            problems.push(format!("apiVersion: `{}`; write tidegate/v1", self.api_version));
        }
        let mut accounts = vec![("hub".to_owned(), &self.hub.account, self.hub.region.as_str())];
        let environments = self.environments.iter();
        accounts.extend(
            environments.map(|e| (format!("environments.{}", e.name), &e.account, e.region(&self.hub))),
        );
        for (field, account, region) in &accounts {
            if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
                problems.push(format!(
                    "{field}.account: `{account}` is not an account id of 12 digits in quotes"
                ));
            }
            if partition(region).is_none() {
                problems.push(format!("{field}.region: `{region}` is not a region, such as us-east-1"));
            }
        }
        if self.environments.is_empty() {
            problems.push("environments: at least one is necessary".to_owned());
        }
        if self.environments.len() > MOST_ENVIRONMENTS {
            problems.push(format!(
                "environments: {} are too many; the policy of the hub's bus has room for {MOST_ENVIRONMENTS}. Install a second hub",
                self.environments.len()
            ));
        }
        problems.extend(self.duplicates());
        problems.extend(self.long_names());
        problems
    }

    /// Two environments with one name, and two stacks with one name in one place.
    fn duplicates(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = BTreeMap::new();
        let mut stacks =
            BTreeMap::from([((&self.hub.account, self.hub.region.as_str(), self.hub.stack.clone()), "hub")]);
        for environment in &self.environments {
            if names.insert(&environment.name, ()).is_some() {
                problems.push(format!("environments: two have the name {}", environment.name));
            }
            let place = (&environment.account, environment.region(&self.hub), environment.stack());
            if let Some(other) = stacks.insert(place, &environment.name) {
                let stack = environment.stack();
                problems.push(format!(
                    "environments.{}.stack: {stack} is also the stack of {other}; write another name",
                    environment.name
                ));
            }
        }
        problems
    }

    /// The role of a connection is named after both stacks and the region. IAM admits 64 characters.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    fn long_names(&self) -> Vec<String> {
        let long = |environment: &Environment| {
            let region = environment.region(&self.hub).len().max(self.hub.region.len());
            self.hub.stack.len() + environment.stack().len() + region + "-to--".len() > 64
        };
        let say = |environment: &Environment| {
            let stacks = (&self.hub.stack, environment.stack());
            format!(
                "environments.{}.stack: {} and {} are too long together; with the region they may have 59 characters",
                environment.name, stacks.0, stacks.1
            )
        };
        self.environments.iter().filter(|environment| long(environment)).map(say).collect()
    }
}

/// The partition of a region, or `None` if the text is not a region.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
pub(crate) fn partition(region: &str) -> Option<&'static str> {
    let parts: Vec<&str> = region.split('-').collect();
    let (last, words) = parts.split_last()?;
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    if words.len() < 2
        || !words.iter().all(is_word)
        || last.len() != 1
        || !last.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    Some(match words {
        ["cn", ..] => "aws-cn",
        ["us", "gov", ..] => "aws-us-gov",
        _ => "aws",
    })
}

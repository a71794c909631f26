//! Loads a whole scenario, including the event, the policy and the site.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::{FunctionSpec, HUB, Scope, Site};
use tidegate_events::{Event, parse_value};
use tidegate_functions::{FUNCTIONS, named};
use tidegate_policy::file::{Policy, parse};

use super::file::{Expect, Fields, fields};
use super::patch::set;
use super::read::{ScenarioError, read, read_json, root_of};
use super::run::Invocation;
use super::setup::Setup;

/// The hub in the samples.
const HUB_ACCOUNT: &str = "111122223333";
/// An environment in the samples.
const STAGING: (&str, &str) = ("staging", "444455556666");
const REGION: &str = "us-east-1";
/// The roles whose sessions may command where a policy names no group.
const OPERATORS: &str = "ml-ops";
const USUAL_POLICY: &str = "policies/churn.yaml";

/// A scenario of `events/scenarios`: all inputs of a decision, and the expected decision.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The name of its file without the extension.
    pub name: String,
    /// What it demonstrates.
    pub about: String,
    /// The function that decides.
    pub function: &'static FunctionSpec,
    /// The event.
    pub event: Event,
    /// The applied policies: the scenario's policy, if it has one.
    pub policies: Vec<Policy>,
    /// The time of the invocation.
    pub now: Timestamp,
    /// The site of the function.
    pub site: Site,
    /// The state and the data that is read.
    pub setup: Setup,
    /// The expected decision.
    pub expect: Option<Expect>,
}

impl Scenario {
    /// Reads a scenario. Its folder determines the function, unless the caller gives one. The files that it refers to
    /// are below `events`.
    ///
    /// # Errors
    /// If the scenario, or a file that it refers to, cannot be read.
    pub fn load(file: &Path, function: Option<&'static FunctionSpec>) -> Result<Self, ScenarioError> {
        let wrong = |message: String| ScenarioError::new(file, message);
        let root = root_of(file);
        let folder = file.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let function = function.or_else(|| folder.and_then(named)).ok_or_else(|| {
            let how = "say with --function, or by the name of the scenario's folder, which function decides";
            wrong(how.to_owned())
        })?;
        let fields = fields(file)?;
        let policy = match fields.policy.as_deref().unwrap_or(USUAL_POLICY) {
            "none" => None,
            name => Some(policy_of(&root.join(name), &fields.policy_change)?),
        };
        Ok(Self {
            name: file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            about: fields.about.clone().unwrap_or_default(),
            function,
            event: event_of(file, &root, &fields)?,
            now: fields.now.ok_or_else(|| wrong("field `now` is missing".to_owned()))?,
            site: site(function, &fields, policy.as_ref()),
            policies: policy.into_iter().collect(),
            expect: fields.expect.clone(),
            setup: Setup::of(fields, &root)?,
        })
    }

    /// The file of every scenario in `events/scenarios`, by function and name.
    ///
    /// # Errors
    /// If a folder cannot be read, or contains a file that is not a scenario.
    pub fn files(events: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
        let mut all = Vec::new();
        for function in FUNCTIONS {
            let folder = events.join("scenarios").join(function.name);
            let wrong = |error| ScenarioError::new(&folder, error);
            let mut files = Vec::new();
            for entry in std::fs::read_dir(&folder).map_err(wrong)? {
                files.push(entry.map_err(wrong)?.path());
            }
            files.sort();
            if let Some(file) =
                files.iter().find(|file| file.extension().is_none_or(|ending| ending != "yaml"))
            {
                return Err(ScenarioError::new(file, "a scenario is a file that ends in .yaml"));
            }
            all.extend(files);
        }
        Ok(all)
    }

    /// The invocation that the scenario describes.
    #[must_use]
    pub fn invocation<'i>(&'i self, request_id: &'i str) -> Invocation<'i> {
        let Self { function, event, policies, now, site, setup, .. } = self;
        Invocation { function, site: site.clone(), policies, setup, event, now: *now, request_id }
    }
}

fn event_of(file: &Path, root: &Path, fields: &Fields) -> Result<Event, ScenarioError> {
    let mut event = match &fields.event {
        Some(Value::String(name)) => read_json(&root.join(name))?,
        Some(inline) => inline.clone(),
        None => return Err(ScenarioError::new(file, "field `event` is missing")),
    };
    for (path, value) in &fields.change {
        set(&mut event, path, value.clone()).map_err(|error| ScenarioError::new(file, error))?;
    }
    parse_value(event).map_err(|error| ScenarioError::new(file, error))
}

fn policy_of(file: &Path, changes: &BTreeMap<String, Value>) -> Result<Policy, ScenarioError> {
    let name = file.display().to_string();
    let text = read(file)?;
    if changes.is_empty() {
        return parse(&name, &text).map_err(|error| ScenarioError::new(file, error));
    }
    let mut value: Value = serde_saphyr::from_str(&text).map_err(|error| ScenarioError::new(file, error))?;
    for (path, new) in changes {
        set(&mut value, path, new.clone()).map_err(|error| ScenarioError::new(file, error))?;
    }
    // JSON is YAML too, so the changed policy is validated like any other.
    parse(&name, &value.to_string()).map_err(|error| ScenarioError::new(file, error))
}

/// The site of the function, if the scenario contains none.
fn site(function: &FunctionSpec, fields: &Fields, policy: Option<&Policy>) -> Site {
    let usual = if function.scope == Scope::Hub { HUB } else { STAGING.0 };
    let environment = fields.environment.as_deref().unwrap_or(usual);
    let in_policy =
        policy.and_then(|policy| policy.environment(environment)).map(|found| found.account.as_str());
    let else_in = if environment == HUB { HUB_ACCOUNT } else { STAGING.1 };
    let account = fields.account.as_deref().or(in_policy).unwrap_or(else_in);
    let site = Site::new(environment, account, REGION, HUB_ACCOUNT);
    Site { operators: vec![OPERATORS.to_owned()], ..site }
}

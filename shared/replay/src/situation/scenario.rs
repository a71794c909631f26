//! A whole scenario: the event, the policy and the place as well.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_engine::{FunctionSpec, HUB, Scope, Site};
use tidegate_events::{Event, parse_value};
use tidegate_functions::named;
use tidegate_policy::file::{Policy, parse};

use super::{Situation, SituationError, fields, patch, read, root_of};

/// The hub of the samples.
const HUB_ACCOUNT: &str = "111122223333";
/// An environment of the samples.
const STAGING: (&str, &str) = ("staging", "444455556666");
const REGION: &str = "us-east-1";
const USUAL_POLICY: &str = "policies/churn.yaml";

/// A scenario of `events/scenarios`: everything that a decision rests on.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows.
    pub about: String,
    /// The function that decides.
    pub function: &'static FunctionSpec,
    /// The event.
    pub event: Event,
    /// The event as it would arrive.
    pub received: Value,
    /// The policies that are applied: the scenario's one, if it has any.
    pub policies: Vec<Policy>,
    /// When it happens.
    pub now: Timestamp,
    /// Where the function runs.
    pub site: Site,
    /// What is remembered and found.
    pub situation: Situation,
}

impl Scenario {
    /// Reads a scenario; its folder says which function decides, if nobody else does. The files that it names lie under
    /// `events`.
    ///
    /// # Errors
    /// If it, or a file that it names, cannot be read.
    pub fn load(file: &Path, function: Option<&'static FunctionSpec>) -> Result<Self, SituationError> {
        let wrong = |message: String| SituationError { file: file.display().to_string(), message };
        let root = root_of(file);
        let folder = file.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let function = function.or_else(|| folder.and_then(named)).ok_or_else(|| {
            let how = "say with --function, or by the name of the scenario's folder, which function decides";
            wrong(how.to_owned())
        })?;
        let fields = fields(file)?;
        let received = fields.event.as_ref().ok_or_else(|| wrong("field `event` is missing".to_owned()))?;
        let mut received = match received {
            Value::String(name) => serde_json::from_str(&read(&root.join(name))?)
                .map_err(|error| wrong(format!("{name}: {error}")))?,
            inline => inline.clone(),
        };
        for (path, value) in &fields.change {
            patch::set(&mut received, path, value.clone()).map_err(wrong)?;
        }
        let policy = match fields.policy.as_deref().unwrap_or(USUAL_POLICY) {
            "none" => None,
            name => Some(policy_of(&root.join(name), &fields.policy_change)?),
        };
        Ok(Self {
            about: fields.about.clone().unwrap_or_default(),
            function,
            event: parse_value(received.clone()).map_err(|error| wrong(error.to_string()))?,
            received,
            now: fields.now.ok_or_else(|| wrong("field `now` is missing".to_owned()))?,
            site: site(function, fields.environment.as_deref(), fields.account.as_deref(), policy.as_ref()),
            policies: policy.into_iter().collect(),
            situation: Situation::of(fields, &root)?,
        })
    }
}

fn policy_of(
    file: &Path,
    changes: &std::collections::BTreeMap<String, Value>,
) -> Result<Policy, SituationError> {
    let name = file.display().to_string();
    let wrong = |message: String| SituationError { file: name.clone(), message };
    let text = read(file)?;
    if changes.is_empty() {
        return parse(&name, &text).map_err(|error| wrong(error.to_string()));
    }
    let mut value: Value = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    for (path, new) in changes {
        patch::set(&mut value, path, new.clone()).map_err(wrong)?;
    }
    // JSON is YAML too, so what was changed is checked like any policy.
    parse(&name, &value.to_string()).map_err(|error| wrong(error.to_string()))
}

/// Where the function runs, if the scenario does not say it.
fn site(
    function: &FunctionSpec,
    environment: Option<&str>,
    account: Option<&str>,
    policy: Option<&Policy>,
) -> Site {
    let usual = if function.scope == Scope::Hub { HUB } else { STAGING.0 };
    let environment = environment.unwrap_or(usual);
    let in_policy =
        policy.and_then(|policy| policy.environment(environment)).map(|found| found.account.as_str());
    let else_in = if environment == HUB { HUB_ACCOUNT } else { STAGING.1 };
    Site::new(environment, account.or(in_policy).unwrap_or(else_in), REGION, HUB_ACCOUNT)
}

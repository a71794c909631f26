//! Situations in files: what a function remembers and what it finds when it looks.
//!
//! A situation is a scenario of `events/scenarios`, or a file with some of a scenario's fields: `state` and `seen` are
//! what counts. So the files that drive the tests also answer "what if" for whoever changes one.

mod patch;
mod scenario;
mod seen;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_engine::{FunctionSpec, Scope, Site};
use tidegate_functions::named;
use tidegate_policy::hold::Holds;

use crate::{Answers, Book};
pub use scenario::Scenario;
pub use seen::{Seen, SeenAnswer, SeenApproved, SeenPackage, SeenServing};

/// A situation that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct SituationError {
    /// The file.
    pub file: String,
    /// What is wrong, and where.
    pub message: String,
}

/// The fields of a scenario, none of which must be there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    about: Option<String>,
    event: Option<Value>,
    change: BTreeMap<String, Value>,
    policy: Option<String>,
    policy_change: BTreeMap<String, Value>,
    now: Option<Timestamp>,
    environment: Option<String>,
    account: Option<String>,
    state: Value,
    seen: Seen,
    expect: Value,
}

/// What a function remembers, and what it finds when it looks.
#[derive(Debug, Clone, Default)]
pub struct Situation {
    /// What the function remembers; null if it never decided anything.
    pub state: Value,
    /// What AWS says.
    pub answers: Answers,
    /// train, respond: the holds that stand.
    pub holds: Holds,
    /// respond, scale: since when the version that serves does.
    pub live_since: Option<Timestamp>,
    /// scale: whether a deployment is in flight.
    pub deploying: bool,
}

impl Situation {
    /// Reads a situation from YAML or JSON. Files that it names lie beside it; those of a scenario under `events`.
    ///
    /// # Errors
    /// If the file, or one that it names, cannot be read, or has a field that no situation has.
    pub fn load(file: &Path) -> Result<Self, SituationError> {
        Self::of(fields(file)?, &root_of(file))
    }

    fn of(fields: Fields, root: &Path) -> Result<Self, SituationError> {
        Ok(Self {
            state: fields.state,
            answers: fields.seen.answers(root)?,
            holds: fields.seen.holds,
            live_since: fields.seen.live_since,
            deploying: fields.seen.deploying,
        })
    }

    /// Whether anything is remembered.
    pub(crate) fn remembers(&self) -> bool {
        let Self { state, answers: _, holds, live_since, deploying } = self;
        !state.is_null() || !holds.is_empty() || live_since.is_some() || *deploying
    }

    /// Writes what is remembered into a ledger.
    ///
    /// # Errors
    /// If the function does not remember anything of that shape, or is said to remember one thing twice.
    pub(crate) fn remember(
        &self,
        book: &Book,
        function: &FunctionSpec,
        model: &str,
        site: &Site,
    ) -> Result<(), String> {
        if !self.state.is_null() {
            let state = &self.state;
            let strange = match (function.check_state)(state) {
                Ok(known) => strange(&known, state, "state")
                    .map(|field| format!("{field} is nothing that {function} remembers")),
                Err(error) => Some(format!("this is not what {function} remembers: state: {error}")),
            };
            if let Some(strange) = strange {
                return Err(format!("{strange}; correct it, or say with --function whose state it is"));
            }
            // As it is stored: a field that an older version did not write is not there.
            book.put_state(function.name, model, state);
        }
        if self.deploying && self.live_since.is_none() {
            return Err("seen.deploying counts only together with seen.live_since".to_owned());
        }
        if let Some(owner) = self.owner(function) {
            if owner == function && !self.state.is_null() {
                let fields = "seen.holds, seen.live_since and seen.deploying";
                return Err(format!(
                    "{fields} stand for what {owner} remembers, and `state` is that; say it there"
                ));
            }
            let state = match owner.scope {
                Scope::Hub => json!({"promotion": null, "holds": self.holds}),
                Scope::Environment => self.deployed(model, site)?,
            };
            let state = (owner.check_state)(&state).map_err(|error| format!("state: {error}"))?;
            book.put_state(owner.name, model, &state);
        }
        Ok(())
    }

    /// Whose memory holds and the version that serves are, if the situation has any: promote's in the hub, deploy's in
    /// an environment. The other functions there ask for it.
    fn owner(&self, function: &FunctionSpec) -> Option<&'static FunctionSpec> {
        let is_served = self.live_since.is_some();
        let has_holds = !self.holds.is_empty();
        match function.scope {
            Scope::Hub => named("promote").filter(|_| has_holds),
            Scope::Environment => named("deploy").filter(|_| has_holds || is_served),
        }
    }

    /// What deploy remembers of the version that serves and of holds; respond and scale ask for that.
    fn deployed(&self, model: &str, site: &Site) -> Result<Value, String> {
        let Some(at) = self.live_since else {
            return Ok(json!({"holds": self.holds}));
        };
        let (region, hub) = (&site.region, &site.hub_account);
        let arn = |version: u64| format!("arn:aws:sagemaker:{region}:{hub}:model-package/{model}/{version}");
        let mut deployed = json!({"holds": self.holds, "live": {"version": 7, "package_arn": arn(7), "config": format!("{model}-7"),
            "request_id": "r", "at": at}});
        if self.deploying {
            let request = json!({"request_id": "r8", "model": model, "environment": site.environment,
                "environment_account": site.account, "region": region, "version": 8, "package_arn": arn(8),
                "policy_version": "p", "requested_at": at});
            patch::set(
                &mut deployed,
                "in_flight",
                json!({"request": request, "accepted_at": at, "checks": 0}),
            )?;
        }
        Ok(deployed)
    }
}

/// The first field of `given` that `known` does not have.
fn strange(known: &Value, given: &Value, path: &str) -> Option<String> {
    match (known, given) {
        (Value::Object(known), Value::Object(given)) => given.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match known.get(name) {
                Some(known) => strange(known, value, &path),
                None => Some(path),
            }
        }),
        _ => None,
    }
}

fn read(file: &Path) -> Result<String, SituationError> {
    let wrong = |error| SituationError { file: file.display().to_string(), message: format!("{error}") };
    std::fs::read_to_string(file).map_err(wrong)
}

fn fields(file: &Path) -> Result<Fields, SituationError> {
    let text = read(file)?;
    let wrong = |error: serde_saphyr::Error| SituationError {
        file: file.display().to_string(),
        message: error.to_string(),
    };
    serde_saphyr::from_str(&text).map_err(wrong)
}

/// Where the files lie that a situation names: `events` for a scenario, its own folder for any other.
fn root_of(file: &Path) -> PathBuf {
    let beside = file.parent().map(Path::to_owned).unwrap_or_default();
    let scenarios =
        file.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "scenarios"));
    scenarios.and_then(Path::parent).map_or(beside, Path::to_owned)
}

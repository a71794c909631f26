//! The state of a function and the data that it reads, before an invocation.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_engine::{FunctionSpec, Scope, Site};
use tidegate_functions::named;
use tidegate_policy::deploy::Unhealthy;
use tidegate_policy::freeze::{FLEET, Freezes};
use tidegate_policy::hold::Holds;

use super::file::{Fields, fields};
use super::read::{ScenarioError, root_of};
use crate::aws::CannedResponses;
use crate::ledger::InMemoryLedger;

/// The state of a function, and the data that it reads.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The state of the function; null if it has never decided anything.
    pub state: Value,
    /// The responses of AWS.
    pub responses: CannedResponses,
    /// The active holds, which promote stores in the hub and deploy in an environment.
    pub holds: Holds,
    /// The freezes of every model.
    pub fleet: Freezes,
    /// Since when the current version has served.
    pub live_since: Option<Timestamp>,
    /// Why the current version does not serve as it was deployed.
    pub unhealthy: Option<Unhealthy>,
    /// Whether a deployment is in flight.
    pub deploying: bool,
    /// train's state, for the other functions of the hub that read it.
    pub train: Value,
    /// The promotion in promote's state, for the other functions of the hub that read it.
    pub promotion: Value,
}

impl Setup {
    /// Reads a setup from YAML or JSON. The files that it refers to are in the same folder; those of a scenario are
    /// below `events`.
    ///
    /// # Errors
    /// If the file, or one that it refers to, cannot be read, or has a field that no scenario has.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        Self::of(fields(file)?, &root_of(file))
    }

    pub(super) fn of(fields: Fields, root: &Path) -> Result<Self, ScenarioError> {
        Ok(Self {
            state: fields.state,
            responses: fields.seen.responses(root)?,
            holds: fields.seen.holds,
            fleet: fields.seen.fleet,
            live_since: fields.seen.live_since,
            unhealthy: fields.seen.unhealthy,
            deploying: fields.seen.deploying,
            promotion: fields.seen.promotion,
            train: fields.seen.train,
        })
    }

    /// Whether it contains any state.
    pub(super) fn remembers(&self) -> bool {
        let Self { state, holds, live_since, deploying, promotion, train, .. } = self;
        let no_state = state.is_null() && promotion.is_null() && train.is_null();
        !no_state || !holds.is_empty() || live_since.is_some() || *deploying
    }

    /// Writes the state into a ledger.
    ///
    /// # Errors
    /// If the state is not valid for the function, or contains one fact twice.
    pub(super) fn put(
        &self,
        ledger: &InMemoryLedger,
        function: &FunctionSpec,
        model: &str,
        site: &Site,
    ) -> Result<(), String> {
        if !self.fleet.is_empty() {
            ledger.put_state("promote", FLEET, &json!({"promotion": null, "freezes": self.fleet}));
        }
        if !self.state.is_null() {
            let unknown = match (function.check_state)(&self.state) {
                Ok(known) => unknown_field(&known, &self.state, "state")
                    .map(|field| format!("the state of {function} has no field {field}")),
                Err(error) => Some(format!("this is not a state of {function}: {error}")),
            };
            if let Some(unknown) = unknown {
                return Err(format!("{unknown}; correct it, or name the function with --function"));
            }
            // The state is stored as given: a field that an older version did not write stays absent.
            ledger.put_state(function.name, model, &self.state);
        }
        if let Some(train) = named("train").filter(|_| !self.train.is_null()) {
            let state = (train.check_state)(&self.train).map_err(|error| format!("seen.train: {error}"))?;
            ledger.put_state(train.name, model, &state);
        }
        if (self.deploying || self.unhealthy.is_some()) && self.live_since.is_none() {
            return Err(
                "seen.deploying and seen.unhealthy count only together with seen.live_since".to_owned()
            );
        }
        let Some(owner) = self.owner(function) else { return Ok(()) };
        if owner == function && !self.state.is_null() {
            let fields = "seen.holds, seen.live_since, seen.deploying and seen.promotion";
            return Err(format!(
                "{fields} describe the state of {owner}, which `state` gives already; write them there"
            ));
        }
        let state = match owner.scope {
            Scope::Hub => json!({"promotion": self.promotion, "holds": self.holds}),
            Scope::Environment => self.deployed(model, site),
        };
        let state = (owner.check_state)(&state).map_err(|error| format!("state: {error}"))?;
        ledger.put_state(owner.name, model, &state);
        Ok(())
    }

    /// The function whose state contains the holds and the live version, if the setup has any: promote in the hub,
    /// deploy in an environment. The other functions there read that state.
    fn owner(&self, function: &FunctionSpec) -> Option<&'static FunctionSpec> {
        let is_served = self.live_since.is_some();
        let has_holds = !self.holds.is_empty();
        match function.scope {
            Scope::Hub => named("promote").filter(|_| has_holds || !self.promotion.is_null()),
            Scope::Environment => named("deploy").filter(|_| has_holds || is_served),
        }
    }

    /// deploy's state with the live version and the holds.
    fn deployed(&self, model: &str, site: &Site) -> Value {
        let Some(at) = self.live_since else { return json!({"holds": self.holds}) };
        let (region, hub) = (&site.region, &site.hub_account);
        let arn = |version: u64| format!("arn:aws:sagemaker:{region}:{hub}:model-package/{model}/{version}");
        let request = json!({"request_id": "r8", "model": model, "environment": site.environment,
            "environment_account": site.account, "region": region, "version": 8, "package_arn": arn(8),
            "policy_version": "p", "requested_at": at});
        let in_flight = json!({"request": request, "accepted_at": at, "checks": 0});
        json!({
            "holds": self.holds,
            "live": {"version": 7, "package_arn": arn(7), "config": format!("{model}-7"), "request_id": "r",
                "at": at, "unhealthy": self.unhealthy},
            "in_flight": if self.deploying { in_flight } else { Value::Null },
        })
    }
}

/// The first field of `given` that `known` does not have.
fn unknown_field(known: &Value, given: &Value, path: &str) -> Option<String> {
    match (known, given) {
        (Value::Object(known), Value::Object(given)) => given.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match known.get(name) {
                Some(known) => unknown_field(known, value, &path),
                None => Some(path),
            }
        }),
        _ => None,
    }
}

//! deploy: the calls that make an endpoint be the requested version, and whether it truly is.
//!
//! [`converge`] is a loop in slow motion: each event, check or sweep compares what runs with what was requested and
//! either calls SageMaker, waits, or reports. `InService` alone proves nothing.

mod converge;
mod target;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_events::{ApprovalStatus, DeploymentFinished, DeploymentRequested, EndpointStatus};

use crate::arn::Arn;
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::promote::Home;
use crate::reason::Reason;

pub use converge::{converge, needs_probe};
pub use target::{Component, Rollout, Target, VARIANT, Variant, copies, target};

/// deploy's decisions.
pub type Deploy = Decision<State, Action>;

/// What the ledger remembers for a model in this environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The deployment that has not ended.
    pub in_flight: Option<InFlight>,
    /// What runs, as far as we verified it.
    pub live: Option<Live>,
    /// What ran before.
    pub previous: Option<Live>,
    /// The last outcome that was reported, to answer a repeated request.
    pub last_report: Option<Report>,
    /// The newest request that was ever taken up: requests arrive in any order, and an older one is over.
    #[serde(default)]
    pub newest: Option<Newest>,
}

/// The newest request that was ever taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Newest {
    /// Its version.
    pub version: u64,
    /// When the hub made it.
    pub requested_at: Timestamp,
}

/// A deployment that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InFlight {
    /// The request.
    pub request: DeploymentRequested,
    /// When it was taken up.
    pub since: Timestamp,
    /// When the endpoint was last told to change.
    pub endpoint_asked: Option<Timestamp>,
    /// When, by SageMaker's clock, it had last changed at that moment.
    #[serde(default)]
    pub endpoint_seen: Option<Timestamp>,
    /// When the component was last told to change.
    pub component_asked: Option<Timestamp>,
    /// When, by SageMaker's clock, it had last changed at that moment.
    #[serde(default)]
    pub component_seen: Option<Timestamp>,
    /// How often it was looked at again without an event.
    pub checks: u32,
}

/// A version that was seen running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// The endpoint's configuration.
    pub config: String,
    /// The request that brought it.
    pub request_id: String,
    /// When it was verified.
    pub at: Timestamp,
}

/// An outcome that was reported to the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The report as it was sent.
    pub finished: DeploymentFinished,
}

/// What was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The package's approval in the hub's registry; `None` if it is not there or not readable.
    pub approval: Option<ApprovalStatus>,
    /// The endpoint, if it exists.
    pub endpoint: Option<Endpoint>,
    /// The inference component, if it exists.
    pub component: Option<RunningComponent>,
    /// What the sample request gave; `None` while nobody has asked.
    pub probe: Option<Probe>,
}

/// An endpoint as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its status.
    pub status: EndpointStatus,
    /// The configuration that runs.
    pub config: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

/// An inference component as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningComponent {
    /// Its status.
    pub status: ComponentStatus,
    /// The model that it runs.
    pub model: Option<String>,
    /// Copies that run.
    pub copies: Option<u32>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
}

/// The states of an inference component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentStatus {
    /// It serves.
    InService,
    /// It is being made.
    Creating,
    /// It is being changed.
    Updating,
    /// It failed.
    Failed,
    /// It is being deleted.
    Deleting,
    /// None that we know.
    Unknown(String),
}

/// What the sample request gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// An answer, with its status.
    Answered(u16),
    /// An error, in words.
    Failed(String),
}

/// What deploy can ask of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Make the model of a package.
    CreateModel {
        /// Its name.
        name: String,
        /// The package.
        package_arn: String,
    },
    /// Make an endpoint configuration.
    CreateEndpointConfig {
        /// Its name.
        name: String,
        /// What serves.
        variant: Variant,
    },
    /// Make the endpoint.
    CreateEndpoint {
        /// Its name.
        name: String,
        /// Its configuration.
        config: String,
        /// Its tags.
        tags: Vec<(String, String)>,
    },
    /// Give the endpoint another configuration.
    UpdateEndpoint {
        /// Its name.
        name: String,
        /// The new configuration.
        config: String,
        /// How.
        rollout: Rollout,
    },
    /// Put the model on the endpoint.
    CreateComponent {
        /// The component.
        component: Component,
    },
    /// Give the component another model.
    UpdateComponent {
        /// The component.
        component: Component,
    },
    /// Look again at a time, because no event will come.
    CheckAt {
        /// The schedule's name.
        name: String,
        /// When.
        at: Timestamp,
        /// The model.
        model: String,
        /// The environment.
        environment: String,
        /// The deployment.
        request_id: String,
    },
    /// Tell the hub.
    Report {
        /// The report, sent as it is.
        finished: DeploymentFinished,
    },
}

/// Where this function runs and whom it obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its own account and region.
    pub home: Home,
    /// Its environment's name.
    pub environment: String,
    /// The hub's account: the only one whose requests count.
    pub hub_account: String,
    /// Seconds until it looks again at something that sends no event.
    pub check_seconds: u32,
}

/// Whether a request may be obeyed. `from` is the account that EventBridge says it came from.
#[must_use]
pub fn may_not_obey(
    post: &Post,
    policy: Option<&Policy>,
    from: &str,
    request: &DeploymentRequested,
) -> Option<Deploy> {
    let refuse = |reason| {
        Some(Decision::new(Verdict::Refuse, reason).compared("from_account", from, &post.hub_account))
    };
    if from != post.hub_account {
        return refuse(Reason::NotFromHub { account: from.to_owned() });
    }
    if request.environment != post.environment
        || request.environment_account != post.home.account
        || request.region != post.home.region
    {
        let wanted = format!("{} in {} {}", request.environment, request.environment_account, request.region);
        return Some(Decision::new(Verdict::Ignore, Reason::OtherEnvironment { wanted }));
    }
    match Arn::parse(&request.package_arn) {
        Some(arn)
            if arn.account == post.hub_account
                && arn.region == post.home.region
                && arn.fits_its_partition()
                && arn.service == "sagemaker" => {}
        _ => return refuse(Reason::ForeignArn { arn: request.package_arn.clone() }),
    }
    if own_environment(post, policy).is_none() {
        return refuse(Reason::Unmanaged { what: format!("{} in {}", request.model, request.environment) });
    }
    None
}

/// The policy's environment that this function serves.
#[must_use]
pub fn own_environment<'p>(post: &Post, policy: Option<&'p Policy>) -> Option<&'p Environment> {
    policy?
        .environment(&post.environment)
        .filter(|e| e.account.as_str() == post.home.account && e.region.as_str() == post.home.region)
}

/// Takes a request up: the state in which [`converge`] starts, or an answer that is known already.
///
/// # Errors
/// The decision, if there is nothing left to converge.
pub fn take_up(state: &State, request: &DeploymentRequested, now: Timestamp) -> Result<State, Box<Deploy>> {
    if let Some(in_flight) = &state.in_flight
        && in_flight.request.request_id == request.request_id
    {
        return Ok(state.clone());
    }
    if let Some(report) = &state.last_report
        && report.finished.request_id == request.request_id
    {
        let again = Action::Report { finished: report.finished.clone() };
        let decision = Decision::new(Verdict::Ignore, Reason::AlreadyReported);
        return Err(Box::new(decision.saw("reported_before", &report.finished.reason).plan(vec![again])));
    }
    if let Some(newest) = newest_of(state)
        && request.requested_at < newest.requested_at
    {
        let older = Reason::OlderRequest { version: request.version, newest: newest.version };
        let decision = Decision::new(Verdict::Ignore, older);
        return Err(Box::new(decision.compared("requested_at", request.requested_at, newest.requested_at)));
    }
    let in_flight = InFlight {
        request: request.clone(),
        since: now,
        endpoint_asked: None,
        endpoint_seen: None,
        component_asked: None,
        component_seen: None,
        checks: 0,
    };
    let newest = Newest { version: request.version, requested_at: request.requested_at };
    Ok(State { in_flight: Some(in_flight), newest: Some(newest), ..state.clone() })
}

/// The newest request that is known, also by a state that an earlier version wrote.
fn newest_of(state: &State) -> Option<Newest> {
    let in_flight = state.in_flight.as_ref().map(|in_flight| &in_flight.request);
    let in_flight = in_flight.map(|r| Newest { version: r.version, requested_at: r.requested_at });
    [state.newest.clone(), in_flight].into_iter().flatten().max_by_key(|newest| newest.requested_at)
}

/// Whether an action of a plan that was left behind is still wanted: only what the deployment in flight asks for.
#[must_use]
pub fn stands(environment: Option<&Environment>, state: &State, action: &Action) -> bool {
    let wanted = environment
        .zip(state.in_flight.as_ref())
        .map(|(environment, in_flight)| target(environment, &in_flight.request));
    let Some(wanted) = wanted else {
        return matches!(action, Action::CheckAt { .. } | Action::Report { .. });
    };
    match action {
        Action::CreateModel { name, .. } => *name == wanted.model,
        Action::CreateEndpointConfig { name: config, .. }
        | Action::CreateEndpoint { config, .. }
        | Action::UpdateEndpoint { config, .. } => *config == wanted.config,
        Action::CreateComponent { component } | Action::UpdateComponent { component } => {
            wanted.component.as_ref() == Some(component)
        }
        // To look again harms nothing, and the hub knows which report it still waits for.
        Action::CheckAt { .. } | Action::Report { .. } => true,
    }
}

//! promote: which version goes to which environment now, what it waits for, or why it goes no further.

mod actions;
mod report;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{ApprovalStatus, DeploymentRequested, ModelPackageChanged, PackageStatus};

use crate::arn::Arn;
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::fingerprint::short;
use crate::reason::Reason;

pub use actions::{Action, stands};
pub use report::{decide_overdue, decide_report, decide_soak_end};

/// promote's decisions.
pub type Promote = Decision<State, Action>;

/// What the ledger remembers for a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The promotion that was begun last.
    pub promotion: Option<Promotion>,
}

/// One approved version on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// When the registry took the approval down.
    pub approved_at: Timestamp,
    /// How far it is, by environment.
    pub steps: BTreeMap<String, Step>,
    /// The newest version whose promotion was ever begun: the sweep begins only newer ones.
    pub newest: u64,
    /// Set when it goes no further.
    pub stopped: bool,
}

/// How far a version is in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The environment was asked.
    Requested {
        /// Under this id.
        request_id: String,
        /// At this time.
        at: Timestamp,
    },
    /// It reported success.
    Succeeded {
        /// At this time.
        at: Timestamp,
    },
    /// It reported anything else.
    Failed {
        /// At this time.
        at: Timestamp,
        /// The reported reason.
        cause: String,
    },
}

/// Where the deciding function runs: its account, region and partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The account id.
    pub account: String,
    /// The region.
    pub region: String,
}

/// What the registry says about a package now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its approval status.
    pub approval: ApprovalStatus,
    /// Its own status.
    pub status: PackageStatus,
}

/// Decides about a change in the registry.
///
/// `package` is what the registry says now; it is only needed, and only looked at, for an approval.
pub fn decide_package(
    policy: &Policy,
    state: &State,
    home: &Home,
    change: &ModelPackageChanged,
    package: Option<&Package>,
    now: Timestamp,
) -> Promote {
    if let Some(decided) = asks_for_nothing(state, home, change) {
        return decided;
    }
    let version = change.version.unwrap_or_default();
    match &change.approval {
        ApprovalStatus::Rejected => rejected(state, change, version),
        ApprovalStatus::Approved => approved(policy, state, change, version, package, now),
        ApprovalStatus::PendingManualApproval => {
            Decision::new(Verdict::Ignore, Reason::AwaitingApproval { version })
        }
        ApprovalStatus::Unknown(status) => {
            Decision::new(Verdict::Ignore, Reason::UnknownApproval { status: status.clone() })
        }
        ApprovalStatus::Absent => {
            Decision::new(Verdict::Ignore, Reason::UnknownApproval { status: "absent".to_owned() })
        }
    }
}

/// What an event alone can rule out, before anything is read from AWS.
#[must_use]
pub fn asks_for_nothing(state: &State, home: &Home, change: &ModelPackageChanged) -> Option<Promote> {
    let ignore = |reason| Some(Decision::new(Verdict::Ignore, reason).saw("package", &change.arn));
    let Some(arn) = Arn::parse(&change.arn) else {
        return ignore(Reason::ForeignArn { arn: change.arn.clone() });
    };
    if arn.account != home.account || arn.region != home.region || !arn.fits_its_partition() {
        return ignore(Reason::ForeignArn { arn: change.arn.clone() });
    }
    let Some(version) = change.version else { return ignore(Reason::Unversioned) };
    if let Some(fields) = change.updated_fields.as_deref() {
        // An update of metadata carries the old `Approved` along. Only a change of the approval itself counts.
        if !fields.iter().any(|f| f == "ModelApprovalStatus") {
            let reason = match fields {
                [only] if only == "ModelLifeCycle" => Reason::LifecycleOnly,
                fields => Reason::MetadataOnly { fields: fields.join(", ") },
            };
            return ignore(reason);
        }
    }
    if change.approval == ApprovalStatus::Approved {
        // Events that say nothing about the status have been seen; then the registry's word alone counts.
        let unsaid = change.status == PackageStatus::Unknown(String::new());
        if !unsaid && change.status != PackageStatus::Completed {
            return ignore(Reason::NotCompleted { status: change.status.to_string() });
        }
        if let Some(current) = &state.promotion {
            let same = current.package_arn.eq_ignore_ascii_case(&change.arn);
            // Without the list of changed fields a later time proves nothing: it may have been metadata again.
            if same && change.updated_fields.is_none() {
                return ignore(Reason::AlreadyPromoting { version });
            }
            // Nor does it for another version, unless that one cannot have been approved before.
            if change.updated_fields.is_none() && version <= current.newest {
                return ignore(Reason::NotSaidWhatChanged { version });
            }
            match change.last_modified {
                Some(at) if at < current.approved_at => {
                    return ignore(Reason::OlderApproval { version, current: current.version });
                }
                Some(at) if at > current.approved_at => {}
                _ if same => return ignore(Reason::AlreadyPromoting { version }),
                _ => {}
            }
        }
    }
    None
}

fn approved(
    policy: &Policy,
    state: &State,
    change: &ModelPackageChanged,
    version: u64,
    package: Option<&Package>,
    now: Timestamp,
) -> Promote {
    match package {
        None => return Decision::new(Verdict::Refuse, Reason::PackageMissing { arn: change.arn.clone() }),
        Some(p) if p.approval != ApprovalStatus::Approved => {
            let status = p.approval.to_string();
            return Decision::new(Verdict::Ignore, Reason::ApprovalWithdrawn { version, status });
        }
        Some(p) if p.status != PackageStatus::Completed => {
            return Decision::new(Verdict::Ignore, Reason::NotCompleted { status: p.status.to_string() });
        }
        Some(_) => {}
    }
    let Some(first) = policy.environments.first() else {
        return Decision::new(Verdict::Refuse, Reason::EnvironmentGone { environment: "(none)".to_owned() });
    };
    let mut promotion = Promotion {
        version,
        package_arn: change.arn.clone(),
        approved_at: change.last_modified.unwrap_or(now),
        steps: BTreeMap::new(),
        newest: state.promotion.as_ref().map_or(version, |before| before.newest.max(version)),
        stopped: false,
    };
    let replaced = state.promotion.as_ref().map_or_else(|| "none".to_owned(), |p| p.version.to_string());
    let reason = Reason::Approved { version };
    match enter(policy, &mut promotion, first, now) {
        Ok(plan) => Decision::new(Verdict::Deploy, reason).plan(plan),
        Err(wait) => Decision::new(Verdict::Wait, wait),
    }
    .saw("package", &change.arn)
    .saw("promotion_before", replaced)
    .state(State { promotion: Some(promotion) })
}

fn rejected(state: &State, change: &ModelPackageChanged, version: u64) -> Promote {
    match &state.promotion {
        // Told late: since then it was approved again.
        Some(p) if p.version == version && change.last_modified.is_some_and(|at| at < p.approved_at) => {
            Decision::new(Verdict::Ignore, Reason::OlderRejection { version }).saw("package", &change.arn)
        }
        Some(p) if p.version == version && !p.stopped => {
            let stopped = Promotion { stopped: true, ..p.clone() };
            let reason = Reason::Rejected { version };
            let alert = Action::alert(&format!("version {version} was rejected"), &reason.to_string(), p);
            Decision::new(Verdict::Stop, reason)
                .saw("package", &change.arn)
                .plan(vec![alert])
                .state(State { promotion: Some(stopped) })
        }
        _ => Decision::new(Verdict::Ignore, Reason::RejectedElsewhere { version }),
    }
}

/// The actions that ask `environment` for the promotion's version, after its gates of people.
fn enter(
    policy: &Policy,
    promotion: &mut Promotion,
    environment: &Environment,
    now: Timestamp,
) -> Result<Vec<Action>, Reason> {
    if let Some(approvals) = environment.gates.approvals.as_ref().filter(|a| a.required > 0) {
        return Err(Reason::ApprovalRequired {
            environment: environment.name.to_string(),
            required: approvals.required,
        });
    }
    let request = request_for(policy, promotion, environment, now);
    promotion.steps.insert(
        environment.name.to_string(),
        Step::Requested { request_id: request.request_id.clone(), at: now },
    );
    let note =
        Action::note(promotion, environment.name.as_str(), "Deploying", "Tidegate asked for the deployment");
    Ok(vec![Action::RequestDeployment { request }, note])
}

/// The request for one environment; its id is the same for the same approval.
fn request_for(
    policy: &Policy,
    promotion: &Promotion,
    environment: &Environment,
    now: Timestamp,
) -> DeploymentRequested {
    let (model, name) = (policy.model.as_str(), environment.name.as_str());
    let approval = short(&[&promotion.package_arn, &promotion.approved_at.to_string()], 8);
    DeploymentRequested {
        request_id: format!("{model}-{name}-{}-{approval}", promotion.version),
        model: model.to_owned(),
        environment: name.to_owned(),
        environment_account: environment.account.to_string(),
        region: environment.region.to_string(),
        version: promotion.version,
        package_arn: promotion.package_arn.clone(),
        policy_version: policy.version(),
        requested_at: now,
    }
}

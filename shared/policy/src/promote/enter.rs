//! The way into an environment: what must hold first, and the request itself.

use jiff::Timestamp;
use tidegate_events::DeploymentRequested;

use super::action::life_cycle;
use super::{Action, Blocker, EnvironmentStatus, Promote, Promotion, State};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::fingerprint::short;
use crate::hold;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Asks `next` for the promotion's version, because of `why`; or says what it waits for. The soak is over.
pub(super) fn enter(
    policy: &Policy,
    state: &State,
    mut promotion: Promotion,
    next: &Environment,
    why: Reason,
    now: Timestamp,
) -> Promote {
    let decision = match closed(state, &promotion, next) {
        Some(wait) => {
            let plan = begin_to_wait(policy, &mut promotion, next, &wait);
            Decision::new(Verdict::Wait, wait).plan(plan)
        }
        None => {
            let request = request_for(policy, &promotion, next, now);
            let step =
                EnvironmentStatus::Requested { request_id: request.request_id.clone(), at: now, retries: 0 };
            promotion.environments.insert(next.name.to_string(), step);
            promotion.blocked_by = None;
            let done = "Tidegate asked for the deployment";
            let note = life_cycle(&promotion, next.name.as_str(), super::action::DEPLOYING, done);
            Decision::new(Verdict::Deploy, why).plan(vec![Step::RequestDeployment { request }, note])
        }
    };
    decision.state(state.with(promotion))
}

/// As [`enter`], where the evidence must say which version goes where.
pub(super) fn go_on(
    policy: &Policy,
    state: &State,
    promotion: Promotion,
    next: &Environment,
    why: Reason,
    now: Timestamp,
) -> Promote {
    let version = promotion.version;
    enter(policy, state, promotion, next, why, now).evidence("version", version).evidence("next", &next.name)
}

/// What keeps the version out: a hold before all, so that nobody is asked to approve what is held.
fn closed(state: &State, promotion: &Promotion, next: &Environment) -> Option<Reason> {
    let name = next.name.as_str();
    if let Some(hold) = hold::on(&state.holds, name) {
        return Some(hold.why());
    }
    let required = next.gates.approvals.as_ref().map_or(0, |approvals| approvals.required);
    let given = promotion.approvals.get(name).map_or(0, |people| people.len());
    (given < required as usize).then(|| Reason::ApprovalRequired { environment: name.to_owned(), required })
}

/// Notes what is waited for. People are asked once for their approval, however often it is looked at.
fn begin_to_wait(
    policy: &Policy,
    promotion: &mut Promotion,
    next: &Environment,
    wait: &Reason,
) -> Vec<Step<Action>> {
    let name = next.name.to_string();
    promotion.blocked_by = Some(Blocker { environment: name.clone(), reason: wait.code().to_owned() });
    if !matches!(wait, Reason::ApprovalRequired { .. }) || !promotion.approvals_requested.insert(name.clone())
    {
        return Vec::new();
    }
    let given = promotion.approvals.get(&name);
    let given = given.map(|people| people.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let message = format!(
        "{wait}.\nModel: {}\nVersion: {}\nPackage: {}\nApproved by: {}\nNothing is deployed to {name} until then. To \
         approve, put an event `Approval Given` on the hub's bus; to refuse, reject the version in the registry.",
        policy.model,
        promotion.version,
        promotion.package_arn,
        given.unwrap_or_else(|| "nobody yet".to_owned()),
    );
    let subject = subject(&format!("{} {} waits for approval for {name}", policy.model, promotion.version));
    vec![Step::Notify { subject, message }]
}

/// The request for one environment; its id is the same for the same approval.
pub(super) fn request_for(
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
        approved_at: Some(promotion.approved_at),
    }
}

//! What became of a version in an environment where it soaks.

use jiff::Timestamp;
use tidegate_events::{EndpointHealth, EndpointHealthChanged};

use super::action::{FAILED, life_cycle, stopped};
use super::advice::after_broken_soak;
use super::due::due;
use super::{EnvironmentStatus, Inputs, Promote, Promotion, State};
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::reason::Reason;

/// Decides about an environment's report that its live version no longer serves as it was deployed, or serves again. A
/// version that fails, vanishes or is changed while it soaks goes no further. Otherwise the report is only recorded: the
/// environment has told its people.
pub(super) fn decide_health(inputs: &Inputs<'_>, changed: &EndpointHealthChanged) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    let name = &changed.environment;
    let Some(environment) = policy.environment(name) else {
        return Decision::new(Verdict::Ignore, Reason::EnvironmentNotInPolicy { environment: name.clone() });
    };
    if environment.account.as_str() != changed.environment_account {
        let wanted = format!("account {}", environment.account);
        return Decision::new(Verdict::Reject, Reason::OtherEnvironment { wanted });
    }
    let decision = match soaking(policy, state, changed).filter(|_| changed.health != EndpointHealth::Healthy)
    {
        Some(promotion) => broken(state, promotion.clone(), changed, now),
        None => Decision::new(Verdict::Ignore, not_soaking(changed)),
    };
    decision.evidence("health", changed.health).evidence("since", changed.since)
}

fn not_soaking(changed: &EndpointHealthChanged) -> Reason {
    let (environment, cause) = (changed.environment.clone(), changed.detail.clone());
    Reason::NotSoaking { environment, version: changed.version, cause }
}

/// The promotion whose version soaks in the environment at that time: the next environment has not been asked, and its
/// soak was not over. A report from before the promotion concerns an earlier deployment of the same version.
fn soaking<'s>(policy: &Policy, state: &'s State, changed: &EndpointHealthChanged) -> Option<&'s Promotion> {
    let promotion = state.promotion.as_ref().filter(|promotion| {
        !promotion.stopped
            && promotion.version == changed.version
            && promotion.package_arn.eq_ignore_ascii_case(&changed.package_arn)
            && changed.observed_at >= promotion.approved_at
    })?;
    let Some(EnvironmentStatus::Succeeded { at }) = promotion.environments.get(&changed.environment) else {
        return None;
    };
    let due = due(policy, promotion).filter(|due| !due.is_asked(promotion))?;
    due.previous.filter(|previous| previous.name.as_str() == changed.environment)?;
    let until = at.checked_add(due.next.gates.soak?.signed()).unwrap_or(Timestamp::MAX);
    (changed.since < until).then_some(promotion)
}

fn broken(
    state: &State,
    mut promotion: Promotion,
    changed: &EndpointHealthChanged,
    now: Timestamp,
) -> Promote {
    let EndpointHealthChanged { environment, version, .. } = changed;
    let reason = Reason::SoakBroken {
        environment: environment.clone(),
        version: *version,
        cause: changed.detail.clone(),
    };
    let step = EnvironmentStatus::Failed { at: now, cause: changed.reason.clone() };
    promotion.environments.insert(environment.clone(), step);
    promotion.stopped = true;
    let note = life_cycle(&promotion, environment, FAILED, &reason.to_string());
    let subject = format!("{} {version} did not complete its soak in {environment}", changed.model);
    let alert =
        stopped(&subject, &reason.to_string(), &promotion, &after_broken_soak(&promotion, environment));
    Decision::new(Verdict::Stop, reason).plan(vec![alert, note]).state(state.with(promotion))
}

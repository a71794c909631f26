//! A person's approval of a version for an environment.

use tidegate_events::ApprovalGiven;

use super::enter::enter_or_wait;
use super::gates::Tally;
use super::{Inputs, Promote, Promotion, State};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::principal::Principal;
use crate::reason::Reason;

/// Decides about a person's approval. The approval counts for the version that is being promoted, once per person,
/// and is stored in the state until the environment is due.
pub(super) fn decide_approval(inputs: &Inputs<'_>, given: &ApprovalGiven) -> Promote {
    let decision = match counts(inputs.policy, inputs.state, given) {
        Err((verdict, reason)) => Decision::new(verdict, reason),
        Ok((promotion, environment)) => go_on(inputs, promotion, environment, given),
    };
    decision.evidence("by", &given.by).evidence("version", given.version)
}

/// Whether the approval counts; the reason if it does not.
fn counts<'p>(
    policy: &'p Policy,
    state: &State,
    given: &ApprovalGiven,
) -> Result<(Promotion, &'p Environment), (Verdict, Reason)> {
    let ignore = |reason| Err((Verdict::Ignore, reason));
    let version = given.version;
    let Some(environment) = policy.environment(&given.environment) else {
        return Err((
            Verdict::Reject,
            Reason::EnvironmentNotInPolicy { environment: given.environment.clone() },
        ));
    };
    let Some(promotion) = state.promotion.clone().filter(|p| p.version == version && !p.stopped) else {
        return ignore(Reason::NotPromoting { version });
    };
    if given.at < promotion.approved_at {
        return ignore(Reason::OlderThanPromotion { version, since: promotion.approved_at });
    }
    let name = &given.environment;
    if environment.gates.approvals.is_none() || promotion.environments.contains_key(name) {
        return ignore(Reason::ApprovalNotRequired { environment: name.clone() });
    }
    let same = |by: &String| spelling(by) == spelling(&given.by);
    if promotion.approvals.get(name).is_some_and(|people| people.keys().any(same)) {
        return ignore(Reason::DuplicateApproval { by: given.by.clone(), environment: name.clone() });
    }
    Ok((promotion, environment))
}

/// Two spellings of one name are the same. Two principals of one person are not, because only one of them may be in a group
/// of the policy; the gate counts the person once.
fn spelling(by: &str) -> String {
    by.trim().to_lowercase()
}

fn go_on(
    inputs: &Inputs<'_>,
    mut promotion: Promotion,
    environment: &Environment,
    given: &ApprovalGiven,
) -> Promote {
    let name = environment.name.to_string();
    // A principal is kept as it is, because a group names permission sets exactly.
    let by = if given.by.parse::<Principal>().is_ok() { given.by.clone() } else { spelling(&given.by) };
    promotion.approvals.entry(name.clone()).or_default().insert(by, given.at);
    let tally = Tally::of(inputs.policy, &promotion, environment, &inputs.seen.gates.authors);
    let count = tally.count();
    let required = environment.gates.approvals.as_ref().map_or(0, |approvals| approvals.required);
    let why = Reason::ApprovalsComplete { environment: name, people: tally.names() };
    let decision = enter_or_wait(inputs, promotion, environment, why);
    decision.evidence_vs("approvals", count, required)
}

//! A person's approval of a version for an environment.

use tidegate_events::ApprovalGiven;

use super::enter::enter_or_wait;
use super::{Inputs, Promote, Promotion, State};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
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
    if promotion.approvals.get(name).is_some_and(|people| people.contains_key(&person(given))) {
        return ignore(Reason::DuplicateApproval { by: given.by.clone(), environment: name.clone() });
    }
    Ok((promotion, environment))
}

/// Two spellings of one name identify the same person.
fn person(given: &ApprovalGiven) -> String {
    given.by.trim().to_lowercase()
}

fn go_on(
    inputs: &Inputs<'_>,
    mut promotion: Promotion,
    environment: &Environment,
    given: &ApprovalGiven,
) -> Promote {
    let name = environment.name.to_string();
    let people = promotion.approvals.entry(name.clone()).or_default();
    people.insert(person(given), given.at);
    let (count, names) = (people.len(), people.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let required = environment.gates.approvals.as_ref().map_or(0, |approvals| approvals.required);
    let why = Reason::ApprovalsComplete { environment: name, people: names };
    let decision = enter_or_wait(inputs, promotion, environment, why);
    decision.evidence_vs("approvals", count, required)
}

//! Environments go back to a version that they served before: because a version that serves failed its verification, or
//! was rejected, or because a person requested it.
//!
//! A rollback is a promotion of the earlier version that enters only these environments, past all gates but a hold. It
//! takes the place of the promotion that put the later version there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{ApprovalStatus, PackageStatus, RollbackRequested};

use super::action::{ROLLED_BACK, life_cycle_of};
use super::enter::request_for;
use super::{
    Action, Command, EnvironmentStatus, Inputs, Promote, Promotion, Rollback, State, VerifiedVersion,
};
use crate::artifacts;
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy, Response};
use crate::hold::{self, Hold};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// How many earlier versions are read before a rollback: usually the first one is still approved.
const CANDIDATES: usize = 5;

/// The version that must not serve any more, and why.
pub(super) struct From<'a> {
    pub(super) version: u64,
    pub(super) package_arn: &'a str,
    /// Why it must not serve any more.
    pub(super) cause: String,
}

/// Why an environment does not go back without a person.
pub(super) enum NoRollback {
    /// The version that should go was itself deployed by a rollback.
    WentBackBefore,
    /// The environment went back as often as the policy allows.
    Limit(u32),
    /// A hold, or no version to go back to.
    Because(Reason),
}

impl NoRollback {
    /// The code, as evidence of the decision.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::WentBackBefore => "went_back_before",
            Self::Limit(_) => "rollback_limit",
            Self::Because(reason) => reason.code(),
        }
    }
}

impl std::fmt::Display for NoRollback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WentBackBefore => f.write_str("it has just gone back to this version"),
            Self::Limit(times) => {
                write!(f, "it has gone back {times} time(s), the limit of `rollback.limit`")
            }
            Self::Because(reason) => reason.fmt(f),
        }
    }
}

/// The ARNs of the versions to which an environment may go back, most recently verified first.
pub(super) fn candidates(state: &State, environment: &str, from_arn: &str) -> Vec<String> {
    let ways_back = state.ways_back(environment, from_arn).take(CANDIDATES);
    ways_back.map(|version| version.package_arn.clone()).collect()
}

/// What must be read before a rejection is decided about.
pub(super) fn after_rejection_needs(policy: Option<&Policy>, state: &State) -> Vec<String> {
    let Some((policy, promotion)) = policy.zip(state.promotion.as_ref()) else { return Vec::new() };
    let environment = undone_by_rejection(policy, state, promotion);
    environment.map_or_else(Vec::new, |environment| {
        candidates(state, environment.name.as_str(), &promotion.package_arn)
    })
}

/// What must be read before a person's request is decided about.
pub(super) fn requested_needs(state: &State, asked: &RollbackRequested) -> Vec<String> {
    let Some((_, package_arn)) = present(state, &asked.environment) else { return Vec::new() };
    let wanted = |known: &&VerifiedVersion| asked.to.is_none_or(|to| known.version == to);
    let ways_back = state.ways_back(&asked.environment, &package_arn).filter(wanted).take(CANDIDATES);
    ways_back.map(|known| known.package_arn.clone()).collect()
}

/// The last environment in which the version serves or is on its way, and whose policy says that a rejection is undone.
pub(super) fn undone_by_rejection<'p>(
    policy: &'p Policy,
    state: &State,
    promotion: &Promotion,
) -> Option<&'p Environment> {
    let is_there = |environment: &&Environment| {
        let name = environment.name.as_str();
        let on_its_way =
            matches!(promotion.environments.get(name), Some(EnvironmentStatus::Requested { .. }));
        on_its_way || state.serving(&promotion.package_arn).any(|serving| serving == name)
    };
    let undoes = |environment: &&Environment| environment.rollback.on_rejection == Response::RollBack;
    policy.environments.iter().rev().filter(undoes).find(is_there)
}

/// The rollback after a rejection; the reason why there is none; or `None` if the policy does not ask for one.
pub(super) fn after_rejection(
    inputs: &Inputs<'_>,
    promotion: &Promotion,
    cause: &Reason,
) -> Option<Result<Promote, NoRollback>> {
    let environment = undone_by_rejection(inputs.policy, inputs.state, promotion)?;
    let from =
        From { version: promotion.version, package_arn: &promotion.package_arn, cause: cause.to_string() };
    Some(by_policy(inputs, environment, &from))
}

/// The rollback that a policy asks for, without a person.
///
/// # Errors
/// Why the environment does not go back.
pub(super) fn by_policy(
    inputs: &Inputs<'_>,
    environment: &Environment,
    from: &From<'_>,
) -> Result<Promote, NoRollback> {
    let Inputs { state, now, .. } = *inputs;
    let name = environment.name.as_str();
    if state.promotion.as_ref().is_some_and(|promotion| {
        promotion.rollback.is_some() && promotion.package_arn.eq_ignore_ascii_case(from.package_arn)
    }) {
        return Err(NoRollback::WentBackBefore);
    }
    let (limit, per) = environment.rollback.limit();
    let since = now.checked_sub(per).unwrap_or(Timestamp::MIN);
    let recent = state.rollbacks.get(name).into_iter().flatten().filter(|at| **at > since).count();
    if recent >= limit as usize {
        return Err(NoRollback::Limit(limit));
    }
    let target = way_back(inputs, name, from.package_arn, None).map_err(NoRollback::Because)?;
    if let Some(hold) = hold::against(&state.holds, name, target.version, None) {
        return Err(NoRollback::Because(hold.why()));
    }
    let mut environments = BTreeSet::from([name.to_owned()]);
    if environment.rollback.all_environments {
        environments.extend(others(inputs, from, target));
    }
    Ok(roll_back(inputs, from, target, environments, None))
}

/// The other environments in which the version serves, and which served the target before.
fn others(inputs: &Inputs<'_>, from: &From<'_>, target: &VerifiedVersion) -> Vec<String> {
    let state = inputs.state;
    let goes_back = |name: &&str| {
        inputs.policy.environment(name).is_some()
            && state.ways_back(name, from.package_arn).any(|known| known.package_arn == target.package_arn)
            && hold::against(&state.holds, name, target.version, None).is_none()
    };
    state.serving(from.package_arn).filter(goes_back).map(str::to_owned).collect()
}

/// The version to which an environment goes back: the one that succeeded there last and is still approved, with the same
/// images and model data.
fn way_back<'s>(
    inputs: &Inputs<'s>,
    environment: &str,
    from_arn: &'s str,
    to: Option<u64>,
) -> Result<&'s VerifiedVersion, Reason> {
    let deployable = |known: &&VerifiedVersion| {
        inputs.seen.ways_back.get(&known.package_arn).is_some_and(|package| {
            package.approval == ApprovalStatus::Approved
                && package.status == PackageStatus::Completed
                && !artifacts::changed(known.artifacts.as_ref(), package.artifacts.as_ref())
        })
    };
    let mut known =
        inputs.state.ways_back(environment, from_arn).filter(|known| to.is_none_or(|to| known.version == to));
    known.find(deployable).ok_or_else(|| Reason::NoWayBack { environment: environment.to_owned() })
}

/// Requests the target in the environments. The caller has checked that it may be requested there.
fn roll_back(
    inputs: &Inputs<'_>,
    from: &From<'_>,
    target: &VerifiedVersion,
    environments: BTreeSet<String>,
    command: Option<Command>,
) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    let before = state.promotion.as_ref();
    let mut promotion = Promotion {
        version: target.version,
        package_arn: target.package_arn.clone(),
        approved_at: before.map_or(now, |before| after(before.approved_at).max(now)),
        artifacts: target.artifacts.clone(),
        environments: BTreeMap::new(),
        newest_version: before
            .map_or(0, |before| before.newest_version)
            .max(from.version)
            .max(target.version),
        stopped: false,
        rejected_at: None,
        approvals: BTreeMap::new(),
        approvals_requested: BTreeSet::new(),
        blocked_by: None,
        rollback: Some(Rollback {
            from: from.version,
            from_arn: from.package_arn.to_owned(),
            environments: environments.clone(),
            cause: from.cause.clone(),
            command: command.clone(),
        }),
        forced: BTreeMap::new(),
    };
    let mut next = state.clone();
    let mut plan = Vec::new();
    let of_policy = policy.environments.iter().filter(|e| environments.contains(e.name.as_str()));
    for environment in of_policy {
        let name = environment.name.to_string();
        let request = request_for(policy, &promotion, environment, now);
        let request_id = request.request_id.clone();
        let requested = EnvironmentStatus::Requested { request_id, at: now, retries: 0, waits_for: None };
        promotion.environments.insert(name.clone(), requested);
        plan.push(Step::RequestDeployment { request });
        next.forget_success(&name, from.package_arn);
        if command.is_none() {
            next.remember_rollback(&name, now);
        }
    }
    plan.push(alert(inputs, from, target, &environments, command.as_ref()));
    let description = format!("Replaced by version {}: {}", target.version, from.cause);
    plan.extend(
        environments.iter().map(|name| life_cycle_of(from.package_arn, name, ROLLED_BACK, &description)),
    );
    let reason = Reason::RollsBack { from: from.version, to: target.version, cause: from.cause.clone() };
    next.promotion = Some(promotion);
    Decision::new(Verdict::RollBack, reason)
        .evidence("from", from.version)
        .evidence("to", target.version)
        .evidence("environments", environments.into_iter().collect::<Vec<_>>().join(", "))
        .plan(plan)
        .state(next)
}

/// The next moment. Environments refuse a request that is older than the last one, and a promotion of the same version that
/// began at the same time would be the same promotion.
fn after(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(1)).unwrap_or(at)
}

fn alert(
    inputs: &Inputs<'_>,
    from: &From<'_>,
    target: &VerifiedVersion,
    environments: &BTreeSet<String>,
    command: Option<&Command>,
) -> Step<Action> {
    let (model, to) = (&inputs.policy.model, target.version);
    let places = environments.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let next = match command {
        Some(_) => format!(
            "A hold keeps version {to} there. When another version may be promoted again:\n  tidegate release {model} \
             --environment {places}"
        ),
        None => "The next version that is approved is promoted as usual.".to_owned(),
    };
    let message = format!(
        "{}.\nModel: {model}\nFrom: version {} ({})\nTo: version {to} ({})\nEnvironments: {places}\nThe deployment of \
         version {to} was requested there; its end is reported. {next}",
        from.cause, from.version, from.package_arn, target.package_arn
    );
    Step::Notify { subject: subject(&format!("{model} goes back to version {to} in {places}")), message }
}

/// Decides about a person's request that an environment goes back. A hold then keeps the version.
pub(super) fn decide_rollback(inputs: &Inputs<'_>, asked: &RollbackRequested) -> Promote {
    let name = asked.environment.as_str();
    if inputs.policy.environment(name).is_none() {
        return tell_refused(inputs, asked, Reason::EnvironmentNotInPolicy { environment: name.to_owned() });
    }
    let Some((version, package_arn)) = present(inputs.state, name) else {
        return tell_refused(inputs, asked, Reason::NoWayBack { environment: name.to_owned() });
    };
    if let Some(promotion) = inputs.state.promotion.as_ref().filter(|p| asked.at < p.approved_at) {
        let (version, since) = (promotion.version, promotion.approved_at);
        return tell_refused(inputs, asked, Reason::OlderThanPromotion { version, since });
    }
    let command = Command { at: asked.at, by: asked.by.clone(), reason: asked.reason.clone() };
    let mut state = inputs.state.clone();
    state.remember_promotion();
    let cause = format!("{} requested it: {}", asked.by, asked.reason);
    let from = From { version, package_arn: &package_arn, cause };
    let target = match way_back(inputs, name, &package_arn, asked.to) {
        Ok(target) => target,
        Err(reason) => return tell_refused(inputs, asked, reason),
    };
    let kept = Hold {
        at: asked.at,
        by: asked.by.clone(),
        reason: asked.reason.clone(),
        keeps: Some(target.version),
    };
    // A hold that a person placed before stays, and a later release counts.
    hold::keep(&mut state.holds, &state.released, name, kept);
    if let Some(hold) = hold::against(&inputs.state.holds, name, target.version, Some(asked.at)) {
        return tell_refused(inputs, asked, hold.why());
    }
    let environments = BTreeSet::from([name.to_owned()]);
    roll_back(&Inputs { state: &state, ..*inputs }, &from, target, environments, Some(command))
        .evidence("by", &asked.by)
}

/// The version that is in an environment now: what the last promotion requested there, or what succeeded there last.
pub(super) fn present(state: &State, environment: &str) -> Option<(u64, String)> {
    let of_promotion = state.promotion.as_ref().filter(|p| p.environments.contains_key(environment));
    of_promotion
        .map(|promotion| (promotion.version, promotion.package_arn.clone()))
        .or_else(|| state.live(environment).map(|live| (live.version, live.package_arn.clone())))
}

/// A person believes that the environment goes back, so people are told that it does not.
fn tell_refused(inputs: &Inputs<'_>, asked: &RollbackRequested, reason: Reason) -> Promote {
    let (model, name) = (&inputs.policy.model, &asked.environment);
    let known = inputs.state.verified.get(name).into_iter().flatten();
    let known = known.map(|known| known.version.to_string()).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{} requested that {name} goes back, and nothing was changed: {reason}.\nVersions that succeeded there, newest \
         first: {}\nA version is a way back while it is approved in the registry. `tidegate status {model}` shows what \
         serves.",
        asked.by,
        if known.is_empty() { "none" } else { &known }
    );
    let subject = subject(&format!("{model} does not go back in {name}"));
    Decision::new(Verdict::Alert, reason)
        .evidence("by", &asked.by)
        .plan(vec![Step::Notify { subject, message }])
}

//! Decisions about a promotion.

use jiff::Timestamp;
use proptest::prelude::*;
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Policy;
use tidegate_policy::promote::{Action, EnvironmentStatus, PromoteController, Promotion, State, Trigger};
use tidegate_policy::step::Step;

use super::{Properties, limits};
use crate::decide::Decided;

impl Properties for PromoteController {
    const VERDICTS: &[Verdict] = &[
        Verdict::Ignore,
        Verdict::Wait,
        Verdict::Stop,
        Verdict::Complete,
        Verdict::Reject,
        Verdict::Deploy,
        Verdict::RollBack,
        Verdict::Alert,
    ];

    /// A life cycle update is for people.
    fn acts(_call: &Action) -> bool {
        false
    }

    fn hold(decided: &Decided<Self>) -> Result<(), TestCaseError> {
        let (before, after) = (&decided.state, decided.after());
        let policy = decided.policy.as_ref().unwrap();
        match (&before.promotion, &after.promotion) {
            (before, Some(after)) => {
                let same = before.as_ref().filter(|before| {
                    (before.version, before.approved_at) == (after.version, after.approved_at)
                });
                goes_on(&decided.trigger, before.as_ref(), same, after)?;
                rejection(decided, same, after)?;
                statuses(decided, same, after)?;
                schedules(decided, policy, after)?;
            }
            (before, None) => {
                prop_assert_eq!(before, &None);
                prop_assert!(
                    decided.decision.plan.is_empty()
                        || matches!(decided.decision.verdict, Verdict::Ignore | Verdict::Alert)
                );
            }
        }
        life_cycle(decided)
    }

    fn hold_after_rejection(before: &State, rejected: &Decided<Self>) -> Result<(), TestCaseError> {
        let after = rejected.after();
        let (Some(was), Some(is)) = (&before.promotion, &after.promotion) else {
            return Err(TestCaseError::fail(format!("{before:?} became {after:?}")));
        };
        let rest = Promotion { environments: was.environments.clone(), stopped: was.stopped, ..is.clone() };
        prop_assert_eq!(&rest, was);
        prop_assert!(was.environments.keys().all(|name| is.environments.contains_key(name)));
        for (name, status) in &is.environments {
            let failed = matches!(status, EnvironmentStatus::Failed { at, .. } if *at == rejected.now);
            prop_assert!(failed || was.environments.get(name) == Some(status), "{name}: {status:?}");
        }
        life_cycle(rejected)
    }
}

fn succeeded(promotion: &Promotion, environment: &str) -> Option<Timestamp> {
    match promotion.environments.get(environment)? {
        EnvironmentStatus::Succeeded { at } => Some(*at),
        EnvironmentStatus::Requested { .. } | EnvironmentStatus::Failed { .. } => None,
    }
}

/// A promotion only goes forward, and nothing of it is forgotten. Only a broken soak makes a failure of a success.
fn goes_on(
    trigger: &Trigger,
    before: Option<&Promotion>,
    same: Option<&Promotion>,
    after: &Promotion,
) -> Result<(), TestCaseError> {
    let replaced = after.rollback.as_ref().map_or(0, |rollback| rollback.from);
    let newest = before.map_or(0, |before| before.newest_version).max(after.version).max(replaced);
    prop_assert_eq!(after.newest_version, newest);
    let Some(before) = same else {
        prop_assert_eq!(after.rejected_at, None);
        return Ok(());
    };
    prop_assert!(after.stopped || !before.stopped);
    prop_assert!(after.rejected_at >= before.rejected_at);
    for (name, status) in &before.environments {
        let is = after.environments.get(name);
        let asked = matches!(status, EnvironmentStatus::Requested { .. }) && is.is_some();
        let broken = matches!(trigger, Trigger::Health(changed) if changed.environment == *name)
            && matches!(is, Some(EnvironmentStatus::Failed { .. }))
            && after.stopped;
        prop_assert!(asked || broken || is == Some(status), "{name} was {status:?} and is {is:?}");
    }
    for (environment, given) in &before.approvals {
        for (by, at) in given {
            prop_assert_eq!(after.approvals.get(environment).and_then(|given| given.get(by)), Some(at));
        }
    }
    Ok(())
}

/// A rejection, or an approval that is taken back, is remembered, and nothing else is remembered as one.
fn rejection(
    decided: &Decided<PromoteController>,
    same: Option<&Promotion>,
    after: &Promotion,
) -> Result<(), TestCaseError> {
    let Some(before) = same else { return Ok(()) };
    match &decided.trigger {
        // The state may only say that people were told of a new version.
        Trigger::Package(change) if decided.decision.state.is_some() && after != before => {
            let at = change.last_modified.unwrap_or(before.approved_at);
            prop_assert!(after.stopped && after.rejected_at >= Some(at), "{after:?} by {change:?}");
        }
        _ => prop_assert_eq!(after.rejected_at, before.rejected_at),
    }
    Ok(())
}

/// The status of an environment says what the plan does, and when.
fn statuses(
    decided: &Decided<PromoteController>,
    same: Option<&Promotion>,
    after: &Promotion,
) -> Result<(), TestCaseError> {
    let plan = &decided.decision.plan;
    for (name, status) in &after.environments {
        if same.and_then(|before| before.environments.get(name)) == Some(status) {
            continue;
        }
        prop_assert_eq!(at_of(status), decided.now, "{} is {:?}", name, status);
        if let EnvironmentStatus::Requested { request_id, .. } = status {
            let asks = |step: &Step<Action>| {
                matches!(step, Step::RequestDeployment { request }
                    if request.request_id == *request_id && request.environment == *name)
            };
            prop_assert!(plan.iter().any(asks), "{name} was not asked: {plan:?}");
        }
    }
    for step in plan {
        let Step::RequestDeployment { request } = step else { continue };
        let known = matches!(after.environments.get(&request.environment),
            Some(EnvironmentStatus::Requested { request_id, at, .. })
                if *request_id == request.request_id && *at == decided.now);
        prop_assert!(known, "{request:?} is not remembered");
    }
    let asked = |name: &&String| !same.is_some_and(|before| before.approvals_requested.contains(*name));
    let notifies = plan.iter().any(|step| matches!(step, Step::Notify { .. }));
    prop_assert!(notifies || !after.approvals_requested.iter().any(|name| asked(&name)));
    let complete = decided
        .policy
        .as_ref()
        .unwrap()
        .environments
        .iter()
        .all(|environment| succeeded(after, environment.name.as_str()).is_some());
    prop_assert!(complete || decided.decision.verdict != Verdict::Complete);
    Ok(())
}

fn at_of(status: &EnvironmentStatus) -> Timestamp {
    match status {
        EnvironmentStatus::Requested { at, .. }
        | EnvironmentStatus::Succeeded { at }
        | EnvironmentStatus::Failed { at, .. } => *at,
    }
}

/// A check is scheduled for the time when the gate opens that it waits for: for a soak, its end.
fn schedules(
    decided: &Decided<PromoteController>,
    policy: &Policy,
    after: &Promotion,
) -> Result<(), TestCaseError> {
    for step in &decided.decision.plan {
        let Step::ScheduleCheck { at, check, .. } = step else { continue };
        let blocker = after.blocked_by.as_ref().unwrap();
        prop_assert_eq!((&blocker.environment, blocker.until), (&check.environment, Some(*at)));
        if blocker.reason != "soaking" {
            continue;
        }
        let place = policy.environments.iter().position(|e| e.name.as_str() == check.environment).unwrap();
        let (previous, entered) = (&policy.environments[place - 1], &policy.environments[place]);
        let begun = succeeded(after, previous.name.as_str()).unwrap();
        let end = begun.checked_add(entered.gates.soak.unwrap().signed()).unwrap_or(Timestamp::MAX);
        prop_assert_eq!(*at, end);
    }
    Ok(())
}

/// SageMaker takes the life cycle update.
fn life_cycle(decided: &Decided<PromoteController>) -> Result<(), TestCaseError> {
    for step in &decided.decision.plan {
        if let Step::Call(Action::UpdateModelLifeCycle { stage, status, description, .. }) = step {
            let names = limits::is_name(stage, 63) && limits::is_name(status, 63);
            prop_assert!(names && description.chars().count() <= 1_024, "{step:?}");
        }
    }
    Ok(())
}

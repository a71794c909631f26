//! Decisions about a deployment.

use proptest::prelude::*;
use tidegate_events::DeploymentRequested;
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::{Action, DeployController, InFlight, Live, State, Trigger};
use tidegate_policy::endpoint::DesiredResources;
use tidegate_policy::step::Step;

use super::{Properties, limits};
use crate::decide::Decided;

const ENDS: &[Verdict] = &[
    Verdict::Succeeded,
    Verdict::Failed,
    Verdict::FailedToStart,
    Verdict::VerificationFailed,
    Verdict::RolledBackSilently,
    Verdict::RolledBackByAlarm,
];

impl Properties for DeployController {
    const VERDICTS: &[Verdict] = &[
        Verdict::Ignore,
        Verdict::Wait,
        Verdict::Reject,
        Verdict::Apply,
        Verdict::Succeeded,
        Verdict::Failed,
        Verdict::FailedToStart,
        Verdict::VerificationFailed,
        Verdict::RolledBackSilently,
        Verdict::RolledBackByAlarm,
        Verdict::Alert,
        Verdict::NoChange,
    ];

    fn hold(decided: &Decided<Self>) -> Result<(), TestCaseError> {
        let in_flight = decided.state.in_flight.as_ref().map(|in_flight| &in_flight.request);
        let request = match &decided.trigger {
            Trigger::Request { request, .. }
                if in_flight.is_none_or(|old| old.request_id != request.request_id) =>
            {
                Some(request)
            }
            _ => in_flight,
        };
        if let Some(request) = request {
            calls(decided, request)?;
        }
        in_flight_remembers(decided, request)?;
        match request.filter(|_| ENDS.contains(&decided.decision.verdict)) {
            Some(request) => end_remembers(decided, request)?,
            None => {
                let (before, after) = (&decided.state, decided.after());
                prop_assert_eq!(version_of(&after), version_of(before));
                prop_assert_eq!(&after.previous, &before.previous);
                prop_assert_eq!(&after.last_report, &before.last_report);
            }
        }
        Ok(())
    }

    fn hold_after_rejection(before: &State, rejected: &Decided<Self>) -> Result<(), TestCaseError> {
        let after = rejected.after();
        let of = |state: &State| (state.live.clone(), state.previous.clone(), state.newest_request.clone());
        prop_assert_eq!(of(&after), of(before));
        let request = |state: &State| state.in_flight.as_ref().map(|in_flight| in_flight.request.clone());
        let expected = if rejected.decision.verdict == Verdict::Failed { None } else { request(before) };
        prop_assert_eq!(request(&after), expected);
        for step in &rejected.decision.plan {
            let Step::ReportDeployment { finished } = step else { continue };
            prop_assert_eq!(finished.finished_at, rejected.now);
            prop_assert_eq!(after.last_report.as_ref().map(|report| &report.finished), Some(finished));
        }
        Ok(())
    }
}

/// What is made is what the policy describes, in an order in which each thing exists before it is used.
fn calls(decided: &Decided<DeployController>, request: &DeploymentRequested) -> Result<(), TestCaseError> {
    let policy = decided.policy.as_ref().unwrap();
    let environment = policy.environment(&decided.site.environment).unwrap();
    let tags = tidegate_policy::owner::tags_of_policy(policy, Some(environment));
    let target = DesiredResources::of(environment, request).with_tags(&tags);
    prop_assert!(limits::is_name(&target.model.name, 63) && limits::is_name(&target.config.name, 63));
    let mut made: Vec<&str> = Vec::new();
    for step in &decided.decision.plan {
        let Step::Call(call) = step else { continue };
        let right = match call {
            Action::CreateModel(model) => {
                made.push(&model.name);
                *model == target.model && model.package_arn == request.package_arn
            }
            Action::CreateEndpointConfig(config) => {
                made.push(&config.name);
                let model_first = target.component.is_some() || made.contains(&target.model.name.as_str());
                **config == target.config && model_first
            }
            Action::CreateEndpoint { name, config, tags } => {
                let tag = |key: &str, value: &str| tags.iter().any(|(k, v)| k == key && v == value);
                (name, config) == (&target.endpoint, &target.config.name)
                    && tag("tidegate:model", &request.model)
                    && tag("tidegate:environment", &request.environment)
            }
            Action::AddTags { resource, tags, .. } => {
                let ours = tidegate_policy::owner::tags_of_policy(policy, Some(environment));
                *resource == target.endpoint && tags.iter().all(|tag| ours.contains(tag))
            }
            Action::UpdateEndpoint { name, config, rollout, .. } => {
                (name, config, rollout) == (&target.endpoint, &target.config.name, &target.rollout)
            }
            Action::CreateComponent { component, .. } | Action::UpdateComponent { component, .. } => {
                let runs = decided.seen.as_ref().and_then(|seen| seen.endpoint.as_ref()?.config.clone());
                Some(component) == target.component.as_ref() && runs == Some(target.config.name.clone())
            }
            Action::DeleteEndpoint { name, .. } => *name == target.endpoint,
            Action::DeleteComponent { name, .. } => {
                target.component.as_ref().is_some_and(|component| component.name == *name)
            }
        };
        prop_assert!(right, "{call:?} for {target:?}");
    }
    Ok(())
}

/// When the endpoint and the component were told to change, and how they looked then.
fn in_flight_remembers(
    decided: &Decided<DeployController>,
    request: Option<&DeploymentRequested>,
) -> Result<(), TestCaseError> {
    let (before, after) = (&decided.state, decided.after());
    if after.newest_request != before.newest_request {
        let newest = after.newest_request.as_ref().unwrap();
        prop_assert_eq!(Some(newest.requested_at), request.map(|request| request.requested_at));
    }
    let Some(is) = &after.in_flight else {
        prop_assert!(before.in_flight.is_none() || ENDS.contains(&decided.decision.verdict));
        return Ok(());
    };
    prop_assert!(!ENDS.contains(&decided.decision.verdict));
    let was = before.in_flight.as_ref().filter(|was| was.request == is.request);
    prop_assert!(was.is_some() || Some(&is.request) == request);
    // Each scheduled check has a name of its own, by its number.
    let looked = matches!(decided.trigger, Trigger::Sweep | Trigger::Check { .. } | Trigger::Endpoint(_));
    if let Some(was) = was.filter(|_| looked && decided.decision.verdict == Verdict::Wait) {
        prop_assert_eq!(is.checks, was.checks.saturating_add(1));
    }
    let plan = &decided.decision.plan;
    let endpoint = |step: &Step<Action>| {
        matches!(step, Step::Call(Action::CreateEndpoint { .. } | Action::UpdateEndpoint { .. }))
    };
    let component = |step: &Step<Action>| {
        matches!(step, Step::Call(Action::CreateComponent { .. } | Action::UpdateComponent { .. }))
    };
    let of_endpoint = |f: &InFlight| (f.endpoint_update_requested_at, f.endpoint_modified_before);
    let of_component = |f: &InFlight| (f.component_update_requested_at, f.component_modified_before);
    let seen = decided.seen.as_ref();
    let expected = if plan.iter().any(endpoint) {
        (Some(decided.now), seen.and_then(|seen| seen.endpoint.as_ref()?.last_modified))
    } else {
        was.map(of_endpoint).unwrap_or_default()
    };
    prop_assert_eq!(of_endpoint(is), expected);
    let expected = if plan.iter().any(component) {
        (Some(decided.now), seen.and_then(|seen| seen.component.as_ref()?.last_modified))
    } else {
        was.map(of_component).unwrap_or_default()
    };
    prop_assert_eq!(of_component(is), expected);
    Ok(())
}

/// The live version. What serves it, and what is wrong with it, may change without a deployment that succeeds.
fn version_of(state: &State) -> Option<Live> {
    state.live.clone().map(|live| Live { serving: None, unhealthy: None, ..live })
}

/// The report is kept, and so is what runs and what ran before it.
fn end_remembers(
    decided: &Decided<DeployController>,
    request: &DeploymentRequested,
) -> Result<(), TestCaseError> {
    let (before, after) = (&decided.state, decided.after());
    let Some(Step::ReportDeployment { finished }) = decided.decision.plan.first() else {
        return Err(TestCaseError::fail("no report".to_owned()));
    };
    prop_assert_eq!(finished.finished_at, decided.now);
    prop_assert_eq!(after.last_report.as_ref().map(|report| &report.finished), Some(finished));
    let environment = decided.policy.as_ref().unwrap().environment(&decided.site.environment).unwrap();
    let target = DesiredResources::of(environment, request);
    prop_assert_eq!(finished.requested_config.as_ref(), Some(&target.config.name));
    // A version without approval that serves has a notification as well.
    let serves = decided.decision.verdict == Verdict::Succeeded || decided.decision.plan.len() == 2;
    if !serves {
        prop_assert_eq!(version_of(&after), version_of(before));
        prop_assert_eq!(&after.previous, &before.previous);
        return Ok(());
    }
    let live = Live {
        version: request.version,
        package_arn: request.package_arn.clone(),
        config: target.config.name,
        request_id: request.request_id.clone(),
        at: decided.now,
        serving: after.live.as_ref().and_then(|live| live.serving.clone()),
        unhealthy: None,
    };
    let serving = live.serving.as_ref().unwrap();
    let is_shared = environment.endpoint.is_shared();
    prop_assert_eq!(serving.config.as_ref(), Some(&live.config).filter(|_| !is_shared));
    let component = serving.component.as_ref().map(|component| component.model.as_str());
    prop_assert_eq!(component, target.component.as_ref().map(|_| target.model.name.as_str()));
    let replaced = before.live.as_ref().filter(|live| live.package_arn != request.package_arn);
    prop_assert_eq!(after.live.as_ref(), Some(&live));
    prop_assert_eq!(after.previous.as_ref(), replaced.or(before.previous.as_ref()));
    if let (Some(wanted), Verdict::Succeeded) = (&target.component, decided.decision.verdict) {
        let running = decided.seen.as_ref().and_then(|seen| seen.component.as_ref()).unwrap();
        prop_assert!(running.runs(wanted) && running.has_copies(1), "{running:?}");
    }
    Ok(())
}

//! The last look before SageMaker is told to change something.

use tidegate_events::{ApprovalStatus, EndpointStatus};

use super::{Action, Endpoint, InFlight, State};
use crate::endpoint::{Component, ComponentStatus, RunningComponent};
use crate::hold::Hold;
use crate::reason::Reason;
use crate::step::Step;

/// What the last look found of the thing that is about to change.
#[derive(Debug, Clone, PartialEq)]
pub enum Current {
    /// The endpoint, if it exists.
    Endpoint(Option<Endpoint>),
    /// The inference component, if it exists.
    Component(Option<RunningComponent>),
}

/// How it is, compared with how it was when the call was decided upon.
enum DriftSinceDecision {
    /// As it was: nobody has changed it, and neither have we.
    Same,
    /// It has what is asked for, or is on its way there.
    Ours(Reason),
    /// Something else.
    Changed(Reason),
}

/// Why a call to SageMaker is no longer safe; `None` if it is, or if nothing of ours would change.
///
/// What has changed since the decision is looked at again before anything is said about it, even that its approval is
/// gone: it may be this same plan that changed it, before a crash.
#[must_use]
pub fn precondition(
    state: &State,
    step: &Step<Action>,
    approval: &ApprovalStatus,
    found: &Current,
) -> Option<Reason> {
    let in_flight = state.in_flight.as_ref()?;
    let since = match (step, found) {
        (
            Step::Call(
                Action::CreateEndpoint { name, config, .. } | Action::UpdateEndpoint { name, config, .. },
            ),
            Current::Endpoint(endpoint),
        ) => of_endpoint(in_flight, name, config, endpoint.as_ref()),
        (Step::Call(Action::CreateComponent { component }), Current::Component(Some(running))) => {
            of_new_component(in_flight, component, running)
        }
        (
            Step::Call(Action::CreateComponent { component } | Action::UpdateComponent { component }),
            Current::Component(running),
        ) => of_component(in_flight, &component.name, running.as_ref()),
        _ => DriftSinceDecision::Same,
    };
    let forbidden = || match (approval, state.hold()) {
        (ApprovalStatus::Approved, hold) => hold.map(Hold::why),
        (other, _) => {
            let arn = in_flight.request.package_arn.clone();
            Some(Reason::NotApproved { arn, status: other.to_string() })
        }
    };
    match since {
        DriftSinceDecision::Same => forbidden(),
        DriftSinceDecision::Ours(busy) => forbidden().map(|_| busy),
        DriftSinceDecision::Changed(busy) => Some(busy),
    }
}

fn of_endpoint(
    in_flight: &InFlight,
    name: &str,
    config: &str,
    endpoint: Option<&Endpoint>,
) -> DriftSinceDecision {
    let busy = |status: String| Reason::EndpointBusy { endpoint: name.to_owned(), status };
    let Some(endpoint) = endpoint else {
        return if in_flight.endpoint_modified_before.is_none() {
            DriftSinceDecision::Same
        } else {
            DriftSinceDecision::Changed(busy(gone()))
        };
    };
    let serves = endpoint.status == EndpointStatus::InService;
    let at = endpoint.last_modified;
    if serves && at == in_flight.endpoint_modified_before {
        return DriftSinceDecision::Same;
    }
    let status = busy(if serves { changed(at) } else { endpoint.status.to_string() });
    if endpoint.heads_for() == Some(config) {
        DriftSinceDecision::Ours(status)
    } else {
        DriftSinceDecision::Changed(status)
    }
}

/// What a new component is made of, SageMaker says from the beginning: if it is what the plan asks for, an earlier attempt
/// has asked for it, and asking again changes nothing.
fn of_new_component(
    in_flight: &InFlight,
    wanted: &Component,
    running: &RunningComponent,
) -> DriftSinceDecision {
    let as_asked = matches!(running.status, ComponentStatus::Creating | ComponentStatus::InService);
    match of_component(in_flight, &wanted.name, Some(running)) {
        DriftSinceDecision::Changed(busy) if as_asked && running.runs(wanted) => {
            DriftSinceDecision::Ours(busy)
        }
        since => since,
    }
}

/// What a component that is changing will be, SageMaker does not say.
fn of_component(in_flight: &InFlight, name: &str, running: Option<&RunningComponent>) -> DriftSinceDecision {
    let busy = |status: String| {
        DriftSinceDecision::Changed(Reason::ComponentBusy { component: name.to_owned(), status })
    };
    match running {
        None if in_flight.component_modified_before.is_none() => DriftSinceDecision::Same,
        None => busy(gone()),
        Some(running) if running.status != ComponentStatus::InService => busy(running.status.to_string()),
        Some(running) if running.last_modified == in_flight.component_modified_before => {
            DriftSinceDecision::Same
        }
        Some(running) => busy(changed(running.last_modified)),
    }
}

fn gone() -> String {
    "not there any more".to_owned()
}

fn changed(at: Option<jiff::Timestamp>) -> String {
    match at {
        Some(at) => format!("InService, and was changed at {at}"),
        None => "InService, and was changed".to_owned(),
    }
}

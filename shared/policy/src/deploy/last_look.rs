//! The last look before SageMaker is told to change something.

use tidegate_events::{ApprovalStatus, EndpointStatus};

use super::target::Component;
use super::{Action, ComponentStatus, Endpoint, InFlight, RunningComponent, State};
use crate::hold::Hold;
use crate::reason::Reason;

/// What the last look found of the thing that is about to change.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The endpoint, if it exists.
    Endpoint(Option<Endpoint>),
    /// The inference component, if it exists.
    Component(Option<RunningComponent>),
}

/// How it is, compared with how it was when the call was decided upon.
enum Since {
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
pub fn last_look(state: &State, action: &Action, approval: &ApprovalStatus, found: &Found) -> Option<Reason> {
    let in_flight = state.in_flight.as_ref()?;
    let since = match (action, found) {
        (
            Action::CreateEndpoint { name, config, .. } | Action::UpdateEndpoint { name, config, .. },
            Found::Endpoint(endpoint),
        ) => of_endpoint(in_flight, name, config, endpoint.as_ref()),
        (Action::CreateComponent { component }, Found::Component(Some(running))) => {
            of_new_component(in_flight, component, running)
        }
        (
            Action::CreateComponent { component } | Action::UpdateComponent { component },
            Found::Component(running),
        ) => of_component(in_flight, &component.name, running.as_ref()),
        _ => Since::Same,
    };
    let forbidden = || match (approval, state.hold()) {
        (ApprovalStatus::Approved, hold) => hold.map(Hold::why),
        (other, _) => {
            let arn = in_flight.request.package_arn.clone();
            Some(Reason::NotApproved { arn, status: other.to_string() })
        }
    };
    match since {
        Since::Same => forbidden(),
        Since::Ours(busy) => forbidden().map(|_| busy),
        Since::Changed(busy) => Some(busy),
    }
}

fn of_endpoint(in_flight: &InFlight, name: &str, config: &str, endpoint: Option<&Endpoint>) -> Since {
    let busy = |status: String| Reason::EndpointBusy { endpoint: name.to_owned(), status };
    let Some(endpoint) = endpoint else {
        return if in_flight.endpoint_modified_before.is_none() {
            Since::Same
        } else {
            Since::Changed(busy(gone()))
        };
    };
    let serves = endpoint.status == EndpointStatus::InService;
    let at = endpoint.last_modified;
    if serves && at == in_flight.endpoint_modified_before {
        return Since::Same;
    }
    let status = busy(if serves { changed(at) } else { endpoint.status.to_string() });
    if endpoint.heads_for() == Some(config) { Since::Ours(status) } else { Since::Changed(status) }
}

/// What a new component is made of, SageMaker says from the beginning: if it is what the plan asks for, an earlier attempt
/// has asked for it, and asking again changes nothing.
fn of_new_component(in_flight: &InFlight, wanted: &Component, running: &RunningComponent) -> Since {
    let as_asked = matches!(running.status, ComponentStatus::Creating | ComponentStatus::InService);
    match of_component(in_flight, &wanted.name, Some(running)) {
        Since::Changed(busy) if as_asked && running.runs(wanted) => Since::Ours(busy),
        since => since,
    }
}

/// What a component that is changing will be, SageMaker does not say.
fn of_component(in_flight: &InFlight, name: &str, running: Option<&RunningComponent>) -> Since {
    let busy = |status: String| Since::Changed(Reason::ComponentBusy { component: name.to_owned(), status });
    match running {
        None if in_flight.component_modified_before.is_none() => Since::Same,
        None => busy(gone()),
        Some(running) if running.status != ComponentStatus::InService => busy(running.status.to_string()),
        Some(running) if running.last_modified == in_flight.component_modified_before => Since::Same,
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

//! The check immediately before SageMaker changes something.

use tidegate_events::EndpointStatus;

use super::withdrawn::not_as_approved;
use super::{Action, Endpoint, InFlight, State};
use crate::endpoint::{Component, ComponentStatus, RunningComponent};
use crate::hold::Hold;
use crate::promote::Package;
use crate::reason::Reason;
use crate::step::Step;

/// The current state of the resource that is about to change.
#[derive(Debug, Clone, PartialEq)]
pub enum Current {
    /// The endpoint, if it exists.
    Endpoint(Option<Endpoint>),
    /// The inference component, if it exists.
    Component(Option<RunningComponent>),
}

/// How the resource differs from its state at the time of the decision.
enum DriftSinceDecision {
    /// No difference: neither anyone else nor Tidegate has changed it.
    Same,
    /// It has the requested configuration, or an update to it is in progress.
    Ours(Reason),
    /// Any other difference.
    Changed(Reason),
}

/// Why a call to SageMaker is no longer safe; `None` if it is safe, or if it would change none of our resources.
///
/// A resource that has changed since the decision is checked again before any other result is reported, even a
/// withdrawn approval: this same plan may have changed it before a crash.
#[must_use]
pub fn precondition(
    state: &State,
    step: &Step<Action>,
    package: &Package,
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
        (Step::Call(Action::CreateComponent { component, .. }), Current::Component(Some(running))) => {
            of_new_component(in_flight, component, running)
        }
        (
            Step::Call(Action::CreateComponent { component, .. } | Action::UpdateComponent { component, .. }),
            Current::Component(running),
        ) => of_component(in_flight, &component.name, running.as_ref()),
        (Step::Call(Action::DeleteEndpoint { name, created }), Current::Endpoint(Some(found))) => {
            let status = format!("{}, created at {:?}", found.status, found.created);
            let same = found.status == EndpointStatus::Failed && found.created == Some(*created);
            still(same, Reason::EndpointBusy { endpoint: name.clone(), status })
        }
        (Step::Call(Action::DeleteComponent { name, created }), Current::Component(Some(found))) => {
            let same = found.created == Some(*created);
            still(same, Reason::ComponentBusy { component: name.clone(), status: found.status.to_string() })
        }
        _ => DriftSinceDecision::Same,
    };
    let forbidden = || {
        not_as_approved(in_flight, Some(&package.approval), package.artifacts.as_ref())
            .or_else(|| state.hold().map(Hold::why))
    };
    match since {
        DriftSinceDecision::Same => forbidden(),
        DriftSinceDecision::Ours(busy) => forbidden().map(|_| busy),
        DriftSinceDecision::Changed(busy) => Some(busy),
    }
}

/// Whether what is deleted is still what it was at the time of the decision.
fn still(same: bool, otherwise: Reason) -> DriftSinceDecision {
    if same { DriftSinceDecision::Same } else { DriftSinceDecision::Changed(otherwise) }
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

/// SageMaker describes the specification of a new component from the beginning. If it matches the plan, an earlier
/// attempt made the call, and repeating the call changes nothing.
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

/// SageMaker does not describe the future specification of a component that is being updated.
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

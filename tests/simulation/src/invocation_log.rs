//! The log of invocations, for the checker.

use std::sync::Arc;

use tidegate_engine::{EngineError, Outcome};
use tidegate_events::Event;
use tidegate_scenarios::Published;

use crate::event_bus::Delivery;
use crate::faults::InvocationId;
use crate::site::SiteId;

/// One invocation of a function.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) site: SiteId,
    pub(crate) function: &'static str,
    /// Whether other invocations ran during a pause.
    pub(crate) was_paused: bool,
    /// The event.
    pub(crate) event: Arc<Event>,
}

/// An event that a function has processed.
#[derive(Debug, Clone)]
pub(crate) struct Processed {
    pub(crate) delivery: Delivery,
    pub(crate) outcomes: Vec<Outcome>,
}

/// The invocations of a history, and what happened since the last check.
#[derive(Default)]
pub(crate) struct InvocationLog {
    pub(crate) invocations: Vec<Invocation>,
    /// The events published since the last check.
    pub(crate) published: Vec<(SiteId, Published)>,
    /// The events processed since the last check.
    pub(crate) processed: Vec<Processed>,
    /// The errors of functions since the last check.
    pub(crate) errors: Vec<(Delivery, &'static str, String)>,
}

impl InvocationLog {
    pub(crate) fn begin(&mut self, invocation: Invocation) -> InvocationId {
        self.invocations.push(invocation);
        self.invocations.len() - 1
    }

    pub(crate) fn paused(&mut self, number: InvocationId) {
        if let Some(invocation) = self.invocations.get_mut(number) {
            invocation.was_paused = true;
        }
    }

    pub(crate) fn ended(&mut self, delivery: &Delivery, outcomes: &[Outcome]) {
        self.processed.push(Processed { delivery: delivery.clone(), outcomes: outcomes.to_vec() });
    }

    pub(crate) fn failed(&mut self, delivery: &Delivery, error: &EngineError) {
        self.errors.push((delivery.clone(), error.kind(), error.to_string()));
    }

    pub(crate) fn published(&mut self, site: SiteId, event: &Published) {
        self.published.push((site, event.clone()));
    }
}

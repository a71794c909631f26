//! What the checker may know: who was invoked, what was pushed, what was published.

use std::sync::Arc;

use tidegate_engine::{EngineError, Outcome};
use tidegate_events::Event;
use tidegate_scenarios::Published;

use crate::fortune::Number;
use crate::place::Where;
use crate::post::Parcel;

/// One attempt of a function.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) place: Where,
    pub(crate) function: &'static str,
    /// Whether others went on while it waited.
    pub(crate) was_paused: bool,
    /// What it was told.
    pub(crate) event: Arc<Event>,
}

/// An event that a function has dealt with.
#[derive(Debug, Clone)]
pub(crate) struct Dealt {
    pub(crate) parcel: Parcel,
    pub(crate) outcomes: Vec<Outcome>,
}

/// The book of a history.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) invocations: Vec<Invocation>,
    /// What was published since the checker looked last.
    pub(crate) published: Vec<(Where, Published)>,
    /// What was dealt with since the checker looked last.
    pub(crate) dealt: Vec<Dealt>,
    /// Errors that no fault explains, since the checker looked last.
    pub(crate) errors: Vec<(Parcel, &'static str, String)>,
}

impl Book {
    pub(crate) fn begin(&mut self, invocation: Invocation) -> Number {
        self.invocations.push(invocation);
        self.invocations.len() - 1
    }

    pub(crate) fn paused(&mut self, number: Number) {
        if let Some(invocation) = self.invocations.get_mut(number) {
            invocation.was_paused = true;
        }
    }

    pub(crate) fn ended(&mut self, parcel: &Parcel, outcomes: &[Outcome]) {
        self.dealt.push(Dealt { parcel: parcel.clone(), outcomes: outcomes.to_vec() });
    }

    pub(crate) fn failed(&mut self, parcel: &Parcel, error: &EngineError) {
        self.errors.push((parcel.clone(), error.kind(), error.to_string()));
    }

    pub(crate) fn published(&mut self, place: Where, event: &Published) {
        self.published.push((place, event.clone()));
    }
}

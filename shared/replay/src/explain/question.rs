//! The input of an explanation.

use jiff::Timestamp;
use tidegate_engine::FunctionSpec;
use tidegate_events::Event;
use tidegate_policy::file::Policy;
use tidegate_testkit::scenario::Setup;

/// A question: which decision would be made about this event?
#[derive(Debug, Clone)]
pub struct Question<'q> {
    /// The applied policies.
    pub policies: &'q [Policy],
    /// The event.
    pub event: &'q Event,
    /// The state and the data that is read.
    pub setup: &'q Setup,
    /// The time of the invocation; the event's own time if absent.
    pub now: Option<Timestamp>,
    /// Evaluate only this function, even if its rules would not send it the event.
    pub function: Option<&'static FunctionSpec>,
    /// The site; missing parts are taken from the policies and the event.
    pub place: Place<'q>,
    /// The Lambda request ID; the record of a sweep contains it.
    pub request_id: &'q str,
}

/// The site of a function, as far as it was given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'p> {
    /// The environment; `hub` for the hub.
    pub environment: Option<&'p str>,
    /// The account.
    pub account: Option<&'p str>,
    /// The region.
    pub region: Option<&'p str>,
    /// The hub's account.
    pub hub_account: Option<&'p str>,
}

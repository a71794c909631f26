//! What is asked.

use jiff::Timestamp;
use tidegate_engine::FunctionSpec;
use tidegate_events::Event;
use tidegate_policy::file::Policy;
use tidegate_testkit::scenario::Setup;

/// A question: what would be decided about this event?
#[derive(Debug, Clone)]
pub struct Question<'q> {
    /// The policies that are applied.
    pub policies: &'q [Policy],
    /// The event.
    pub event: &'q Event,
    /// What is remembered and found.
    pub setup: &'q Setup,
    /// When it happens; the event's own time where it is not said.
    pub now: Option<Timestamp>,
    /// Only this function, whether its rules would hand it the event or not.
    pub function: Option<&'static FunctionSpec>,
    /// Where; what is not said is taken from the policies and the event.
    pub place: Place<'q>,
    /// The Lambda request id; sweeps have it in their record.
    pub request_id: &'q str,
}

/// Where a function runs, as far as somebody said it.
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

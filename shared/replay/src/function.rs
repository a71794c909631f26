//! The functions, and which events reach them.

use tidegate_events::{AlarmChanged, Body, Event, Scheduled};

/// The functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// A commit or a request starts a pipeline.
    Train,
    /// Which version goes where.
    Promote,
    /// An endpoint becomes what was requested.
    Deploy,
    /// What drift leads to.
    Respond,
    /// To zero and back.
    Scale,
}

use Function::{Deploy, Promote, Respond, Scale, Train};

impl Function {
    /// All of them.
    pub const ALL: &[Self] = &[Train, Promote, Deploy, Respond, Scale];

    /// Its name: that of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Train => tidegate_train::NAME,
            Promote => tidegate_promote::NAME,
            Deploy => tidegate_deploy::NAME,
            Respond => tidegate_respond::NAME,
            Scale => tidegate_scale::NAME,
        }
    }

    /// The function of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }

    /// Whether it runs in the hub; the others run in each environment.
    #[must_use]
    pub fn is_hubs(self) -> bool {
        matches!(self, Train | Promote)
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The metrics of an alarm that asks for capacity. The templates hand such an alarm to scale and not to respond.
const WAKES: &[&str] = &["NoCapacityInvocationFailures", "HasBacklogWithoutCapacity"];

/// The functions that the rules and schedules of `infra/` hand an event to; a test compares this with the templates.
///
/// Two things the templates know better: a rule names its own stack's alarms, which never come here, and the account of
/// the hub, which the caller compares.
#[must_use]
pub fn wanted_by(event: &Event) -> &'static [Function] {
    match &event.body {
        Body::CommitPushed(_) | Body::RetrainingRequested(_) => &[Train],
        Body::ModelPackageChanged(_) | Body::DeploymentFinished(_) | Body::ApprovalGiven(_) => &[Promote],
        Body::HoldPlaced(_) | Body::HoldReleased(_) => &[Promote, Deploy],
        Body::DeploymentRequested(_) | Body::EndpointChanged(_) => &[Deploy],
        Body::Scheduled(Scheduled::Check(check)) => named_alone(&check.function),
        Body::AlarmChanged(alarm) => of_alarm(alarm),
        Body::ObjectCreated(object) if object.key.ends_with("constraint_violations.json") => &[Respond],
        Body::DriftObserved(_) => &[Respond],
        // A tick does not say whom it is for; scale is the only function that a schedule ticks.
        Body::Tick(_) => &[Scale],
        Body::Scheduled(Scheduled::Reconcile) => Function::ALL,
        Body::ObjectCreated(_) | Body::PipelineExecutionChanged(_) | Body::Other => &[],
    }
}

/// The function that scheduled a check for itself.
fn named_alone(name: &str) -> &'static [Function] {
    match Function::named(name) {
        Some(Promote) => &[Promote],
        Some(Deploy) => &[Deploy],
        Some(Respond) => &[Respond],
        Some(Train) => &[Train],
        Some(Scale) => &[Scale],
        None => &[],
    }
}

/// An alarm over several metrics may be for both. A composite alarm has none.
fn of_alarm(alarm: &AlarmChanged) -> &'static [Function] {
    let wakes = |name: &str| WAKES.contains(&name);
    let asks = alarm.metrics.iter().any(|metric| wakes(&metric.name));
    let tells = alarm.metrics.is_empty() || alarm.metrics.iter().any(|metric| !wakes(&metric.name));
    match (tells, asks) {
        (true, true) => &[Respond, Scale],
        (true, false) => &[Respond],
        (false, _) => &[Scale],
    }
}

//! The external effects of the steps of a plan.

use jiff::Timestamp;
use std::fmt::Debug;
use tidegate_events::{
    DeploymentFinished, DeploymentRequested, DeploymentWaiting, EndpointHealthChanged, Order,
    RetrainingFinished, RetrainingRequested, ScheduledCheck,
};

use crate::step::{NoCall, Step};

/// The external effect of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Effect<'s> {
    /// People are notified.
    Notify,
    /// The function is invoked again at a time.
    ScheduleCheck { at: Timestamp, check: &'s ScheduledCheck },
    /// A deployment is requested in an environment.
    RequestDeployment(&'s DeploymentRequested),
    /// The end of a deployment is reported to the hub.
    ReportDeployment(&'s DeploymentFinished),
    /// The hub is told what a deployment waits for.
    AnswerWaiting(&'s DeploymentWaiting),
    /// The hub is told what became of a live version.
    ReportHealth(&'s EndpointHealthChanged),
    /// A retraining is requested from the hub.
    RequestRetraining(&'s RetrainingRequested),
    /// The end of a retraining is reported to its environment.
    ReportRetraining(&'s RetrainingFinished),
    /// The command of a person is passed on.
    Command(&'s Order),
    /// A text for people is written to a resource.
    Annotate { resource: &'s str },
    /// A resource is created that has no effect until another one uses it. Its name begins with the other resource's
    /// name.
    Prepare { name: &'s str },
    /// A resource that trains or serves changes.
    Change { resource: &'s str, change: Change },
}

/// How a resource changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is created or updated from a definition.
    Define,
    /// It is started once.
    Start,
    /// The limits of its number of copies are set.
    SetLimits { min: u32, max: u32 },
    /// Its number of copies is set.
    SetCopies(u32),
    /// It is deleted.
    Delete,
    /// A version is rejected in the registry.
    Reject,
}

impl Effect<'_> {
    /// Whether it changes something in AWS, or makes another function do so.
    pub(crate) fn acts(&self) -> bool {
        match self {
            Self::RequestDeployment(_)
            | Self::RequestRetraining(_)
            | Self::Command(_)
            | Self::Prepare { .. }
            | Self::Change { .. } => true,
            Self::Notify
            | Self::ScheduleCheck { .. }
            | Self::ReportDeployment(_)
            | Self::AnswerWaiting(_)
            | Self::ReportHealth(_)
            | Self::ReportRetraining(_)
            | Self::Annotate { .. } => false,
        }
    }

    /// Whether it removes all capacity, or permits that.
    pub(crate) fn scales_to_zero(&self) -> bool {
        matches!(self, Self::Change { change: Change::SetLimits { min: 0, .. } | Change::SetCopies(0), .. })
    }
}

/// A call that only one function makes.
pub(crate) trait HasEffect: Debug + PartialEq {
    /// The external effect of the call.
    fn effect(&self) -> Effect<'_>;
}

impl HasEffect for NoCall {
    fn effect(&self) -> Effect<'_> {
        match *self {}
    }
}

/// The external effect of a step.
pub(crate) fn effect<C: HasEffect>(step: &Step<C>) -> Effect<'_> {
    match step {
        Step::Notify { .. } => Effect::Notify,
        Step::ScheduleCheck { at, check, .. } => Effect::ScheduleCheck { at: *at, check },
        Step::RequestDeployment { request } => Effect::RequestDeployment(request),
        Step::ReportDeployment { finished } => Effect::ReportDeployment(finished),
        Step::AnswerWaiting { waiting } => Effect::AnswerWaiting(waiting),
        Step::ReportHealth { changed } => Effect::ReportHealth(changed),
        Step::RequestRetraining { request } => Effect::RequestRetraining(request),
        Step::ReportRetraining { finished } => Effect::ReportRetraining(finished),
        Step::PublishCommand { order } => Effect::Command(order),
        Step::Call(call) => call.effect(),
    }
}

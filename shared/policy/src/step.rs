//! The steps of a plan: common steps of all functions, and calls that only one function makes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_events::{
    Contract, DeploymentFinished, DeploymentRequested, DeploymentWaiting, EndpointHealthChanged, Order,
    RetrainingFinished, RetrainingRequested, ScheduledCheck, to_detail,
};

/// One step of a plan. `C` is the type of one function's calls; the engine carries out all other steps itself.
///
/// A common step and a call have the same JSON structure: an object with a field `action`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Step<C> {
    /// Send a message to the account's alert topic.
    Notify {
        /// The subject, at most 100 characters.
        subject: String,
        /// The message.
        message: String,
    },
    /// Invoke the function again at a given time.
    ScheduleCheck {
        /// The name of the schedule. The same decision always has the same name.
        name: String,
        /// The time of the invocation.
        at: Timestamp,
        /// The check to make.
        #[serde(flatten)]
        check: ScheduledCheck,
    },
    /// Publish `Deployment Requested`: request a deployment in an environment.
    RequestDeployment {
        /// The request, sent unchanged.
        request: DeploymentRequested,
    },
    /// Publish `Deployment Finished`: report the end of a deployment to the hub.
    ReportDeployment {
        /// The report, sent unchanged.
        finished: DeploymentFinished,
    },
    /// Publish `Deployment Waiting`: answer a repeated request while its deployment has not ended.
    AnswerWaiting {
        /// The answer, sent unchanged.
        waiting: DeploymentWaiting,
    },
    /// Publish `Endpoint Health Changed`: tell the hub what became of a live version.
    ReportHealth {
        /// The report, sent unchanged.
        changed: EndpointHealthChanged,
    },
    /// Publish `Retraining Requested`: request a retraining from the hub.
    RequestRetraining {
        /// The request, sent unchanged.
        request: RetrainingRequested,
    },
    /// Publish `Retraining Finished`: report the end of a retraining to the environment that requested it.
    ReportRetraining {
        /// The report, sent unchanged.
        finished: RetrainingFinished,
    },
    /// Publish the command of a person, in the name of the caller that AWS has authenticated.
    PublishCommand {
        /// The command. One that no function handles is not published.
        order: Order,
    },
    /// A call that only this function makes.
    #[serde(untagged)]
    Call(C),
}

impl<C> Step<C> {
    /// The detail-type and the detail of the event that the step publishes, if it publishes one.
    #[must_use]
    pub fn event(&self) -> Option<(&'static str, Value)> {
        fn of<T: Contract + Serialize>(event: &T) -> Option<(&'static str, Value)> {
            Some((T::DETAIL_TYPE, to_detail(event)))
        }
        match self {
            Self::RequestDeployment { request } => of(request),
            Self::ReportDeployment { finished } => of(finished),
            Self::AnswerWaiting { waiting } => of(waiting),
            Self::ReportHealth { changed } => of(changed),
            Self::RequestRetraining { request } => of(request),
            Self::ReportRetraining { finished } => of(finished),
            Self::PublishCommand { order } => order.event(),
            Self::Notify { .. } | Self::ScheduleCheck { .. } | Self::Call(_) => None,
        }
    }

    /// Whether it notifies people. If it is permanently rejected, the invocation must fail, because nobody could be
    /// notified.
    #[must_use]
    pub fn is_notify(&self) -> bool {
        matches!(self, Self::Notify { .. })
    }

    /// The function's own call, if it is one.
    #[must_use]
    pub fn call(&self) -> Option<&C> {
        match self {
            Self::Call(call) => Some(call),
            Self::Notify { .. }
            | Self::ScheduleCheck { .. }
            | Self::RequestDeployment { .. }
            | Self::ReportDeployment { .. }
            | Self::AnswerWaiting { .. }
            | Self::ReportHealth { .. }
            | Self::RequestRetraining { .. }
            | Self::ReportRetraining { .. }
            | Self::PublishCommand { .. } => None,
        }
    }
}

/// The call type of a function without calls of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoCall {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "action", rename_all = "snake_case")]
    enum Own {
        Restart { name: String },
    }

    #[test]
    fn every_step_is_an_object_with_an_action() {
        let check = ScheduledCheck {
            function: "promote".to_owned(),
            model: "churn".to_owned(),
            environment: "staging".to_owned(),
            subject: "7".to_owned(),
        };
        let steps = [
            (
                Step::Notify { subject: "s".to_owned(), message: "m".to_owned() },
                json!({"action": "notify", "subject": "s", "message": "m"}),
            ),
            (
                Step::ScheduleCheck { name: "n".to_owned(), at: Timestamp::UNIX_EPOCH, check },
                json!({"action": "schedule_check", "name": "n", "at": "1970-01-01T00:00:00Z", "function": "promote",
                    "model": "churn", "environment": "staging", "subject": "7"}),
            ),
            (Step::Call(Own::Restart { name: "n".to_owned() }), json!({"action": "restart", "name": "n"})),
        ];
        for (step, value) in steps {
            assert_eq!(serde_json::to_value(&step).unwrap(), value);
            assert_eq!(serde_json::from_value::<Step<Own>>(value).unwrap(), step);
        }
        assert!(serde_json::from_value::<Step<NoCall>>(json!({"action": "restart", "name": "n"})).is_err());
    }
}

//! The clients that only the command line needs: a stack with its resources, and its dead-letter queues.
//!
//! No function uses them, so they implement no port.

mod alarms;
mod functions;
mod letters;
mod recurring;
mod rules;
mod stacks;

pub use alarms::{AlarmState, StackAlarms};
pub use functions::{Answer, Functions};
pub use letters::{DeadLetters, Letter};
pub use recurring::RecurringSchedules;
pub use rules::{Rule, Rules};
pub use stacks::{Resource, Stack, Stacks};

use crate::Aws;

impl Aws {
    /// Returns the CloudFormation stacks.
    #[must_use]
    pub fn stacks(&self) -> Stacks {
        Stacks::new(aws_sdk_cloudformation::Client::new(&self.config))
    }

    /// Returns the Lambda functions.
    #[must_use]
    pub fn functions(&self) -> Functions {
        Functions::new(aws_sdk_lambda::Client::new(&self.config))
    }

    /// Returns the dead-letter queues.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(aws_sdk_sqs::Client::new(&self.config))
    }

    /// Returns the rules and buses of EventBridge.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules::new(aws_sdk_eventbridge::Client::new(&self.config))
    }

    /// Returns the recurring schedules.
    #[must_use]
    pub fn recurring_schedules(&self) -> RecurringSchedules {
        RecurringSchedules::new(aws_sdk_scheduler::Client::new(&self.config))
    }

    /// Returns the alarms of a stack.
    #[must_use]
    pub fn stack_alarms(&self) -> StackAlarms {
        StackAlarms::new(aws_sdk_cloudwatch::Client::new(&self.config))
    }
}

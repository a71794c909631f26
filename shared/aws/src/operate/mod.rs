//! The clients that only the command line needs: a stack with its resources, and its dead-letter queues.
//!
//! No function uses them, so they implement no port.

#[cfg(feature = "operate")]
mod alarms;
#[cfg(feature = "commands")]
mod commands;
mod deployments;
#[cfg(feature = "operate")]
mod functions;
#[cfg(feature = "operate")]
mod letters;
#[cfg(feature = "operate")]
mod recurring;
#[cfg(feature = "operate")]
mod rules;
#[cfg(feature = "operate")]
mod stacks;

#[cfg(feature = "operate")]
pub use alarms::{AlarmState, StackAlarms};
#[cfg(feature = "commands")]
pub use commands::{CommandAnswer, Commands};
pub use deployments::{Deployed, Deployments, Failed, Wanted};
#[cfg(feature = "operate")]
pub use functions::{Answer, Functions};
#[cfg(feature = "operate")]
pub use letters::{DeadLetters, Letter};
#[cfg(feature = "operate")]
pub use recurring::RecurringSchedules;
#[cfg(feature = "operate")]
pub use rules::{Rule, Rules};
#[cfg(feature = "operate")]
pub use stacks::{Resource, Stack, Stacks};

use crate::Aws;

impl Aws {
    /// Returns the deployments of stacks.
    #[must_use]
    pub fn deployments(&self) -> Deployments {
        Deployments::new(
            aws_sdk_cloudformation::Client::new(&self.config),
            self.s3_for_uploads(),
            aws_sdk_dynamodb::Client::new(&self.config),
        )
    }
}

#[cfg(feature = "commands")]
impl Aws {
    /// Returns the function URL that takes the commands of people.
    #[must_use]
    pub fn commands(&self, url: &str) -> Commands {
        Commands::new(self.config.clone(), url)
    }
}

#[cfg(feature = "operate")]
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

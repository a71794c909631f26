//! The recurring schedules of the functions.

use aws_sdk_scheduler::Client;
use tidegate_engine::CallError;

use crate::error::failed;

/// Amazon EventBridge Scheduler.
#[derive(Debug, Clone)]
pub struct RecurringSchedules {
    client: Client,
}

impl RecurringSchedules {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns the state of a schedule, such as `ENABLED`, or `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn state(&self, group: &str, name: &str) -> Result<Option<String>, CallError> {
        let answer = self.client.get_schedule().group_name(group).name(name).send().await;
        match answer.map_err(failed("scheduler", "GetSchedule")) {
            Ok(schedule) => {
                Ok(Some(schedule.state().map(|state| state.as_str().to_owned()).unwrap_or_default()))
            }
            Err(failure) if failure.is("ResourceNotFoundException") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

//! The schedules that tick and sweep.

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

    /// The state of a schedule, such as `ENABLED`; `None` if it is not there.
    ///
    /// # Errors
    /// If Scheduler cannot be asked.
    pub async fn state(&self, group: &str, name: &str) -> Result<Option<String>, CallError> {
        let asked = self.client.get_schedule().group_name(group).name(name).send().await;
        match asked.map_err(failed("scheduler", "GetSchedule")) {
            Ok(schedule) => {
                Ok(Some(schedule.state().map(|state| state.as_str().to_owned()).unwrap_or_default()))
            }
            Err(failure) if failure.is("ResourceNotFoundException") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

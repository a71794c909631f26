//! The alarms of a stack for its own functions.

use aws_sdk_cloudwatch::Client;
use tidegate_engine::CallError;

use crate::error::failed;

/// The largest number of names in one call.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
const NAMES: usize = 100;

/// Amazon CloudWatch.
#[derive(Debug, Clone)]
pub struct StackAlarms {
    client: Client,
}

/// The current state of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlarmState {
    /// The name of the alarm.
    pub name: String,
    /// The state, such as `OK`.
    pub state: String,
    /// The reason for the state.
    pub reason: String,
}

impl StackAlarms {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns those metric alarms that exist.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn states(&self, names: &[String]) -> Result<Vec<AlarmState>, CallError> {
        let mut found = Vec::new();
        // Make no call without names: for CloudWatch, an empty list means every alarm of the account.
        for names in names.chunks(NAMES) {
            let answer = self
                .client
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .max_records(i32::try_from(NAMES).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(failed("cloudwatch", "DescribeAlarms"))?;
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            found.extend(answer.metric_alarms().iter().map(|alarm| AlarmState {
                name: text(alarm.alarm_name()),
                state: text(alarm.state_value().map(|state| state.as_str())),
                reason: text(alarm.state_reason()),
            }));
        }
        Ok(found)
    }
}

//! One-time schedules that invoke the function again.

use async_trait::async_trait;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, Target,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_engine::{CallError, ports::Schedules};
use tidegate_policy::fingerprint::{fingerprint, short};

use crate::error::{failed, refused};

const SERVICE: &str = "scheduler";
const CREATE: &str = "CreateSchedule";
const LONGEST_NAME: usize = 64;
/// The earliest time from now. EventBridge Scheduler rejects a time that has passed when the call arrives, so a past
/// time becomes this one.
const SOONEST: SignedDuration = SignedDuration::from_secs(2);

/// Amazon EventBridge Scheduler.
#[derive(Debug, Clone)]
pub struct OneTimeSchedules {
    client: Client,
    group: String,
    role_arn: String,
    target_arn: String,
    queue_arn: String,
}

impl OneTimeSchedules {
    pub(crate) fn new(
        client: Client,
        group: &str,
        role_arn: &str,
        target_arn: &str,
        queue_arn: &str,
    ) -> Self {
        Self {
            client,
            group: group.to_owned(),
            role_arn: role_arn.to_owned(),
            target_arn: target_arn.to_owned(),
            queue_arn: queue_arn.to_owned(),
        }
    }
}

#[async_trait]
impl Schedules for OneTimeSchedules {
    async fn schedule_at(&self, name: &str, at: Timestamp, input: &Value) -> Result<(), CallError> {
        let input = input.to_string();
        // The token depends on the requested time and not on the current time, so that a retry is the same call.
        let token = fingerprint(&["schedule", &self.group, name, &at.to_string(), &input]);
        let letters = DeadLetterConfig::builder().arn(&self.queue_arn).build();
        let target = Target::builder().arn(&self.target_arn).role_arn(&self.role_arn).input(input);
        let target = target.dead_letter_config(letters).build();
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
        let answer = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(legal_name(name))
            .schedule_expression(expression(at, Timestamp::now()))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window.map_err(|error| refused(SERVICE, CREATE, error))?)
            .target(target.map_err(|error| refused(SERVICE, CREATE, error))?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .client_token(token)
            .send()
            .await;
        match answer.map_err(failed(SERVICE, CREATE)) {
            Ok(_) => Ok(()),
            Err(failure) if failure.is("ConflictException") => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// The expression `at(…)` in whole seconds, rounded up.
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>
fn expression(at: Timestamp, now: Timestamp) -> String {
    let soonest = now.checked_add(SOONEST).unwrap_or(Timestamp::MAX);
    let at = at.max(soonest);
    let fraction = i64::from(at.subsec_nanosecond() > 0);
    let whole = Timestamp::from_second(at.as_second().saturating_add(fraction)).unwrap_or(at);
    format!("at({})", whole.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// Converts a name to the scheduler's format, `[0-9a-zA-Z-_.]{1,64}`. A name that was changed gets a fingerprint of the
/// original, so that two names stay different.
fn legal_name(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(legal) {
        return name.to_owned();
    }
    let mark = short(&[name], 10);
    let kept: String = name.chars().filter(|c| legal(*c)).take(LONGEST_NAME - 11).collect();
    format!("{kept}-{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_and_never_past() {
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let told = |text: &str| expression(text.parse().unwrap(), now);
        assert_eq!(told("2026-03-02T09:30:00Z"), "at(2026-03-02T09:30:00)");
        assert_eq!(told("2026-03-02T09:30:00.001Z"), "at(2026-03-02T09:30:01)");
        assert_eq!(told("2026-03-02T09:00:00Z"), "at(2026-03-02T09:00:02)");
        assert_eq!(told("2020-01-01T00:00:00Z"), "at(2026-03-02T09:00:02)");
    }

    #[test]
    fn names_are_made_legal_and_stay_apart() {
        assert_eq!(legal_name("check-1-churn"), "check-1-churn");
        let (left, right) = (legal_name(&"a".repeat(65)), legal_name(&"a".repeat(66)));
        assert_eq!((left.len(), right.len()), (64, 64));
        assert_ne!(left, right);
        assert_ne!(legal_name("a b"), legal_name("ab"));
        assert!(legal_name("soak/ü:1").chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
}

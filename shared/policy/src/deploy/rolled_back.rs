//! What SageMaker rolled back: the end of such a deployment, and whether an alarm was the cause.
//!
//! `DescribeEndpoint` may say in `FailureReason` which alarm it was, or nothing
//! (<https://github.com/hashicorp/terraform-provider-aws/issues/39099>). In the second case the state of the alarms decides.
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html>

use jiff::Timestamp;
use tidegate_events::{AlarmChanged, DeploymentOutcome, EndpointStatus};

use super::component::{changed as component_changed, in_service};
use super::converge::{Reconciliation, changed_since, runs};
use super::{Deploy, Endpoint, InFlight, Snapshot};
use crate::endpoint::{Component, ComponentStatus, DesiredResources, RunningComponent};
use crate::file::Environment;
use crate::reason::Reason;

/// The alarms of the rollout whose state must be read: SageMaker has rolled the deployment back, and one of them may be the
/// cause.
#[must_use]
pub fn needs_alarms(environment: &Environment, in_flight: &InFlight, seen: &Snapshot) -> Vec<String> {
    let wanted = DesiredResources::of(environment, &in_flight.request);
    let endpoint = seen.endpoint.as_ref().is_some_and(|found| endpoint_was(in_flight, found, &wanted));
    let component = seen.component.as_ref().zip(wanted.component.as_ref());
    let component = component.is_some_and(|(found, wanted)| component_was(in_flight, found, wanted));
    if endpoint || component { environment.rollout.alarms.clone() } else { Vec::new() }
}

/// Whether the endpoint is in service with another configuration after the request for this one.
pub(super) fn endpoint_was(in_flight: &InFlight, found: &Endpoint, wanted: &DesiredResources) -> bool {
    let InFlight { endpoint_update_requested_at: asked, endpoint_modified_before: before, .. } = in_flight;
    found.status == EndpointStatus::InService
        && !runs(found, wanted)
        && changed_since(found.last_modified, *asked, *before)
}

/// Whether the component is in service, after the request for it, and not as requested.
pub(super) fn component_was(in_flight: &InFlight, found: &RunningComponent, wanted: &Component) -> bool {
    found.status == ComponentStatus::InService
        && !in_service(in_flight, found, wanted)
        && component_changed(in_flight, found)
}

impl Reconciliation<'_> {
    /// The endpoint runs the old configuration again.
    pub(super) fn endpoint_rolled_back(&self, found: &Endpoint, seen: &Snapshot) -> Deploy {
        let running = found.config.clone().unwrap_or_else(|| "unknown".to_owned());
        let requested = self.wanted.config.name.clone();
        let said = new_text(found.failure.as_ref(), self.in_flight.endpoint_failure_before.as_ref());
        match self.alarms_behind(said, found.last_modified, &self.wanted.rollout.alarms, seen) {
            Some(alarms) => self.end_by_alarm(requested, running, &alarms, said, seen),
            None => {
                let cause = self.endpoint_cause(found);
                let reason = Reason::OldConfigRunning { requested, running, cause };
                self.end(DeploymentOutcome::RolledBackSilently, reason, seen)
            }
        }
    }

    /// The component runs the old model or size again.
    pub(super) fn component_rolled_back(
        &self,
        wanted: &Component,
        found: &RunningComponent,
        seen: &Snapshot,
    ) -> Deploy {
        let said = new_text(found.failure.as_ref(), self.in_flight.component_failure_before.as_ref());
        let (requested, running) = found.difference(wanted);
        match self.alarms_behind(said, found.last_modified, &wanted.rollout.alarms, seen) {
            Some(alarms) => self.end_by_alarm(requested, running, &alarms, said, seen),
            None => {
                let cause = self.component_cause(found);
                let reason = Reason::OldConfigRunning { requested, running, cause };
                self.end(DeploymentOutcome::RolledBackSilently, reason, seen)
            }
        }
    }

    fn end_by_alarm(
        &self,
        requested: String,
        running: String,
        alarms: &[String],
        said: Option<&str>,
        seen: &Snapshot,
    ) -> Deploy {
        let alarms = alarms.join(", ");
        let cause = said.unwrap_or("SageMaker gave no reason, and the alarm is in ALARM").to_owned();
        let reason = Reason::RolledBackByAlarm { requested, running, alarms, cause };
        self.end(DeploymentOutcome::RolledBackByAlarm, reason, seen)
    }

    /// The alarms that rolled the deployment back: those that SageMaker names, otherwise those that were in ALARM before the
    /// rollback had ended.
    fn alarms_behind(
        &self,
        said: Option<&str>,
        ended: Option<Timestamp>,
        of_rollout: &[String],
        seen: &Snapshot,
    ) -> Option<Vec<String>> {
        let named = named(said.unwrap_or_default(), of_rollout);
        if !named.is_empty() {
            return Some(named);
        }
        // A reason that names no alarm is another cause, such as a health check.
        if said.is_some() {
            return None;
        }
        let before = |alarm: &&AlarmChanged| alarm.changed_at.zip(ended).is_none_or(|(at, end)| at <= end);
        let raised: Vec<String> = seen
            .alarms
            .iter()
            .filter(|alarm| of_rollout.contains(&alarm.alarm))
            .filter(before)
            .map(|alarm| alarm.alarm.clone())
            .collect();
        (!raised.is_empty()).then_some(raised)
    }
}

/// A reason that was not there before this deployment.
fn new_text<'t>(now: Option<&'t String>, before: Option<&String>) -> Option<&'t str> {
    now.filter(|now| Some(*now) != before).map(String::as_str)
}

/// The alarms that a text names. A name that is only a part of a longer one is not named.
fn named(text: &str, alarms: &[String]) -> Vec<String> {
    let mut longest_first: Vec<&String> = alarms.iter().collect();
    longest_first.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut rest = text.to_owned();
    let mut found = Vec::new();
    for name in longest_first {
        if rest.contains(name.as_str()) {
            rest = rest.replace(name.as_str(), "\n");
            found.push(name.clone());
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_within_a_longer_name_is_not_named() {
        let alarms = ["churn".to_owned(), "churn-5xx".to_owned(), "latency".to_owned()];
        assert_eq!(named("alarm(s) in ALARM: [churn-5xx]", &alarms), ["churn-5xx"]);
        assert_eq!(named("[churn-5xx, churn]", &alarms), ["churn", "churn-5xx"]);
        assert!(named("the container did not pass the ping health check", &alarms).is_empty());
    }
}

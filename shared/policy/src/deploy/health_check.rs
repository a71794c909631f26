//! Whether a live version serves as the last deployment left it.

use jiff::Timestamp;
use tidegate_events::EndpointStatus;

use super::failed::{delete_component_command, is_on, remedy, stated};
use super::live::{Condition, Live, Serving, Unhealthy};
use super::{Endpoint, Snapshot};
use crate::endpoint::{ComponentStatus, RunningComponent};
use crate::reason::Reason;

/// What a look at a live version shows.
pub(super) enum Health {
    /// It serves as the last deployment left it.
    Serves,
    /// SageMaker is changing it, or describes it in a status that is unknown: nothing follows from that.
    Unclear,
    /// It does not serve as it was deployed.
    Not(Finding),
}

/// What is wrong.
pub(super) struct Finding {
    pub(super) condition: Condition,
    pub(super) reason: Reason,
    /// When it came to be so, by SageMaker's clock.
    pub(super) since: Option<Timestamp>,
    /// What people can do before they approve the version again.
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn unhealthy(&self, since: Timestamp) -> Unhealthy {
        Unhealthy {
            condition: self.condition,
            since,
            reason: self.reason.code().to_owned(),
            detail: self.reason.to_string(),
        }
    }
}

impl Unhealthy {
    /// Whether the finding says the same.
    pub(super) fn is(&self, found: &Finding) -> bool {
        self.condition == found.condition && self.detail == found.reason.to_string()
    }
}

impl Live {
    /// What is wrong after a deployment that did not succeed. Its report tells people of what it ended with; anything
    /// else is left to the next look.
    pub(super) fn after_failure(
        self,
        reason: &Reason,
        seen: &Snapshot,
        region: &str,
        now: Timestamp,
    ) -> Self {
        let Some(serving) = self.serving.clone() else { return self };
        let unhealthy = match self.health(&serving, seen, region) {
            Health::Serves => None,
            Health::Not(found) if reported(reason) == Some(found.condition) => {
                let known =
                    self.unhealthy.as_ref().filter(|known| found.condition.continues(known.condition));
                let since = known.map(|known| known.since).or(found.since).unwrap_or(now);
                Some(found.unhealthy(since))
            }
            Health::Unclear | Health::Not(_) => self.unhealthy.clone(),
        };
        Self { unhealthy, ..self }
    }

    pub(super) fn health(&self, serving: &Serving, seen: &Snapshot, region: &str) -> Health {
        use EndpointStatus as E;
        let name = &serving.endpoint;
        let Some(endpoint) = &seen.endpoint else {
            let remedy = serving.component.as_ref().map(|component| delete_first(&component.name, region));
            return self.gone(format!("endpoint {name} does not exist any more"), None, remedy);
        };
        match &endpoint.status {
            E::Deleting | E::Deleted => {
                self.gone(format!("endpoint {name} is being deleted"), endpoint.last_modified, None)
            }
            E::Failed | E::OutOfService | E::UpdateRollbackFailed => {
                let cause = stated(endpoint.failure.as_deref());
                let remedy = format!(
                    "Read the log group /aws/sagemaker/Endpoints/{name}. {}",
                    capitalized(&remedy(&endpoint.status, name, region))
                );
                let resource = format!("endpoint {name}");
                self.failed(resource, endpoint.status.to_string(), cause, endpoint.last_modified, remedy)
            }
            E::Creating | E::Updating | E::SystemUpdating | E::RollingBack | E::Unknown(_) => Health::Unclear,
            E::InService => match (&serving.config, &endpoint.config) {
                (Some(_), None) => Health::Unclear,
                (Some(wanted), Some(running)) if running != wanted => {
                    self.changed(format!("endpoint {name}"), running, wanted, endpoint.last_modified)
                }
                _ => self.component_health(serving, endpoint, seen, region),
            },
        }
    }

    fn component_health(
        &self,
        serving: &Serving,
        endpoint: &Endpoint,
        seen: &Snapshot,
        region: &str,
    ) -> Health {
        let Some(wanted) = &serving.component else { return Health::Serves };
        let name = &wanted.name;
        let Some(found) = &seen.component else {
            return self.gone(format!("component {name} does not exist any more"), None, None);
        };
        if !is_on(endpoint, &serving.endpoint, found) {
            let remedy = delete_first(name, region);
            return self.gone(of_another(name, &serving.endpoint, found), None, Some(remedy));
        }
        match (&found.status, &found.model) {
            (ComponentStatus::Deleting, _) => {
                self.gone(format!("component {name} is being deleted"), found.last_modified, None)
            }
            (ComponentStatus::Failed, _) => {
                let command = delete_component_command(name, region);
                let remedy = format!(
                    "Read the log group /aws/sagemaker/InferenceComponents/{name}. SageMaker can only delete a failed \
                     component: run `{command}`"
                );
                let (status, cause) = (found.status.to_string(), stated(found.failure.as_deref()));
                self.failed(format!("component {name}"), status, cause, found.last_modified, remedy)
            }
            (ComponentStatus::InService, Some(model)) if *model != wanted.model => {
                self.changed(format!("component {name}"), model, &wanted.model, found.last_modified)
            }
            (ComponentStatus::InService, Some(_)) => Health::Serves,
            (ComponentStatus::InService, None)
            | (ComponentStatus::Creating | ComponentStatus::Updating | ComponentStatus::Unknown(_), _) => {
                Health::Unclear
            }
        }
    }

    fn gone(&self, what: String, since: Option<Timestamp>, remedy: Option<String>) -> Health {
        let reason = Reason::LiveGone { version: self.version, what };
        Health::Not(Finding { condition: Condition::Gone, reason, since, remedy })
    }

    fn failed(
        &self,
        resource: String,
        status: String,
        cause: String,
        since: Option<Timestamp>,
        remedy: String,
    ) -> Health {
        let reason = Reason::LiveFailed { version: self.version, resource, status, cause };
        Health::Not(Finding { condition: Condition::Failed, reason, since, remedy: Some(remedy) })
    }

    fn changed(&self, resource: String, running: &str, deployed: &str, since: Option<Timestamp>) -> Health {
        let (running, deployed) = (running.to_owned(), deployed.to_owned());
        let reason = Reason::LiveChanged { version: self.version, resource, running, deployed };
        Health::Not(Finding { condition: Condition::Changed, reason, since, remedy: None })
    }
}

/// The condition of which the report of a deployment tells people.
fn reported(reason: &Reason) -> Option<Condition> {
    match reason {
        Reason::EndpointFailed { .. }
        | Reason::EndpointFailedBefore { .. }
        | Reason::ComponentFailed { .. }
        | Reason::ComponentFailedBefore { .. } => Some(Condition::Failed),
        Reason::ComponentElsewhere { .. } => Some(Condition::Gone),
        Reason::NotOurs { .. }
        | Reason::OwnedByAnother { .. }
        | Reason::ChangedByOthers { .. }
        | Reason::OtherVariants { .. }
        | Reason::CaptureWouldEnd { .. }
        | Reason::ScaledInstanceType { .. } => Some(Condition::Changed),
        _ => None,
    }
}

/// A component of another endpoint, or of a deleted one with the same name.
fn of_another(name: &str, endpoint: &str, found: &RunningComponent) -> String {
    match found.endpoint.as_deref().filter(|of| !of.eq_ignore_ascii_case(endpoint)) {
        Some(other) => format!("component {name} belongs to endpoint {other}"),
        None => format!("component {name} belongs to an endpoint {endpoint} that was deleted"),
    }
}

/// A component keeps its name when its endpoint is deleted.
fn delete_first(component: &str, region: &str) -> String {
    format!(
        "Component {component} keeps its name until it is deleted. Without `recreateFailed: true` in the policy, run `{}`",
        delete_component_command(component, region)
    )
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

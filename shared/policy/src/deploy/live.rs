//! The version that is live, where it serves, and what is wrong with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Snapshot;
use super::failed::is_on;
use crate::endpoint::{ComponentStatus, DesiredResources};
use tidegate_events::{EndpointHealth, EndpointStatus};

/// A version that was verified as running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// The endpoint's configuration.
    pub config: String,
    /// The request that deployed it.
    pub request_id: String,
    /// When it was verified.
    pub at: Timestamp,
    /// Where it serves. A version that an earlier version of Tidegate deployed has none, and is not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    /// Why it does not serve as it was deployed; absent while it does, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<Unhealthy>,
}

/// The resources that serve a version, as the last deployment left them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// The endpoint.
    pub endpoint: String,
    /// The configuration that the endpoint runs; absent if several models share the endpoint, because the deployment of
    /// another one may change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The inference component, if one runs the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ServingComponent>,
}

/// An inference component that serves a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingComponent {
    /// Its name.
    pub name: String,
    /// The model that it runs.
    pub model: String,
}

/// What is wrong with a live version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unhealthy {
    /// The kind of the problem.
    pub condition: Condition,
    /// Since when, by SageMaker's clock if it says so, otherwise when it was first observed.
    pub since: Timestamp,
    /// The code of the reason.
    pub reason: String,
    /// The message of the reason.
    pub detail: String,
}

/// The kinds of problems of a live version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The endpoint or the component failed, or accepts no requests.
    Failed,
    /// The endpoint or the component was deleted, or the component is not on the endpoint.
    Gone,
    /// It runs something else than the last deployment left.
    Changed,
}

impl Condition {
    /// The stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Changed => "changed",
        }
    }

    /// The value in the report to the hub.
    pub(super) fn health(self) -> EndpointHealth {
        match self {
            Self::Failed => EndpointHealth::Failed,
            Self::Gone => EndpointHealth::Gone,
            Self::Changed => EndpointHealth::Changed,
        }
    }

    /// Whether the version serves no requests.
    #[must_use]
    pub fn stops_serving(self) -> bool {
        matches!(self, Self::Failed | Self::Gone)
    }

    /// Whether this condition after `before` has the same cause, so that people know of it: nothing changed, or what
    /// failed was deleted, which is all that SageMaker allows.
    #[must_use]
    pub fn continues(self, before: Self) -> bool {
        self == before || (before, self) == (Self::Failed, Self::Gone)
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl Serving {
    /// The resources that a deployment required.
    pub(super) fn of(wanted: &DesiredResources, is_shared: bool) -> Self {
        let component = wanted.component.as_ref();
        Self {
            endpoint: wanted.endpoint.clone(),
            config: (!is_shared).then(|| wanted.config.name.clone()),
            component: component.map(|component| ServingComponent {
                name: component.name.clone(),
                model: component.model.clone(),
            }),
        }
    }

    /// These resources after a deployment that did not succeed: it may have replaced the configuration or the model.
    pub(super) fn after(self, wanted: &DesiredResources, seen: &Snapshot) -> Self {
        let endpoint = seen.endpoint.as_ref().filter(|found| found.status == EndpointStatus::InService);
        let Some(endpoint) = endpoint.filter(|_| self.endpoint == wanted.endpoint) else { return self };
        let replaced = endpoint.config.as_ref() == Some(&wanted.config.name);
        let config = self.config.map(|config| if replaced { wanted.config.name.clone() } else { config });
        let component = self.component.map(|serving| {
            let running = seen.component.as_ref().filter(|found| {
                found.status == ComponentStatus::InService && is_on(endpoint, &wanted.endpoint, found)
            });
            let model = running.and_then(|running| running.model.as_ref());
            match &wanted.component {
                Some(asked) if asked.name == serving.name && model == Some(&asked.model) => {
                    ServingComponent { model: asked.model.clone(), ..serving }
                }
                _ => serving,
            }
        });
        Self { config, component, ..self }
    }
}

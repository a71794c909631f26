//! Lookups: find the models that a name in an event concerns, with one query.

use serde::{Deserialize, Serialize};

use crate::file::Policy;

/// The kinds of names in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupKind {
    /// A repository, `codecommit:churn-model`.
    Repository,
    /// A SageMaker pipeline.
    Pipeline,
    /// A model package group.
    PackageGroup,
    /// An endpoint or an inference component (of any environment; an account's ledger only receives the names of its own).
    Endpoint,
    /// A CloudWatch alarm.
    Alarm,
    /// A monitoring schedule.
    MonitoringSchedule,
}

impl LookupKind {
    /// The stable name, which is part of the ledger's key.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Pipeline => "pipeline",
            Self::PackageGroup => "package_group",
            Self::Endpoint => "endpoint",
            Self::Alarm => "alarm",
            Self::MonitoringSchedule => "monitoring_schedule",
        }
    }
}

/// One lookup: events that contain `name` concern the model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lookup {
    /// The kind of name.
    pub kind: LookupKind,
    /// The name in lower case: AWS is not consistent about letter case in the names in events.
    pub name: String,
}

impl Lookup {
    /// A lookup for a name as it appears in an event.
    #[must_use]
    pub fn new(kind: LookupKind, name: &str) -> Self {
        Self { kind, name: name.to_lowercase() }
    }
}

/// Every lookup that refers to this policy, sorted and without duplicates.
#[must_use]
pub fn of(policy: &Policy) -> Vec<Lookup> {
    let mut lookups = vec![
        Lookup::new(LookupKind::Repository, policy.source.repository.as_str()),
        Lookup::new(LookupKind::Pipeline, policy.pipeline.name.as_str()),
        Lookup::new(LookupKind::PackageGroup, policy.registry.group.as_str()),
    ];
    for environment in &policy.environments {
        lookups.push(Lookup::new(LookupKind::Endpoint, environment.endpoint.name.as_str()));
        // An alarm of a component has the component's name alone.
        lookups.push(Lookup::new(LookupKind::Endpoint, environment.endpoint.served_name()));
    }
    for alarm in policy.drift.iter().flat_map(|drift| &drift.alarms) {
        lookups.push(Lookup::new(LookupKind::Alarm, alarm));
    }
    for schedule in policy.drift.iter().flat_map(|drift| &drift.schedules) {
        lookups.push(Lookup::new(LookupKind::MonitoringSchedule, schedule));
    }
    lookups.sort();
    lookups.dedup();
    lookups
}

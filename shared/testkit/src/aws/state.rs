//! The state of the fake AWS, by name.

use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::Timestamp;
use tidegate_engine::ports::RegistryPackage;
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{Endpoint, RunningComponent, ScalableTarget};

use super::effect::Effect;
use super::traffic::Traffic;
use crate::by_name::ByName;

/// The number of versions of a group that are stored, counted from the newest: no function reads older ones.
const VERSIONS: usize = 100;

/// Everything that events reported or that calls created.
#[derive(Debug, Default)]
pub(super) struct AwsState {
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    /// The names of the schedules that have not fired.
    pub(super) wakes: HashSet<String>,
    /// By repository and branch.
    pub(super) heads: ByName<BTreeMap<String, String>>,
    pub(super) pipelines: ByName<String>,
    pub(super) executions: ByName<Executions>,
    /// By group and version.
    pub(super) packages: ByName<BTreeMap<u64, Package>>,
    pub(super) endpoints: ByName<Served>,
    pub(super) components: ByName<Component>,
    /// The limits in Application Auto Scaling, by component.
    pub(super) limits: ByName<ScalableTarget>,
    pub(super) alarms: ByName<AlarmChanged>,
    pub(super) traffic: ByName<Traffic>,
    /// The number of metrics that CloudWatch was asked for.
    pub(super) queried_metrics: u64,
}

/// The executions of a pipeline.
#[derive(Debug, Default)]
pub(super) struct Executions {
    pub(super) running: Vec<Execution>,
    /// The ARNs of the executions that were last reported as ended: a later event about one of them is out of date.
    pub(super) ended: VecDeque<String>,
}

/// An execution that has not ended.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) arn: String,
    /// Its display name, if it is known.
    pub(super) name: Option<String>,
    /// Whether an event has reported it. If so, an event will report its end as well.
    pub(super) is_reported: bool,
    /// When it ends at the latest.
    pub(super) until: Timestamp,
}

/// A package in the registry.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) arn: String,
    pub(super) seen: RegistryPackage,
}

/// An endpoint.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) endpoint: Endpoint,
    /// Whether a function here set its configuration.
    pub(super) ours: bool,
    pub(super) pending: Option<Pending>,
}

/// A configuration whose update is in progress.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) config: String,
    pub(super) at: Timestamp,
}

/// An inference component.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) running: RunningComponent,
    /// When it will be in service.
    pub(super) ready: Option<Timestamp>,
}

/// The number of ended executions of a pipeline that are stored: late and repeated events arrive within hours.
const ENDED: usize = 16;

impl Executions {
    pub(super) fn note_end(&mut self, arn: &str) {
        self.ended.push_back(arn.to_owned());
        if self.ended.len() > ENDED {
            self.ended.pop_front();
        }
    }

    pub(super) fn has_ended(&self, arn: &str) -> bool {
        self.ended.iter().any(|ended| ended.eq_ignore_ascii_case(arn))
    }
}

impl AwsState {
    /// The groups with a package that changed since a time.
    pub(super) fn groups_changed_since(&self, since: Timestamp) -> Vec<String> {
        let is_newer = |package: &Package| package.seen.last_modified.is_some_and(|at| at >= since);
        let changed = self.packages.iter().filter(|(_, versions)| versions.values().any(is_newer));
        changed.map(|(group, _)| group.to_owned()).collect()
    }

    /// The endpoints that changed after a time.
    pub(super) fn endpoints_changed_since(&self, since: Timestamp) -> Vec<String> {
        let changed = self.endpoints.iter().filter(|(_, one)| one.endpoint.last_modified > Some(since));
        changed.map(|(name, _)| name.to_owned()).collect()
    }

    /// The components that changed after a time.
    pub(super) fn components_changed_since(&self, since: Timestamp) -> Vec<String> {
        let changed = self.components.iter().filter(|(_, one)| one.running.last_modified > Some(since));
        changed.map(|(name, _)| name.to_owned()).collect()
    }

    /// The alarms that are in ALARM.
    pub(super) fn alarms_in_alarm(&self) -> Vec<String> {
        self.alarms.iter().map(|(_, alarm)| alarm.alarm.clone()).collect()
    }

    pub(super) fn put_package(&mut self, group: &str, version: u64, package: Package) {
        let versions = self.packages.of(group);
        versions.insert(version, package);
        while versions.len() > VERSIONS {
            versions.pop_first();
        }
    }

    /// A package by the end of its ARN, `…:model-package/GROUP/VERSION`.
    pub(super) fn package(&self, arn: &str) -> Option<&Package> {
        let (head, version) = arn.rsplit_once('/')?;
        let (_, group) = head.rsplit_once('/')?;
        self.packages
            .get(group)?
            .get(&version.parse().ok()?)
            .filter(|package| package.arn.eq_ignore_ascii_case(arn))
    }
}

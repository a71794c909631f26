//! What gates read besides policy and state.
//!
//! Each fact is absent until it is read. A gate whose fact is absent, or could not be read, is closed.

use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

use super::due::due;
use super::{EnvironmentStatus, Promotion, State, Trigger};
use crate::evaluation::Evaluation;
use crate::file::{Environment, Gates, Policy};
use crate::fingerprint::sha256;
use crate::freeze::Freezes;

/// What the gates of an environment must read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateNeeds {
    /// Whether the freezes of every model are read.
    pub fleet: bool,
    /// The version that would enter the environment.
    pub version: Option<VersionNeed>,
    /// The version that is live in the environment.
    pub live: Option<VersionNeed>,
    /// The names of alarms.
    pub alarms: Vec<String>,
    /// The names of feature groups.
    pub feature_groups: Vec<String>,
    /// The version whose authors are read in train's state.
    pub authors: Option<AuthorsNeed>,
}

/// A version whose authors gates must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorsNeed {
    /// The model.
    pub model: String,
    /// The ARN of the version's package.
    pub package: String,
}

/// A version that gates must read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionNeed {
    /// Its ARN.
    pub arn: String,
    /// Whether the file with its metrics is read as well.
    pub metrics: bool,
}

/// A fact, or why it could not be read. A temporary error is not a fact: the invocation fails and is repeated.
pub type Fact<T> = Result<T, String>;

/// What was read for the gates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GateFacts {
    /// The freezes of every model.
    pub fleet: Option<Freezes>,
    /// The version that would enter the environment.
    pub version: Option<VersionFacts>,
    /// The version that is live in the environment.
    pub live: Option<VersionFacts>,
    /// The alarms that exist, by name.
    pub alarms: Option<Fact<BTreeMap<String, AlarmFact>>>,
    /// The feature groups, by name; `None` for one that does not exist.
    pub feature_groups: BTreeMap<String, Fact<Option<FeatureGroup>>>,
    /// Who made the version, as principals. Empty if that is not known.
    pub authors: BTreeSet<String>,
}

/// What was read about a version.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionFacts {
    /// Its ARN.
    pub arn: String,
    /// Its description in the registry; `None` if it does not exist.
    pub details: Fact<Option<VersionDetails>>,
    /// The text of the file with its metrics, if it was read.
    pub metrics: Option<Fact<String>>,
}

/// The description of a version in the registry.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionDetails {
    /// `ModelMetrics.ModelQuality.Statistics.S3Uri`: the file with its metrics.
    pub statistics: Option<String>,
    /// Whether `ModelMetrics.Bias` names a report.
    pub bias_report: bool,
    /// Whether `ModelMetrics.Explainability` names a report.
    pub explainability_report: bool,
    /// `ModelCard.ModelCardStatus`.
    pub card_status: Option<String>,
    /// `CustomerMetadataProperties`.
    pub properties: BTreeMap<String, String>,
    /// `MetadataProperties.CommitId`.
    pub commit: Option<String>,
    /// Who registered it: the user profile or the IAM identity in `CreatedBy`.
    pub created_by: Option<String>,
}

/// The state of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmFact {
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when it has this state, if CloudWatch says so.
    pub since: Option<Timestamp>,
}

/// A feature group.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeFeatureGroup.html>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeatureGroup {
    /// The name, the type and the collection type of each feature.
    pub definitions: Vec<(String, String, Option<String>)>,
    /// Whether it has an online store.
    pub online: bool,
}

impl FeatureGroup {
    /// The hash of the definitions, in any order: the SHA-256 of the sorted lines `NAME TYPE` or `NAME TYPE COLLECTION`.
    #[must_use]
    pub fn hash(&self) -> String {
        let line = |(name, kind, collection): &(String, String, Option<String>)| match collection {
            Some(collection) => format!("{name} {kind} {collection}"),
            None => format!("{name} {kind}"),
        };
        let mut lines: Vec<String> = self.definitions.iter().map(line).collect();
        lines.sort_unstable();
        sha256(&lines.join("\n"))
    }
}

impl VersionFacts {
    /// The metrics of the version, and the file that has them.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn evaluation(&self) -> Result<(Evaluation, &str), String> {
        let details = self.details.as_ref().map_err(Clone::clone)?;
        let details = details.as_ref().ok_or("the registry does not have it")?;
        let Some(file) = &details.statistics else {
            return Err("it has no ModelMetrics.ModelQuality.Statistics in the registry; give `model_metrics` to the step \
                        that registers it"
                .to_owned());
        };
        let text = self.metrics.as_ref().ok_or_else(|| format!("{file} was not read"))?;
        let text = text.as_ref().map_err(|why| {
            format!(
                "{file}: {why}; promote can read only the buckets and keys in `artifacts` of the installation"
            )
        })?;
        let found = Evaluation::parse(text).map_err(|why| format!("{file}: {why}"))?;
        Ok((found, file))
    }
}

impl GateNeeds {
    /// The needs of the environment that a promotion may enter because of a trigger. `begins` is the package of a promotion
    /// that may begin.
    pub(super) fn of(policy: &Policy, state: &State, trigger: &Trigger, begins: Option<&str>) -> Self {
        let (environment, arn) = match (trigger, begins, &state.promotion) {
            (Trigger::Package(_), Some(arn), _) => (policy.environments.first(), arn),
            (Trigger::Package(_) | Trigger::Hold(_) | Trigger::Freeze(_), ..) | (.., None) => {
                return Self::default();
            }
            (.., Some(promotion)) => (entered(policy, promotion, trigger), promotion.package_arn.as_str()),
        };
        let Some(environment) = environment else { return Self::default() };
        // An approval may be for another environment than the one that is entered next.
        let approved = match trigger {
            Trigger::Approval(given) => policy.environment(&given.environment),
            _ => None,
        };
        let asks = [Some(environment), approved].into_iter().flatten().any(|environment| {
            environment.gates.approvals.as_ref().is_some_and(|approvals| approvals.not_author)
        });
        let authors = AuthorsNeed { model: policy.model.to_string(), package: arn.to_owned() };
        Self { authors: asks.then_some(authors), ..Self::in_environment(environment, arn, state) }
    }

    fn in_environment(environment: &Environment, arn: &str, state: &State) -> Self {
        let Gates { metrics, requires, features, alarms, .. } = &environment.gates;
        let compares =
            metrics.iter().any(|m| m.better_than_live.is_some() || m.not_worse_than_live.is_some());
        let version = !metrics.is_empty() || !requires.is_empty() || features.is_some();
        let need = |arn: &str| VersionNeed { arn: arn.to_owned(), metrics: !metrics.is_empty() };
        let live = state.live(environment.name.as_str()).filter(|_| compares);
        Self {
            fleet: true,
            version: version.then(|| need(arn)),
            live: live.map(|live| need(&live.package_arn)),
            alarms: alarms.iter().flat_map(|alarms| alarms.names.clone()).collect(),
            feature_groups: features.iter().flat_map(|features| features.groups.clone()).collect(),
            authors: None,
        }
    }
}

/// The environment that the promotion would enter next, or whose request may be sent again.
fn entered<'p>(policy: &'p Policy, promotion: &Promotion, trigger: &Trigger) -> Option<&'p Environment> {
    if promotion.stopped {
        return None;
    }
    let due = match trigger {
        // The report of an environment may be a success, and then the next one is entered.
        Trigger::Report(report) => {
            let mut promotion = promotion.clone();
            let succeeded = EnvironmentStatus::Succeeded { at: report.finished_at };
            promotion.environments.insert(report.environment.clone(), succeeded);
            due(policy, &promotion)
        }
        _ => due(policy, promotion),
    };
    due.map(|due| due.next)
}

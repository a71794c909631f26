//! The versions that succeeded in each environment. The first one is live, and the others are the way back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EnvironmentStatus, Promotion, State};

/// How many versions are remembered for each environment.
const REMEMBERED: usize = 10;

/// A version that succeeded in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedVersion {
    /// The version.
    pub version: u64,
    /// Its ARN.
    pub package_arn: String,
    /// The fingerprint of its images and model data, if they were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
    /// When the environment reported success.
    pub at: Timestamp,
}

impl VerifiedVersion {
    fn is(&self, package_arn: &str) -> bool {
        self.package_arn.eq_ignore_ascii_case(package_arn)
    }
}

impl State {
    /// The version that succeeded last in an environment, and was neither rejected nor rolled back since.
    #[must_use]
    pub fn live(&self, environment: &str) -> Option<&VerifiedVersion> {
        self.verified.get(environment)?.first()
    }

    /// The versions to which an environment can go back from a package, newest success first.
    pub fn ways_back<'s>(
        &'s self,
        environment: &str,
        package_arn: &'s str,
    ) -> impl Iterator<Item = &'s VerifiedVersion> {
        let verified = self.verified.get(environment).map(Vec::as_slice).unwrap_or_default();
        verified.iter().filter(move |version| !version.is(package_arn))
    }

    /// The environments in which a package is live.
    pub fn serving<'s>(&'s self, package_arn: &'s str) -> impl Iterator<Item = &'s str> {
        let first_is = |versions: &&Vec<VerifiedVersion>| versions.first().is_some_and(|v| v.is(package_arn));
        self.verified.iter().filter(move |(_, versions)| first_is(versions)).map(|(name, _)| name.as_str())
    }

    /// Remembers that a promotion's version succeeded in an environment.
    pub(super) fn remember_success(&mut self, environment: &str, promotion: &Promotion, at: Timestamp) {
        let versions = self.verified.entry(environment.to_owned()).or_default();
        versions.retain(|version| !version.is(&promotion.package_arn));
        let succeeded = VerifiedVersion {
            version: promotion.version,
            package_arn: promotion.package_arn.clone(),
            artifacts: promotion.artifacts.clone(),
            at,
        };
        versions.insert(0, succeeded);
        versions.truncate(REMEMBERED);
    }

    /// Remembers the successes of the current promotion that an earlier build did not store in `verified`.
    pub(super) fn remember_promotion(&mut self) {
        let Some(promotion) = self.promotion.clone() else { return };
        for (environment, status) in &promotion.environments {
            let EnvironmentStatus::Succeeded { at } = status else { continue };
            if !self.verified.contains_key(environment) {
                self.remember_success(environment, &promotion, *at);
            }
        }
    }

    /// Remembers that an environment went back without a person.
    pub(super) fn remember_rollback(&mut self, environment: &str, at: Timestamp) {
        let times = self.rollbacks.entry(environment.to_owned()).or_default();
        times.push(at);
        let excess = times.len().saturating_sub(REMEMBERED);
        times.drain(..excess);
    }

    /// Forgets a package in an environment: it is no way back any more.
    pub(super) fn forget_success(&mut self, environment: &str, package_arn: &str) {
        if let Some(versions) = self.verified.get_mut(environment) {
            versions.retain(|version| !version.is(package_arn));
        }
    }
}

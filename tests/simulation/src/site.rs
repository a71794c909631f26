//! The accounts of the simulation.

use serde::{Deserialize, Serialize};
use tidegate_engine::Scope;
use tidegate_functions::of_scope;

/// Their region.
pub(crate) const REGION: &str = "us-east-1";

/// An account with the functions that run in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SiteId {
    /// Pipelines and the registry.
    Hub,
    /// The first environment.
    Staging,
    /// The environment between; most models have none.
    Preproduction,
    /// The last.
    Production,
}

impl SiteId {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Hub, Self::Staging, Self::Preproduction, Self::Production];

    /// The environments, in the order of promotion.
    pub(crate) const ENVIRONMENTS: [Self; 3] = [Self::Staging, Self::Preproduction, Self::Production];

    /// Its number.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Hub => 0,
            Self::Staging => 1,
            Self::Preproduction => 2,
            Self::Production => 3,
        }
    }

    /// The name of the environment, or `hub`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Staging => "staging",
            Self::Preproduction => "preproduction",
            Self::Production => "production",
        }
    }

    /// Its account id.
    pub(crate) fn account(self) -> &'static str {
        match self {
            Self::Hub => "111122223333",
            Self::Staging => "444455556666",
            Self::Preproduction => "123456789012",
            Self::Production => "777788889999",
        }
    }

    /// The one with this account id.
    pub(crate) fn of_account(account: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|site| site.account() == account)
    }

    /// The one with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|site| site.name() == name)
    }

    /// The functions that its stack has.
    pub(crate) fn functions(self) -> Vec<&'static str> {
        let scope = if self == Self::Hub { Scope::Hub } else { Scope::Environment };
        of_scope(scope).map(|function| function.name).collect()
    }
}

impl std::fmt::Display for SiteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

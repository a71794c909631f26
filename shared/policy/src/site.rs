//! Where a function runs.

use crate::file::{Environment, Policy};

/// The name of the hub's site.
pub const HUB: &str = "hub";

/// Seconds until deploy checks again for changes that send no event; the default of the templates.
pub const CHECK_SECONDS: u32 = 60;

/// The stack that a function is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The hub stack, which exists once.
    Hub,
    /// The stack of an environment.
    Environment,
}

/// Where a function runs, and which account may send it commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The environment's name; [`HUB`] in the hub.
    pub environment: String,
    /// The account id.
    pub account: String,
    /// The region.
    pub region: String,
    /// The hub's account: the only one whose requests are accepted.
    pub hub_account: String,
    /// Seconds until deploy checks again for changes that send no event.
    pub check_seconds: u32,
    /// The roles of the hub's account whose sessions may command where a policy names no group: names with their paths,
    /// which may contain wildcards.
    pub operators: Vec<String>,
}

impl Site {
    /// A site with the default settings of the templates.
    #[must_use]
    pub fn new(environment: &str, account: &str, region: &str, hub_account: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            hub_account: hub_account.to_owned(),
            check_seconds: CHECK_SECONDS,
            operators: Vec::new(),
        }
    }

    /// The stack of the site.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.environment == HUB { Scope::Hub } else { Scope::Environment }
    }

    /// The environment of a policy with this site's name, account and region.
    #[must_use]
    pub fn environment_of<'p>(&self, policy: &'p Policy) -> Option<&'p Environment> {
        policy
            .environment(&self.environment)
            .filter(|e| e.account.as_str() == self.account && e.region.as_str() == self.region)
    }
}

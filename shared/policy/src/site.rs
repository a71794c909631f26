//! Where a function runs.

use crate::file::{Environment, Policy};

/// The environment's name in the hub.
pub const HUB: &str = "hub";

/// Where a function runs, and which account may command it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The environment's name; [`HUB`] in the hub.
    pub environment: String,
    /// The account id.
    pub account: String,
    /// The region.
    pub region: String,
    /// The hub's account: the only one whose requests count.
    pub hub_account: String,
    /// Seconds until deploy checks again what sends no event.
    pub check_seconds: u32,
}

impl Site {
    /// The environment of a policy that this site is: same name, account and region.
    #[must_use]
    pub fn environment_of<'p>(&self, policy: &'p Policy) -> Option<&'p Environment> {
        policy
            .environment(&self.environment)
            .filter(|e| e.account.as_str() == self.account && e.region.as_str() == self.region)
    }
}

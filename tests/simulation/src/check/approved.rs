//! Only what is approved is deployed.

use super::{Facts, Observed, Rule};
use crate::system::System;

/// No endpoint and no component gets a version that is not approved at that moment, or was not approved when the same
/// invocation last read it. What it read before it recorded its decision or its progress does not count: the approval may
/// have been withdrawn since.
pub(super) struct Approved;

impl Rule for Approved {
    fn name(&self) -> &'static str {
        "only approved versions are deployed"
    }

    fn observe(&mut self, observed: &Observed<'_>, facts: &Facts, _: &System) -> Result<(), String> {
        let Observed::WorldCall { by, site, function, entry } = observed else { return Ok(()) };
        if entry.outcome != "ok" {
            return Ok(());
        }
        let models = facts.deployed_by(entry);
        for package in facts.packages_of(&entry.account, &models) {
            let now = facts.approvals.get(package).map_or("never approved", String::as_str);
            let looked = facts.evidence(*by).and_then(|seen| seen.packages.get(package)).map(String::as_str);
            if now != "Approved" && looked != Some("Approved") {
                return Err(format!(
                    "{} in {site} calls {} with {package}, which is {now} (when it looked last: {})",
                    function,
                    entry.operation,
                    looked.unwrap_or("it did not look")
                ));
            }
        }
        Ok(())
    }
}

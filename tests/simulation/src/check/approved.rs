//! Only what is approved is deployed.

use super::{Facts, Rule, Seen};
use crate::stage::Stage;

/// No endpoint and no component gets a version that is not approved at that moment. What nobody can do better: it was
/// approved when the same invocation looked, after it had decided, and nothing was read since.
pub(super) struct Approved;

impl Rule for Approved {
    fn name(&self) -> &'static str {
        "only approved versions are deployed"
    }

    fn see(&mut self, seen: &Seen<'_>, facts: &Facts, _: &Stage) -> Result<(), String> {
        let Seen::Asked { by, place, function, entry } = seen else { return Ok(()) };
        if entry.outcome != "ok" {
            return Ok(());
        }
        let models = facts.deployed_by(entry);
        for package in facts.packages_of(&entry.account, &models) {
            let now = facts.approvals.get(package).map_or("never approved", String::as_str);
            let looked = facts.evidence(*by).and_then(|saw| saw.packages.get(package)).map(String::as_str);
            if now != "Approved" && looked != Some("Approved") {
                return Err(format!(
                    "{} in {place} calls {} with {package}, which is {now} (when it looked last: {})",
                    function,
                    entry.operation,
                    looked.unwrap_or("it did not look")
                ));
            }
        }
        Ok(())
    }
}

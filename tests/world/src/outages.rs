//! What happens to an endpoint or a component that serves, without a call of anybody.
//!
//! What people do by hand are ordinary calls: `DeleteEndpoint`, `UpdateEndpoint`, `DeleteInferenceComponent`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::AccountRegion;
use crate::world::World;

/// The status that an endpoint gets by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// "Endpoint could not be created, updated, or re-scaled": with autoscaling, a re-scaling needs no call of a person.
    /// Only `DeleteEndpoint` is possible then.
    /// Documented: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html>
    Failed,
    /// "Endpoint is not available to take incoming requests". Documented on the same page; that it may end by itself is
    /// assumed.
    OutOfService,
    /// "Endpoint is undergoing maintenance and cannot be updated or deleted or re-scaled until it has completed", which
    /// changes no value that a customer specified. Documented on the same page.
    Maintenance,
    /// The outage is over.
    Over,
}

impl Outage {
    fn status(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::OutOfService => "OutOfService",
            Self::Maintenance => "SystemUpdating",
            Self::Over => "InService",
        }
    }
}

impl World {
    /// Gives an endpoint that exists another status, and sends its event. Whatever was under way does not end. Returns
    /// whether there is such an endpoint.
    pub fn endpoint_outage(
        &mut self,
        place: &AccountRegion,
        name: &str,
        outage: Outage,
        reason: Option<&str>,
        at: Timestamp,
    ) -> bool {
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return false };
        endpoint.status = outage.status();
        endpoint.failure = reason.map(str::to_owned);
        endpoint.modified = at;
        endpoint.plan.clear();
        endpoint.generation += 1;
        self.emit_endpoint_change(place, name, at, 1);
        true
    }
}

//! Managed instance scaling: the instances of a variant follow the copies of its components.
//!
//! While instances are added or removed, the endpoint is `Updating`: AWS's SDK waits "for endpoint to stabilize" after it
//! has created a component (aws/sagemaker-python-sdk, `model_builder.py`).

use std::time::Duration;

use jiff::Timestamp;

use crate::account::AccountRegion;
use crate::json::{int, later};
use crate::resources::Resources;
use crate::services::sagemaker::placement;
use crate::world::{Scheduled, World};

/// The time from zero copies to zero instances, which are billed until then: 10 to 12 minutes were measured.
/// <https://github.com/huggingface/skills/pull/192>
const BILLED_TAIL_SECONDS: i64 = 660;

/// A variant, the instances that it has or gets, and the instances that its copies need.
struct Need {
    variant: String,
    has: i64,
    needs: i64,
}

fn needs(resources: &Resources, name: &str) -> Vec<Need> {
    let Some(endpoint) = resources.endpoints.get(name) else { return Vec::new() };
    let of_variant = |variant: &super::Variant| {
        let managed = variant.managed.as_ref()?;
        let least = int(managed, "MinInstanceCount").unwrap_or(1);
        let needs = placement::instances_needed(resources, endpoint, variant).max(least);
        Some(Need { variant: variant.name.clone(), has: variant.desired, needs })
    };
    endpoint.variants.iter().filter_map(of_variant).collect()
}

impl World {
    /// Adds the instances that copies need which have just been requested. It takes as long as their start.
    pub(crate) fn add_managed_instances(
        &mut self,
        place: &AccountRegion,
        name: &str,
        after: Duration,
        at: Timestamp,
    ) {
        let Some(resources) = self.resources(place) else { return };
        let idle = resources.endpoints.get(name).is_some_and(|endpoint| endpoint.status == "InService");
        let more = needs(resources, name).into_iter().filter(|need| need.needs > need.has);
        let changes: Vec<_> = more.map(|need| (need.variant, None, Some(need.needs))).collect();
        if idle && !changes.is_empty() {
            self.start_scaling_for(place, name, &changes, after, at);
        }
    }

    /// The copies of an endpoint have changed: its instances follow, after a while if they are too many.
    pub(crate) fn copies_changed(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let Some(resources) = self.resources(place) else { return };
        let needs = needs(resources, name);
        if needs.iter().any(|need| need.needs < need.has) {
            let due = Scheduled::ManagedInstances { endpoint: name.to_owned() };
            self.schedule(later(at, self.pace.bake(BILLED_TAIL_SECONDS)), place, due);
        }
        if needs.iter().any(|need| need.needs > need.has) {
            self.adjust_managed_instances(place, name, at);
        }
    }

    /// Gives the variants the instances that their copies need now; tries again later while the endpoint is busy.
    pub(crate) fn adjust_managed_instances(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let Some(resources) = self.resources(place) else { return };
        let changed = needs(resources, name).into_iter().filter(|need| need.needs != need.has);
        let changes: Vec<_> = changed.map(|need| (need.variant, None, Some(need.needs))).collect();
        let status = resources.endpoints.get(name).map(|endpoint| endpoint.status);
        let stage = self.pace.endpoint_stage;
        match status {
            _ if changes.is_empty() => {}
            Some("InService") => self.start_scaling_for(place, name, &changes, stage, at),
            Some("Creating" | "Updating") => {
                let due = Scheduled::ManagedInstances { endpoint: name.to_owned() };
                self.schedule(later(at, stage), place, due);
            }
            _ => {}
        }
    }
}

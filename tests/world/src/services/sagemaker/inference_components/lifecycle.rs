//! The changes of a component that take time.

use std::time::Duration;

use jiff::Timestamp;

use crate::account::AccountRegion;
use crate::json::later;
use crate::services::sagemaker::placement::{NO_ROOM, Room};
use crate::world::{Scheduled, World};

impl World {
    /// Lets the change of a component end after a while.
    pub(crate) fn change_component(
        &mut self,
        place: &AccountRegion,
        name: &str,
        after: Duration,
        at: Timestamp,
    ) {
        let Some(component) = self.resources_mut(place).components.get_mut(name) else { return };
        component.modified = at;
        component.generation += 1;
        let due = Scheduled::Component { name: name.to_owned(), generation: component.generation };
        self.schedule(later(at, after), place, due);
    }

    /// Lets a component that serves fail without a call, for example because its container stops answering or its instance
    /// is replaced. `Failed` is documented; that a component that served reaches it is assumed.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeInferenceComponent.html>
    /// SageMaker sends no event. Returns whether there is such a component.
    pub fn component_outage(
        &mut self,
        place: &AccountRegion,
        name: &str,
        reason: &str,
        at: Timestamp,
    ) -> bool {
        let Some(component) = self.resources_mut(place).components.get_mut(name) else { return false };
        component.status = "Failed";
        component.failure = Some(reason.to_owned());
        component.current = 0;
        component.modified = at;
        component.generation += 1;
        let endpoint = component.endpoint.clone();
        self.copies_changed(place, &endpoint, at);
        true
    }

    /// Starts a change of the number of copies that was checked before.
    pub(crate) fn scale_component(&mut self, place: &AccountRegion, name: &str, copies: i64, at: Timestamp) {
        let after = self.pace.scale;
        let Some(component) = self.resources_mut(place).components.get_mut(name) else { return };
        component.desired = copies;
        component.status = "Updating";
        let endpoint = component.endpoint.clone();
        self.change_component(place, name, after, at);
        self.add_managed_instances(place, &endpoint, after, at);
    }

    /// The change of a component is over.
    pub(crate) fn component_done(
        &mut self,
        place: &AccountRegion,
        name: &str,
        generation: u64,
        at: Timestamp,
    ) {
        let resources = self.resources_mut(place);
        let room = Room::of(resources, name);
        let Some(component) = resources.components.get_mut(name) else { return };
        if component.generation != generation {
            return;
        }
        let endpoint = component.endpoint.clone();
        component.modified = at;
        if component.status == "Deleting" {
            let resource = format!("inference-component/{name}");
            resources.components.remove(name);
            resources.tags.remove(&place.arn("inference-component", name));
            resources.targets.retain(|(id, _), _| *id != resource);
            resources.scaling_policies.retain(|(id, ..), _| *id != resource);
        } else {
            let first = component.status == "Creating";
            component.status = "InService";
            component.current = component.desired;
            match component.pending.take() {
                // An update without room keeps what runs: the world's assumption.
                Some((_, None)) if !room.for_update => component.failure = Some(NO_ROOM.to_owned()),
                Some((_, Some((reason, failed)))) => {
                    component.failure = Some(reason);
                    component.status = if failed { "Failed" } else { "InService" };
                }
                Some((specification, None)) => component.specification = specification,
                None if room.copies < component.desired => {
                    component.current = room.copies;
                    component.failure = Some(NO_ROOM.to_owned());
                    if first {
                        component.status = "Failed";
                    }
                }
                None => {}
            }
        }
        self.copies_changed(place, &endpoint, at);
    }
}

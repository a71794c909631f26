//! The placement of a component's copies on the instances of its endpoint.

use serde_json::Value;

use super::component_updates::extra_copies;
use super::endpoints::{Endpoint, Variant};
use super::inference_components::Component;
use crate::error::ApiError;
use crate::instance_types::{self, Hardware};
use crate::json::{float, int};
use crate::resources::Resources;

/// The text of SageMaker, also on an endpoint with an idle instance.
/// Measured: <https://github.com/huggingface/skills/pull/192>.
pub(crate) const NO_ROOM: &str = "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference component.";

/// What one copy needs, or one instance has.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Size {
    memory: i64,
    accelerators: f64,
    cpus: f64,
}

impl Size {
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentComputeResourceRequirements.html>
    fn of(specification: &Value) -> Self {
        let needed = specification.get("ComputeResourceRequirements");
        let number = |key: &str| needed.and_then(|needed| float(needed, key)).unwrap_or(0.0);
        Self {
            memory: needed.and_then(|needed| int(needed, "MinMemoryRequiredInMb")).unwrap_or(0),
            accelerators: number("NumberOfAcceleratorDevicesRequired"),
            cpus: number("NumberOfCpuCoresRequired"),
        }
    }

    /// What the scheduler gives away of an instance. Assumed: an eighth of the memory of an instance with accelerators
    /// and half of another's. Measured was only that ml.g5.xlarge with 16 GiB takes a copy of 1024 MB and has no room
    /// for one of 4096 MB: <https://github.com/huggingface/skills/pull/192>.
    fn room(hardware: Hardware) -> Self {
        let part = if hardware.accelerators > 0 { 8 } else { 2 };
        Self {
            memory: hardware.memory / part,
            accelerators: hardware.accelerators as f64,
            cpus: hardware.vcpus as f64,
        }
    }

    fn takes(&mut self, copy: Self) -> bool {
        let fits =
            copy.memory <= self.memory && copy.accelerators <= self.accelerators && copy.cpus <= self.cpus;
        if fits {
            self.memory -= copy.memory;
            self.accelerators -= copy.accelerators;
            self.cpus -= copy.cpus;
        }
        fits
    }
}

/// The instances of a variant and the copies on it.
struct Fleet {
    instances: Vec<Size>,
    most: usize,
    room: Size,
}

impl Fleet {
    fn of(variant: &Variant) -> Option<Self> {
        let hardware = instance_types::find(variant.instance_type.as_deref()?)?;
        let most = variant.managed.as_ref().and_then(|managed| int(managed, "MaxInstanceCount"));
        let most = usize::try_from(most.unwrap_or(variant.desired)).unwrap_or_default();
        Some(Self { instances: Vec::new(), most, room: Size::room(hardware) })
    }

    /// Puts a copy on the first instance that has room, or on another instance.
    fn place(&mut self, copy: Size) -> bool {
        if self.instances.iter_mut().any(|instance| instance.takes(copy)) {
            return true;
        }
        let mut fresh = self.room;
        let fits = self.instances.len() < self.most && fresh.takes(copy);
        if fits {
            self.instances.push(fresh);
        }
        fits
    }
}

/// How many of `copies` of this specification the instances of a variant hold beside the copies of the other
/// components. An instance type without known hardware holds all.
fn copies_that_fit(
    resources: &Resources,
    endpoint: &str,
    variant: &str,
    component: &str,
    wanted: &[(&Value, i64)],
) -> i64 {
    let all = wanted.iter().map(|(_, copies)| *copies).sum();
    let host = resources.endpoints.get(endpoint);
    let variant = host.and_then(|host| host.variants.iter().find(|found| found.name == variant));
    let Some((variant, mut fleet)) = variant.and_then(|variant| Some((variant, Fleet::of(variant)?))) else {
        return all;
    };
    let others = resources.components.values().filter(|other| {
        host.is_some_and(|host| other.is_on(host)) && other.variant == variant.name && other.name != component
    });
    for other in others {
        for _ in 0..other.current {
            fleet.place(Size::of(&other.specification));
        }
    }
    let copies = wanted.iter().flat_map(|(specification, copies)| {
        let size = Size::of(specification);
        (0..*copies).map(move |_| size)
    });
    let placed = copies.take_while(|size| fleet.place(*size)).count();
    i64::try_from(placed).unwrap_or(all)
}

/// How many instances the copies of all components on a variant need.
pub(crate) fn instances_needed(resources: &Resources, endpoint: &Endpoint, variant: &Variant) -> i64 {
    let placed = |component: &&Component| component.is_on(endpoint) && component.variant == variant.name;
    let Some(mut fleet) = Fleet::of(variant) else {
        // What an instance without known hardware holds is not known: all copies.
        let copies = resources.components.values().filter(placed).map(|component| component.desired);
        return copies.sum::<i64>().min(1);
    };
    for component in resources.components.values().filter(placed) {
        for _ in 0..component.desired {
            fleet.place(Size::of(&component.specification));
        }
    }
    i64::try_from(fleet.instances.len()).unwrap_or(1)
}

/// Refuses a count of accelerators that the instance type cannot have. AWS's SDK requires the count for instances with
/// accelerators and removes it for others: aws/sagemaker-python-sdk, `model_builder.py`. The texts are the world's own.
pub(crate) fn check_accelerators(variant: &Variant, specification: &Value) -> Result<(), ApiError> {
    let Some(name) = variant.instance_type.as_deref() else { return Ok(()) };
    let Some(hardware) = instance_types::find(name) else { return Ok(()) };
    let needed = specification.get("ComputeResourceRequirements");
    let count = needed.and_then(|needed| float(needed, "NumberOfAcceleratorDevicesRequired"));
    match (needed, count, hardware.accelerators) {
        (Some(_), None, 1..) => Err(ApiError::validation(format!(
            "NumberOfAcceleratorDevicesRequired is required on instance type {name}."
        ))),
        (Some(_), Some(_), 0) => Err(ApiError::validation(format!(
            "NumberOfAcceleratorDevicesRequired is not supported on instance type {name}, which has no accelerators."
        ))),
        _ => Ok(()),
    }
}

/// What the instances hold at the end of a change of a component.
pub(crate) struct Room {
    /// Copies of the specification that runs.
    pub(crate) copies: i64,
    /// Whether the copies of an update run beside the old ones, until these are removed.
    pub(crate) for_update: bool,
}

impl Room {
    pub(crate) fn of(resources: &Resources, name: &str) -> Self {
        let Some(found) = resources.components.get(name) else {
            return Self { copies: 0, for_update: false };
        };
        let fit = |wanted: &[(&Value, i64)]| {
            copies_that_fit(resources, &found.endpoint, &found.variant, name, wanted)
        };
        let copies = fit(&[(&found.specification, found.desired)]);
        let for_update = found.pending.as_ref().is_none_or(|(wanted, _)| {
            let extra = extra_copies(found.deployment.as_ref(), found.desired);
            let kept = found.current.min(found.desired);
            fit(&[(&found.specification, kept), (wanted, extra)]) == kept + extra
                && fit(&[(wanted, found.desired)]) == found.desired
        });
        Self { copies, for_update }
    }
}

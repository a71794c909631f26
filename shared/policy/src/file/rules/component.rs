//! Rules about the copies of an inference component on its instances.

use super::super::problem::Finding;
use super::Environment;
use super::instances::known;
use crate::endpoint::{Batches, Component, Instances};
use crate::instance_types::Hardware;

const REQUIREMENTS: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentComputeResourceRequirements.html";
const ROLLING: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html";
const MEASURED: &str = "https://github.com/huggingface/skills/pull/192";

/// A component and the instances that its copies are placed on.
struct Placement<'e> {
    component: Component,
    instances: Instances<'e>,
    hardware: Hardware,
}

/// Copies that the instances cannot hold.
pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let mut found = Vec::new();
    let spec = &environment.endpoint.spec;
    if let Some(size) = spec.behavior().component("", "").map(|component| component.size)
        && let Some(max) = size.max_memory_mb.filter(|max| *max < size.memory_mb)
    {
        let message =
            format!("the most, {max}, is less than `memoryMb`, {} ({REQUIREMENTS})", size.memory_mb);
        let finding = Finding::new(format!("{at}/endpoint/maxMemoryMb"), message);
        found.push(finding.because(format!("{at}/endpoint/memoryMb")));
    }
    if let Some(placement) = Placement::of(environment) {
        found.extend(placement.broken().map(|(field, message)| {
            let finding = Finding::new(format!("{at}/endpoint/{field}"), message);
            ["memoryMb", "accelerators", "cpus", "instances", "instanceType"]
                .iter()
                .filter(|other| **other != field)
                .fold(finding, |finding, other| finding.because(format!("{at}/endpoint/{other}")))
        }));
    }
    found
}

/// Copies that the instances may not hold.
pub(crate) fn warnings(at: &str, environment: &Environment) -> Vec<Finding> {
    let Some(Placement { component, instances, hardware }) = Placement::of(environment) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let (memory, of_machine) = (component.size.memory_mb, hardware.memory_mib);
    if hardware.accelerators.is_some() && memory.saturating_mul(8) > of_machine {
        let message = format!(
            "SageMaker reserves memory from a part of the {of_machine} MB of {} only: on ml.g5.xlarge with 16384 MB a copy of \
             1024 MB was placed, and one of 4096 MB was not ({MEASURED}); `memoryMb` is a reservation and not a limit, so \
             a smaller number may do",
            instances.instance_type
        );
        found.push(Finding::new(format!("{at}/endpoint/memoryMb"), message));
    }
    let placement = Placement { component, instances, hardware };
    let (copies, most) = (placement.component.copies, placement.most_copies());
    let extra = extra_copies(environment, copies);
    if copies.saturating_add(extra) > most {
        let message = format!(
            "an update runs {extra} new copies beside the {copies} old ones, but {} {} hold {most}; without more \
             `instances`, or batches by `rollout.rolling`, it fails ({ROLLING})",
            placement.instances.max, placement.instances.instance_type
        );
        found.push(Finding::new(format!("{at}/endpoint/instances"), message));
    }
    found
}

/// How many copies an update runs beside the old ones: all of them, or one batch.
fn extra_copies(environment: &Environment, copies: u32) -> u32 {
    let rolling = environment.rollout.rolling.as_ref();
    rolling.map_or(copies, |rolling| Batches::of(rolling).size.of(copies))
}

impl<'e> Placement<'e> {
    fn of(environment: &'e Environment) -> Option<Self> {
        let (instances, hardware) = known(environment)?;
        let component = environment.endpoint.spec.behavior().component("", "")?;
        Some(Self { component, instances, hardware })
    }

    /// The first field with which a copy, or the number of copies, does not fit; with the message.
    fn broken(&self) -> Option<(&'static str, String)> {
        let Self { component, instances, hardware } = self;
        let (size, name) = (component.size, instances.instance_type);
        let devices = hardware.accelerators.map_or(0, |accelerators| accelerators.count);
        if size.memory_mb > hardware.memory_mib {
            let (wanted, has) = (size.memory_mb, hardware.memory_mib);
            let message =
                format!("found {wanted}, but one {name} has {has} MB, and a copy runs on one instance");
            return Some(("memoryMb", format!("{message} ({REQUIREMENTS})")));
        }
        match size.accelerators {
            None if devices > 0 => {
                let message = format!(
                    "missing; {name} has {devices} accelerators, and a copy gets only those that the policy gives it"
                );
                return Some(("accelerators", format!("{message} ({REQUIREMENTS})")));
            }
            Some(wanted) if wanted > devices => {
                let message = format!("found {wanted}, but one {name} has {devices} accelerators");
                return Some(("accelerators", format!("{message} ({REQUIREMENTS})")));
            }
            _ => {}
        }
        if let Some(wanted) = size.cpus.filter(|wanted| *wanted > hardware.vcpus) {
            let message = format!("found {wanted}, but one {name} has {} CPUs", hardware.vcpus);
            return Some(("cpus", format!("{message} ({REQUIREMENTS})")));
        }
        let (copies, most) = (component.copies, self.most_copies());
        (copies > most).then(|| {
            let message = format!(
                "{copies} copies do not fit: {} {name} hold at most {most} of this size",
                instances.max
            );
            ("copies", format!("{message} ({REQUIREMENTS})"))
        })
    }

    /// How many copies all instances hold at most. They may hold fewer, because the system needs memory too.
    fn most_copies(&self) -> u32 {
        let (size, hardware) = (self.component.size, self.hardware);
        let devices = hardware.accelerators.map_or(0, |accelerators| accelerators.count);
        let on_one = [
            hardware.memory_mib.checked_div(size.memory_mb),
            devices.checked_div(size.accelerators.unwrap_or(0)),
            hardware.vcpus.checked_div(size.cpus.unwrap_or(0)),
        ];
        on_one.into_iter().flatten().min().unwrap_or_default().saturating_mul(self.instances.max)
    }
}

//! SageMaker's instance types: which APIs accept them, and their hardware.
//!
//! The table is data with a date. AWS adds types, so a type that is not in it is unknown, not wrong. The script
//! `generate.py` of the crate `tidegate-instances` writes the table from AWS's API model and from EC2's description of its types.

use tidegate_instances::TABLE;

use crate::names::InstanceType;

/// The hardware of one instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardware {
    /// Its virtual CPUs.
    pub vcpus: u32,
    /// The memory of the machine in MiB. A container has less.
    pub memory_mib: u32,
    /// Its accelerators.
    pub accelerators: Option<Accelerators>,
    /// Whether its processors are arm64, so that an image for x86-64 does not start.
    pub arm64: bool,
    /// Whether it has local NVMe storage. SageMaker accepts no KMS key for such a volume.
    pub local_nvme: bool,
    /// Whether its CPU has full speed only while it has CPU credits.
    pub burstable: bool,
    flags: &'static str,
}

/// The accelerators of an instance, all of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accelerators {
    /// Their class.
    pub class: AcceleratorClass,
    /// Their number: devices, not cores.
    pub count: u32,
    /// The memory of each in MiB, if it is known.
    pub memory_mib: Option<u32>,
}

/// The classes of accelerators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceleratorClass {
    /// NVIDIA GPUs.
    Gpu,
    /// AWS Inferentia and Trainium.
    Neuron,
    /// Habana Gaudi.
    Gaudi,
}

/// The SageMaker APIs that accept an instance type. Each has a list of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Endpoints and inference components.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html>
    Hosting,
    /// Training jobs. <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html>
    Training,
    /// Processing jobs.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html>
    Processing,
    /// Batch transform jobs.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html>
    Transform,
}

impl Hardware {
    /// Whether an API accepts the type.
    #[must_use]
    pub fn is_accepted_by(&self, api: Api) -> bool {
        self.flags.contains(flag(api))
    }
}

/// The hardware of an instance type; `None` if the table does not contain it.
#[must_use]
pub fn find(instance_type: &InstanceType) -> Option<Hardware> {
    rows().find_map(|(name, row)| (name == instance_type.as_str()).then(|| hardware(row))?)
}

/// The accepted types of an API whose names are nearest to the given one, at most three.
#[must_use]
pub fn nearest(instance_type: &InstanceType, api: Api) -> Vec<&'static str> {
    let accepted = rows().filter(|(_, row)| hardware(row).is_some_and(|found| found.is_accepted_by(api)));
    let mut near: Vec<(usize, &str)> =
        accepted.map(|(name, _)| (strsim::damerau_levenshtein(name, instance_type.as_str()), name)).collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The day of the table, such as `2026-11-30`.
#[must_use]
pub fn date() -> &'static str {
    let line = TABLE.lines().next().unwrap_or_default();
    line.split_once("as of ").and_then(|(_, rest)| rest.get(..10)).unwrap_or_default()
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

fn flag(api: Api) -> char {
    match api {
        Api::Hosting => 'h',
        Api::Training => 't',
        Api::Processing => 'p',
        Api::Transform => 'b',
    }
}

fn hardware(row: &'static str) -> Option<Hardware> {
    let columns: Vec<&'static str> = row.split(' ').collect();
    let [vcpus, memory, devices, architecture, flags] = columns.as_slice() else { return None };
    Some(Hardware {
        vcpus: vcpus.parse().ok()?,
        memory_mib: memory.parse().ok()?,
        accelerators: accelerators(devices),
        arm64: *architecture == "arm64",
        local_nvme: flags.contains('n'),
        burstable: flags.contains('u'),
        flags,
    })
}

fn accelerators(column: &str) -> Option<Accelerators> {
    let mut parts = column.split(':');
    let class = match parts.next()? {
        "gpu" => AcceleratorClass::Gpu,
        "neuron" => AcceleratorClass::Neuron,
        "gaudi" => AcceleratorClass::Gaudi,
        _ => return None,
    };
    Some(Accelerators { class, count: parts.next()?.parse().ok()?, memory_mib: parts.next()?.parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Option<Hardware> {
        find(&name.parse().unwrap())
    }

    #[test]
    fn every_row_is_valid_and_is_found() {
        assert_eq!(date().len(), 10, "{}", date());
        let mut count = 0;
        for (name, row) in rows() {
            let found = hardware(row).unwrap_or_else(|| panic!("{name}: {row}"));
            assert!(found.vcpus > 0 && found.memory_mib > 1_000, "{name}");
            assert!(found.flags.contains(['h', 't', 'p', 'b']), "{name}");
            assert_eq!(row.contains(" - "), found.accelerators.is_none(), "{name}");
            assert_eq!(of(name), Some(found));
            count += 1;
        }
        assert!(count > 300, "{count}");
    }

    #[test]
    fn hardware_is_that_of_the_machine() {
        let g5 = of("ml.g5.12xlarge").unwrap();
        assert_eq!((g5.vcpus, g5.memory_mib, g5.local_nvme, g5.arm64), (48, 196_608, true, false));
        let gpus = Accelerators { class: AcceleratorClass::Gpu, count: 4, memory_mib: Some(22_888) };
        assert_eq!(g5.accelerators, Some(gpus));
        assert_eq!(of("ml.trn2.48xlarge").unwrap().accelerators.unwrap().memory_mib, None);
        assert!(of("ml.c7g.large").unwrap().arm64 && of("ml.t2.medium").unwrap().burstable);
        assert_eq!(of("ml.m99.large"), None);
    }

    #[test]
    fn each_api_has_its_own_list() {
        let t3 = of("ml.t3.medium").unwrap();
        assert!(!t3.is_accepted_by(Api::Hosting) && t3.is_accepted_by(Api::Processing));
        assert!(!of("ml.inf1.xlarge").unwrap().is_accepted_by(Api::Training));
        assert_eq!(nearest(&"ml.t3.medium".parse().unwrap(), Api::Hosting)[0], "ml.t2.medium");
    }
}

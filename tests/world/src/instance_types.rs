//! The hardware of instance types, from the table that the product reads as well. The rules are the world's own.

use tidegate_instances::TABLE;

/// The hardware of one instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hardware {
    pub(crate) vcpus: i64,
    /// Of the machine, in MiB.
    pub(crate) memory: i64,
    pub(crate) accelerators: i64,
    /// Whether it has local NVMe storage.
    pub(crate) nvme: bool,
    /// Whether endpoints can have it.
    pub(crate) hosting: bool,
}

/// The hardware of a type; `None` if the table does not contain it.
pub(crate) fn find(name: &str) -> Option<Hardware> {
    let row = TABLE.lines().find(|line| line.split(' ').next() == Some(name))?;
    let columns: Vec<&str> = row.split(' ').collect();
    let [_, vcpus, memory, devices, _, flags] = columns.as_slice() else { return None };
    Some(Hardware {
        vcpus: vcpus.parse().ok()?,
        memory: memory.parse().ok()?,
        accelerators: devices.split(':').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0),
        nvme: flags.contains('n'),
        hosting: flags.contains('h'),
    })
}

/// The types that endpoints can have.
pub(crate) fn hosting() -> impl Iterator<Item = &'static str> {
    let names = TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    names.filter(|name| find(name).is_some_and(|found| found.hosting))
}

//! The memory of this process, as Linux counts it.

/// Begins a new measurement of the largest size.
pub(crate) fn forget_peak() {
    // Without the permission, the largest size is that of the whole process, which is no less.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The present size in KiB.
pub(crate) fn present() -> u64 {
    read("VmRSS:")
}

/// The largest size in KiB since [`forget_peak`].
pub(crate) fn peak() -> u64 {
    read("VmHWM:")
}

fn read(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

//! Where things are.

use std::path::{Path, PathBuf};

/// The root of the checkout that this was built from.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Where the local cloud keeps what it makes; `cargo clean` removes it.
pub(crate) fn scratch() -> PathBuf {
    target().join("sandbox")
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The emulator's Python files.
pub(crate) fn cloud_files() -> PathBuf {
    workspace().join("tests/sandbox/cloud")
}

//! What the functions decide in the scenarios of `events/scenarios`, compared with what the files expect.

mod decided;
mod print;

use std::path::{Path, PathBuf};

pub use decided::{Decided, misses};
pub use print::print;

/// The folder `events` of this repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

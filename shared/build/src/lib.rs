//! The Git commit that a binary was built from, so that `tidegate doctor` can compare what runs.

/// The first 12 digits of the commit, or `unknown` for a build from an archive. Changes that were not committed do not show.
pub const COMMIT: &str = env!("TIDEGATE_COMMIT");

//! The real zips in the local cloud: see `tests/e2e`.

//! The real zips in the local cloud.

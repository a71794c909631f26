//! Wire tests: the SDKs' real clients against written answers. Each test says which requests go out, byte for byte where
//! it matters, and what an answer becomes. A request that no answer was written for fails the test, and so does an answer
//! that nobody asked for.

mod alarms;
mod capacity;
mod cloud;
mod components;
mod counting;
#[cfg(feature = "operate")]
mod dead_letters;
mod endpoints;
mod errors;
mod hub;
mod ledger_claims;
mod ledger_policies;
mod ledger_records;
mod messages;
mod metrics;
mod observe;
#[cfg(feature = "operate")]
mod operate;

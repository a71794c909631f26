//! Wire tests: the real clients of the SDK with prepared answers. Each test checks which requests are sent, byte for
//! byte where it matters, and how an answer is converted. A request without a prepared answer fails the test, and so
//! does an answer that was not requested.

mod adoption;
mod alarms;
mod capacity;
mod cloud;
mod components;
mod counting;
#[cfg(feature = "operate")]
mod dead_letters;
mod endpoints;
mod errors;
mod fleet;
mod hub;
mod ledger_claims;
mod ledger_policies;
mod ledger_records;
mod ledger_texts;
mod messages;
mod metrics;
mod observe;
#[cfg(feature = "operate")]
mod operate;
mod queues;
mod settings;

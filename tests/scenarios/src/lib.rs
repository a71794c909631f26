//! The functions of Tidegate without Lambda, without AWS and without a network.
//!
//! [`Cloud`] is one model of AWS for several accounts, and [`Account`] is the ports of a function in one of them:
//! SageMaker, CodeCommit and Application Auto Scaling are [`tidegate_world::World`]'s, the bus, the alert topic, the
//! schedules, the alarms and the reports are lists that a test reads and writes. [`scenario`] compares what the functions
//! decide in the files under `events/scenarios` with what these expect. The ledger, the runtime and the faults are
//! `tidegate-testkit`'s.
//!
//! Nothing here waits: every port answers at once, so that an invocation is a future that is ready when it is first
//! polled. One that is not ready was stopped by a [`CallFault`](tidegate_testkit::CallFault): dropped, it is an invocation
//! that crashed; polled again, one that was paused.

mod cloud;
mod ports;
pub mod scenario;

pub use cloud::{Account, Alert, Cloud, Published, Wakeup};

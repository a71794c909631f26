//! The functions of Tidegate without Lambda, without AWS and without a network.
//!
//! Three things live here:
//!
//! * [`MemoryLedger`] keeps what the DynamoDB ledger keeps, by the same rules;
//! * [`Cloud`] is one model of AWS for several accounts, and [`Account`] is the ports of a function in one of them:
//!   SageMaker, CodeCommit and Application Auto Scaling are [`tidegate_world::World`]'s, the bus, the alert topic, the
//!   schedules, the alarms and the reports are lists that a test reads and writes;
//! * [`scenario`] reads the files under `events/scenarios` and says what the functions decide in them.
//!
//! Nothing here waits: every port answers at once, so that an invocation is a future that is ready when it is first
//! polled. One that is not ready was stopped by a [`CallFault`]: dropped, it is an invocation that crashed; polled again,
//! one that was paused. [`poll_once`](tidegate_testkit::poll_once) tells the two from those that ended.

mod cloud;
mod faults;
mod function;
mod ledger;
mod ports;
pub mod scenario;

pub use cloud::{Account, Alert, Cloud, Published, Wakeup};
pub use faults::{CallFault, FaultInjector, FaultPlan};
pub use function::Site;
pub use ledger::{MemoryLedger, Note};

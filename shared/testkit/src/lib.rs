//! Runs the functions without Lambda and without AWS: for `explain`, `replay`, the scenarios and the simulation.
//!
//! * [`Runtime`] contains the functions of one site.
//! * [`InMemoryLedger`] is the ledger, with the rules of the one in DynamoDB.
//! * [`FakeAws`] implements every port with canned responses, applied events and the functions' own calls.
//! * [`scenario`] reads the files of `events/scenarios` and runs them.
//! * [`Network`] is the way of the calls to the fake AWS: they can take time and be throttled.
//! * [`FaultInjector`] makes single calls fail, crash or pause.
//!
//! Every port responds immediately, so an invocation is a future that is ready at its first poll: [`poll_once`]. This
//! code is part of the release and does not panic.

mod aws;
mod by_name;
mod faults;
mod ledger;
mod network;
mod poll;
mod runtime;
pub mod scenario;

pub use aws::{CannedResponses, Effect, FakeAws, Pace};
pub use faults::{CallFault, FaultInjector, FaultPlan};
pub use ledger::{InMemoryLedger, Note};
pub use network::Network;
pub use poll::poll_once;
pub use runtime::Runtime;

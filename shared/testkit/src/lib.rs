//! What the functions run on without Lambda and without AWS: for `explain`, `replay`, the scenarios and the simulation.
//!
//! * [`Runtime`] has the functions of one site.
//! * [`InMemoryLedger`] is the ledger, by the rules of the one in DynamoDB.
//! * [`FakeAws`] answers every port from canned responses, applied events and the functions' own calls.
//! * [`scenario`] reads the files of `events/scenarios` and runs them.
//! * [`FaultInjector`] lets single calls fail, crash or pause.
//!
//! Every port answers at once, so an invocation is a future that is ready when it is first polled: [`poll_once`]. This is
//! shipped code, and has no panics.

mod aws;
mod by_name;
mod faults;
mod ledger;
mod poll;
mod runtime;
pub mod scenario;

pub use aws::{CannedResponses, Effect, FakeAws, Pace};
pub use faults::{CallFault, FaultInjector, FaultPlan};
pub use ledger::{InMemoryLedger, Note};
pub use poll::poll_once;
pub use runtime::Runtime;

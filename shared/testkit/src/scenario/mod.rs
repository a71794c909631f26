//! Scenarios: the decision of a function in one situation, in a file that can be read without Rust.
//!
//! A scenario is a YAML file `events/scenarios/<function>/<name>.yaml`; the `README.md` of that folder explains the
//! format. [`Scenario::load`] reads it with the files that it refers to, and [`Invocation::run`] runs the real
//! handler: the ledger contains the policy and the state, [`FakeAws`](crate::FakeAws) returns the data that the
//! scenario contains, and the current time is its `now`. A file with only `state` and `seen` is a [`Setup`]. Changing
//! such a file also answers "what if" questions.

mod file;
mod load;
mod patch;
mod read;
mod run;
mod seen;
mod seen_execution;
mod seen_gates;
mod setup;

pub use file::Expect;
pub use load::Scenario;
pub use patch::{contains, set};
pub use read::ScenarioError;
pub use run::{Invocation, InvocationError, Ran};
pub use seen::{Seen, SeenAnswer, SeenApproved, SeenComponent, SeenEndpoint, SeenPackage};
pub use seen_execution::{SeenExecution, SeenStep};
pub use setup::Setup;

//! Scenarios: what a function decides in one situation, written down so that nobody needs to read Rust for it.
//!
//! A scenario is a YAML file `events/scenarios/<function>/<name>.yaml`; that folder's `README.md` explains the format.
//! [`Scenario::load`] reads it with the files that it names, and [`Invocation::run`] runs the real handler on it: the
//! ledger holds the policy and the state, [`FakeAws`](crate::FakeAws) answers what the scenario says was seen, and the
//! clock stands at its `now`. A file with only `state` and `seen` is a [`Setup`]: so the files that drive the tests also
//! answer "what if" for whoever changes one.

mod file;
mod load;
mod patch;
mod read;
mod run;
mod seen;
mod setup;

pub use file::Expect;
pub use load::Scenario;
pub use patch::{contains, set};
pub use read::ScenarioError;
pub use run::{Invocation, InvocationError, Ran};
pub use seen::{Seen, SeenAnswer, SeenApproved, SeenComponent, SeenEndpoint, SeenPackage};
pub use setup::Setup;

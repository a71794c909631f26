//! Scenarios: what a function decides in one situation, written down so that nobody needs to read Rust for it.
//!
//! A scenario is a YAML file `events/scenarios/<function>/<name>.yaml`; that folder's `README.md` explains the format.
//! [`decide_scenario`] runs the real handler on it: the ledger holds the policy and the state, the ports answer what the
//! scenario says was seen, and the clock stands at its `now`.

mod file;
mod patch;
mod print;
mod run;
mod seen;

pub use file::{Expect, Found, Scenario, ScenarioError, load, root};
pub use patch::{contains, set};
pub use print::print;
pub use run::{Decided, decide_scenario, misses};
pub use seen::Seen;

//! Tidegate's policy: what is decided, and why. Pure.
//!
//! Nothing here reads a clock, an environment variable, a file or the network, and nothing is asynchronous: every
//! `decide` is a function of (policy, snapshot, event, now). The Lambda functions, the command line and the tests
//! call the same ones.
//!
//! The vocabulary:
//!
//! * a [`Policy`](file::Policy) says what a team wants for one model;
//! * a *snapshot* is what a function observed, each rule has its own (`train::Snapshot`, `deploy::Snapshot`, …);
//! * a [`Decision`](decision::Decision) is a [`Verdict`](decision::Verdict) with its
//!   [`Reason`](reason::Reason), its evidence, the complete plan of actions, and the state that follows;
//! * *state* is what the ledger must remember between events.
//!
//! What holds always: the same inputs give the same decision; doing nothing is a verdict with a reason; missing data
//! is never a pass.

pub mod arn;
pub mod check;
pub mod clock;
pub mod controller;
pub mod decision;
pub mod deploy;
pub mod duration;
pub mod endpoint;
pub mod file;
pub mod fingerprint;
pub mod hold;
pub mod lookup;
pub mod names;
mod people;
pub mod promote;
pub mod reason;
pub mod respond;
pub mod scale;
pub mod site;
pub mod step;
pub mod train;

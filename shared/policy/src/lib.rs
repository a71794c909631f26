//! Tidegate's policy language and decisions. All functions are pure.
//!
//! No function here reads a clock, an environment variable, a file or the network, and none is asynchronous: every
//! `decide` is a function of (policy, snapshot, event, now). The Lambda functions, the command line and the tests
//! call the same ones.
//!
//! Terms:
//!
//! * a [`Policy`](file::Policy) contains a team's configuration for one model;
//! * a *snapshot* is the observed state of AWS; each function has its own (`train::Snapshot`, `deploy::Snapshot`, …);
//! * a [`Decision`](decision::Decision) is a [`Verdict`](decision::Verdict) with its
//!   [`Reason`](reason::Reason), its evidence, the complete plan of actions, and the state that follows;
//! * *state* is what the ledger stores between events.
//!
//! Always true: the same inputs give the same decision; no action is a verdict with a reason; missing data never
//! passes a check.

pub mod arn;
pub mod artifacts;
pub mod check;
pub mod clock;
pub mod controller;
pub mod decision;
pub mod denial;
pub mod deploy;
pub mod duration;
pub mod endpoint;
pub mod evaluation;
pub mod file;
pub mod fingerprint;
pub mod freeze;
pub mod hold;
pub mod instance_types;
pub mod lookup;
pub mod names;
pub mod operate;
pub mod owner;
mod people;
pub mod principal;
pub mod promote;
pub mod reason;
pub mod respond;
pub mod scale;
pub mod site;
pub mod step;
pub mod train;

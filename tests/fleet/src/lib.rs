//! The sweeps of all functions over fleets of up to ten thousand models, in virtual time.
//!
//! * [`VirtualClock`] moves only when everything waits: a run takes no longer than its computations.
//! * [`MeteredNetwork`] lets each request take 25 ms, counts it, and throttles it above the rates of [`RATES`].
//! * [`RemoteLedger`] sends the requests that the ledger in DynamoDB sends.
//! * [`Fleet`] is a fleet of live models at one site.
//! * [`Bench`] invokes a function on a fleet, and [`measure`] runs one sweep.
//!
//! `cargo bench-fleet` prints the table of `docs/fleet.md`.

mod clock;
mod fleet;
mod ledger;
mod memory;
mod network;
mod prices;
mod rates;
mod sweep;

pub use clock::{InvocationClock, VirtualClock};
pub use fleet::{Counts, Fleet, noon, payload};
pub use ledger::RemoteLedger;
pub use network::{Count, LATENCY, MeteredNetwork};
pub use prices::{PRICES, Price, a_month, sweeps_a_month};
pub use rates::{RATES, Rate, Source, rate_of};
pub use sweep::{Bench, Failure, LONGEST, Measured, decided, measure};

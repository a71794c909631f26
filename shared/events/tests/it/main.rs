//! The sample events under `events/` against the parser.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod common;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod idempotency_key;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod never_panics;
#[cfg(test)]
mod samples;

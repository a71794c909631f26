//! Tests of the parser with the sample events under `events/`.

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
mod personal;
#[cfg(test)]
mod samples;

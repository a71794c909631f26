//! The functions in their situations, and what must hold for the whole repository.

#[cfg(test)]
mod envelope;
#[cfg(test)]
mod once;
#[cfg(test)]
mod order;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod sweeps;

//! The functions in their situations, and what must hold for the whole repository.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod asleep;
#[cfg(test)]
mod begun;
#[cfg(test)]
mod changed;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod envelope;
#[cfg(test)]
mod fleets;
#[cfg(test)]
mod for_now;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod once;
#[cfg(test)]
mod order;
#[cfg(test)]
mod owned;
#[cfg(test)]
mod pipeline_roles;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod pushes;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod referee;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod sweeps;
#[cfg(test)]
mod tags;

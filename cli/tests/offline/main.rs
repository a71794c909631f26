//! Tests of the command line without an AWS account.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod pipes;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod workflow;

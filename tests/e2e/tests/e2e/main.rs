//! The real functions, built, zipped and deployed from the templates into a local cloud of three accounts, with IAM
//! enforced: what a team would see on its first day, and on its worst.
//!
//! A `SharedRun` is a scenario whose result several tests check. The first test that needs it runs it.

#[cfg(test)]
mod asynchronous;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod calm;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod chaos_effects;
#[cfg(test)]
mod chaos_emulator;
#[cfg(test)]
mod chaos_ledger;
#[cfg(test)]
mod chaos_redrive;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod command_line_permissions;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod denied;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod duplicate_delivery;
#[cfg(test)]
mod emulator;
#[cfg(test)]
mod everything;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod going_back;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod hosting;
#[cfg(test)]
mod input;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod model;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod people;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod redrive;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod shared_run;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod test_cloud;

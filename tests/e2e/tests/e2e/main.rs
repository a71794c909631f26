//! The real functions, built, zipped and deployed from the templates into a local cloud of three accounts, with IAM
//! enforced: what a team would see on its first day, and on its worst.
//!
//! A *tale* is a story that several tests ask about. It is told once, whoever asks first.

#[cfg(test)]
mod calm;
#[cfg(test)]
mod model;
#[cfg(test)]
mod people;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tale;

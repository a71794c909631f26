//! Whole replays: of a made-up fleet, and of single events where it matters which functions they reach.

#[cfg(test)]
#[path = "../../examples/generate/day.rs"]
mod day;
#[cfg(test)]
#[path = "../../examples/generate/event.rs"]
mod event;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod receivers;
#[cfg(test)]
mod same;

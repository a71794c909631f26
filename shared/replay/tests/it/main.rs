//! Whole replays: of a made-up fleet, and of single events where it matters who hears them.

#[path = "../../examples/generate/day.rs"]
mod day;
#[path = "../../examples/generate/event.rs"]
mod event;
mod fleet;
mod heard;
mod routes;
mod same;

//! The real functions in virtual time, with faults, checked after every step.

mod book;
mod check;
mod data;
mod drive;
mod fault;
mod fleet;
mod fortune;
mod generate;
mod invoke;
mod left;
mod many;
mod mutant;
mod people;
mod place;
mod post;
mod random;
mod rest;
mod run;
mod settled;
mod shrink;
mod stage;
mod step;
mod tale;
mod tally;
mod words;
mod yard;

pub use check::Violation;
pub use many::{Broken, Many, Summary};
pub use mutant::Mutant;
pub use run::Ending;
pub use step::Story;
pub use tally::Tally;

//! The list of all functions, and the routes of events to them.
//!
//! A new function is a crate with a `SPEC` and one line in [`FUNCTIONS`]. The programs that run functions without
//! Lambda (`explain`, `replay`, the scenarios, the simulation) create them from this list. A test compares the routes
//! with the rules of the templates in `infra/`.

mod routes;

use tidegate_engine::{FunctionSpec, Scope};

pub use routes::{is_forwarded, targets, wanted_by};

/// All functions: first the hub's, then the environments'.
pub static FUNCTIONS: [&FunctionSpec; 6] = [
    &tidegate_train::SPEC,
    &tidegate_promote::SPEC,
    &tidegate_operate::SPEC,
    &tidegate_deploy::SPEC,
    &tidegate_respond::SPEC,
    &tidegate_scale::SPEC,
];

/// The function with the given name.
#[must_use]
pub fn named(name: &str) -> Option<&'static FunctionSpec> {
    FUNCTIONS.into_iter().find(|function| function.name == name)
}

/// The functions of a stack.
pub fn of_scope(scope: Scope) -> impl Iterator<Item = &'static FunctionSpec> {
    FUNCTIONS.into_iter().filter(move |function| function.scope == scope)
}

/// The names of all functions in a sentence: `train, promote and deploy`.
#[must_use]
pub fn names(conjunction: &str) -> String {
    let names = FUNCTIONS.map(|function| function.name);
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    format!("{} {conjunction} {last}", others.join(", "))
}

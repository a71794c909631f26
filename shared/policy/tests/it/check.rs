//! The referee: what the deciding functions decide passes, and every invariant is broken by something.

mod broken_deploy;
mod broken_follow_up;
mod broken_promote;
mod broken_respond;
mod broken_scale;
mod broken_train;
mod deployments;
mod obeyed;
mod promotions;

use std::collections::BTreeSet;

use tidegate_policy::check::{Invariant, Violation};
use tidegate_policy::controller::Controller;

use crate::decide::Decided;

/// A decision with all that it was made from.
trait Judged {
    /// The invariants that it breaks.
    fn judge(&self) -> Vec<Violation>;
}

impl<C: Controller> Judged for Decided<C> {
    fn judge(&self) -> Vec<Violation> {
        self.violations()
    }
}

/// A right decision, and how it is made one that breaks an invariant.
struct Break<S> {
    invariant: Invariant,
    how: &'static str,
    scene: fn() -> S,
    by: fn(&mut S),
}

/// Breaks each scene, and returns what was broken.
fn broken<S: Judged>(breaks: &[Break<S>]) -> BTreeSet<Invariant> {
    let mut missed = Vec::new();
    for Break { invariant, how, scene, by } in breaks {
        let mut scene = scene();
        assert_eq!(scene.judge(), [], "{how}: it was wrong before");
        by(&mut scene);
        let found = scene.judge();
        if !found.iter().any(|violation| violation.invariant == *invariant) {
            missed.push(format!("{how}: {invariant} is not in {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    breaks.iter().map(|b| b.invariant).collect()
}

#[test]
fn every_invariant_is_broken_by_something() {
    let tried: BTreeSet<&str> = [
        broken_train::all(),
        broken_promote::all(),
        broken_deploy::all(),
        broken_respond::all(),
        broken_scale::all(),
        broken_follow_up::all(),
    ]
    .into_iter()
    .flatten()
    .map(Invariant::code)
    .collect();
    let left: Vec<&&str> = Invariant::CODES.iter().filter(|code| !tried.contains(*code)).collect();
    assert!(left.is_empty(), "no test breaks {left:?}");
}

#[test]
fn a_violation_says_what_it_breaks_and_what_was_seen() {
    let violation = Violation { invariant: Invariant::NotIdle, detail: "3 invocations".to_owned() };
    assert_eq!(violation.to_string(), "not_idle: 3 invocations");
    assert!(violation.invariant.message().contains("goes to zero"));
}

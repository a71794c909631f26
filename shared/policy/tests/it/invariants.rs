//! The invariants: the controllers keep them, and each is broken by some decision.

mod after_rejection;
mod deploy;
mod deployments;
mod kept;
mod promote;
mod promotions;
mod respond;
mod scale;
mod train;

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
fn every_invariant_is_broken_by_some_decision() {
    let tried: BTreeSet<&str> =
        [train::all(), promote::all(), deploy::all(), respond::all(), scale::all(), after_rejection::all()]
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

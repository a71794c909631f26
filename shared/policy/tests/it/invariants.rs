//! The invariants: the controllers keep them, and each is broken by some decision.

mod after_rejection;
mod deploy;
mod deployments;
mod kept;
mod operate;
mod promote;
pub(crate) mod promotions;
mod respond;
mod scale;
mod train;

pub(crate) use promotions::approved;

use std::collections::BTreeSet;

use tidegate_policy::check::{Invariant, Violation};
use tidegate_policy::controller::Controller;

use crate::decide::Decided;

/// A decision with all that it was made from.
trait HasViolations {
    /// The invariants that it breaks.
    fn violations(&self) -> Vec<Violation>;
}

impl<C: Controller> HasViolations for Decided<C> {
    fn violations(&self) -> Vec<Violation> {
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
fn broken<S: HasViolations>(breaks: &[Break<S>]) -> BTreeSet<Invariant> {
    let mut missed = Vec::new();
    for Break { invariant, how, scene, by } in breaks {
        let mut scene = scene();
        assert_eq!(scene.violations(), [], "{how}: it was wrong before");
        by(&mut scene);
        let found = scene.violations();
        if !found.iter().any(|violation| violation.invariant == *invariant) {
            missed.push(format!("{how}: {invariant} is not in {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    breaks.iter().map(|b| b.invariant).collect()
}

#[test]
fn every_invariant_is_broken_by_some_decision() {
    let tried: BTreeSet<&str> = [
        train::all(),
        promote::all(),
        deploy::all(),
        respond::all(),
        scale::all(),
        operate::all(),
        after_rejection::all(),
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

/// An invariant that asks the code that decides would only repeat its mistakes.
#[test]
fn invariants_call_nothing_that_decides() {
    const DECIDES: &[&str] = &[
        "accept_request",
        "converge",
        "copies",
        "decide",
        "due",
        "enter",
        "go_on",
        "governor",
        "ignorable",
        "next_check",
        "observe",
        "on_capacity_alarm",
        "on_deferred",
        "on_precondition_failed",
        "on_rejected",
        "on_tick",
        "overdue",
        "precondition",
        "reject_unauthorized",
        "release",
        "skip_without_reading",
        "still_applies",
        "target",
        "tick",
        "token_of_last",
    ];
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source.join("check.rs")];
    files.extend(
        ["deploy", "promote", "respond", "scale", "train"]
            .map(|name| source.join(name).join("invariants.rs")),
    );
    for folder in ["check", "deploy/invariants", "promote/invariants"] {
        files.extend(std::fs::read_dir(source.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // A call, or an import; what is between quotes is neither.
            let code: String = line.split('"').step_by(2).collect();
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            let decides = words.into_iter().find(|word| {
                let imported = code.trim_start().starts_with("use ") || code.contains(&format!("{word}("));
                imported && (DECIDES.contains(word) || word.starts_with("decide_"))
            });
            assert_eq!(decides, None, "{}: {line}", file.display());
        }
    }
}

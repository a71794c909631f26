//! The page `docs/transitions.md` shows the table of the code.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-policy transitions` writes the page again.

use std::fmt::{Debug, Write as _};
use std::path::Path;

use tidegate_policy::promote::gates::GATES;
use tidegate_policy::promote::transitions::{
    Case, Changed, Ignored, Known, Order, Status, Transition, transition,
};

/// The values of one column that lead to the same rest of a row.
type Group<T, R> = (Vec<T>, R);

/// Joins the values with an equal rest, in the order of their first value.
fn group<T: Copy, R: PartialEq>(values: &[T], rest: impl Fn(T) -> R) -> Vec<Group<T, R>> {
    let mut groups: Vec<Group<T, R>> = Vec::new();
    for value in values {
        let rest = rest(*value);
        match groups.iter_mut().find(|(_, known)| *known == rest) {
            Some((values, _)) => values.push(*value),
            None => groups.push((vec![*value], rest)),
        }
    }
    groups
}

/// The words of a cell: `any` for all values of the column.
fn cell<T: Debug + Copy>(values: &[T], all: &[T]) -> String {
    if values.len() == all.len() {
        return "any".to_owned();
    }
    values.iter().map(|value| words(&format!("{value:?}"))).collect::<Vec<_>>().join(", ")
}

/// `NoPromotion` as `no promotion`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn outcome(found: Transition) -> String {
    match found {
        Transition::Begin => "the promotion begins".to_owned(),
        Transition::BeginAndHold => "the promotion begins, and a hold keeps the version".to_owned(),
        Transition::Stop => "the promotion stops; `rollback.onRejection` applies".to_owned(),
        Transition::StopOnly => "the promotion stops; what serves serves on".to_owned(),
        Transition::Undo => "`rollback.onRejection` applies".to_owned(),
        Transition::Warn => "people are told where it still serves".to_owned(),
        Transition::Record => "nothing; a later approval is a new one".to_owned(),
        Transition::Ignore(why) => format!("nothing: `{}`", reason(why)),
    }
}

fn reason(why: Ignored) -> &'static str {
    match why {
        Ignored::LifecycleOnly => "lifecycle_only",
        Ignored::MetadataOnly => "metadata_only",
        Ignored::AwaitingApproval => "awaiting_approval",
        Ignored::UnknownApproval => "unknown_approval",
        Ignored::AlreadyPromoting => "already_promoting",
        Ignored::OlderApproval => "older_approval",
        Ignored::ChangedFieldsUnknown => "changed_fields_unknown",
        Ignored::OlderRejection => "older_rejection",
        Ignored::NotPromoting => "rejected_not_promoting",
    }
}

fn table() -> String {
    let mut rows =
        String::from("| status | what changed | the version | time | outcome |\n|---|---|---|---|---|\n");
    for status in Status::ALL {
        let by_change = group(Changed::ALL, |changed| {
            group(Known::ALL, |known| {
                group(Order::ALL, |order| transition(Case { status: *status, changed, known, order }))
            })
        });
        for (changed, by_known) in by_change {
            for (known, by_order) in by_known {
                for (order, found) in by_order {
                    let cells = [
                        words(&format!("{status:?}")),
                        cell(&changed, Changed::ALL),
                        cell(&known, Known::ALL),
                        cell(&order, Order::ALL),
                        outcome(found),
                    ];
                    let _ = writeln!(rows, "| {} |", cells.join(" | "));
                }
            }
        }
    }
    rows
}

#[test]
fn the_page_shows_the_table_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transitions.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- table: begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- table: end -->\n").unwrap();
    let gates: Vec<String> = GATES.iter().map(|gate| format!("`{}`", gate.name)).collect();
    let current = format!(
        "{before}<!-- table: begin -->\n{}\nThe gates, in the order of evaluation: {}.\n<!-- table: end -->\n{after}",
        table(),
        gates.join(", ")
    );
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        std::fs::write(&path, &current).unwrap();
    } else {
        assert_eq!(
            page, current,
            "docs/transitions.md is not current; write it with TIDEGATE_BLESS=1 cargo test -p tidegate-policy"
        );
    }
}

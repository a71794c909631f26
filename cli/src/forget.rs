//! `tidegate forget`: replaces a person's name in the records and states of the ledgers by a pseudonym.

use serde_json::{Map, Value, json};
use tidegate_aws::{StoredText, TextPage};
use tidegate_policy::fingerprint::short;

use crate::Failure;
use crate::ledgers::{Ledgers, Place};
use crate::print::{print_json, print_line};

/// How often a text is read again that a function changed in between.
const ATTEMPTS: u32 = 5;

/// Prints what contains the name, and replaces it if `erase` is set.
pub(crate) async fn run(person: &str, ledgers: &Ledgers, erase: bool, json: bool) -> Result<(), Failure> {
    let name = person.trim();
    if name.chars().count() < 2 {
        return Err(Failure::Input("give the name as it is in `by`, such as alice@example.com".to_owned()));
    }
    let pseudonym = pseudonym(name);
    let mut count = 0_usize;
    for place in ledgers.open().await? {
        count = count.saturating_add(in_ledger(&place, name, &pseudonym, erase, json).await?);
    }
    if !json {
        let texts =
            if count == 1 { "1 record or state".to_owned() } else { format!("{count} records and states") };
        print_line(&match (count, erase) {
            (0, _) => format!("no record or state contains {name}"),
            (_, true) => format!("{name} is {pseudonym} in {texts} now"),
            (_, false) => {
                format!("{texts} contain {name}; nothing was changed; --erase replaces it by {pseudonym}")
            }
        });
    }
    Ok(())
}

async fn in_ledger(
    place: &Place,
    name: &str,
    pseudonym: &str,
    erase: bool,
    json: bool,
) -> Result<usize, Failure> {
    let (mut from, mut count, mut attempts) = (None, 0_usize, 0_u32);
    loop {
        let page = place.ledger.texts(from.clone()).await.map_err(|error| place.failed(error))?;
        let TextPage { texts, next } = page;
        let mut again = false;
        for text in texts {
            let Some((places, new)) = forgotten(&text.json, name, pseudonym) else { continue };
            if erase {
                let replaced =
                    place.ledger.replace_text(&text, &new).await.map_err(|error| place.failed(error))?;
                again |= !replaced;
                if !replaced {
                    continue;
                }
            }
            count = count.saturating_add(1);
            say(place, &text, places, json);
        }
        // A function changed a text after it was read. Read the page again; what was replaced has no name any more.
        attempts = if again { attempts.saturating_add(1) } else { 0 };
        if attempts > ATTEMPTS {
            return Err(place.failed("a function changes a state all the time; run the command again"));
        }
        match next {
            _ if again => {}
            None => return Ok(count),
            next => from = next,
        }
    }
}

fn say(place: &Place, text: &StoredText, places: usize, json: bool) {
    if json {
        let found = json!({"ledger": place.name, "pk": text.pk, "sk": text.sk, "places": places});
        print_json(&found.to_string());
    } else {
        print_line(&format!("{}  {}  {}  {places} places", place.name, text.pk, text.sk));
    }
}

/// The pseudonym of a person. It is the same in every ledger and at every time, so that one person stays one approver.
fn pseudonym(name: &str) -> String {
    format!("forgotten-{}", short(&["forgotten person", &name.to_lowercase()], 16))
}

/// The JSON without the name, and the number of places where it was; `None` if it was nowhere.
fn forgotten(text: &str, name: &str, pseudonym: &str) -> Option<(usize, String)> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let places = replace(&mut value, name, pseudonym);
    (places > 0).then(|| (places, value.to_string()))
}

fn replace(value: &mut Value, name: &str, pseudonym: &str) -> usize {
    match value {
        Value::String(text) => {
            let (places, new) = replaced(text, name, pseudonym);
            if places > 0 {
                *text = new;
            }
            places
        }
        Value::Array(items) => items.iter_mut().map(|item| replace(item, name, pseudonym)).sum(),
        Value::Object(members) => {
            let mut places = 0_usize;
            // The approvals of a promotion are a map with the names as keys.
            let kept: Map<String, Value> = std::mem::take(members)
                .into_iter()
                .map(|(key, mut member)| {
                    let (of_key, key) = replaced(&key, name, pseudonym);
                    places =
                        places.saturating_add(of_key).saturating_add(replace(&mut member, name, pseudonym));
                    (key, member)
                })
                .collect();
            *members = kept;
            places
        }
        _ => 0,
    }
}

/// The text with each occurrence of the name replaced, in any case, where it is not a part of a longer word.
fn replaced(text: &str, name: &str, pseudonym: &str) -> (usize, String) {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let (mut places, mut new, mut rest) = (0_usize, String::new(), text);
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let end = matching(rest, name)
            .filter(|end| !part(before) && !part(rest.get(*end..).and_then(|after| after.chars().next())));
        let taken = match end {
            Some(end) => {
                places = places.saturating_add(1);
                new.push_str(pseudonym);
                end
            }
            None => {
                new.push(c);
                c.len_utf8()
            }
        };
        before = rest.get(..taken).and_then(|taken| taken.chars().next_back());
        rest = rest.get(taken..).unwrap_or_default();
    }
    (places, new)
}

/// The length of the name at the beginning of a text, without case.
fn matching(text: &str, name: &str) -> Option<usize> {
    let mut end = 0_usize;
    let mut found = text.chars();
    for wanted in name.chars() {
        let c = found.next()?;
        if c != wanted && !c.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        end = end.saturating_add(c.len_utf8());
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_wherever_it_is_a_word() {
        let all = |text: &str| replaced(text, "ana@example.com", "P").1;
        assert_eq!(all("held by Ana@Example.com since"), "held by P since");
        assert_eq!(all("ana@example.com, ana@example.com"), "P, P");
        for other in ["joana@example.com", "ana@example.community", "ana@example.com-x", "ünana@example.com"]
        {
            assert_eq!(all(other), other);
        }
        assert_eq!(replaced("Örs, örs", "ÖRS", "P"), (2, "P, P".to_owned()));
    }

    #[test]
    fn approvers_stay_as_many_as_they_are() {
        let state = json!({"promotion": {"approvals": {"production": {
            "ana@example.com": "2026-03-02T09:00:00Z", "bo@example.com": "2026-03-02T09:01:00Z"}}},
            "holds": {"*": {"by": "ana@example.com", "reason": "asked by ana@example.com", "at": "2026-03-02T09:00:00Z"}}});
        let pseudonym = pseudonym("ana@example.com");
        let (places, text) = forgotten(&state.to_string(), "Ana@example.com", &pseudonym).unwrap();
        assert_eq!(places, 3);
        assert!(!text.contains("ana@"), "{text}");
        let new: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(new["promotion"]["approvals"]["production"].as_object().unwrap().len(), 2);
        assert_eq!(forgotten(&text, "ana@example.com", &pseudonym), None, "a second run finds nothing");
    }

    #[test]
    fn the_pseudonym_is_the_same_for_each_spelling() {
        assert_eq!(pseudonym("Ana@example.com"), pseudonym("ana@example.com"));
        assert_ne!(pseudonym("ana@example.com"), pseudonym("bo@example.com"));
    }
}

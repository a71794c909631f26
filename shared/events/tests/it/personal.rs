//! What a record keeps of an event names no caller and no source address.

use serde_json::Value;
use tidegate_events::{Body, parse_value};

use crate::common::{files, sample};

const FOLDERS: [&str; 7] =
    ["application-autoscaling", "cloudtrail", "cloudwatch", "codecommit", "github", "s3", "sagemaker"];

/// Whether a value contains an IP address, an e-mail address or the ARN of a caller anywhere.
fn names_somebody(text: &str) -> bool {
    let address = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .any(|word| word.split('.').count() == 4 && word.split('.').all(|part| part.parse::<u8>().is_ok()));
    let caller = [":assumed-role/", ":user/", ":federated-user/"].iter().any(|kind| text.contains(kind));
    address || caller || text.contains('@')
}

fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[test]
fn what_is_kept_of_an_event_names_nobody_and_has_the_same_key() {
    let mut dropped = 0;
    for folder in FOLDERS {
        for file in files(folder) {
            if !file.ends_with(".json") {
                continue;
            }
            let original = sample(&file);
            let Ok(event) = parse_value(original.clone()) else { continue };
            // No function records an event that it does not read.
            if event.body == Body::Other {
                continue;
            }
            let kept = event.received.as_ref().unwrap().json().clone();
            dropped += usize::from(kept != original);
            let mut found = Vec::new();
            texts(&kept, &mut found);
            let somebody: Vec<&&str> = found.iter().filter(|text| names_somebody(text)).collect();
            assert!(somebody.is_empty(), "{file}: {somebody:?}");
            let again = parse_value(kept).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(again.idempotency_key(), event.idempotency_key(), "{file}");
            let anonymous = |body: &Body| match body {
                Body::CommitPushed(push) => {
                    Body::CommitPushed(tidegate_events::CommitPushed { actor: None, ..push.clone() })
                }
                body => body.clone(),
            };
            assert_eq!(anonymous(&again.body), anonymous(&event.body), "{file}");
        }
    }
    assert!(dropped > 10, "{dropped} samples name somebody");
}

#[test]
fn the_names_in_our_own_events_are_kept() {
    let event = parse_value(sample("contract/hold-placed.json")).unwrap();
    assert_eq!(*event.received.unwrap().json(), sample("contract/hold-placed.json"));
}

//! No input makes the parser panic, and every event has a short key.

use std::sync::LazyLock;

use crate::common::{files, sample};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidegate_events::{parse, parse_value};

static SAMPLES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folders = ["cloudwatch", "codecommit", "contract", "delivery", "s3", "sagemaker", "schedule"];
    folders.iter().flat_map(|name| files(name)).map(|file| sample(&file)).collect()
});

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("detail".to_owned()),
        Just("detail-type".to_owned()),
        Just("source".to_owned()),
        Just("tidegate".to_owned()),
        Just("alarmData".to_owned()),
        Just("schema".to_owned()),
        ".*",
    ];
    any_leaf().prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "[0-9]{0,30}".prop_map(Value::from),
        "arn:[a-z:/]{0,40}".prop_map(Value::from),
        "\\PC{0,2000}".prop_map(Value::from),
        Just(json!("{}")),
    ]
}

/// Returns the JSON pointers of all values within a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut visit = |name: &str, inner: &Value| {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        pointers(inner, &pointer, found);
        found.push(pointer);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| visit(name, inner)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, inner)| visit(&at.to_string(), inner)),
        _ => {}
    }
}

/// Removes or replaces the value at a pointer.
fn mutate(value: &mut Value, pointer: &str, new: Option<Value>) {
    match new {
        Some(new) => {
            if let Some(place) = value.pointer_mut(pointer) {
                *place = new;
            }
        }
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
            if let Some(Value::Object(map)) = value.pointer_mut(parent) {
                map.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
        }
    }
}

fn try_it(value: Value) {
    if let Ok(event) = parse_value(value.clone()) {
        let key = event.idempotency_key();
        assert!(key.len() <= 512 && !key.is_empty(), "{key}");
        assert_eq!(parse(value.to_string().as_bytes()).map(|event| event.idempotency_key()), Ok(key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn arbitrary_json(value in any_json()) {
        try_it(value);
    }

    #[test]
    fn samples_with_any_value_at_any_place(
        which in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any_json())), 1..4),
    ) {
        let mut value = which.get(&SAMPLES).clone();
        let mut found = Vec::new();
        pointers(&value, "", &mut found);
        for (place, new) in places {
            let place: &String = place.get(&found);
            mutate(&mut value, place, new);
        }
        try_it(value);
    }

    #[test]
    fn truncated_samples(which in any::<prop::sample::Index>(), length in any::<prop::sample::Index>()) {
        let text = which.get(&SAMPLES).to_string().into_bytes();
        let cut = length.index(text.len());
        prop_assert!(parse(text.get(..cut).unwrap_or_default()).is_err());
    }
}

#[test]
fn every_place_of_every_sample_with_every_simple_value() {
    for sample in SAMPLES.iter() {
        let mut found = Vec::new();
        pointers(sample, "", &mut found);
        for pointer in found {
            for new in
                [None, Some(Value::Null), Some(json!(7)), Some(json!("")), Some(json!([])), Some(json!({}))]
            {
                let mut value = sample.clone();
                mutate(&mut value, &pointer, new);
                try_it(value);
            }
        }
    }
}

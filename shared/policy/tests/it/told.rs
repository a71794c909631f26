//! Whatever an event says, there is an answer: what the parser takes, every function decides about.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_events::{Body, parse_value};
use tidegate_policy::respond::{self, MonitorReport};
use tidegate_policy::{deploy, scale, train};

use super::{any, decide};

/// Every sample event of the repository.
static SAMPLES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let events = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let mut samples = Vec::new();
    for folder in ["cloudwatch", "codecommit", "contract", "delivery", "s3", "sagemaker", "schedule"] {
        for entry in std::fs::read_dir(format!("{events}/{folder}")).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            samples.extend(
                serde_json::from_str(&text).ok().filter(|value| parse_value(Value::clone(value)).is_ok()),
            );
        }
    }
    samples
});

/// The places of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let fields: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, inner)| (name.clone(), inner)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, inner)| (index.to_string(), inner)).collect()
        }
        _ => Vec::new(),
    };
    for (name, inner) in fields {
        let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        places(inner, &place, found);
        found.push(place);
    }
}

fn anything() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        "\\PC{0,20}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("9999-12-31T23:59:59Z")),
        Just(json!(any::arn(u64::MAX))),
        Just(json!(["ModelApprovalStatus"])),
        Just(json!({})),
    ]
    .boxed()
}

/// A sample with something else in some places, if that is still an event.
fn told() -> BoxedStrategy<Body> {
    (any::<prop::sample::Index>(), prop::collection::vec((any::<prop::sample::Index>(), anything()), 0..4))
        .prop_filter_map("an event", |(which, changes)| {
            let mut value = which.get(&SAMPLES).clone();
            let mut found = Vec::new();
            places(&value, "", &mut found);
            for (place, new) in changes {
                let place: &String = place.get(&found);
                if let Some(old) = value.pointer_mut(place) {
                    *old = new;
                }
            }
            parse_value(value).ok().map(|event| event.body)
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_has_an_answer(
        body in told(), policy in any::policies(), promoting in any::promote_state(), training in any::train_state(),
        drifting in any::respond_state(), scaling in any::scale_state(), (_, look) in any::look(),
        seen in any::train_seen(), package in any::package(), now in any::time(),
    ) {
        let sentence = match &body {
            Body::CommitPushed(push) => train::decide_commit(&policy, &training, push, &seen, now).reason,
            Body::RetrainingRequested(request) => {
                train::decide_retraining(&policy, &training, request, &seen, now).reason
            }
            Body::ModelPackageChanged(change) => {
                decide::package(&policy, &promoting, change, package.as_ref(), now).reason
            }
            Body::DeploymentFinished(report) => decide::report(&policy, &promoting, report, now).reason,
            Body::ApprovalGiven(given) => decide::approval(&policy, &promoting, given, now).reason,
            Body::HoldPlaced(placed) => {
                let _ = deploy::decide_hold(&look.state, placed, now);
                decide::hold(&policy, &promoting, placed, now).reason
            }
            Body::HoldReleased(release) => {
                let _ = deploy::release(&look.state, release, now);
                decide::release(&policy, &promoting, release, now).reason
            }
            Body::DeploymentRequested(request) => {
                let trigger = deploy::Trigger::Request { from: any::HUB.to_owned(), request: request.clone() };
                decide::deploy(&policy, &look.site, &look.state, &trigger, &look.seen, now).reason
            }
            Body::AlarmChanged(alarm) => {
                let trigger = respond::Trigger::Alarm(alarm.clone());
                let _ = decide::respond(&policy, &drifting, trigger, &respond::Snapshot::default(), now);
                scale::on_capacity_alarm(&look.environment, &scaling, alarm, None, now).reason
            }
            Body::DriftObserved(observed) => {
                let trigger = respond::Trigger::Observed(observed.clone());
                decide::respond(&policy, &drifting, trigger, &respond::Snapshot::default(), now).reason
            }
            _ => return Ok(()),
        };
        prop_assert!(!sentence.to_string().is_empty() && !sentence.code().is_empty());
    }

    #[test]
    fn every_report_has_an_answer(
        text in prop_oneof!["\\PC{0,60}", Just(r#"{"violations": [{"constraint_check_type": "x"}]}"#.to_owned())],
        state in any::respond_state(), now in any::time(),
    ) {
        let policy = any::policy();
        let report = MonitorReport::from_json(&text);
        let drifts = matches!(&report, MonitorReport::Read(violations) if !violations.is_empty());
        let seen = respond::Snapshot { report: Some(report), ..respond::Snapshot::default() };
        let trigger = respond::Trigger::Report { bucket: "b".to_owned(), key: any::REPORT_KEY.to_owned() };
        let decision = decide::respond(&policy, &state, trigger, &seen, now);
        prop_assert!(drifts || decision.plan.is_empty());
    }
}

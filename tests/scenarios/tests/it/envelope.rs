//! Another parser of EventBridge's envelope reads the samples as ours does.

use std::path::Path;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde_json::Value;
use tidegate_events::parse;
use tidegate_scenarios::scenario::root;

fn samples(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            samples(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn the_envelope_is_read_alike() {
    let mut all = Vec::new();
    samples(&root(), &mut all);
    let mut compared = 0;
    for (name, bytes) in all {
        let Ok(theirs) = serde_json::from_slice::<EventBridgeEvent<Value>>(&bytes) else { continue };
        let Ok(event) = parse(&bytes) else { continue };
        // What arrives without an envelope has one that we made up.
        let Some(time) = event.envelope.time.filter(|_| theirs.id.is_some()) else { continue };
        let ours = event.envelope;
        assert_eq!(theirs.id.as_deref(), Some(ours.id.as_str()), "{name}");
        assert_eq!(theirs.source, ours.source, "{name}");
        assert_eq!(theirs.detail_type, ours.detail_type, "{name}");
        assert_eq!(theirs.account.as_deref(), Some(ours.account.as_str()), "{name}");
        assert_eq!(theirs.region.as_deref(), Some(ours.region.as_str()), "{name}");
        assert_eq!(theirs.time.map(|t| t.timestamp_millis()), Some(time.as_millisecond()), "{name}");
        assert_eq!(theirs.resources.unwrap_or_default(), ours.resources, "{name}");
        compared += 1;
    }
    assert!(compared > 90, "{compared} samples were compared");
}

//! No bytes make the event parser panic, and what it reads it reads the same the next time and in any writing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tidegate_events::{Body, Event, MAX_BYTES, parse, parse_value, to_detail};

fuzz_target!(|bytes: &[u8]| {
    let first = parse(bytes);
    assert_eq!(first, parse(bytes), "the same bytes, another answer");
    match first {
        Ok(event) => understood(bytes, &event),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn understood(bytes: &[u8], event: &Event) {
    let key = event.idempotency_key();
    assert!(!key.is_empty() && key.len() <= 512, "{key}");
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(text).expect("what was read is JSON");
    assert_eq!(parse_value(value.clone()).as_ref(), Ok(event));
    // EventBridge writes an event anew on its way: other spaces, other order of fields, the same meaning.
    let rewritten = value.to_string();
    if rewritten.len() <= MAX_BYTES {
        let again = parse(rewritten.as_bytes()).expect("an event written anew is still one");
        assert_eq!(again.idempotency_key(), key);
    }
    ours(value, event);
}

/// An event of our own is read from what we would send for it.
fn ours(mut value: Value, event: &Event) {
    let detail = match &event.body {
        Body::CommitPushed(said) if event.envelope.source == tidegate_events::SOURCE => to_detail(said),
        Body::RetrainingRequested(said) => to_detail(said),
        Body::RetrainingFinished(said) => to_detail(said),
        Body::DeploymentRequested(said) => to_detail(said),
        Body::DeploymentFinished(said) => to_detail(said),
        Body::DeploymentWaiting(said) => to_detail(said),
        Body::EndpointHealthChanged(said) => to_detail(said),
        Body::DriftObserved(said) => to_detail(said),
        Body::ApprovalGiven(said) => to_detail(said),
        Body::HoldPlaced(said) => to_detail(said),
        Body::HoldReleased(said) => to_detail(said),
        Body::RollbackRequested(said) => to_detail(said),
        Body::PromotionForced(said) => to_detail(said),
        Body::FreezePlaced(said) => to_detail(said),
        Body::FreezeLifted(said) => to_detail(said),
        Body::GateReported(said) => to_detail(said),
        _ => return,
    };
    if let Some(place) = value.get_mut("detail") {
        *place = detail;
    }
    assert_eq!(parse_value(value).as_ref(), Ok(event), "what we send is not what we read");
}

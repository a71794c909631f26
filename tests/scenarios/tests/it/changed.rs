//! The event of every scenario, changed field by field in ways that an attacker, a broken sender or a later version of
//! AWS may choose: no panic, no decision that breaks an invariant, and nothing that the state cannot keep. Afterwards the
//! unchanged event must be decided as well.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_events::{Event, parse_received};
use tidegate_scenarios::scenario::root;
use tidegate_testkit::scenario::{Invocation, Ran, Scenario, Setup};

/// By how much one event may enlarge the state, in bytes: a message, and a few names.
const GROWTH: usize = 16 * 1024;

/// What a field may be instead of what it is.
fn hostile(index: usize, was: &Value) -> Value {
    let long = |unit: &str, count: usize| Value::String(unit.repeat(count));
    let text = was.as_str().unwrap_or("churn");
    let values = [
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("9999-12-30T22:00:00Z"),
        json!("-009999-01-02T01:59:59Z"),
        json!(253_402_207_200_000_i64),
        json!("\u{1f600}"),
        json!(format!("{text}\u{1f600}")),
        json!("\u{1b}[2K\rroot\n\u{202e}\u{200b}\u{0}"),
        json!(format!("{text}\n")),
        json!(text.to_uppercase()),
        json!(format!("{text}{text}")),
        json!("*"),
        json!("../../x"),
        json!("arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/18446744073709551615"),
        json!("arn:aws-cn:sagemaker:cn-north-1:000000000000:pipeline/x/execution/y"),
        json!("0".repeat(40)),
        json!("f".repeat(64)),
        json!("Approved"),
        json!("production"),
        long("x", 300),
        long("ü", 2_100),
        long("\u{1f600}", 20_000),
        json!(vec![text; 3_000]),
        json!([[[[{"a": [text]}]]]]),
    ];
    let count = values.len();
    values.into_iter().nth(index % count).unwrap_or_default()
}

/// The JSON pointers of all values in a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let escape = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}/{}", escape(name));
                found.push(at.clone());
                pointers(member, &at, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let at = format!("{at}/{index}");
                found.push(at.clone());
                pointers(item, &at, found);
            }
        }
        _ => {}
    }
}

fn scenarios() -> Vec<Scenario> {
    let files = Scenario::files(&root()).unwrap();
    files.iter().map(|file| Scenario::load(file, None).unwrap()).collect()
}

fn size(value: &Value) -> usize {
    value.to_string().len()
}

/// Runs an event in a scenario, and returns the state that follows; `None` if the function ends with an error.
fn run(scenario: &Scenario, setup: &Setup, event: &Event, what: &str) -> Option<Ran> {
    let Scenario { function, policies, now, site, .. } = scenario;
    let invocation =
        Invocation { function, site: site.clone(), policies, setup, event, now: *now, request_id: "changed" };
    let ran = catch_unwind(AssertUnwindSafe(|| invocation.run()));
    let ran = ran.unwrap_or_else(|_| panic!("{}: {what} made {function} panic", scenario.name)).ok()?;
    for record in &ran.recorded {
        assert_ne!(record.reason, "violates_invariant", "{}: {what}: {}", scenario.name, record.message);
    }
    Some(ran)
}

/// Runs the changed event, and the unchanged one after it. Returns whether the change was accepted at the door.
fn try_change(scenario: &Scenario, changed: Value, what: &str) -> bool {
    let Ok(event) = parse_received(changed, scenario.now) else { return false };
    let Some(ran) = run(scenario, &scenario.setup, &event, what) else { return true };
    let (before, after) = (size(&scenario.setup.state), size(&ran.state));
    assert!(after < before + GROWTH, "{}: {what} enlarged the state from {before} to {after}", scenario.name);
    let mut setup = scenario.setup.clone();
    if !ran.state.is_null() && setup.holds.is_empty() && setup.live_since.is_none() {
        setup.state = ran.state;
    }
    run(scenario, &setup, &scenario.event, &format!("the event after one with {what}"));
    true
}

fn original(scenario: &Scenario) -> Value {
    scenario.event.received.as_ref().unwrap().json().clone()
}

/// Each field of each scenario's event, with one of the values; across the scenarios each field gets all of them.
#[test]
fn no_changed_field_breaks_an_invariant() {
    let (accepted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let scenarios = scenarios();
    std::thread::scope(|threads| {
        for (part, some) in scenarios.chunks(scenarios.len().div_ceil(2)).enumerate() {
            let (accepted, refused) = (&accepted, &refused);
            threads.spawn(move || {
                for (index, scenario) in some.iter().enumerate() {
                    let event = original(scenario);
                    let mut fields = Vec::new();
                    pointers(&event, "", &mut fields);
                    for (number, field) in fields.iter().enumerate() {
                        let mut changed = event.clone();
                        let place = changed.pointer_mut(field).unwrap();
                        *place = hostile(part + index + 5 * number, place);
                        let shown: String = place.to_string().chars().take(60).collect();
                        let is_accepted = try_change(scenario, changed, &format!("{field} = {shown}"));
                        let counter = if is_accepted { accepted } else { refused };
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (accepted, refused) = (accepted.into_inner(), refused.into_inner());
    println!("{accepted} changed events were accepted at the door, {refused} were refused");
    assert!(accepted > 2_000 && refused > 2_000, "{accepted} accepted, {refused} refused");
}

/// Changes of several fields at once, drawn at random.
#[test]
fn no_changed_event_breaks_an_invariant() {
    let scenarios = scenarios();
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<usize>()), 1..5);
    proptest!(config, |(which in 0..scenarios.len(), changes in changes)| {
        let mut changed = original(&scenarios[which]);
        let mut what = Vec::new();
        for (field, value) in changes {
            let mut fields = Vec::new();
            pointers(&changed, "", &mut fields);
            if fields.is_empty() {
                break;
            }
            let field = &fields[field.index(fields.len())];
            let place = changed.pointer_mut(field).unwrap();
            *place = hostile(value, place);
            what.push(format!("{field} = {}", place.to_string().chars().take(60).collect::<String>()));
        }
        try_change(&scenarios[which], changed, &what.join(", "));
    });
}

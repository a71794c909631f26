//! Chaos: processes of functions are killed at random moments, every event is delivered three times, every fifth call
//! to AWS is throttled. The final state is the same as without faults, and each action takes effect once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tidegate_sandbox::{BadDay, CloudConfig, DayReport, HUB, PRODUCTION, STAGING, workspace};

use crate::calm::{ABALONE, Evidence, calm, the_loop};
use crate::chaos_effects::{lives, writes};
use crate::chaos_ledger::{claims, records, sent, states};
use crate::chaos_redrive::{Redriven, Redriver};
use crate::duplicate_delivery::acts_of;
use crate::people::outcomes;
use crate::shared_run::{SharedRun, block_on};
use crate::test_cloud::{TestCloud, is_tidegates, sweep, text};

/// The seed, unless `TIDEGATE_CHAOS_SEED` sets another. The same seed draws the same numbers; which process draws them
/// depends on the machine.
const SEED: u64 = 20_260_302;

const DAY: BadDay = BadDay { seed: SEED, throttle_percent: 20, kills: 20, doomed: 2, copies: 3 };

/// AWS's proportions, ten times as fast: an invocation may work for 60 s, its first retry comes after 60 s and its second
/// after 120 s, and a claim lasts 90 s.
const TIMEOUT_SECONDS: u32 = 6;
const RETRY_SECONDS: u32 = 6;
const LEASE_SECONDS: u32 = 9;

pub(crate) struct Chaos {
    seed: u64,
    day: Evidence,
    report: DayReport,
    redriven: Redriven,
    swept: Vec<(String, String)>,
}

static CHAOS: SharedRun<Chaos> = SharedRun::new();

pub(crate) async fn chaos() -> Arc<Chaos> {
    CHAOS.get_or_run(scenario).await
}

async fn scenario() -> Chaos {
    let templates = tempfile::tempdir().expect("a folder");
    for template in ["hub.yaml", "environment.yaml"] {
        hasten(template, templates.path());
    }
    let parameters = vec![format!("LeaseSeconds={LEASE_SECONDS}")];
    let mut environment_parameters = parameters.clone();
    // Only the ticks of the scenario scale it to zero.
    environment_parameters.push("ScaleEvery=rate(1 hour)".to_owned());
    let config = CloudConfig {
        templates: Some(templates.path().to_owned()),
        retry_seconds: f64::from(RETRY_SECONDS),
        hub_parameters: parameters,
        environment_parameters,
        ..CloudConfig::default()
    };
    let mut test = TestCloud::with(config).await;
    let seed = std::env::var("TIDEGATE_CHAOS_SEED").map_or(SEED, |seed| seed.parse().expect("a number"));
    println!("TIDEGATE_CHAOS_SEED={seed}");
    let plan = BadDay { seed, ..DAY };
    test.cloud.make_it(plan).await.unwrap_or_else(|error| panic!("{error}"));
    let redriver = Redriver::begin(&test.cloud);
    let day = the_loop(&mut test, &ABALONE).await;
    test.wait_for_pending_events().await;
    let redriven = redriver.end().await;
    let report = test.cloud.day_so_far().await.unwrap_or_else(|error| panic!("{error}"));
    // Then the sweeps run without faults.
    test.cloud.make_it(BadDay::default()).await.unwrap_or_else(|error| panic!("{error}"));
    let mut swept = Vec::new();
    for (account, function) in [(HUB, "train"), (HUB, "promote"), (STAGING, "deploy"), (PRODUCTION, "deploy")]
    {
        swept.extend(outcomes(&test.invoke(account, function, &sweep()).await));
    }
    let day = Evidence { world: test.snapshot(), ledgers: test.ledgers().await, ..day };
    let chaos = Chaos { seed, day, report, redriven, swept };
    println!("{}", chaos.summary());
    chaos
}

/// Copies a template with a shorter timeout of its functions.
fn hasten(template: &str, folder: &Path) {
    let text = std::fs::read_to_string(workspace().join("infra").join(template)).expect("it is there");
    let shorter = text.replace("    Timeout: 900\n", &format!("    Timeout: {TIMEOUT_SECONDS}\n"));
    assert_ne!(text, shorter, "{template} says how long its functions may take");
    std::fs::write(folder.join(template), shorter).expect("the copy can be written");
}

/// How often each action was decided. deploy converges: while an invocation is dead that has decided the next step, another
/// cause may find the step not taken and decide it as well; that it took effect once is seen in the writes.
fn acts(day: &Evidence) -> BTreeMap<(String, String, String, String), usize> {
    let mut acts = acts_of(&records(&day.ledgers));
    for ((_, _, decision, _), count) in &mut acts {
        if decision == "apply" {
            *count = 1;
        }
    }
    acts
}

fn total(counts: &BTreeMap<String, u32>) -> u32 {
    counts.values().sum()
}

impl Chaos {
    /// Calls of functions to the world, and how many of them were refused for their number.
    fn throttled_by_the_world(&self) -> (u32, u32) {
        let calls = self.day.calls.iter().filter(|call| is_tidegates(call));
        calls.fold((0, 0), |(all, refused), call| {
            (all + 1, refused + u32::from(call.outcome == "ThrottlingException"))
        })
    }

    fn summary(&self) -> String {
        let Self { seed, report, redriven, .. } = self;
        let (world_calls, world_refused) = self.throttled_by_the_world();
        format!(
            "TIDEGATE_CHAOS_SEED={seed}: {} attempts in {} processes, of which {} were killed, {} of them at work; {} attempts died \
             of it, {} were retries, {} events were given up and {} redriven; {} further copies of events; {} of {} \
             calls to the emulator and {world_refused} of {world_calls} to SageMaker, CodeCommit and Auto Scaling were \
             refused\nkilled at work: {:?}\nrefused: {:?}\nredriven: {redriven:?}\nclaims: {:?}",
            report.invocations,
            total(&report.processes),
            total(&report.killed),
            total(&report.killed_at_work),
            report.died,
            report.retries,
            report.given_up,
            redriven.values().sum::<u32>(),
            report.copies,
            total(&report.refused),
            total(&report.calls),
            report.killed_at_work,
            report.refused,
            claims(&self.day.ledgers),
        )
    }
}

#[test]
fn the_final_state_is_the_same_as_without_faults() {
    let (calm, chaos) = block_on(async { (calm().await, chaos().await) });
    let day = &chaos.day;
    let what = chaos.summary();
    assert_eq!(day.world.endpoints, calm.world.endpoints, "{what}");
    assert_eq!(day.world.components, calm.world.components, "{what}");
    assert_eq!(day.world.packages, calm.world.packages, "{what}");
    let statuses = |evidence: &Evidence| {
        let executions = evidence.world.executions.iter();
        executions.map(|e| (e.pipeline.clone(), e.status.clone(), e.steps.clone())).collect::<Vec<_>>()
    };
    assert_eq!(statuses(day), statuses(&calm), "{what}");
    assert_eq!(states(&day.ledgers), states(&calm.ledgers), "{what}");
    assert_eq!((day.unanswered, day.answered), (0, 1), "{what}");
}

/// The call that notes how far a promotion is.
const NOTE: &str = "UpdateModelPackage";

/// How many notes of progress were not written because a later decision had taken their place, by their own records.
fn overtaken_notes(records: &[Value]) -> usize {
    let list =
        |record: &Value, name: &str| record.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |record: &Value| {
        let steps = list(record, "plan").into_iter().zip(list(record, "outcomes"));
        steps
            .filter(|(step, end)| {
                text(step, "action") == "update_model_life_cycle" && text(end, "status") == "superseded"
            })
            .count()
    };
    records.iter().map(of).sum()
}

/// Whether what was written about a thing is what a calm day writes. A note of progress that was left behind, and that a later
/// one has overtaken, is not written any more; none is written twice, and the last is the same.
fn is_as_calm(
    (_, operation, _): &(String, String, String),
    bad: Option<&Vec<Value>>,
    good: Option<&Vec<Value>>,
) -> bool {
    let (Some(bad), Some(good)) = (bad, good) else { return false };
    if operation != NOTE {
        return bad == good;
    }
    let mut left = good.iter();
    bad.last() == good.last() && bad.iter().all(|note| left.any(|calm| calm == note))
}

#[test]
fn each_action_takes_effect_once_under_faults() {
    let (calm, chaos) = block_on(async { (calm().await, chaos().await) });
    let day = &chaos.day;
    let what = chaos.summary();
    let (on_this_day, as_calm) = (writes(&day.calls), writes(&calm.calls));
    for about in on_this_day.keys().chain(as_calm.keys()) {
        let (bad, good) = (on_this_day.get(about), as_calm.get(about));
        assert!(is_as_calm(about, bad, good), "{about:?}\n{bad:#?}\non a calm day\n{good:#?}\n{what}");
    }
    let notes = |writes: &BTreeMap<(String, String, String), Vec<Value>>| {
        writes
            .iter()
            .filter(|((_, operation, _), _)| operation == NOTE)
            .map(|(_, notes)| notes.len())
            .sum::<usize>()
    };
    let missing = notes(&as_calm).saturating_sub(notes(&on_this_day));
    assert!(missing <= overtaken_notes(&records(&day.ledgers)), "{missing} notes are nowhere\n{what}");
    assert_eq!(lives(&day.emissions), lives(&calm.emissions), "{what}");
    assert_eq!(acts(day), acts(&calm), "{what}");
    let sent_ids = |records: &[Value]| {
        let all: Vec<_> = records.iter().flat_map(sent).collect();
        let unique: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!(all.len(), unique.len(), "one decision for each request and report: {all:#?}\n{what}");
        unique.into_iter().fold(BTreeMap::new(), |mut kinds, (kind, _)| {
            *kinds.entry(kind).or_insert(0) += 1;
            kinds
        })
    };
    assert_eq!(sent_ids(&records(&day.ledgers)), sent_ids(&records(&calm.ledgers)), "{what}");
}

#[test]
fn each_idempotency_key_has_one_decision_and_each_decision_its_outcomes() {
    let chaos = block_on(chaos());
    let records = records(&chaos.day.ledgers);
    let mut causes = BTreeMap::<_, Vec<&Value>>::new();
    for record in &records {
        let of = |name| text(record, name).to_owned();
        let idempotency_key =
            record.pointer("/event/idempotency_key").and_then(Value::as_str).unwrap_or_default();
        let cause = (of("account"), of("function"), of("model"), idempotency_key.to_owned());
        causes.entry(cause).or_default().push(record);
        let size = |name: &str| record.get(name).and_then(Value::as_array).map(Vec::len);
        assert_eq!(size("plan"), size("outcomes"), "{record}\n{}", chaos.summary());
    }
    let twice: Vec<_> = causes.iter().filter(|(_, records)| records.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}\n{}", chaos.summary());
    let open = claims(&chaos.day.ledgers).into_iter().find(|(status, _)| status != "done");
    assert_eq!(open, None, "{}", chaos.summary());
}

#[test]
fn retries_and_redrives_finish_everything_and_sweeps_find_nothing() {
    let chaos = block_on(chaos());
    let what = chaos.summary();
    let quiet = |(decision, _): &(String, String)| ["", "no_change"].contains(&decision.as_str());
    assert!(chaos.swept.iter().all(quiet), "{:?}\n{what}", chaos.swept);
    assert!(chaos.day.dead_letters.iter().all(|(_, count)| *count == 0), "{what}");
    let about_letters = |(_, subject, message): &(String, String, String)| {
        format!("{subject} {message}").contains("/dead-letters")
    };
    assert!(chaos.day.alerts.iter().all(about_letters), "{:?}\n{what}", chaos.day.alerts);
}

#[test]
fn the_injected_faults_occurred() {
    let chaos = block_on(chaos());
    let (report, what) = (&chaos.report, chaos.summary());
    for function in ["hub-train", "hub-promote", "staging-deploy", "production-deploy", "production-scale"] {
        let name = format!("tidegate-{function}");
        assert!(report.killed.get(&name).is_some_and(|killed| *killed > 0), "{name} never died\n{what}");
    }
    assert!(total(&report.killed_at_work) >= 15, "{what}");
    assert!(report.died >= 10, "{what}");
    assert!(report.retries >= report.died / 2, "{what}");
    assert_eq!(chaos.redriven.values().sum::<u32>(), report.given_up, "{what}");
    assert!(report.given_up >= 1, "{what}");
    // Whatever was given up would have worked later.
    const PASSING: [&str; 7] = [
        "Runtime.ExitError",
        "Sandbox.Timedout",
        "LeaseHeldElsewhere",
        "LeaseLost",
        "Throttled",
        "Retryable",
        "Contention",
    ];
    let lasting: Vec<_> =
        chaos.redriven.keys().filter(|(.., error)| !PASSING.contains(&error.as_str())).collect();
    assert!(lasting.is_empty(), "{lasting:?}\n{what}");
    let (world_calls, world_refused) = chaos.throttled_by_the_world();
    let calls = total(&report.calls) + world_calls;
    let refused = total(&report.refused) + world_refused;
    assert!(calls > 300, "{what}");
    assert!((14..=26).contains(&(refused * 100 / calls)), "{refused} of {calls}\n{what}");
    assert!(report.copies >= 60, "{what}");
}

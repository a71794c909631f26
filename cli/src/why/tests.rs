//! Every reason that `why` can give, from states as the ledgers store them.

use serde_json::{Value, json};
use tidegate_policy::file::Policy;

use super::*;
use crate::example::{
    at, decided, deploying, environment, gone, hub, live, now, policy, promotion, reported, view,
};
use crate::view::LedgerData;

/// The answer for an environment under the example policy: staging, then production after 30 minutes.
fn answer(place: &str, ledgers: impl IntoIterator<Item = LedgerData>) -> Why {
    answer_under(&policy(&[]), place, ledgers)
}

fn answer_under(policy: &Policy, place: &str, ledgers: impl IntoIterator<Item = LedgerData>) -> Why {
    let view = view(policy, ledgers);
    let why = why(&view, policy, place, now());
    assert_eq!(why.short().is_empty(), !why.blocks, "the table shows only blockers");
    why
}

fn requested(place: &str) -> Value {
    json!({ place: { "status": "requested", "request_id": format!("churn-{place}-7"), "at": at("09:01") } })
}

fn staged(since: &str) -> Value {
    json!({ "staging": { "status": "succeeded", "at": at(since) } })
}

#[test]
fn a_soak_is_shown_with_its_end() {
    let why = answer("production", [hub(promotion(staged("09:45")), vec![])]);
    assert_eq!((why.blocks, why.reason.as_str(), why.until), (true, "soaking", Some(at("10:15"))));
    assert_eq!(
        why.message,
        "version 7 does not enter production yet: the version soaks until 2026-03-02T10:15:00Z"
    );
    assert_eq!(why.short(), "soaking until 2026-03-02 10:15:00Z");
}

#[test]
fn a_live_version_whose_endpoint_is_gone_is_not_live() {
    let everywhere = json!({
        "staging": { "status": "succeeded", "at": at("09:10") },
        "production": { "status": "succeeded", "at": at("09:45") },
    });
    let known = || {
        let alert = decided("09:51", "production", "deploy", "alert", ("live_gone", "it is gone"));
        environment("production", gone(7, "09:45"), vec![alert])
    };
    let with_hub = answer("production", [hub(promotion(everywhere), vec![]), known()]);
    let without_hub = answer("production", [known()]);
    for why in [with_hub, without_hub] {
        assert_eq!((why.blocks, why.reason.as_str()), (true, "live_gone"));
        assert!(
            why.message.starts_with(
                "version 7 no longer serves: endpoint churn does not exist any more since 2026-03-02 09:50:00Z"
            ),
            "{}",
            why.message
        );
    }
}

#[test]
fn a_rollback_is_shown_where_it_happened_and_elsewhere() {
    let mut back = promotion(json!({ "production": { "status": "succeeded", "at": at("09:45") } }));
    back["promotion"]["rollback"] = json!({
        "from": 8, "from_arn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/8",
        "environments": ["production"], "cause": "version 8 was rejected",
    });
    let ledgers = || [hub(back.clone(), vec![]), environment("staging", live(8, "09:10"), vec![])];
    let here = answer("production", ledgers());
    assert!(
        here.message.ends_with("; it took the place of version 8: version 8 was rejected"),
        "{}",
        here.message
    );
    let elsewhere = answer("staging", ledgers());
    assert!(!elsewhere.blocks && elsewhere.message.starts_with("staging serves"), "{}", elsewhere.message);
}

#[test]
fn a_soak_that_is_over_is_not_a_blocker() {
    let why = answer("production", [hub(promotion(staged("09:30")), vec![])]);
    assert_eq!((why.blocks, why.reason.as_str()), (false, "due"));
}

#[test]
fn every_closed_gate_is_shown_as_a_sweep_last_saw_it() {
    let policy = policy(&[]);
    let mut staged = promotion(json!({ "staging": { "status": "succeeded", "at": at("08:00") } }));
    let seen = |gate: &str, reason: &str, message: &str| json!({ "gate": gate, "reason": reason, "message": message });
    let low = "auc of version 7 is 0.91; it must be at least 0.95";
    staged["promotion"]["blocked_by"] = json!({
        "environment": "production", "reason": "metric_not_met",
        "seen": [
            seen("metrics", "metric_not_met", low),
            seen("alarms", "alarm_not_ok", "alarm shop-slo is ALARM; it must be OK"),
        ],
    });
    let freeze =
        json!({ "at": at("07:00"), "until": at("12:00"), "by": "alice", "reason": "The quarter closes." });
    staged["freezes"] = json!({ "placed": { "production": freeze } });
    let view = view(&policy, [hub(staged, vec![])]);
    let why = why(&view, &policy, "production", now());
    let gates: Vec<(&str, &str)> =
        why.blockers.iter().map(|blocker| (blocker.gate.as_str(), blocker.reason.as_str())).collect();
    assert_eq!(gates, [("freeze", "frozen"), ("metrics", "metric_not_met"), ("alarms", "alarm_not_ok")]);
    assert_eq!((why.reason.as_str(), why.until), ("frozen", Some(at("12:00"))));
    assert!(!why.blockers[0].each_sweep && why.blockers[1].each_sweep);
    assert_eq!(why.blockers[1].message, low);
}

#[test]
fn a_closed_window_is_shown_with_its_next_opening_and_the_other_blockers() {
    let windows =
        r#"windows: [{ days: [mon, tue], from: "12:00", to: "16:00", timeZone: Europe/Amsterdam }]"#;
    let policy = policy(&[("soak: 30m", &format!("soak: 30m\n      {windows}"))]);
    let soaked = answer_under(&policy, "production", [hub(promotion(staged("09:30")), vec![])]);
    assert_eq!(
        (soaked.blocks, soaked.reason.as_str(), soaked.until),
        (true, "outside_window", Some(at("11:00")))
    );
    assert_eq!(
        soaked.message,
        "version 7 does not enter production yet: production is outside its deployment windows; the next one opens at \
         2026-03-02T11:00:00Z"
    );
    let soaks = answer_under(&policy, "production", [hub(promotion(staged("09:45")), vec![])]);
    let gates: Vec<&str> = soaks.blockers.iter().map(|blocker| blocker.gate.as_str()).collect();
    assert_eq!((soaks.reason.as_str(), gates), ("soaking", vec!["soak", "windows"]));
}

#[test]
fn the_previous_environment_is_the_blocker_and_its_reason_is_shown() {
    let hub = hub(promotion(requested("staging")), vec![]);
    let last = decided("09:03", "staging", "deploy", "wait", ("endpoint_busy", "churn-staging is Creating"));
    let why = answer("production", [hub, environment("staging", deploying("staging"), vec![last])]);
    assert_eq!((why.blocks, why.reason.as_str()), (true, "awaiting_previous"));
    assert_eq!(
        why.message,
        "version 7 does not enter production before staging has deployed it: the deployment of version 7 to staging began at \
         2026-03-02 09:02:00Z: churn-staging is Creating"
    );
}

#[test]
fn a_deployment_in_flight_is_shown_with_its_begin_and_its_last_decision() {
    let last = decided("09:03", "staging", "deploy", "wait", ("endpoint_busy", "churn-staging is Creating"));
    let staging = environment("staging", deploying("staging"), vec![last]);
    let why = answer("staging", [hub(promotion(requested("staging")), vec![]), staging.clone()]);
    assert_eq!((why.blocks, why.reason.as_str()), (true, "deploying"));
    assert_eq!(
        why.message,
        "the deployment of version 7 to staging began at 2026-03-02 09:02:00Z: churn-staging is Creating"
    );
    let alone = answer("staging", [staging]);
    assert_eq!(alone, why, "the answer is the same without the hub's ledger");
}

#[test]
fn a_request_that_was_not_received_is_shown() {
    let requested = || hub(promotion(requested("staging")), vec![]);
    let not_given = answer("staging", [requested()]);
    assert!(not_given.message.contains("its ledger was not specified"), "{}", not_given.message);
    let why = answer(
        "staging",
        [
            requested(),
            environment(
                "staging",
                live(6, "08:00"),
                vec![decided("08:00", "staging", "deploy", "succeeded", ("answered", "it answered"))],
            ),
        ],
    );
    assert_eq!(why.reason, "request_not_received");
    assert!(why.message.contains("redrive --list"), "{}", why.message);
    assert_eq!(
        answer("staging", [requested(), LedgerData::default()]),
        why,
        "the answer is the same if the ledger has no decision"
    );
}

#[test]
fn a_report_that_the_hub_has_not_received_is_shown() {
    let staging = environment("staging", reported("staging", "succeeded", "it answered"), vec![]);
    let why = answer("staging", [hub(promotion(requested("staging")), vec![]), staging]);
    assert_eq!(why.reason, "report_pending");
    assert!(why.message.contains("reported at 2026-03-02 09:20:00Z"), "{}", why.message);
}

#[test]
fn a_failure_is_shown_with_its_cause_in_its_environment_and_in_later_ones() {
    let mut state = promotion(json!({
        "staging": { "status": "failed", "at": at("09:20"), "cause": "endpoint_failed" },
    }));
    state["promotion"]["stopped"] = json!(true);
    let staging =
        environment("staging", reported("staging", "failed", "churn-staging is Failed: no capacity"), vec![]);
    let there = answer("staging", [hub(state.clone(), vec![]), staging.clone()]);
    assert_eq!((there.blocks, there.reason.as_str()), (true, "failed"));
    assert_eq!(
        there.message,
        "version 7 failed in staging at 2026-03-02 09:20:00Z, and its promotion stopped: churn-staging is Failed: no capacity"
    );
    let after = answer("production", [hub(state.clone(), vec![]), staging]);
    assert!(
        after.message.starts_with("the promotion does not reach production: version 7 failed in staging"),
        "{}",
        after.message
    );
    let without = answer("staging", [hub(state, vec![])]);
    assert!(without.message.ends_with("its promotion stopped: endpoint failed"), "{}", without.message);
}

#[test]
fn a_rejected_version_is_shown() {
    let mut state = promotion(staged("09:45"));
    state["promotion"]["stopped"] = json!(true);
    let stop = decided("09:50", "hub", "promote", "stop", ("rejected", "version 7 was rejected"));
    let why = answer("production", [hub(state, vec![stop])]);
    assert_eq!(
        (why.reason.as_str(), why.message.as_str()),
        ("rejected", "version 7 does not enter production: version 7 was rejected")
    );
}

#[test]
fn approvals_are_counted() {
    let two = policy(&[("soak: 30m", "approvals: { required: 2 }")]);
    let mut state = promotion(staged("09:45"));
    state["promotion"]["approvals"] = json!({ "production": { "alice": at("09:50") } });
    let why = answer_under(&two, "production", [hub(state.clone(), vec![])]);
    assert_eq!((why.blocks, why.reason.as_str()), (true, "approval_required"));
    assert_eq!(
        why.message,
        "version 7 does not enter production yet: production needs 2 approval(s); 1 given: alice"
    );
    state["promotion"]["approvals"]["production"]["bob"] = json!(at("09:55"));
    assert_eq!(answer_under(&two, "production", [hub(state, vec![])]).reason, "due");
}

#[test]
fn the_first_environment_has_gates() {
    let gated = policy(&[(
        "    endpoint: { name: churn-staging",
        "    gates: { approvals: { required: 1 } }\n    endpoint: { name: churn-staging",
    )]);
    let mut state = promotion(json!({}));
    let why = answer_under(&gated, "staging", [hub(state.clone(), vec![])]);
    assert_eq!((why.blocks, why.reason.as_str()), (true, "approval_required"));
    state["promotion"]["approvals"] = json!({ "staging": { "alice": at("09:50") } });
    assert_eq!(answer_under(&gated, "staging", [hub(state.clone(), vec![])]).reason, "due");
    state["holds"] = json!({ "*": { "at": at("09:55"), "by": "bob", "reason": "look" } });
    assert_eq!(answer_under(&gated, "staging", [hub(state, vec![])]).reason, "held");
}

#[test]
fn a_hold_is_shown_with_its_person_and_reason_in_every_status() {
    let hold = json!({ "at": at("09:30"), "by": "alice", "reason": "the data is broken" });
    let held = "held by alice since 2026-03-02T09:30:00Z: the data is broken";
    let mut state = promotion(staged("09:00"));
    state["holds"] = json!({ "production": hold });
    let why = answer("production", [hub(state.clone(), vec![])]);
    assert_eq!(
        (why.reason.as_str(), why.message.clone()),
        ("held", format!("version 7 does not enter production yet: {held}"))
    );

    let mut deploy = deploying("staging");
    deploy["holds"] = json!({ "*": hold });
    let waiting = [hub(promotion(requested("staging")), vec![]), environment("staging", deploy, vec![])];
    assert_eq!(answer("staging", waiting).message, format!("version 7 is waiting in staging: {held}"));

    state["promotion"]["environments"]["production"] = json!({ "status": "succeeded", "at": at("09:20") });
    let live = answer("production", [hub(state, vec![])]);
    assert_eq!(
        live.message,
        format!("version 7 is live in production; a newer version cannot enter: {held}")
    );

    let none = json!({ "promotion": null, "holds": { "*": hold } });
    let place = decided("09:30", "hub", "promote", "wait", ("held", held));
    assert_eq!(
        answer("staging", [hub(none, vec![place])]).message,
        format!("no version can enter staging: {held}")
    );
}

#[test]
fn a_live_version_has_no_blocker() {
    let why = answer("staging", [hub(promotion(staged("09:45")), vec![])]);
    assert!(!why.blocks);
    assert_eq!(why.message, "version 7 has been live in staging since 2026-03-02 09:45:00Z");
    let alone = environment(
        "staging",
        live(6, "08:00"),
        vec![decided("08:00", "staging", "deploy", "succeeded", ("answered", "it answered"))],
    );
    assert!(answer("staging", [alone]).message.contains("without the hub's ledger"));
}

#[test]
fn before_the_first_approval_there_is_no_promotion() {
    let why = answer("production", [LedgerData::default()]);
    assert_eq!((why.blocks, why.reason.as_str()), (false, "nothing_approved"));
}

#[test]
fn the_evidence_has_versions_statuses_approvals_and_last_decisions() {
    let two = policy(&[("soak: 30m", "soak: 30m\n      approvals: { required: 2 }")]);
    let mut state = promotion(staged("09:45"));
    state["promotion"]["approvals"] = json!({ "production": { "alice": at("09:50") } });
    let last = decided("09:45", "hub", "promote", "wait", ("soaking", "the version soaks"));
    let view = view(
        &two,
        [
            hub(state, vec![last]),
            environment(
                "production",
                live(6, "08:00"),
                vec![decided("08:00", "production", "deploy", "succeeded", ("answered", "it answered"))],
            ),
        ],
    );
    let why = why(&view, &two, "production", now());
    let evidence = background::evidence(&view, &two, "production", &why, now());
    let found = |name: &str| {
        let seen = evidence.iter().find(|seen| seen.name == name).unwrap_or_else(|| panic!("no {name}"));
        (seen.observed.clone(), seen.expected.clone())
    };
    assert_eq!(found("live_version"), ("6".to_owned(), Some("7".to_owned())));
    assert_eq!(found("in_staging").0, "live since 2026-03-02 09:45:00Z");
    assert_eq!(found("in_production").0, "not requested");
    assert_eq!(found("approved_by"), ("alice".to_owned(), Some("2 people".to_owned())));
    assert_eq!(found("time_left").0, "15m");
    assert!(found("last_decision_in_the_hub").0.ends_with("promote wait: the version soaks"));
    assert!(found("last_decision_in_the_environment").0.ends_with("deploy succeeded: it answered"));
    let told = as_json(&why, &evidence, "churn", "production");
    assert_eq!(
        (&told["reason"], &told["until"], &told["blocks"]),
        (&json!("soaking"), &json!(at("10:15")), &json!(true))
    );
}

#[test]
fn drift_is_shown_with_what_prevents_a_retraining() {
    let policy = policy(&[]);
    let target = policy.environment("production").unwrap();
    let told = |respond: Value| {
        let mut known = environment("production", live(7, "09:50"), vec![]);
        known.respond = std::sync::Arc::new(serde_json::from_value(respond).unwrap());
        drift(&policy, target, &known, now())
    };
    assert_eq!(told(json!({ "retrainings": [], "attempts": 0 })), "none");
    assert_eq!(
        told(json!({ "retrainings": [at("09:40")], "attempts": 1, "drifting": { "alarm a": at("09:55") } })),
        "observed by alarm a; cooldown until 2026-03-03 09:40:00Z"
    );
    assert_eq!(
        told(json!({ "retrainings": [at("09:55")], "attempts": 1 })),
        "none; retraining in flight until 2026-03-03 09:55:00Z"
    );
    let long_ago = json!(["2026-02-20T00:00:00Z", "2026-02-25T00:00:00Z"]);
    assert_eq!(told(json!({ "retrainings": long_ago, "attempts": 2 })), "none; escalated");
}

#[test]
fn zero_is_shown_until_a_deployment_sets_the_copies() {
    let policy = policy(&[]);
    let target = policy.environment("production").unwrap();
    let told = |scale: Value| {
        let mut known = environment("production", live(7, "09:00"), vec![]);
        known.scale = std::sync::Arc::new(serde_json::from_value(scale).unwrap());
        idle(target, &known)
    };
    let scale = |zero: Value, reason: Value| json!({ "zero_since": zero, "scaled_up_at": null, "last_reason": reason });
    assert_eq!(told(scale(json!(at("09:30")), json!("idle"))), "at zero since 2026-03-02 09:30:00Z");
    assert_eq!(told(scale(json!(at("08:30")), json!("in_grace_period"))), "not at zero: in grace period");
    assert_eq!(told(scale(json!(null), json!(null))), "not at zero");
    let staging = policy.environment("staging").unwrap();
    assert_eq!(idle(staging, &environment("staging", live(7, "09:00"), vec![])), "");
}

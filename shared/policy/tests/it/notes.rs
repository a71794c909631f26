//! Notes of a promotion's progress that come late.

use serde_json::{Value, json};
use tidegate_policy::promote::{Action, State, still_applies};
use tidegate_policy::step::Step;

const PACKAGE: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7";

fn state(steps: Value) -> State {
    let promotion = json!({
        "version": 7, "package_arn": PACKAGE, "approved_at": "2026-03-02T09:00:00Z", "environments": steps,
        "newest_version": 7, "stopped": false,
    });
    serde_json::from_value(json!({ "promotion": promotion })).unwrap()
}

fn note(stage: &str, status: &str) -> Step<Action> {
    Step::Call(Action::UpdateModelLifeCycle {
        package_arn: PACKAGE.to_owned(),
        stage: stage.to_owned(),
        status: status.to_owned(),
        description: "said then".to_owned(),
    })
}

fn requested(at: &str) -> Value {
    json!({ "status": "requested", "request_id": "churn-7", "at": at })
}

fn succeeded(at: &str) -> Value {
    json!({ "status": "succeeded", "at": at })
}

#[test]
fn a_late_note_does_not_hide_a_later_one() {
    let soaking = state(json!({ "staging": succeeded("2026-03-02T10:00:00Z") }));
    assert!(still_applies(&soaking, &note("staging", "Soaking")));
    assert!(!still_applies(&soaking, &note("staging", "Deploying")), "it soaks already");

    let asked = json!({ "staging": succeeded("2026-03-02T10:00:00Z"), "production": requested("2026-03-02T11:00:00Z") });
    let asked = state(asked);
    assert!(still_applies(&asked, &note("production", "Deploying")));
    assert!(!still_applies(&asked, &note("staging", "Soaking")), "the soak is over");

    let over = json!({ "staging": succeeded("2026-03-02T10:00:00Z"), "production": succeeded("2026-03-02T12:00:00Z") });
    let over = state(over);
    assert!(still_applies(&over, &note("production", "Deployed")));
    for (stage, status) in [("production", "Deploying"), ("staging", "Soaking"), ("staging", "Failed")] {
        assert!(!still_applies(&over, &note(stage, status)), "{stage} {status}");
    }
}

#[test]
fn a_failure_is_noted_while_it_is_one() {
    let failed =
        json!({ "production": { "status": "failed", "at": "2026-03-02T12:00:00Z", "cause": "rolled_back" } });
    assert!(still_applies(&state(failed), &note("production", "Failed")));
    let again = state(json!({ "production": requested("2026-03-02T13:00:00Z") }));
    assert!(!still_applies(&again, &note("production", "Failed")));
}

#[test]
fn what_was_stopped_before_it_was_asked_for_is_not_being_deployed() {
    let mut stopped = state(json!({ "staging": requested("2026-03-02T10:00:00Z") }));
    assert!(still_applies(&stopped, &note("staging", "Deploying")));
    stopped.promotion.as_mut().unwrap().stopped = true;
    assert!(!still_applies(&stopped, &note("staging", "Deploying")));
}

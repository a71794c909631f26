//! What a ledger holds from before: it is read, and without anything new to remember it is written as it was.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tidegate_policy::{deploy, promote, respond, scale, train};

fn comes_back<S: Serialize + DeserializeOwned>(stored: &Value) {
    let read: S = serde_json::from_value(stored.clone()).unwrap_or_else(|error| panic!("{stored}: {error}"));
    assert_eq!(&serde_json::to_value(read).unwrap(), stored);
}

#[test]
fn states_from_before_holds_and_approvals_come_back_as_they_were() {
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7";
    comes_back::<promote::State>(&json!({"promotion": {
        "version": 7, "package_arn": arn, "approved_at": "2026-03-02T09:10:02Z", "newest_version": 7, "stopped": false,
        "environments": {
            "staging": {"status": "succeeded", "at": "2026-03-02T09:16:31Z"},
            "production": {"status": "requested", "request_id": "r", "at": "2026-03-02T09:46:32Z"},
        },
    }}));
    let request = json!({"request_id": "r", "model": "churn", "environment": "staging",
        "environment_account": "444455556666", "region": "us-east-1", "version": 7, "package_arn": arn,
        "policy_version": "p", "requested_at": "2026-03-02T09:10:04Z"});
    comes_back::<deploy::State>(&json!({
        "in_flight": {"request": request, "accepted_at": "2026-03-02T09:10:06Z", "endpoint_update_requested_at": null,
            "endpoint_modified_before": null, "component_update_requested_at": null, "component_modified_before": null, "checks": 0},
        "live": null, "previous": null, "last_report": null,
        "newest_request": {"version": 7, "requested_at": "2026-03-02T09:10:04Z"},
    }));
    comes_back::<respond::State>(&json!({"retrainings": ["2026-03-02T09:10:04Z"], "attempts": 1}));
    comes_back::<train::State>(&json!({"commits": {"refs/heads/main": "aaaa"}, "last_start": null}));
    comes_back::<scale::State>(&json!({"zero_since": null, "scaled_up_at": null, "last_reason": "idle"}));
}

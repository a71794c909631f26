//! What a policy asks of an asynchronous endpoint.

use super::super::{parse, read};
use super::{changed, refused};

const COMPONENT: &str = "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024 }";
const SCALE: &str = "    scale:\n      toZero: { idle: 2h, grace: 24h }\n";
const FAILURES: &str = "failures: \"s3://acme-ml/failures/\"";

/// The example with an asynchronous endpoint with these fields in production, and with these sections.
fn queue(fields: &str, sections: &str) -> String {
    let endpoint = format!(
        "kind: async, instanceType: ml.m5.large, instances: 2, output: \"s3://acme-ml/answers/\"{fields} }}"
    );
    changed(COMPONENT, &endpoint).replacen(SCALE, sections, 1)
}

/// Asserts that exactly one problem is found, with this text.
fn assert_only(text: &str, told: &str) {
    let error = refused(text);
    assert_eq!(error.problems.len(), 1, "{error}");
    assert!(error.to_string().contains(told), "{error}\nis not\n{told}");
}

#[test]
fn every_field_is_accepted_without_a_warning() {
    let fields = ", failures: \"s3://acme-ml/failures/\", maxConcurrentPerInstance: 1000, kms: { output: alias/churn }, \
                  notify: { success: \"arn:aws:sns:us-east-1:777788889999:done\", includeResponseIn: [success] }";
    for sections in [
        "",
        "    scale: { target: { backlogPerInstance: 5, min: 0, max: 4 } }\n",
        "    rollout: { canary: { percent: 50, bake: 5m }, alarms: [churn-5xx] }\n",
        "    rollout: { rolling: { percent: 50, bake: 5m }, alarms: [churn-5xx] }\n",
    ] {
        let checked = read("churn.yaml", &queue(fields, sections)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(checked.warnings, [], "{sections}");
    }
}

#[test]
fn a_sample_without_a_place_for_failures_is_a_warning() {
    let checked = read("churn.yaml", &queue("", "")).unwrap();
    let [warning] = checked.warnings.as_slice() else { panic!("{:?}", checked.warnings) };
    assert!(warning.message.starts_with("without `failures` SageMaker does not store why"), "{warning}");
}

#[test]
fn fields_have_the_values_that_sagemaker_accepts() {
    for (fields, told) in [
        (", maxConcurrentPerInstance: 1001", "expected a whole number from 1 to 1000"),
        (", notify: { success: done }", "expected the ARN of an SNS topic"),
        (", notify: {}", "expected `success`, `error` or both"),
        (
            ", notify: { error: \"arn:aws:sns:us-east-1:777788889999:failed\", includeResponseIn: [success] }",
            "names a topic that `notify` does not have",
        ),
        (
            ", notify: { error: \"arn:aws:sns:us-east-1:777788889999:failed\", includeResponseIn: [] }",
            "expected at least one",
        ),
        (", failures: answers", "expected a place in S3"),
    ] {
        assert_only(&queue(fields, ""), told);
    }
}

#[test]
fn what_sagemaker_does_not_have_for_a_queue_is_refused_with_the_page() {
    let long = format!("invoke: {{ contentType: text/csv, body: \"{}\" }}", "1".repeat(128_001));
    let capture = "    capture: { percent: 20, to: \"s3://acme-ml/c/\" }\n";
    for (text, told) in [
        (queue("", SCALE), "write `scale.target` with `backlogPerInstance` and `min: 0` instead"),
        (queue("", capture), "model-deploy-feature-matrix.html"),
        (
            queue("", "").replace("ml.m5.large", "ml.inf1.xlarge"),
            "SageMaker runs no async endpoint on Inf1 instances",
        ),
        (
            // That of production is the last.
            queue("", "").replace("invoke: { contentType: text/csv, body: \"42,1,0.5\" }", &long),
            "found 128001 bytes, expected at most 128000",
        ),
    ] {
        assert_only(&text, told);
    }
}

#[test]
fn the_target_has_the_metric_and_the_minimum_of_the_kind() {
    let scale = |target: &str| format!("    scale: {{ target: {{ {target}, max: 4 }} }}\n");
    for (target, told) in [
        (
            "invocationsPerInstance: 5, min: 1",
            "SageMaker does not count the invocations of an async endpoint",
        ),
        ("min: 1", "missing `backlogPerInstance`"),
        ("backlogPerInstance: 5, invocationsPerInstance: 5, min: 1", "write `backlogPerInstance`"),
        ("backlogPerInstance: 5, min: 3", "a new endpoint begins with 2, expected from 3 to 4"),
    ] {
        assert_only(&queue("", &scale(target)), told);
    }
    let real_time = |target: &str| {
        let endpoint = "kind: realTime, instanceType: ml.m5.large, instances: 2 }";
        changed(COMPONENT, endpoint).replacen(SCALE, &scale(target), 1)
    };
    let component =
        |target: &str| changed(SCALE, &scale(target)).replace("memoryMb: 1024", "memoryMb: 1024, copies: 2");
    assert_only(&real_time("backlogPerInstance: 5, min: 1"), "only an async endpoint has a queue");
    assert_only(&real_time("invocationsPerInstance: 5, min: 0"), "found 0, expected at least 1");
    assert_only(&component("invocationsPerInstance: 5, min: 0"), "write `scale.toZero` to go to zero copies");
    parse("churn.yaml", &real_time("invocationsPerInstance: 5, min: 1")).unwrap();
}

#[test]
fn the_fields_of_a_queue_belong_to_no_other_kind() {
    for (field, told) in [
        (FAILURES, "only an async endpoint puts its answers anywhere"),
        ("notify: {}", "only an async endpoint tells that a request has ended"),
        ("maxConcurrentPerInstance: 2", "only an async endpoint has a queue"),
        ("kms: { output: alias/churn }", "only an async endpoint puts its answers into S3"),
    ] {
        assert_only(&changed(COMPONENT, &COMPONENT.replace(" }", &format!(", {field} }}"))), told);
    }
}

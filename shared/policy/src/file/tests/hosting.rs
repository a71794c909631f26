//! What a policy asks of an endpoint's instances.

use super::super::read;
use super::{changed, refused};

/// The production endpoint of the example.
const COMPONENT: &str = "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024";

fn error(endpoint: &str) -> String {
    refused(&changed(COMPONENT, endpoint)).to_string()
}

fn warnings(endpoint: &str) -> String {
    let checked = read("churn.yaml", &changed(COMPONENT, endpoint)).unwrap();
    checked.warnings.iter().map(|warning| format!("{warning}\n")).collect()
}

#[test]
fn a_type_that_sagemaker_does_not_host_is_rejected_with_the_nearest_names() {
    let told = error(&COMPONENT.replace("m5.large", "t3.medium"));
    let expected = "25:70: environments.production.endpoint.instanceType: SageMaker does not host endpoints on ml.t3.medium";
    assert!(told.contains(expected) && told.contains("ml.t2.medium"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn a_type_that_may_not_be_meant_is_a_warning() {
    assert_eq!(warnings(COMPONENT), "");
    for (name, part) in [
        ("ml.m99.large", "ml.m99.large is not in the list of types of 20"),
        ("ml.t2.medium", "ml.t2.medium is burstable"),
        ("ml.c7g.large", "ml.c7g.large has arm64 processors"),
    ] {
        let told = warnings(&COMPONENT.replace("ml.m5.large", name));
        assert!(
            told.contains(&format!("25:70: environments.production.endpoint.instanceType: {part}")),
            "{told}"
        );
    }
}

#[test]
fn copies_must_fit_on_the_instances() {
    let told = error(&COMPONENT.replace("memoryMb: 1024", "memoryMb: 65536, copies: 4"));
    let expected = "environments.production.endpoint.memoryMb: found 65536, but one ml.m5.large has 8192 MB";
    assert!(told.contains(expected) && told.lines().count() == 1, "{told}");
    let told = error(&COMPONENT.replace("memoryMb: 1024", "memoryMb: 5000, copies: 3"));
    let expected =
        "environments.production.endpoint.copies: 3 copies do not fit: 2 ml.m5.large hold at most 2";
    assert!(told.contains(expected) && told.lines().count() == 1, "{told}");
}

#[test]
fn a_copy_is_given_accelerators_where_there_are_some() {
    let gpu = "kind: inferenceComponent, instanceType: ml.g5.12xlarge, instances: 4, memoryMb: 1024";
    for (endpoint, field, part) in [
        (gpu.to_owned(), "accelerators", "missing; ml.g5.12xlarge has 4 accelerators"),
        (
            format!("{gpu}, accelerators: 5"),
            "accelerators",
            "found 5, but one ml.g5.12xlarge has 4 accelerators",
        ),
        (
            format!("{gpu}, accelerators: 4, copies: 5"),
            "copies",
            "5 copies do not fit: 4 ml.g5.12xlarge hold at most 4",
        ),
        (format!("{gpu}, accelerators: 1, cpus: 49"), "cpus", "found 49, but one ml.g5.12xlarge has 48 CPUs"),
        (format!("{gpu}, accelerators: 1, maxMemoryMb: 1000"), "maxMemoryMb", "the most, 1000, is less than"),
        (
            format!("{COMPONENT}, accelerators: 1"),
            "accelerators",
            "found 1, but one ml.m5.large has 0 accelerators",
        ),
    ] {
        let told = error(&endpoint);
        let expected = format!("environments.production.endpoint.{field}: {part}");
        assert!(told.contains(&expected) && told.lines().count() == 1, "{endpoint} makes\n{told}");
    }
    let all = format!("{gpu}, maxMemoryMb: 16384, accelerators: 1, cpus: 2");
    assert_eq!(warnings(&all), "");
    // A type without known hardware may have accelerators or not.
    for endpoint in [gpu.to_owned(), format!("{gpu}, accelerators: 1")] {
        let told = warnings(&endpoint.replace("ml.g5.12xlarge", "ml.g99.xlarge"));
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_reservation_of_much_memory_and_an_update_without_room_are_warnings() {
    let gpu =
        "kind: inferenceComponent, instanceType: ml.g5.xlarge, instances: 4, memoryMb: 4096, accelerators: 1";
    let told = warnings(gpu);
    let expected =
        "endpoint.memoryMb: SageMaker reserves memory from a part of the 16384 MB of ml.g5.xlarge only";
    assert!(told.contains(expected) && told.lines().count() == 1, "{told}");
    let told = warnings(&gpu.replace("instances: 4, memoryMb: 4096", "instances: 1, memoryMb: 1024"));
    let expected =
        "endpoint.instances: an update runs 1 new copies beside the 1 old ones, but 1 ml.g5.xlarge hold 1";
    assert!(told.contains(expected) && told.lines().count() == 1, "{told}");
}

#[test]
fn scaling_to_zero_in_a_region_that_refused_it_is_a_warning() {
    let text = changed("region: us-east-1\n    gates", "region: eu-west-3\n    gates")
        .replace("us-east-1", "eu-west-3");
    let told = read("churn.yaml", &text).unwrap().warnings;
    assert_eq!(told.len(), 1, "{told:?}");
    let told = told[0].to_string();
    assert!(
        told.contains("scale.toZero: SageMaker refused zero instances in eu-west-3 on 2026-08-27"),
        "{told}"
    );
}

#[test]
fn a_component_is_updated_in_batches() {
    let with = |rollout: &str| {
        let gpu = "kind: inferenceComponent, instanceType: ml.g5.xlarge, instances: 5, memoryMb: 1024, accelerators: 1, copies: 4";
        changed(COMPONENT, gpu).replace("    verify:\n      invoke: { contentType: text/csv, body: \"42,1,0.5\" }\n    scale", &format!("    rollout: {rollout}\n    verify:\n      invoke: {{ contentType: text/csv, body: \"42,1,0.5\" }}\n    scale"))
    };
    let told = |rollout: &str| {
        let checked = read("churn.yaml", &with(rollout)).unwrap();
        checked.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told("{ rolling: { copies: 1, bake: 5m }, alarms: [a] }"), [] as [&str; 0]);
    assert_eq!(
        told("{ rolling: { percent: 25, bake: 5m, rollbackPercent: 50 }, alarms: [a] }"),
        [] as [&str; 0]
    );
    let large = told("{ rolling: { copies: 2, bake: 5m }, alarms: [a] }");
    assert!(
        large[0].contains("an update runs 2 new copies beside the 4 old ones, but 5 ml.g5.xlarge hold 5"),
        "{large:?}"
    );
    for (rollout, part) in [
        (
            "{ rolling: { copies: 3, bake: 5m }, alarms: [a] }",
            "rolling.copies: found 3, expected at most half of the 4 copies",
        ),
        (
            "{ rolling: { copies: 1, percent: 25, bake: 5m }, alarms: [a] }",
            "rolling: expected one of `percent` and `copies`",
        ),
        (
            "{ canary: { percent: 10, bake: 5m }, alarms: [a] }",
            "rollout: an inferenceComponent has no `canary`, only `rolling`",
        ),
        ("{ allAtOnce: {} }", "rollout: an inferenceComponent has no `allAtOnce`"),
        ("{ rolling: { copies: 1, bake: 5m } }", "rollout.rolling: nothing would make SageMaker roll back"),
    ] {
        let error = refused(&with(rollout)).to_string();
        assert!(error.contains(part) && error.lines().count() == 1, "{rollout} makes\n{error}");
    }
}

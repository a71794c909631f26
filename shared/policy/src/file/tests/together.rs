//! Fields that exclude each other, unsupported features, and several mistakes at once.

use super::bad::each_is_told_once;
use super::{CHURN, changed, refused};

/// A section that only an inference component may have.
const TO_ZERO: &str = "    scale:\n      toZero: { idle: 2h, grace: 24h }\n";
/// The production endpoint of the example.
const EU: &str = "endpoint: { name: churn, kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024 }";

#[test]
fn rules_between_fields() {
    let in_staging = "maxConcurrency: 5 }";
    each_is_told_once(&[
        (
            "name: production",
            "name: staging",
            "20:11: environments.staging.name: two are named `staging`",
            "",
        ),
        (
            "region: us-east-1\n",
            "region: us-east-1\n    gates: { soak: 5m }\n",
            "17:20: environments.staging.gates.soak: no environment comes before",
            "",
        ),
        (
            "[main, \"release/*\"]",
            "[main, \"release/[\"]",
            "7:20: source.branches[1]: `release/[` is not a glob",
            "",
        ),
        (
            "[main,",
            "[refs/heads/main,",
            "7:14: source.branches[0]: a branch is named without `refs/heads/`",
            "",
        ),
        (
            "body: \"42,1,0.5\" }",
            "body: \"42,1,0.5\", expect: { status: 204 } }",
            "19:76: environments.staging.verify.invoke.expect.status: found 204, expected 200, or 400 to 499",
            "",
        ),
        (
            "body: \"42,1,0.5\" }",
            "body: \"42,1,0.5\", expect: { schema: nonsense } }",
            "19:76: environments.staging.verify.invoke.expect.schema: expected a JSON Schema as JSON text",
            "",
        ),
        (
            "{ file: pipeline.json }",
            "{ file: pipeline.json, keep: true }",
            "10:3: pipeline.definition: expected exactly one of",
            "",
        ),
        ("{ file: pipeline.json }", "{}", "10:3: pipeline.definition: expected exactly one of", ""),
        (
            "{ file: pipeline.json }",
            "{ keep: true, role: pipeline }",
            "10:35: pipeline.definition.role: a pipeline that keeps its definition keeps its roles as well",
            "",
        ),
        (
            "{ file: pipeline.json }",
            "{ keep: true }\n  executionRole: arn:aws:iam::111122223333:role/churn",
            "11:18: pipeline.executionRole: a pipeline that keeps its definition keeps its roles as well",
            "",
        ),
        (
            "{ file: pipeline.json }",
            "{ file: pipeline.json, role: steps }",
            "10:44: pipeline.definition.role: found `steps`, expected pipeline",
            "",
        ),
        (
            "file: pipeline.json",
            "file: ../pipeline.json",
            "10:23: pipeline.definition.file: `../pipeline.json` is not a path from the root",
            "",
        ),
        (
            "file: pipeline.json",
            "file: /pipeline.json",
            "10:23: pipeline.definition.file: ",
            "ml/pipeline.json",
        ),
        (
            "  name: churn-train",
            "  name: churn-train\n  parameters: { a b: c }",
            "10:22: pipeline.parameters.a b: not a parameter's name",
            "API_Parameter",
        ),
        (
            "memoryMb: 2048, ",
            "",
            "17:5: environments.staging.endpoint.memoryMb: missing; a serverless endpoint needs it",
            "API_ProductionVariantServerlessConfig.html",
        ),
        (
            "memoryMb: 2048",
            "memoryMb: 2000",
            "17:66: environments.staging.endpoint.memoryMb: found 2000, expected 1024, 2048",
            "serverless-endpoints.html",
        ),
        (
            "maxConcurrency: 5",
            "maxConcurrency: 201",
            "17:88: environments.staging.endpoint.maxConcurrency: found 201",
            "1 to 200",
        ),
        (
            in_staging,
            "maxConcurrency: 5, instanceType: ml.g5.xlarge }",
            "17:105: environments.staging.endpoint.instanceType: a serverless endpoint has none",
            "no GPU",
        ),
        (
            in_staging,
            "maxConcurrency: 5 }\n    rollout: { alarms: [a] }",
            "18:5: environments.staging.rollout: a serverless endpoint has no instances to replace",
            "deployment-guardrails.html",
        ),
        (
            "memoryMb: 1024 }",
            "memoryMb: 1024, maxConcurrency: 5 }",
            "25:129: environments.production.endpoint.maxConcurrency: an inferenceComponent endpoint has none: only a serverless",
            "API_ProductionVariantServerlessConfig.html",
        ),
        (
            in_staging,
            "maxConcurrency: 5, copies: 2 }",
            "17:99: environments.staging.endpoint.copies: a serverless endpoint has none: only an inferenceComponent",
            "API_InferenceComponentRuntimeConfig.html",
        ),
        (
            in_staging,
            "maxConcurrency: 5, output: \"s3://acme-ml/o/\" }",
            "17:99: environments.staging.endpoint.output: a serverless endpoint has none: only an async endpoint",
            "API_AsyncInferenceOutputConfig.html",
        ),
        (
            "memoryMb: 1024 }",
            "memoryMb: 1024 }\n    rollout: { alarms: [a] }",
            "26:5: environments.production.rollout: SageMaker monitors the alarms of an inferenceComponent only with `rolling`",
            "API_InferenceComponentDeploymentConfig.html",
        ),
        (
            EU,
            "endpoint: { name: churn, kind: realTime, instanceType: ml.m5.large, instances: 2 }",
            "29:7: environments.production.scale.toZero: a realTime endpoint keeps at least one instance; an inferenceComponent",
            "endpoint-auto-scaling-zero-instances.html",
        ),
    ]);
}

#[test]
fn an_endpoint_is_the_same_in_any_case() {
    let text =
        changed("\"777788889999\"", "\"444455556666\"").replace("name: churn,", "name: Churn-Staging,");
    let error = refused(&text).to_string();
    assert!(error.contains("production.endpoint.name: two share the endpoint `Churn-Staging`"), "{error}");
    assert!(error.contains("API_CreateEndpoint.html"), "{error}");
}

#[test]
fn instances_have_the_memory_of_their_type() {
    let endpoint =
        "endpoint: { name: churn, kind: realTime, instanceType: ml.m5.large, instances: 2, memoryMb: 1024 }";
    let error = refused(&changed(EU, endpoint).replace(TO_ZERO, "")).to_string();
    let told = "production.endpoint.memoryMb: a realTime endpoint has none: its instances have the memory";
    assert!(error.contains(told) && error.contains("API_ProductionVariant.html"), "{error}");
}

/// Rules about a section of the production endpoint, changed to a real-time one; and the part of the message.
#[test]
fn rollouts() {
    let with = |instances: &str, rollout: &str| {
        let endpoint = format!(
            "endpoint: {{ name: churn, kind: realTime, instanceType: {instances} }}\n    rollout: {rollout}"
        );
        refused(&changed(EU, &endpoint)).to_string()
    };
    let four = "ml.m5.large, instances: 4";
    for (rollout, told) in [
        (
            "{ canary: { percent: 120, bake: 10m }, alarms: [a] }",
            "26:35: environments.production.rollout.canary.percent: found the number 120, expected a whole number from 1 to 50 (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html)",
        ),
        (
            "{ canary: { percent: 10, bake: 2h }, alarms: [a] }",
            "26:45: environments.production.rollout.canary.bake: found 2h, expected at most 1h (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html)",
        ),
        (
            "{ canary: { percent: 10, bake: 5m } }",
            "26:16: environments.production.rollout.canary: nothing would make SageMaker roll back: name `alarms`, or write `withoutAlarms: true`",
        ),
        (
            "{ canary: { percent: 10, bake: 5m }, withoutAlarms: true, alarms: [a] }",
            "26:66: environments.production.rollout.withoutAlarms: is only for",
        ),
        ("{ withoutAlarms: true }", "26:31: environments.production.rollout.withoutAlarms: is only for"),
        (
            "{ canary: { percent: 10, bake: 5m }, allAtOnce: {}, alarms: [a] }",
            "26:5: environments.production.rollout: expected one way, found canary and allAtOnce",
        ),
        (
            "{ alarms: [a, b, c, d, e, f, g, h, i, j, k] }",
            "26:16: environments.production.rollout.alarms: found 11 items, expected at most 10",
        ),
        (
            "{ alarms: [\"\"] }",
            "26:25: environments.production.rollout.alarms[0]: found the text ``, expected a text of 1 to 255 characters",
        ),
        (
            "{ linear: { percent: 5, bake: 5m }, alarms: [a] }",
            "26:35: environments.production.rollout.linear.percent: found the number 5, expected a whole number from 10 to 50",
        ),
        (
            "{ rolling: { bake: 5m }, alarms: [a] }",
            "26:16: environments.production.rollout.rolling: missing `percent`, or `copies` of an inferenceComponent",
        ),
        (
            "{ rolling: { copies: 1, bake: 5m }, alarms: [a] }",
            "26:35: environments.production.rollout.rolling.copies: an endpoint without copies has batches of `percent`",
        ),
        (
            "{ allAtOnce: { bake: 5m } }",
            "26:16: environments.production.rollout.allAtOnce: nothing would make SageMaker roll back",
        ),
        (
            "{ rolling: { percent: 60, bake: 5m }, alarms: [a] }",
            "26:36: environments.production.rollout.rolling.percent: found the number 60, expected a whole number from 5 to 50",
        ),
    ] {
        let error = with(four, rollout);
        assert!(error.contains(told), "{rollout} makes\n{error}\nnot\n{told}");
    }
    let error = with("ml.m5.large, instances: 1", "{ rolling: { percent: 50, bake: 5m }, alarms: [a] }");
    assert!(error.contains("rollout.rolling: needs at least 2 instances"), "{error}");
    let error = with("ml.inf1.xlarge, instances: 2", "{ canary: { percent: 50, bake: 5m }, alarms: [a] }");
    assert!(error.contains("rollout: SageMaker ignores it on Inf1 instances"), "{error}");
}

/// The problem that a section in the first environment, the serverless one, causes.
#[test]
fn sections_that_the_endpoint_or_each_other_exclude() {
    let staging =
        |section: &str| refused(&changed("    verify:\n", &format!("    {section}\n    verify:\n")));
    let production =
        |section: &str| refused(&changed("    scale:\n", &format!("    {section}\n    scale:\n")));
    for (error, told) in [
        (
            staging("capture: { percent: 20, to: \"s3://acme-ml/c/\" }"),
            "18:5: environments.staging.capture: a serverless endpoint has no data capture",
        ),
        (
            staging("monitor: { every: 1h, baseline: fromRegistry }"),
            "18:5: environments.staging.monitor: a serverless endpoint cannot be watched",
        ),
        (
            staging("scale: { target: { invocationsPerInstance: 5, min: 1, max: 2 } }"),
            "18:14: environments.staging.scale.target: a serverless endpoint has no instances to add",
        ),
        (
            production("monitor: { every: 1h, baseline: fromRegistry }"),
            "28:5: environments.production.monitor: there is nothing to look at without `capture` (https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html)",
        ),
        (
            production("monitor: { every: 90m, baseline: fromRegistry }"),
            "28:23: environments.production.monitor.every: expected whole hours",
        ),
        (
            production("monitor: { every: 1h, baseline: fromRegistri }"),
            "28:37: environments.production.monitor.baseline: found `fromRegistri`, expected fromRegistry; did you mean",
        ),
        (
            production("capture: { percent: 101, to: \"s3://acme-ml/c/\" }"),
            "28:25: environments.production.capture.percent: found the number 101, expected a whole number from 0 to 100",
        ),
        (
            production("capture: { percent: 10, to: acme-ml/c }"),
            "28:33: environments.production.capture.to: found `acme-ml/c`, expected a place in S3",
        ),
    ] {
        assert!(error.to_string().contains(told), "{error}\nis not\n{told}");
    }
    let error = refused(&changed(
        "toZero: {",
        "target: { invocationsPerInstance: 5, min: 3, max: 2 }\n      toZero: {",
    ));
    let told = "29:49: environments.production.scale.target.min: the least, 3, is more than the most, 2";
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn target_tracking_fits_the_endpoint() {
    let target = |text: &str| format!("scale:\n      target: {{ invocationsPerInstance: 5, {text} }}");
    for (instance_type, limits, told) in [
        ("ml.t2.medium", "min: 1, max: 2", "refuses the burstable instance type ml.t2.medium"),
        ("ml.m5.large", "min: 2, max: 4", "a new endpoint begins with 1, expected from 2 to 4"),
    ] {
        let text = changed("scale:\n      toZero: { idle: 2h, grace: 24h }", &target(limits));
        let error = refused(&text.replace("ml.m5.large", instance_type));
        assert!(error.to_string().contains(told), "{error}\nis not\n{told}");
    }
}

#[test]
fn windows() {
    let window = |window: &str| refused(&changed("soak: 30m", &format!("windows: [{window}]")));
    for (text, told) in [
        (
            "{ days: [mon], from: \"16:00\", to: \"09:00\", timeZone: UTC }",
            "24:51: environments.production.gates.windows[0].to: the window closes at 09:00 but opens at 16:00",
        ),
        (
            "{ days: [mon], from: \"9:00\", to: \"16:00\", timeZone: UTC }",
            "24:38: environments.production.gates.windows[0].from: found the text `9:00`, expected a time of the day",
        ),
        (
            "{ days: [monday], from: \"09:00\", to: \"16:00\", timeZone: UTC }",
            "24:26: environments.production.gates.windows[0].days[0]: found `monday`, expected mon, tue, wed, thu, fri, sat or sun; did you mean",
        ),
        (
            "{ days: [], from: \"09:00\", to: \"16:00\", timeZone: UTC }",
            "24:19: environments.production.gates.windows[0].days: found an empty list, expected at least one",
        ),
        (
            "{ days: [mon], from: \"09:00\", to: \"16:00\", timeZone: Europe/Amsterdm }",
            "24:70: environments.production.gates.windows[0].timeZone: found `Europe/Amsterdm`, expected a time zone of the IANA database, such as Europe/Amsterdam or UTC; did you mean `Europe/Amsterdam`?",
        ),
    ] {
        let error = window(text).to_string();
        assert!(error.contains(told), "{text} makes\n{error}\nnot\n{told}");
    }
}

#[test]
fn what_this_version_cannot_do_is_refused_in_its_place() {
    let monitor = "    capture: { percent: 20, to: \"s3://acme-ml/c/\" }\n    monitor: { every: 1h, baseline: fromRegistry }\n    scale:\n";
    for (from, to, place) in [
        ("  branches:", "  paths: [\"src/**\"]\n  branches:", "7:3: source.paths: a path filter is"),
        ("{ file: pipeline.json }", "{ build: { steps: [] } }", "10:17: pipeline.definition.build: "),
        ("codecommit:churn-model", "github:acme/churn", "10:23: pipeline.definition.file: a definition from"),
        ("  definition:", "  onNewCommit: queue\n  definition:", "10:16: pipeline.onNewCommit: "),
        ("    scale:\n", monitor, "29:5: environments.production.monitor: "),
        ("response: retrain", "response: rollBack", "31:13: drift.response: rollBack is"),
        ("drift:", "alerts: { topic: mine }\ndrift:", "30:18: alerts.topic: "),
    ] {
        let mut text = changed(from, to);
        if text.contains("kind: realTime") {
            text = text.replace(TO_ZERO, "");
        }
        let error = refused(&text);
        let told = error.to_string();
        assert!(told.contains(&format!("churn.yaml:{place}")), "{told}\nis not at\n{place}");
        assert!(error.problems.iter().all(|p| p.message.contains("not supported by this version")), "{told}");
    }
}

#[test]
fn ten_mistakes_are_ten_lines() {
    let text = CHURN
        .replace("tidegate/v1", "tidegate/v3")
        .replace("registry:", "registri:")
        .replace("{ file: pipeline.json }", "{ file: pipeline.json, keep: true }")
        .replace("\"444455556666\"", "444455556666")
        .replace("memoryMb: 2048", "memoryMb: 2000")
        .replace("name: production", "name: staging")
        .replace("soak: 30m", "soak: -1m")
        .replace("ml.m5.large", "m5.large")
        .replace(
            "    scale:\n",
            "    rollout: { canary: { percent: 120, bake: 10m }, alarms: [a] }\n    scale:\n",
        )
        .replace("retrainings: 4", "retrainings: 0");
    let text = text.replace("kind: inferenceComponent", "kind: realTime").replace(", memoryMb: 1024", "");
    let text = text.replace(TO_ZERO, "");
    let told = refused(&text).to_string();
    let begins = [
        "churn.yaml:3:13: apiVersion: found `tidegate/v3`",
        "churn.yaml:10:3: pipeline.definition: expected exactly one",
        "churn.yaml:11:1: registri: unknown field; did you mean `registry`?",
        "churn.yaml:15:14: environments.staging.account: found the number 444455556666",
        "churn.yaml:17:66: environments.staging.endpoint.memoryMb: found 2000",
        "churn.yaml:20:11: environments.staging.name: two are named `staging`",
        "churn.yaml:24:13: environments.staging.gates.soak: found `-1m`",
        "churn.yaml:25:60: environments.staging.endpoint.instanceType: found `m5.large`",
        "churn.yaml:28:35: environments.staging.rollout.canary.percent: found the number 120",
        "churn.yaml:32:26: drift.budget.retrainings: found the number 0",
    ];
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), begins.len(), "{told}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}\nnot\n{begin}");
    }
}

#[test]
fn one_mistake_does_not_make_another() {
    // A wrong kind says nothing about the kind's fields; a missing section says nothing about its content.
    for (from, to, lines) in [
        ("kind: serverless", "kind: serverful", 1),
        ("pipeline:\n  name: churn-train\n  definition: { file: pipeline.json }\n", "", 1),
        ("environments:\n", "environments: none\nother:\n", 2),
        ("codecommit:churn-model", "svn:churn", 1),
        ("drift:", "alerts: { topic: 7 }\ndrift:", 1),
        ("  definition:", "  onNewCommit: 7\n  definition:", 1),
    ] {
        let error = refused(&changed(from, to));
        assert_eq!(error.problems.len(), lines, "{error}");
    }
}

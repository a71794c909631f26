//! The settings of the model and of its endpoint configuration.

use super::super::{parse, read};
use super::{CHURN, refused};

const COMPONENT: &str = "kind: inferenceComponent, instanceType: ml.m5.large, instances: 2, memoryMb: 1024 }";
const SERVERLESS: &str = "kind: serverless, memoryMb: 2048, maxConcurrency: 5 }";

/// The example with more fields in the endpoint of production.
fn endpoint(fields: &str) -> String {
    let section = COMPONENT.replace(" }", &format!(", {fields} }}"));
    CHURN.replacen(COMPONENT, &section, 1)
}

/// The example with one more section in production.
fn section(text: &str) -> String {
    CHURN.replacen("    scale:\n", &format!("    {text}\n    scale:\n"), 1)
}

fn assert_refused(text: &str, message: &str) {
    let error = refused(text).to_string();
    assert!(error.contains(message), "{error}\nis not\n{message}");
}

#[test]
fn the_settings_are_read() {
    let text = endpoint(
        "vpc: { subnets: [subnet-1, subnet-2], securityGroups: [sg-1] }, networkIsolation: true, environment: { A: b }, \
         executionRole: \"arn:aws:iam::777788889999:role/churn\"",
    );
    let model = parse("churn.yaml", &text).unwrap().environments[1].endpoint.model.clone();
    assert_eq!(model.vpc.unwrap().subnets.len(), 2);
    assert!(model.network_isolation && model.environment["A"] == "b");
    assert_eq!(model.execution_role.unwrap().account(), "777788889999");
}

#[test]
fn a_serverless_endpoint_has_no_network_and_no_capture() {
    for (field, why) in [
        ("vpc: { subnets: [subnet-1], securityGroups: [sg-1] }", "it cannot be attached to a VPC"),
        ("networkIsolation: true", "its containers cannot be isolated"),
        ("kms: { volume: alias/churn }", "it has no storage volume and no capture"),
        ("startup: { healthCheck: 5m }", "SageMaker starts its containers for each request"),
    ] {
        let text = CHURN.replacen(SERVERLESS, &SERVERLESS.replace(" }", &format!(", {field} }}")), 1);
        assert_refused(
            &text,
            &format!("a serverless endpoint has none: {why} (https://docs.aws.amazon.com/"),
        );
    }
}

#[test]
fn values_that_sagemaker_refuses_are_refused() {
    let many: Vec<String> = (0..101).map(|n| format!("V{n}: x")).collect();
    let long = format!("A: {}", "x".repeat(1_025));
    let heavy: Vec<String> = (0..33).map(|n| format!("V{n}: {}", "x".repeat(1_000))).collect();
    for (fields, message) in [
        ("vpc: { subnets: [vpc-1], securityGroups: [sg-1] }".to_owned(), "expected the id of a subnet"),
        (
            "vpc: { subnets: [subnet-1], securityGroups: [web] }".to_owned(),
            "expected the id of a security group",
        ),
        ("vpc: { subnets: [], securityGroups: [sg-1] }".to_owned(), "expected at least one"),
        ("executionRole: churn".to_owned(), "expected the ARN of an IAM role"),
        ("environment: { 1A: x }".to_owned(), "not a variable's name"),
        ("environment: { A: 5 }".to_owned(), "quote it: \"5\""),
        (format!("environment: {{ {} }}", many.join(", ")), "found 101 variables, expected at most 100"),
        (format!("environment: {{ {long} }}"), "longer than 1024 characters"),
        (format!("environment: {{ {} }}", heavy.join(", ")), "expected at most 32768"),
    ] {
        assert_refused(&endpoint(&fields), message);
    }
    for (capture, message) in [
        ("{ percent: 101, to: \"s3://acme-ml/c/\" }", "expected a whole number from 0 to 100"),
        ("{ percent: 20, to: \"https://acme\" }", "expected a place in S3"),
        ("{ percent: 20, to: \"s3://acme-ml/c/\", include: [] }", "expected at least one"),
        ("{ percent: 20, to: \"s3://acme-ml/c/\", include: [answers] }", "expected requests or responses"),
        ("{ percent: 20, to: \"s3://acme-ml/c/\", json: [json] }", "expected a content type"),
        (
            "{ percent: 20, to: \"s3://acme-ml/c/\", json: [text/csv], csv: [text/csv] }",
            "`text/csv` is in `json` as well",
        ),
    ] {
        assert_refused(&section(&format!("capture: {capture}")), message);
    }
}

#[test]
fn keys_volumes_and_times_are_those_that_sagemaker_accepts() {
    let nvme = |text: String| text.replace("instanceType: ml.m5.large", "instanceType: ml.g5.xlarge");
    let gpu =
        |fields: &str| nvme(endpoint(fields)).replace("memoryMb: 1024", "memoryMb: 1024, accelerators: 1");
    assert_refused(
        &gpu("kms: { volume: alias/churn }"),
        "ml.g5.xlarge has local NVMe storage, which it encrypts itself",
    );
    assert_refused(&gpu("startup: { volumeGb: 100 }"), "ml.g5.xlarge has local NVMe storage of a fixed size");
    for (fields, message) in [
        ("kms: { volume: \"a key\" }", "expected a KMS key"),
        ("kms: { capture: alias/churn }", "there is nothing to encrypt without `capture`"),
        ("startup: { healthCheck: 30s }", "found 30s, expected 1m to 1h"),
        ("startup: { download: 2h }", "found 2h, expected 1m to 1h"),
        ("startup: { volumeGb: 513 }", "expected a whole number from 1 to 512"),
        ("inferenceAmiVersion: latest", "expected a version of SageMaker's inference AMI"),
    ] {
        assert_refused(&endpoint(fields), message);
    }
    let all = "kms: { volume: alias/churn }, startup: { healthCheck: 1m, download: 1h, volumeGb: 512 }, \
               inferenceAmiVersion: al2023-ami-sagemaker-inference-gpu-4-1";
    parse("churn.yaml", &endpoint(all)).unwrap();
}

#[test]
fn a_role_of_another_account_cannot_be_passed() {
    let text = endpoint("executionRole: \"arn:aws:iam::444455556666:role/churn\"");
    assert_refused(
        &text,
        "executionRole: a role of account 444455556666 cannot be passed in account 777788889999",
    );
}

#[test]
fn an_image_of_ones_own_is_refused_with_the_way_to_have_it() {
    for field in [
        "image: \"111122223333.dkr.ecr.us-east-1.amazonaws.com/a:1\"",
        "containers: [{ image: a }]",
        "modelDataUrl: \"s3://b/m\"",
    ] {
        assert_refused(
            &endpoint(field),
            "register a new version of the package with the other image, data or containers",
        );
    }
}

#[test]
fn what_looks_like_a_secret_is_told() {
    for (name, secret) in [
        ("HF_TOKEN", true),
        ("AWS_SECRET_ACCESS_KEY", true),
        ("db_password", true),
        ("MAX_TOKENS", false),
        ("TOKENIZER", false),
        ("LOG_LEVEL", false),
    ] {
        let checked = read("churn.yaml", &endpoint(&format!("environment: {{ {name}: x }}"))).unwrap();
        let told = checked.warnings.iter().any(|warning| warning.message.starts_with("looks like a secret"));
        assert_eq!(told, secret, "{name}");
    }
    let checked = read("churn.yaml", &section("capture: { percent: 0, to: \"s3://acme-ml/c/\" }")).unwrap();
    assert!(checked.warnings.iter().any(|warning| warning.message.contains("keeps nothing")));
}

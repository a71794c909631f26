use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{ApiModels, SERVICES, UNTRANSLATED};

/// The API models; they come with botocore, which the sandbox installs.
fn models() -> ApiModels {
    let folder = std::env::var_os("TIDEGATE_BOTOCORE_DATA").map(PathBuf::from).or_else(installed);
    let folder =
        folder.expect("run through tidegate-sandbox: it installs botocore and sets TIDEGATE_BOTOCORE_DATA");
    ApiModels::load(&folder).unwrap()
}

/// Where the sandbox installs botocore.
fn installed() -> Option<PathBuf> {
    let venv = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/sandbox/venv/lib");
    let pythons = std::fs::read_dir(venv).ok()?;
    let folders = pythons.flatten().map(|python| python.path().join("site-packages/botocore/data"));
    folders.into_iter().find(|folder| folder.is_dir())
}

fn refusal(models: &ApiModels, service: &str, operation: &str, request: Value) -> String {
    models.check_request(service, operation, &request).unwrap_err().to_string()
}

#[test]
#[ignore = "needs botocore's data: run through tidegate-sandbox"]
fn every_offered_operation_is_in_the_model_and_every_pattern_is_known() {
    let models = models();
    for (service, _) in SERVICES {
        for (operation, _) in crate::services::operations(service).iter().flat_map(|table| table.iter()) {
            let error = models.check_request(service, operation, &json!({})).err();
            let code = error.map(|error| error.code).unwrap_or_default();
            assert_ne!(code, "UnknownOperationException", "{service} {operation}");
        }
    }
    let known: BTreeSet<String> = UNTRANSLATED.iter().map(|pattern| (*pattern).to_owned()).collect();
    assert_eq!(models.untranslated(), known);
}

#[test]
#[ignore = "needs botocore's data: run through tidegate-sandbox"]
fn violations_are_named_as_aws_names_them() {
    let models = models();
    let of = |operation: &str, request: Value| refusal(&models, "sagemaker", operation, request);
    assert_eq!(
        of("DescribeEndpoint", json!({})),
        "ValidationException: 1 validation error detected: Value null at 'endpointName' failed to satisfy constraint: \
         Member must not be null"
    );
    assert_eq!(
        of("DescribeEndpoint", json!({"EndpointName": "a_b"})),
        "ValidationException: 1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    );
    let token = json!({"PipelineName": "p", "ClientRequestToken": "9f1d3c5"});
    assert!(of("StartPipelineExecution", token).contains("length greater than or equal to 32"));
    let variants = json!({"EndpointConfigName": "c", "ProductionVariants": []});
    assert!(of("CreateEndpointConfig", variants).contains("length greater than or equal to 1"));
    assert!(of("DescribeEndpoint", json!({"EndpointName": 7})).starts_with("SerializationException"));
    assert!(
        of("DescribeEndpoint", json!({"EndpointName": "e", "Colour": 1})).contains("Unknown member Colour")
    );
    let runtime = refusal(&models, "sagemaker-runtime", "InvokeEndpoint", json!({"EndpointName": "e"}));
    assert!(runtime.starts_with("ValidationError"), "{runtime}");
}

#[test]
#[ignore = "needs botocore's data: run through tidegate-sandbox"]
fn answers_are_checked_too() {
    let models = models();
    let wrong = models.check_answer("sagemaker", "CreateModel", &json!({"ModelArn": 1, "Extra": true}));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(models.check_answer("sagemaker", "ListModels", &json!({"Models": []})).is_empty());
}

//! Rules about the settings of the model and of its endpoint configuration.

use std::collections::BTreeMap;

use super::super::problem::{Finding, under};
use super::Environment;
use crate::endpoint::InstanceSettings;
use crate::instance_types;

const CONTAINER: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html";
const PASS_ROLE: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html";
const CAPTURE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureContentTypeHeader.html";

const VARIANT: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html";
const VOLUME: &str = "https://github.com/aws/sagemaker-python-sdk/pull/4828";
const VOLUME_KEY: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html";

const ASYNC_OUTPUT: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceOutputConfig.html";

/// In seconds: how long SageMaker lets a model start.
const START: std::ops::RangeInclusive<u32> = 60..=3_600;
/// In entries, in characters, and in bytes of all names and values together.
const VARIABLES: (usize, usize, usize) = (100, 1_024, 32_768);
/// Parts of names that secrets usually have.
const SECRET: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "APIKEY", "ACCESSKEY", "PRIVATEKEY"];

pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let model = &environment.endpoint.model;
    let mut found = variables(&format!("{at}/endpoint/environment"), &model.environment);
    let account = environment.account.as_str();
    if let Some(role) = model.execution_role.as_ref().filter(|role| role.account() != account) {
        let message = format!(
            "a role of account {} cannot be passed in account {account}; name a role of the environment's account ({PASS_ROLE})",
            role.account()
        );
        found.push(
            Finding::new(format!("{at}/endpoint/executionRole"), message).because(format!("{at}/account")),
        );
    }
    if let Some(instances) = environment.endpoint.spec.behavior().instance_settings() {
        found.extend(of_instances(at, environment, instances));
    }
    if let Some(capture) = &environment.capture {
        let twice =
            capture.csv.iter().flatten().find(|csv| capture.json.iter().flatten().any(|json| json == *csv));
        if let Some(twice) = twice {
            let message = format!("`{twice}` is in `json` as well; remove it from one of them ({CAPTURE})");
            found.push(
                Finding::new(format!("{at}/capture/csv"), message).because(format!("{at}/capture/json")),
            );
        }
    }
    found
}

fn of_instances(at: &str, environment: &Environment, instances: &InstanceSettings) -> Vec<Finding> {
    let mut found = Vec::new();
    let kind = &instances.instance_type;
    let nvme = instance_types::find(kind).is_some_and(|hardware| hardware.local_nvme);
    let kms = instances.kms.clone().unwrap_or_default();
    let startup = instances.startup.clone().unwrap_or_default();
    let mut refuse = |field: &str, message: String, because: &str| {
        let finding = Finding::new(format!("{at}/{field}"), message);
        found.push(finding.because(format!("{at}/{because}")));
    };
    if kms.volume.is_some() && nvme {
        let message = format!(
            "{kind} has local NVMe storage, which it encrypts itself; SageMaker accepts no key for it ({VOLUME_KEY})"
        );
        refuse("endpoint/kms/volume", message, "endpoint/instanceType");
    }
    if kms.capture.is_some() && environment.capture.is_none() {
        refuse("endpoint/kms/capture", "there is nothing to encrypt without `capture`".to_owned(), "capture");
    }
    if kms.output.is_some() && environment.endpoint.spec.behavior().async_settings().is_none() {
        let message = format!("only an async endpoint puts its answers into S3 ({ASYNC_OUTPUT})");
        refuse("endpoint/kms/output", message, "endpoint/kind");
    }
    if startup.volume_gb.is_some() && nvme {
        let message = format!("{kind} has local NVMe storage of a fixed size; remove it ({VOLUME})");
        refuse("endpoint/startup/volumeGb", message, "endpoint/instanceType");
    }
    for (field, time) in [("healthCheck", startup.health_check), ("download", startup.download)] {
        if let Some(time) = time.filter(|time| !START.contains(&time.seconds())) {
            let message = format!("found {time}, expected 1m to 1h ({VARIANT})");
            found.push(Finding::new(format!("{at}/endpoint/startup/{field}"), message));
        }
    }
    found
}

fn variables(at: &str, variables: &BTreeMap<String, String>) -> Vec<Finding> {
    let (most, longest, together) = VARIABLES;
    let mut found = Vec::new();
    if variables.len() > most {
        let message = format!("found {} variables, expected at most {most} ({CONTAINER})", variables.len());
        found.push(Finding::new(at, message));
    }
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > together {
        let message = format!(
            "names and values have {bytes} bytes together, expected at most {together} ({CONTAINER})"
        );
        found.push(Finding::new(at, message));
    }
    for (name, value) in variables {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !plain || name.len() > longest {
            let message = format!(
                "not a variable's name: letters, digits and underscores, no digit in front, at most {longest} characters ({CONTAINER})"
            );
            found.push(Finding::new(under(at, name), message));
        }
        if value.chars().count() > longest {
            let message = format!("longer than {longest} characters ({CONTAINER})");
            found.push(Finding::new(under(at, name), message));
        }
    }
    found
}

/// Settings that are valid but probably not intended.
pub(in crate::file) fn doubtful(at: &str, environment: &Environment) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in environment.endpoint.model.environment.keys() {
        let bare = name.to_ascii_uppercase().replace('_', "");
        // `MAX_TOKENS` and the like are numbers of tokens.
        let secret = SECRET.iter().any(|part| bare.contains(part))
            && !bare.contains("TOKENS")
            && !bare.contains("TOKENIZER");
        if secret {
            let message = format!(
                "looks like a secret, and everybody who may describe the model can read it; give the model's role access to \
                 AWS Secrets Manager instead ({CONTAINER})"
            );
            found.push(Finding::new(format!("{at}/endpoint/environment/{name}"), message));
        }
    }
    if environment.capture.as_ref().is_some_and(|capture| capture.percent == 0) {
        let message = "0 percent keeps nothing; remove `capture`, or capture some of the requests";
        found.push(Finding::new(format!("{at}/capture/percent"), message));
    }
    found
}

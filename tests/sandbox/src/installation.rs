//! The installation file of a local cloud, and the AWS profiles of its accounts.

use crate::aws::PERSON;
use crate::cloud::{Account, CloudConfig, HUB, REGION};

/// The role that the sample definitions give to their jobs.
const JOB_ROLE: &str =
    "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-20260101T000000";

/// The bucket of the sample definitions.
const ARTIFACT_BUCKET: &str = "sagemaker-us-east-1-111122223333";

/// The key with which the models are encrypted, so that other accounts can read them.
pub const ARTIFACT_KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// A sample definition whose training jobs encrypt their models with the key. Without one no other account can read them.
#[must_use]
pub fn with_artifact_key(definition: &str) -> String {
    definition.replace("\"S3OutputPath\"", &format!("\"KmsKeyId\": \"{ARTIFACT_KEY}\", \"S3OutputPath\""))
}

/// The installation file.
pub(crate) fn file(config: &CloudConfig) -> String {
    let mut text = format!(
        "apiVersion: tidegate/v1\nhub:\n  account: \"{}\"\n  region: {REGION}\n  profile: hub\n  stack: {}\n",
        HUB.id, HUB.stack
    );
    let passable = format!("PassableJobRoleArns={JOB_ROLE}");
    text.push_str(&parameters(std::iter::once(&passable).chain(&config.hub_parameters)));
    text.push_str("environments:\n");
    for account in &config.environments {
        let Account { id, environment, stack } = account;
        text.push_str(&format!(
            "- name: {environment}\n  account: \"{id}\"\n  profile: {environment}\n  stack: {stack}\n"
        ));
        let quick = "CheckSeconds=1".to_owned();
        text.push_str(&parameters(std::iter::once(&quick).chain(&config.environment_parameters)));
    }
    text.push_str(&format!("artifacts: {{ buckets: [{ARTIFACT_BUCKET}], keys: [\"{ARTIFACT_KEY}\"] }}\n"));
    text.push_str(&format!("operators: [{PERSON}, TidegateOperator]\ntools: [{PERSON}]\n"));
    text.push_str(&format!("architecture: {}\nparameters: {{ LogRetentionDays: 1 }}\n", architecture()));
    text
}

fn parameters<'p>(pairs: impl Iterator<Item = &'p String>) -> String {
    let mut text = "  parameters:\n".to_owned();
    for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
        text.push_str(&format!("    {name}: \"{value}\"\n"));
    }
    text
}

/// The profiles. Each account's access key is its id.
pub(crate) fn profiles(accounts: &[Account]) -> String {
    let profile = |account: &Account| {
        let (name, id) = (account.environment, account.id);
        format!(
            "[profile {name}]\nregion = {REGION}\naws_access_key_id = {id}\naws_secret_access_key = none\n"
        )
    };
    accounts.iter().map(profile).collect()
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

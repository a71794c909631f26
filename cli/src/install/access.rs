//! `tidegate access`: what resources outside of the stacks must allow, with the commands that allow it. This module is pure
//! except for its output.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate_policy::file::Policy;

use super::file::{Environment, Installation, partition};
use super::read;
use crate::print::{FAINT, STRONG, paint, print_line};
use crate::{Failure, files};

/// The arguments of `tidegate access`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The installation file.
    installation: PathBuf,
    /// Policy files, or folders with policy files. Their model package groups need a resource policy.
    policies: Vec<PathBuf>,
}

/// A resource, the statement that its policy needs, and how to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The resource and why.
    pub(crate) title: String,
    /// The policy or the setting.
    pub(crate) document: Value,
    /// The command, which replaces the whole policy of the resource.
    pub(crate) command: String,
    /// What the command would overwrite.
    pub(crate) caution: Option<&'static str>,
}

/// Prints every grant.
pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let installation = read(&arguments.installation)?;
    let policies = if arguments.policies.is_empty() { Vec::new() } else { files::read(&arguments.policies)? };
    for grant in grants(&installation, &policies) {
        if json {
            let line =
                json!({ "resource": grant.title, "document": grant.document, "command": grant.command });
            print_line(&line.to_string());
            continue;
        }
        print_line(&paint(STRONG, &format!("# {}", grant.title)));
        if let Some(caution) = grant.caution {
            print_line(&paint(FAINT, &format!("# {caution}")));
        }
        print_line(&grant.command);
        print_line("");
    }
    Ok(())
}

/// Every grant of an installation, and of the model package groups of policies.
pub(crate) fn grants(installation: &Installation, policies: &[Policy]) -> Vec<Grant> {
    let mut grants: Vec<Grant> =
        installation.artifacts.buckets.iter().map(|b| bucket(installation, b)).collect();
    grants.extend(installation.artifacts.keys.iter().map(|key| of_key(installation, key)));
    grants.extend(installation.environments.iter().flat_map(|e| monitoring(installation, e)));
    let mut groups: Vec<&str> = policies.iter().map(|policy| policy.registry.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    grants.extend(groups.into_iter().map(|name| group(installation, name)));
    grants
}

/// What a person has to do after the stacks are deployed.
pub(crate) fn remaining(installation: &Installation, file: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let file = file.display();
    if !installation.alert_email.is_empty() {
        lines.push(format!("  confirm the subscriptions in the mails to {}", installation.alert_email));
    }
    lines.push(format!("  tidegate access {file} POLICY.yaml   shows what your buckets, keys and model package groups must allow"));
    lines.push(format!("  tidegate apply POLICY.yaml --installation {file}"));
    lines.push(format!("  tidegate doctor --installation {file}"));
    lines
}

/// The roots of the environments' accounts, except the hub's own.
fn accounts(installation: &Installation) -> Vec<String> {
    let mut ids: Vec<&str> =
        installation.environments.iter().map(|environment| environment.account.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let name = partition(&installation.hub.region).unwrap_or("aws");
    ids.into_iter().map(|id| format!("arn:{name}:iam::{id}:root")).collect()
}

fn arguments_of(profile: Option<&str>, region: &str) -> String {
    let profile = profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
    format!("{profile} --region {region}")
}

fn of_hub(installation: &Installation) -> String {
    arguments_of(installation.hub.profile.as_deref(), &installation.hub.region)
}

fn document(statements: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn bucket(installation: &Installation, name: &str) -> Grant {
    let arn = format!("arn:{}:s3:::{name}", partition(&installation.hub.region).unwrap_or("aws"));
    let document = document(&json!([
        { "Sid": "TidegateModels", "Effect": "Allow", "Principal": { "AWS": accounts(installation) },
          "Action": "s3:GetObject", "Resource": format!("{arn}/*") },
        { "Sid": "TidegateList", "Effect": "Allow", "Principal": { "AWS": accounts(installation) },
          "Action": "s3:ListBucket", "Resource": arn },
    ]));
    let hub = of_hub(installation);
    Grant {
        title: format!("bucket {name}: the environments read the models"),
        command: format!("aws s3api put-bucket-policy{hub} --bucket {name} \\\n  --policy '{document}'"),
        document,
        caution: Some(
            "The command replaces the policy of the bucket: add the statements of its present policy.",
        ),
    }
}

/// A model that another account deploys must be encrypted with a key of one's own, whose policy admits that account.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html>
fn of_key(installation: &Installation, key: &str) -> Grant {
    let hub = &installation.hub;
    let name = partition(&hub.region).unwrap_or("aws");
    let admin = json!({ "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": format!("arn:{name}:iam::{}:root", hub.account) },
        "Action": "kms:*", "Resource": "*" });
    let environments = json!({ "Sid": "TidegateModels", "Effect": "Allow", "Principal": { "AWS": accounts(installation) },
        "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*" });
    let document = document(&json!([admin, environments]));
    let arguments = of_hub(installation);
    Grant {
        title: format!("KMS key {key}: the environments decrypt the models"),
        command: format!(
            "aws kms put-key-policy{arguments} --key-id {key} --policy-name default \\\n  --policy '{document}'"
        ),
        document,
        caution: Some(
            "The command replaces the policy of the key: add the statements of its present policy. Name the key as KmsKeyId in \
             OutputDataConfig of the pipeline's training jobs.",
        ),
    }
}

fn monitoring(installation: &Installation, environment: &Environment) -> Vec<Grant> {
    let arguments = arguments_of(environment.profile.as_deref(), environment.region(&installation.hub));
    let document = json!({ "EventBridgeConfiguration": {} });
    let one = |name: &String| Grant {
        title: format!("bucket {name}: S3 tells EventBridge about new monitoring reports"),
        command: format!(
            "aws s3api put-bucket-notification-configuration{arguments} --bucket {name} \\\n  --notification-configuration \
             '{document}'"
        ),
        document: document.clone(),
        caution: Some("The command replaces all notifications of the bucket: add its present ones."),
    };
    environment.monitor_buckets.iter().map(one).collect()
}

fn group(installation: &Installation, name: &str) -> Grant {
    let hub = &installation.hub;
    let arn = format!(
        "arn:{}:sagemaker:{}:{}:model-package/{name}/*",
        partition(&hub.region).unwrap_or("aws"),
        hub.region,
        hub.account
    );
    let document = document(&json!([{
        "Sid": "TidegateEnvironments", "Effect": "Allow", "Principal": { "AWS": accounts(installation) },
        "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"], "Resource": arn,
    }]));
    let arguments = of_hub(installation);
    Grant {
        title: format!("model package group {name}: the environments read and deploy its versions"),
        command: format!(
            "aws sagemaker put-model-package-group-policy{arguments} --model-package-group-name {name} \\\n  --resource-policy \
             '{document}'"
        ),
        document,
        caution: None,
    }
}

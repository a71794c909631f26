//! Names and ids of AWS that a policy mentions.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::{AccountId, BadName, text_schema};
use crate::principal::{Members, Principal, permission_set};

name!(
    /// An IAM role, by its ARN.
    RoleArn,
    "the ARN of an IAM role, such as arn:aws:iam::777788889999:role/churn",
    2_048,
    "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
    "arn:aws:iam::777788889999:role/churn",
    |t| {
        let parts: Vec<&str> = t.splitn(6, ':').collect();
        let [arn, partition, iam, region, account, role] = parts.as_slice() else { return false };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@/-".contains(c);
        (*arn, *iam, *region) == ("arn", "iam", "")
            && partition.strip_prefix("aws").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
            && AccountId::fits(account)
            && role.strip_prefix("role/").is_some_and(|name| !name.is_empty() && name.chars().all(plain))
    }
);
name!(
    /// A subnet of a VPC.
    SubnetId,
    "the id of a subnet, such as subnet-0a1b2c3d",
    32,
    "^subnet-[0-9a-zA-Z]+$",
    "subnet-0a1b2c3d",
    |t| t.strip_prefix("subnet-").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()))
);
name!(
    /// A security group of a VPC.
    SecurityGroupId,
    "the id of a security group, such as sg-0a1b2c3d",
    32,
    "^sg-[0-9a-zA-Z]+$",
    "sg-0a1b2c3d",
    |t| t.strip_prefix("sg-").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()))
);
name!(
    /// A KMS key: its id, its ARN, `alias/NAME` or the ARN of an alias.
    KmsKey,
    "a KMS key: its id, its ARN, alias/NAME or the ARN of an alias",
    2_048,
    "^[A-Za-z0-9:/_-]+$",
    "alias/churn",
    |t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b))
);
name!(
    /// An SNS topic, by its ARN.
    TopicArn,
    "the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:777788889999:churn",
    2_048,
    "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$",
    "arn:aws:sns:eu-west-1:777788889999:churn",
    |t| {
        let parts: Vec<&str> = t.split(':').collect();
        let [arn, partition, sns, region, account, topic] = parts.as_slice() else { return false };
        let plain = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        (*arn, *sns) == ("arn", "sns")
            && partition.strip_prefix("aws").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
            && !region.is_empty()
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && AccountId::fits(account)
            && plain(topic, "_.-")
    }
);
name!(
    /// A content type, such as `text/csv`.
    ContentType,
    "a content type, such as text/csv: letters, digits, hyphens and, after the slash, periods",
    256,
    "^[A-Za-z0-9](-*[A-Za-z0-9])*/[A-Za-z0-9](-*[A-Za-z0-9.])*$",
    "text/csv",
    |t| {
        let word = |word: &str, more: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && !word.ends_with('-')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || more.contains(c))
        };
        t.split_once('/').is_some_and(|(kind, rest)| word(kind, "") && word(rest, "."))
    }
);

name!(
    /// The machine image of the instances, by the version that SageMaker gives it.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html>
    AmiVersion,
    "a version of SageMaker's inference AMI, such as al2-ami-sagemaker-inference-gpu-3-1",
    64,
    "^al[0-9]+-ami-sagemaker-inference-[a-z]+-[0-9]+(-[0-9]+)*$",
    "al2-ami-sagemaker-inference-gpu-3-1",
    |t| {
        let Some((system, rest)) = t.split_once("-ami-sagemaker-inference-") else { return false };
        let Some((class, version)) = rest.split_once('-') else { return false };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        system.strip_prefix("al").is_some_and(digits)
            && !class.is_empty()
            && class.bytes().all(|b| b.is_ascii_lowercase())
            && version.split('-').all(digits)
    }
);

name!(
    /// Whom an entry of a group admits: a role, an IAM user, a permission set of IAM Identity Center, or one user with it.
    /// The path of a role or a user is ignored.
    GroupMember,
    "a role (arn:aws:iam::ACCOUNT:role/NAME), a user (arn:aws:iam::ACCOUNT:user/NAME) or a permission set (sso:ACCOUNT:NAME or sso:ACCOUNT:NAME/USER)",
    700,
    "^(arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/([A-Za-z0-9_+=,.@-]{1,512}/)*[A-Za-z0-9_+=,.@-]{1,64}|sso:[0-9]{12}:[A-Za-z0-9_+=,.@-]{1,32}(/[A-Za-z0-9_+=,.@-]{1,64})?)$",
    "arn:aws:iam::111122223333:role/ml-approvers",
    |t| Members::parse(t).is_some()
);

impl GroupMember {
    /// Whether the entry admits a principal.
    #[must_use]
    pub fn admits(&self, principal: &Principal) -> bool {
        Members::parse(&self.0).is_some_and(|members| members.admit(principal))
    }

    /// The one person that the entry admits; `None` if it is a permission set.
    #[must_use]
    pub fn person(&self) -> Option<String> {
        match Members::parse(&self.0)? {
            Members::One(principal) => Some(principal.person()),
            Members::PermissionSet { .. } => None,
        }
    }

    /// The permission set, if the entry names a role that IAM Identity Center makes: its name ends with digits that change.
    pub(crate) fn permission_set(&self) -> Option<String> {
        match Members::parse(&self.0)? {
            Members::One(Principal::Role { name, .. }) => permission_set(&name).map(str::to_owned),
            _ => None,
        }
    }

    /// The account of the entry.
    #[must_use]
    pub fn account(&self) -> String {
        match Members::parse(&self.0) {
            Some(Members::One(principal)) => principal.account().to_owned(),
            Some(Members::PermissionSet { account, .. }) => account,
            None => String::new(),
        }
    }
}

impl RoleArn {
    /// The account that the role belongs to.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

//! Names that are validated once, when they are read.
//!
//! Each name has one rule in three forms in one place: as code, as the sentence of an error, and as a pattern for the
//! JSON Schema. A test verifies that the three agree.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A name that violates its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct BadName {
    /// The given text.
    pub found: String,
    /// The expected format.
    pub expected: &'static str,
}

/// The schema of a text that has a rule.
pub(crate) fn text_schema(about: &str, expected: &str, pattern: &str, limit: u32, example: &str) -> Schema {
    json_schema!({
        "type": "string",
        "description": about,
        "pattern": pattern,
        // An extension that editors show instead of the pattern.
        "patternErrorMessage": format!("expected {expected}"),
        "minLength": 1,
        "maxLength": limit,
        "examples": [example],
    })
}

macro_rules! name {
    (
        $(#[doc = $doc:literal])*
        $type:ident, $expected:literal, $limit:literal, $pattern:literal, $example:literal, $rule:expr
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The format of a valid name, to complete the sentence "expected …".
            pub const EXPECTED: &'static str = $expected;

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether a text is valid.
            #[must_use]
            pub fn fits(text: &str) -> bool {
                let rule: fn(&str) -> bool = $rule;
                text.len() <= $limit && rule(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                if Self::fits(&text) { Ok(Self(text)) } else { Err(BadName { found: text, expected: $expected }) }
            }
        }

        impl std::str::FromStr for $type {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                text_schema(concat!($($doc),*).trim(), $expected, $pattern, $limit, $example)
            }
        }
    };
}

/// SageMaker's rule for most names: letters and digits, with hyphens inside.
fn hyphenated(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// One segment of a repository's name.
fn repository_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

name!(
    /// A model that Tidegate manages: the name of its policy.
    ModelName,
    "a model name: letters, digits and hyphens inside, at most 32 characters",
    32,
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    "churn",
    hyphenated
);
name!(
    /// An environment of a model, such as `staging`.
    EnvironmentName,
    "an environment name: letters, digits and hyphens inside, at most 32 characters",
    32,
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    "staging",
    hyphenated
);
name!(
    /// An AWS account id. In quotes, because YAML would read a number.
    AccountId,
    "an AWS account id: 12 digits, in quotes",
    12,
    "^[0-9]{12}$",
    "444455556666",
    |t| t.len() == 12 && t.bytes().all(|b| b.is_ascii_digit())
);
name!(
    /// An AWS region, such as `eu-west-1`.
    Region,
    "an AWS region, such as eu-west-1",
    32,
    "^[a-z0-9]+(-[a-z0-9]+)+-[a-z0-9]*[0-9]$",
    "eu-west-1",
    |t| {
        let parts: Vec<&str> = t.split('-').collect();
        parts.len() >= 3
            && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
            && t.ends_with(|c: char| c.is_ascii_digit())
    }
);
name!(
    /// A SageMaker endpoint. SageMaker allows 63 characters; 20 are kept for the suffix of derived names.
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html>
    EndpointName,
    "an endpoint name: letters, digits and hyphens inside, at most 43 characters (20 of SageMaker's 63 are kept for the version)",
    43,
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    "churn-staging",
    hyphenated
);
name!(
    /// A SageMaker pipeline. No underscore; at most 256 characters.
    PipelineName,
    "a pipeline name: letters, digits and hyphens inside (no underscore), at most 256 characters",
    256,
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    "churn-train",
    hyphenated
);
name!(
    /// A model package group of the SageMaker Model Registry.
    GroupName,
    "a model package group: letters, digits and hyphens inside, at most 63 characters",
    63,
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    "churn",
    hyphenated
);
name!(
    /// A group of people or roles of a policy, such as `risk`.
    PeopleGroup,
    "a group name: letters, digits and hyphens inside, at most 32 characters",
    32,
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    "risk",
    hyphenated
);
name!(
    /// A SageMaker instance type, such as `ml.m5.large`.
    InstanceType,
    "an instance type, such as ml.m5.large",
    64,
    "^ml\\.[a-z][a-z0-9-]*\\.(medium|large|[0-9]*xlarge)$",
    "ml.m5.large",
    |t| {
        let parts: Vec<&str> = t.split('.').collect();
        let [ml, family, size] = parts.as_slice() else { return false };
        *ml == "ml"
            && family.starts_with(|c: char| c.is_ascii_lowercase())
            && family.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && (matches!(*size, "medium" | "large")
                || size.strip_suffix("xlarge").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
    }
);
name!(
    /// Where commits come from: `codecommit:NAME`, `github:OWNER/NAME` or `gitlab:GROUP/NAME`.
    RepositoryName,
    "a repository: codecommit:NAME, github:OWNER/NAME or gitlab:GROUP/NAME",
    256,
    "^(codecommit:[A-Za-z0-9._-]+|github:[A-Za-z0-9._-]+/[A-Za-z0-9._-]+|gitlab:[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+)$",
    "codecommit:churn-model",
    |t| match t.split_once(':') {
        Some(("codecommit", name)) => repository_word(name),
        Some(("github", path)) => path.split('/').count() == 2 && path.split('/').all(repository_word),
        Some(("gitlab", path)) => path.split('/').count() >= 2 && path.split('/').all(repository_word),
        _ => false,
    }
);
name!(
    /// A place in S3: `s3://BUCKET/PREFIX`.
    S3Uri,
    "a place in S3: s3://BUCKET/PREFIX",
    512,
    "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\\s]*)?$",
    "s3://acme-ml/churn/",
    |t| {
        let Some(rest) = t.strip_prefix("s3://") else { return false };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        (3..=63).contains(&bucket.len())
            && bucket.chars().all(|c| edge(c) || c == '.' || c == '-')
            && bucket.starts_with(edge)
            && bucket.ends_with(edge)
            && !key.contains(|c: char| c.is_whitespace() || c == '\u{feff}')
    }
);

mod aws;

pub use aws::{AmiVersion, ContentType, GroupMember, KmsKey, RoleArn, SecurityGroupId, SubnetId, TopicArn};

impl RepositoryName {
    /// The name of the CodeCommit repository, if it is one.
    #[must_use]
    pub fn codecommit(&self) -> Option<&str> {
        self.0.strip_prefix("codecommit:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!("churn".parse::<ModelName>().is_ok());
        assert!("churn_model".parse::<ModelName>().is_err());
        assert!("-churn".parse::<ModelName>().is_err());
        assert!("".parse::<ModelName>().is_err());
        assert!("444455556666".parse::<AccountId>().is_ok());
        assert!("4444".parse::<AccountId>().is_err());
        assert!("eu-west-1".parse::<Region>().is_ok());
        assert!("us-gov-west-1".parse::<Region>().is_ok());
        assert!("Europe".parse::<Region>().is_err());
        assert!("codecommit:churn-model".parse::<RepositoryName>().is_ok());
        assert!("gitlab:acme/ml/churn".parse::<RepositoryName>().is_ok());
        for bad in ["github:acme", "github:acme/a/b", "codecommit:a b", "codecommit:", "svn:x/y"] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
        assert_eq!("a".repeat(44).parse::<EndpointName>().unwrap_err().found.len(), 44);
        assert!("s3://acme-ml/churn/".parse::<S3Uri>().is_ok());
        assert!("s3://a/churn/".parse::<S3Uri>().is_err());
        assert!("https://acme-ml/churn/".parse::<S3Uri>().is_err());
    }

    #[test]
    fn instance_types_are_those_of_sagemaker() {
        for good in
            ["ml.m5.large", "ml.t2.medium", "ml.g5.48xlarge", "ml.p6e-gb200.36xlarge", "ml.c6g.xlarge"]
        {
            assert!(good.parse::<InstanceType>().is_ok(), "{good}");
        }
        for bad in
            ["m5.large", "ml.m5", "ml.m5.larg", "ml.M5.large", "ml..large", "ml.m5.2large", "ml.m5.large.x"]
        {
            assert!(bad.parse::<InstanceType>().is_err(), "{bad}");
        }
    }
}

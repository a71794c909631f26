//! Names that are checked once, where they enter.

use serde::{Deserialize, Serialize};

/// A name that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct BadName {
    /// The text as it was given.
    pub found: String,
    /// What would have been right.
    pub expected: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $expected:literal, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                let rule: fn(&str) -> bool = $rule;
                if rule(&text) { Ok(Self(text)) } else { Err(BadName { found: text, expected: $expected }) }
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
    };
}

/// SageMaker's rule for most names: letters, digits and single hyphens inside, at most `limit` characters.
fn hyphenated(text: &str, limit: usize) -> bool {
    text.len() <= limit
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

name!(
    /// A model that Tidegate manages: the name of its policy.
    ModelName,
    "a model name: letters, digits and hyphens, at most 32 characters",
    |t| hyphenated(t, 32)
);
name!(
    /// An environment of a model, such as `staging`.
    EnvironmentName,
    "an environment name: letters, digits and hyphens, at most 32 characters",
    |t| hyphenated(t, 32)
);
name!(
    /// An AWS account id.
    AccountId,
    "an AWS account id: 12 digits, in quotes",
    |t| t.len() == 12 && t.bytes().all(|b| b.is_ascii_digit())
);
name!(
    /// An AWS region, such as `eu-west-1`.
    Region,
    "an AWS region, such as eu-west-1",
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
    "an endpoint name: letters, digits and hyphens, at most 43 characters (20 of SageMaker's 63 are kept for the version)",
    |t| hyphenated(t, 43)
);
name!(
    /// A SageMaker pipeline. No underscore; at most 256 characters.
    PipelineName,
    "a pipeline name: letters, digits and hyphens (no underscore), at most 256 characters",
    |t| hyphenated(t, 256)
);
name!(
    /// A model package group of the SageMaker Model Registry.
    GroupName,
    "a model package group: letters, digits and hyphens, at most 63 characters",
    |t| hyphenated(t, 63)
);
name!(
    /// A SageMaker instance type, such as `ml.m5.large`.
    InstanceType,
    "an instance type, such as ml.m5.large",
    |t| {
        let parts: Vec<&str> = t.split('.').collect();
        parts.len() == 3 && parts.first() == Some(&"ml") && parts.iter().all(|p| !p.is_empty())
    }
);
name!(
    /// Where commits come from: `codecommit:NAME`, `github:OWNER/NAME` or `gitlab:GROUP/NAME`.
    RepositoryName,
    "a repository: codecommit:NAME, github:OWNER/NAME or gitlab:GROUP/NAME",
    |t| match t.split_once(':') {
        Some(("codecommit", name)) => !name.is_empty() && !name.contains('/'),
        Some(("github" | "gitlab", name)) => name.contains('/') && !name.starts_with('/') && !name.ends_with('/'),
        _ => false,
    }
);

impl RepositoryName {
    /// The CodeCommit repository's own name, if it is one.
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
        assert!("ml.m5.large".parse::<InstanceType>().is_ok());
        assert!("m5.large".parse::<InstanceType>().is_err());
        assert!("codecommit:churn-model".parse::<RepositoryName>().is_ok());
        assert!("github:acme".parse::<RepositoryName>().is_err());
        assert_eq!("a".repeat(44).parse::<EndpointName>().unwrap_err().found.len(), 44);
    }
}

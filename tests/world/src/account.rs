//! Accounts, regions, callers and ARNs.

use jiff::Timestamp;
use serde::Serialize;

/// One account in one region. A name refers to a resource of the same account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AccountRegion {
    /// The twelve digits.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
}

/// Resource types whose ARNs SageMaker writes in lower case, whatever the name.
const LOWER_CASED: &[&str] = &["endpoint", "endpoint-config", "model", "training-job", "processing-job"];

impl AccountRegion {
    /// An account in a region.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into() }
    }

    /// The ARN of a SageMaker resource here.
    #[must_use]
    pub fn arn(&self, kind: &str, name: &str) -> String {
        let name = if LOWER_CASED.contains(&kind) { name.to_lowercase() } else { name.to_owned() };
        format!("arn:aws:sagemaker:{}:{}:{kind}/{name}", self.region, self.account)
    }
}

/// The account and region, the resource type and the name in a SageMaker ARN.
pub(crate) fn parse_arn(arn: &str) -> Option<(AccountRegion, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    if (parts.next()?, parts.next()?.is_empty(), parts.next()?) != ("arn", false, "sagemaker") {
        return None;
    }
    let (region, account) = (parts.next()?, parts.next()?);
    let (kind, name) = parts.next()?.split_once('/')?;
    Some((AccountRegion::new(account, region), kind, name))
}

/// The caller of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The caller's account.
    pub account: String,
    /// The region called.
    pub region: String,
    /// The caller's ARN.
    pub principal: String,
}

impl Caller {
    /// The root user of an account.
    #[must_use]
    pub fn root(account: &str, region: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            principal: format!("arn:aws:iam::{account}:root"),
        }
    }
}

/// A call without its request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) place: AccountRegion,
    pub(crate) principal: String,
    pub(crate) now: Timestamp,
}

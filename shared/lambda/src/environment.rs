//! The environment variables that the templates set. They are read once at start.

use jiff::SignedDuration;

/// A variable is missing or invalid, because the template and the function have different versions.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name} {problem}; deploy the template of the same version")]
pub struct MissingVariable {
    name: &'static str,
    problem: String,
}

/// The variables that every function has.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The name of the ledger's table.
    pub table: String,
    /// The name of the event bus.
    pub bus: String,
    /// The ARN of the SNS topic for alerts.
    pub topic_arn: String,
    /// The name of the environment, or `hub`.
    pub name: String,
    /// The account of the hub: the only one whose requests and reports are accepted.
    pub hub_account: String,
    /// The time for which a claim is leased.
    pub lease: SignedDuration,
}

impl Environment {
    /// Reads the variables that every function has.
    ///
    /// # Errors
    /// Returns an error for the first variable that is missing or invalid.
    pub fn read() -> Result<Self, MissingVariable> {
        Ok(Self {
            table: Self::text("TIDEGATE_TABLE")?,
            bus: Self::text("TIDEGATE_BUS")?,
            topic_arn: Self::text("TIDEGATE_TOPIC_ARN")?,
            name: Self::text("TIDEGATE_ENVIRONMENT")?,
            hub_account: Self::text("TIDEGATE_HUB_ACCOUNT")?,
            lease: SignedDuration::from_secs(i64::from(Self::seconds("TIDEGATE_LEASE_SECONDS")?)),
        })
    }

    /// Reads a variable that only some functions have.
    ///
    /// # Errors
    /// Returns an error if the variable is not set.
    pub fn text(name: &'static str) -> Result<String, MissingVariable> {
        match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(value),
            _ => Err(MissingVariable { name, problem: "is not set".to_owned() }),
        }
    }

    /// Reads a list of texts separated by commas. Returns `None` if the variable is not set.
    #[must_use]
    pub fn list(name: &'static str) -> Option<Vec<String>> {
        let value = std::env::var(name).ok()?;
        Some(value.split(',').filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
    }

    /// Reads a number of seconds that only some functions have.
    ///
    /// # Errors
    /// Returns an error if the variable is not set or is not a whole number.
    pub fn seconds(name: &'static str) -> Result<u32, MissingVariable> {
        let text = Self::text(name)?;
        text.parse()
            .map_err(|_| MissingVariable { name, problem: format!("is `{text}`, not a number of seconds") })
    }
}

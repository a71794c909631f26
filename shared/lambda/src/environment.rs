//! The environment variables that the templates set, read once at start.

use jiff::SignedDuration;

/// A variable that is not set or makes no sense: the template and the function do not belong together.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name} {problem}; deploy the template of the same version")]
pub struct MissingVariable {
    name: &'static str,
    problem: String,
}

/// What every function is told.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The ledger's table.
    pub table: String,
    /// The bus's name.
    pub bus: String,
    /// The alert topic's ARN.
    pub topic_arn: String,
    /// The environment's name; `hub` in the hub.
    pub name: String,
    /// How long a claim is ours.
    pub lease: SignedDuration,
}

impl Environment {
    /// Reads what every function is told.
    ///
    /// # Errors
    /// The first variable that is missing or makes no sense.
    pub fn read() -> Result<Self, MissingVariable> {
        Ok(Self {
            table: Self::text("TIDEGATE_TABLE")?,
            bus: Self::text("TIDEGATE_BUS")?,
            topic_arn: Self::text("TIDEGATE_TOPIC_ARN")?,
            name: Self::text("TIDEGATE_ENVIRONMENT")?,
            lease: SignedDuration::from_secs(i64::from(Self::seconds("TIDEGATE_LEASE_SECONDS")?)),
        })
    }

    /// A variable that only some functions are told.
    ///
    /// # Errors
    /// If it is not set.
    pub fn text(name: &'static str) -> Result<String, MissingVariable> {
        match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(value),
            _ => Err(MissingVariable { name, problem: "is not set".to_owned() }),
        }
    }

    /// A number of seconds that only some functions are told.
    ///
    /// # Errors
    /// If it is not set or no whole number.
    pub fn seconds(name: &'static str) -> Result<u32, MissingVariable> {
        let text = Self::text(name)?;
        text.parse()
            .map_err(|_| MissingVariable { name, problem: format!("is `{text}`, not a number of seconds") })
    }
}

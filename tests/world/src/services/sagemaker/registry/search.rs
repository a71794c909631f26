//! `Search` over model packages.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Package;
use crate::account::Call;
use crate::error::ApiError;
use crate::json::{list, listing, text};
use crate::world::World;

/// Finds packages by conditions on the time of their last change, the latest change first. Other resources and other
/// conditions are not modelled. Like every index, the real one shows a change after a while; here it does so at once.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html>
pub(super) fn search(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    if text(request, "Resource") != Some("ModelPackage") {
        return Err(ApiError::validation("Search is modelled for ModelPackage only.".to_owned()));
    }
    let expression = request.get("SearchExpression").unwrap_or(&Value::Null);
    let conditions = list(expression, "Filters").iter().map(Condition::read);
    let conditions: Vec<Condition> = conditions.collect::<Result<_, _>>()?;
    if conditions.is_empty() {
        return Err(ApiError::validation("SearchExpression must have at least one filter.".to_owned()));
    }
    let mut found: Vec<&Package> = world
        .resources(&call.place)
        .into_iter()
        .flat_map(|resources| resources.packages.values())
        .filter(|package| conditions.iter().all(|condition| condition.admits(package.modified)))
        .collect();
    found.sort_by_key(|package| std::cmp::Reverse((package.modified, package.version)));
    let items = found.into_iter().map(|package| json!({ "ModelPackage": package.describe() }));
    listing("Results", items.collect(), request)
}

/// A condition on the time of the last change.
struct Condition {
    operator: String,
    at: Timestamp,
}

impl Condition {
    /// "For timestamp properties, `Value` must be an ISO 8601 date-time string of the following format:
    /// `YYYY-mm-dd'T'HH:MM:SS`."
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html>
    fn read(filter: &Value) -> Result<Self, ApiError> {
        if text(filter, "Name") != Some("LastModifiedTime") {
            return Err(ApiError::validation("Search is modelled for LastModifiedTime only.".to_owned()));
        }
        let value = text(filter, "Value").unwrap_or_default();
        let at = DateTime::strptime("%Y-%m-%dT%H:%M:%S", value)
            .and_then(|at| at.to_zoned(TimeZone::UTC))
            .map_err(|_| ApiError::validation(format!("Invalid timestamp: {value}")))?;
        let operator = text(filter, "Operator").unwrap_or("Equals").to_owned();
        Ok(Self { operator, at: at.timestamp() })
    }

    fn admits(&self, modified: Timestamp) -> bool {
        match self.operator.as_str() {
            "GreaterThan" => modified > self.at,
            "GreaterThanOrEqualTo" => modified >= self.at,
            "LessThan" => modified < self.at,
            "LessThanOrEqualTo" => modified <= self.at,
            "NotEquals" => modified != self.at,
            _ => modified == self.at,
        }
    }
}

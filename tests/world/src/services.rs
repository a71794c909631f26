//! The operations that the world offers, by AWS service.

pub(crate) mod autoscaling;
pub(crate) mod codecommit;
pub(crate) mod runtime;
pub(crate) mod sagemaker;

use serde_json::Value;

use crate::account::Call;
use crate::error::ApiError;
use crate::world::World;

/// Handles one operation.
pub(crate) type Handler = fn(&mut World, &Call, &Value) -> Result<Value, ApiError>;

/// The names of operations and their handlers.
pub(crate) type Operations = &'static [(&'static str, Handler)];

/// The operations of a service.
pub(crate) fn operations(service: &str) -> &'static [Operations] {
    match service {
        "sagemaker" => &[
            sagemaker::registry::OPERATIONS,
            sagemaker::registry::groups::OPERATIONS,
            sagemaker::models::OPERATIONS,
            sagemaker::endpoint_configs::OPERATIONS,
            sagemaker::endpoints::OPERATIONS,
            sagemaker::inference_components::OPERATIONS,
            sagemaker::pipelines::OPERATIONS,
            sagemaker::tags::OPERATIONS,
        ],
        "application-autoscaling" => &[autoscaling::targets::OPERATIONS, autoscaling::policies::OPERATIONS],
        "codecommit" => &[codecommit::OPERATIONS],
        "sagemaker-runtime" => &[runtime::OPERATIONS],
        _ => &[],
    }
}

/// The handler of an operation.
///
/// # Errors
/// `UnknownOperationException` if the world does not offer it.
pub(crate) fn handler(service: &str, operation: &str) -> Result<Handler, ApiError> {
    operations(service)
        .iter()
        .flat_map(|table| table.iter())
        .find(|(name, _)| *name == operation)
        .map(|(_, handler)| *handler)
        .ok_or_else(|| {
            ApiError::new("UnknownOperationException", format!("{service} {operation} is not offered"))
        })
}

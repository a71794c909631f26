//! SageMaker: one module for each kind of resource.

mod component_updates;
pub(crate) mod endpoint_configs;
pub(crate) mod endpoints;
pub(crate) mod inference_components;
pub(crate) mod models;
pub(crate) mod pipelines;
pub(crate) mod placement;
pub(crate) mod registry;
pub(crate) mod tags;

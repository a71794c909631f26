//! The scalable targets of Application Auto Scaling for SageMaker.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use tidegate_engine::CallError;
use tidegate_policy::deploy::ScalableTarget;
use tidegate_policy::endpoint::VARIANT;
use tidegate_policy::scale::ScalableResource;

use crate::error::failed;

/// The dimension of the instances of a variant.
pub(crate) const INSTANCES: ScalableDimension = ScalableDimension::SageMakerVariantDesiredInstanceCount;
/// The dimension of the copies of a component.
pub(crate) const COPIES: ScalableDimension = ScalableDimension::SageMakerInferenceComponentDesiredCopyCount;

/// The id and the dimension of a resource.
pub(crate) fn id_of(resource: &ScalableResource) -> (String, ScalableDimension) {
    match resource {
        ScalableResource::Variant { endpoint } => (of_variant(endpoint, VARIANT), INSTANCES),
        ScalableResource::Component { component } => (of_component(component), COPIES),
    }
}

/// The id of a variant.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>
pub(crate) fn of_variant(endpoint: &str, variant: &str) -> String {
    format!("endpoint/{endpoint}/variant/{variant}")
}

/// The id of a component.
pub(crate) fn of_component(component: &str) -> String {
    format!("inference-component/{component}")
}

/// The largest number of resource ids in one request.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html>
const LARGEST: usize = 50;

/// Returns the limits that each resource is registered with, in the order of the resources, or `None` for one that is
/// not registered.
pub(crate) async fn of(
    client: &Client,
    resources: &[String],
) -> Result<Vec<Option<ScalableTarget>>, CallError> {
    let mut found = BTreeMap::new();
    for chunk in resources.chunks(LARGEST) {
        let answer = client
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Sagemaker)
            .set_resource_ids(Some(chunk.to_vec()))
            .send()
            .await;
        let answer = answer.map_err(failed("application-autoscaling", "DescribeScalableTargets"))?;
        found.extend(answer.scalable_targets().iter().map(|target| {
            let limits = ScalableTarget { min: whole(target.min_capacity), max: whole(target.max_capacity) };
            (target.resource_id.clone(), limits)
        }));
    }
    Ok(resources.iter().map(|resource| found.remove(resource)).collect())
}

/// Returns the limits that a resource is registered with, or `None` if it is not registered.
pub(crate) async fn find(client: &Client, resource: String) -> Result<Option<ScalableTarget>, CallError> {
    Ok(of(client, &[resource]).await?.pop().flatten())
}

/// A capacity. Application Auto Scaling has none below zero.
fn whole(capacity: i32) -> u32 {
    u32::try_from(capacity).unwrap_or_default()
}

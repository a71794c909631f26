//! Resources that were just created and are not visible yet.
//!
//! "When you call CreateEndpoint, a load call is made to DynamoDB to verify that your endpoint configuration exists. When
//! you read data from a DynamoDB table supporting eventually consistent reads, the response might not reflect the results
//! of a recently completed write operation … this can cause a validation error."
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html>
//! That the same holds for models, endpoints, components and scalable targets is observed: AWS's SDK waits "for endpoint to
//! become visible", Terraform waits for models and scalable targets.

use serde_json::Value;

use crate::account::Call;
use crate::error::ApiError;
use crate::json::{list, text};
use crate::world::World;

/// A resource type: as messages write it, and as ARNs do.
type Kind = (&'static str, &'static str);

const MODEL: Kind = ("model", "model");
const CONFIG: Kind = ("endpoint configuration", "endpoint-config");
const ENDPOINT: Kind = ("endpoint", "endpoint");
const COMPONENT: Kind = ("inference component", "inference-component");
const TARGET: Kind = ("scalable target", "scalable-target");

/// What a successful call creates.
fn creates(operation: &str, request: &Value) -> Option<(Kind, String)> {
    let (kind, member) = match operation {
        "CreateModel" => (MODEL, "ModelName"),
        "CreateEndpointConfig" => (CONFIG, "EndpointConfigName"),
        "CreateEndpoint" => (ENDPOINT, "EndpointName"),
        "CreateInferenceComponent" => (COMPONENT, "InferenceComponentName"),
        "RegisterScalableTarget" => (TARGET, "ResourceId"),
        _ => return None,
    };
    Some((kind, text(request, member)?.to_owned()))
}

/// What a call refers to.
fn refers_to(operation: &str, request: &Value) -> Vec<(Kind, String)> {
    let named = |kind: Kind, member: &str| text(request, member).map(|name| (kind, name.to_owned()));
    let of =
        |names: &[(Kind, &str)]| names.iter().filter_map(|(kind, member)| named(*kind, member)).collect();
    let model = request.get("Specification").and_then(|s| text(s, "ModelName"));
    let model = model.map(|name| (MODEL, name.to_owned()));
    match operation {
        "DescribeModel" => of(&[(MODEL, "ModelName")]),
        "CreateEndpointConfig" => {
            let models = list(request, "ProductionVariants").iter().filter_map(|v| text(v, "ModelName"));
            models.map(|name| (MODEL, name.to_owned())).collect()
        }
        "DescribeEndpointConfig" | "CreateEndpoint" => of(&[(CONFIG, "EndpointConfigName")]),
        "UpdateEndpoint" => of(&[(ENDPOINT, "EndpointName"), (CONFIG, "EndpointConfigName")]),
        "DescribeEndpoint"
        | "InvokeEndpoint"
        | "InvokeEndpointAsync"
        | "UpdateEndpointWeightsAndCapacities"
        | "DeleteEndpoint" => of(&[(ENDPOINT, "EndpointName")]),
        "CreateInferenceComponent" => named(ENDPOINT, "EndpointName").into_iter().chain(model).collect(),
        "UpdateInferenceComponent" => {
            named(COMPONENT, "InferenceComponentName").into_iter().chain(model).collect()
        }
        "DescribeInferenceComponent"
        | "UpdateInferenceComponentRuntimeConfig"
        | "DeleteInferenceComponent" => of(&[(COMPONENT, "InferenceComponentName")]),
        "PutScalingPolicy" => of(&[(TARGET, "ResourceId")]),
        _ => Vec::new(),
    }
}

fn not_visible(call: &Call, operation: &str, request: &Value, (what, kind): Kind, name: &str) -> ApiError {
    match (operation, kind) {
        ("InvokeEndpoint" | "InvokeEndpointAsync", _) => {
            let message = format!("Endpoint {name} of account {} not found.", call.place.account);
            ApiError::new("ValidationError", message)
        }
        // https://github.com/hashicorp/terraform-provider-aws, internal/service/appautoscaling/policy.go
        (_, "scalable-target") => ApiError::new(
            "ObjectNotFoundException",
            format!(
                "No scalable target registered for service namespace: sagemaker, resource ID: {name}, scalable \
                 dimension: {}",
                text(request, "ScalableDimension").unwrap_or_default()
            ),
        ),
        _ => ApiError::could_not_find(what, &call.place.arn(kind, name)),
    }
}

impl World {
    /// Rejects a call that refers to a resource that is not visible yet. Each such call counts as one read.
    ///
    /// # Errors
    /// The answer of the service for a resource that does not exist.
    pub(crate) fn check_visible(
        &mut self,
        call: &Call,
        operation: &str,
        request: &Value,
    ) -> Result<(), ApiError> {
        for (kind, name) in refers_to(operation, request) {
            let arn = call.place.arn(kind.1, &name);
            let Some(reads) = self.hidden.get_mut(&arn) else { continue };
            *reads = reads.saturating_sub(1);
            if *reads == 0 {
                self.hidden.remove(&arn);
            }
            return Err(not_visible(call, operation, request, kind, &name));
        }
        Ok(())
    }

    /// Hides what a successful call has created, if a fault says so.
    pub(crate) fn hide_created(&mut self, call: &Call, operation: &str, request: &Value) {
        let Some((kind, name)) = creates(operation, request) else { return };
        if let Some(reads) = self.faults.not_visible(&call.place.account, &name).filter(|reads| *reads > 0) {
            self.hidden.insert(call.place.arn(kind.1, &name), reads);
        }
    }
}

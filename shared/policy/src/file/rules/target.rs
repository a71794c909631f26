//! Rules about target tracking.

use super::super::problem::Finding;
use super::Environment;
use crate::endpoint::EndpointSpec;

const BURSTABLE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html";

pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let Some(target) = &environment.scale.target else { return Vec::new() };
    let mut found = Vec::new();
    let mut refuse = |field: &str, because: &str, message: String| {
        found.push(Finding::new(format!("{at}/{field}"), message).because(format!("{at}/{because}")));
    };
    let instances = environment.endpoint.spec.instances();
    if let Some(instances) = instances.filter(|i| i.instance_type.as_str().starts_with("ml.t")) {
        let message = format!(
            "Application Auto Scaling refuses the burstable instance type {} ({BURSTABLE})",
            instances.instance_type
        );
        refuse("scale/target", "endpoint/instanceType", message);
    }
    let (count, field) = match &environment.endpoint.spec {
        EndpointSpec::RealTime(spec) => (spec.instances.count, "endpoint/instances"),
        EndpointSpec::InferenceComponent(spec) => (spec.copies(), "endpoint/copies"),
        EndpointSpec::Serverless(_) | EndpointSpec::Async(_) => return found,
    };
    if target.min <= target.max && !(target.min..=target.max).contains(&count) {
        let message = format!(
            "a new endpoint begins with {count}, expected from {} to {}, the limits of `scale.target`",
            target.min, target.max
        );
        refuse(field, "scale/target", message);
    }
    found
}

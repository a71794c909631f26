//! Rules about target tracking.

use super::super::problem::Finding;
use super::Environment;
use crate::endpoint::{AsyncInference, EndpointSpec, RealTime};
use crate::file::ScaleTarget;

const BURSTABLE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html";
const QUEUE: &str = "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html";
const ZERO: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html";

pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let Some(target) = &environment.scale.target else { return Vec::new() };
    let spec = &environment.endpoint.spec;
    let mut found = Vec::new();
    let mut refuse = |field: &str, because: &str, message: String| {
        found.push(Finding::new(format!("{at}/{field}"), message).because(format!("{at}/{because}")));
    };
    if let Some(instances) = spec.instances().filter(|i| i.instance_type.as_str().starts_with("ml.t")) {
        let message = format!(
            "Application Auto Scaling refuses the burstable instance type {} ({BURSTABLE})",
            instances.instance_type
        );
        refuse("scale/target", "endpoint/instanceType", message);
    }
    let (count, field) = match spec {
        EndpointSpec::RealTime(RealTime { instances })
        | EndpointSpec::Async(AsyncInference { instances, .. }) => (instances.count, "endpoint/instances"),
        EndpointSpec::InferenceComponent(spec) => (spec.copies(), "endpoint/copies"),
        EndpointSpec::Serverless(_) => return found,
    };
    if target.min <= target.max && !(target.min..=target.max).contains(&count) {
        let message = format!(
            "a new endpoint begins with {count}, expected from {} to {}, the limits of `scale.target`",
            target.min, target.max
        );
        refuse(field, "scale/target", message);
    }
    found.extend(of_kind(at, spec, target));
    found
}

/// The metric and the minimum that the kind of the endpoint supports.
fn of_kind(at: &str, spec: &EndpointSpec, target: &ScaleTarget) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut refuse = |field: &str, message: String| {
        let finding = Finding::new(format!("{at}/scale/target{field}"), message);
        found.push(finding.because(format!("{at}/endpoint/kind")));
    };
    let queued = spec.behavior().async_settings().is_some();
    let invocations = ("invocationsPerInstance", target.invocations_per_instance);
    let backlog = ("backlogPerInstance", target.backlog_per_instance);
    let (wanted, other, why) = if queued {
        (backlog, invocations, "SageMaker does not count the invocations of an async endpoint")
    } else {
        (invocations, backlog, "only an async endpoint has a queue")
    };
    if other.1.is_some() {
        let message = format!("{why}; write `{}` ({QUEUE})", wanted.0);
        refuse(&format!("/{}", other.0), message);
    } else if wanted.1.is_none() {
        refuse("", format!("missing `{}` ({QUEUE})", wanted.0));
    }
    if target.min == 0 && !queued {
        let instead = match spec {
            EndpointSpec::InferenceComponent(_) => "; write `scale.toZero` to go to zero copies",
            _ => "",
        };
        let message =
            format!("found 0, expected at least 1: only an async endpoint may have none{instead} ({ZERO})");
        refuse("/min", message);
    }
    found
}

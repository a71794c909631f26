//! Which fields belong to which kind of endpoint.

use super::super::problem::Finding;
use super::{EndpointKind, Environment, SERVERLESS};

const VARIANT: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html";
const SERVERLESS_CONFIG: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html";
const COMPONENT: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html";
const COMPONENT_COPIES: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRuntimeConfig.html";
const ASYNC_OUTPUT: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceOutputConfig.html";

/// What an endpoint of each kind needs and may have.
struct Kind {
    word: &'static str,
    needs: &'static [&'static str],
    may: &'static [&'static str],
}

fn kind(kind: EndpointKind) -> Kind {
    match kind {
        EndpointKind::RealTime => {
            Kind { word: "a realTime", needs: &["instanceType", "instances"], may: &["vpc"] }
        }
        EndpointKind::Serverless => {
            Kind { word: "a serverless", needs: &["memoryMb", "maxConcurrency"], may: &[] }
        }
        EndpointKind::InferenceComponent => Kind {
            word: "an inferenceComponent",
            needs: &["instanceType", "instances", "memoryMb"],
            may: &["copies", "vpc"],
        },
        EndpointKind::Async => {
            Kind { word: "an async", needs: &["instanceType", "instances", "output"], may: &["vpc"] }
        }
    }
}

pub(super) fn broken(at: &str, environment: &Environment) -> Vec<Finding> {
    let mut found = fields(at, environment);
    if environment.endpoint.kind == EndpointKind::Serverless {
        found.extend(serverless(at, environment));
    }
    found
}

fn fields(at: &str, environment: &Environment) -> Vec<Finding> {
    let endpoint = &environment.endpoint;
    let Kind { word, needs, may } = kind(endpoint.kind);
    let fields = [
        ("memoryMb", endpoint.memory_mb.is_some()),
        ("maxConcurrency", endpoint.max_concurrency.is_some()),
        ("instanceType", endpoint.instance_type.is_some()),
        ("instances", endpoint.instances.is_some()),
        ("copies", endpoint.copies.is_some()),
        ("output", endpoint.output.is_some()),
        ("vpc", endpoint.vpc.is_some()),
    ];
    let mut found = Vec::new();
    for (field, given) in fields {
        let (needed, allowed) = (needs.contains(&field), may.contains(&field));
        let message = if needed && !given {
            format!("missing; {word} endpoint needs it ({})", page_of(endpoint.kind))
        } else if given && !needed && !allowed {
            let (why, page) = why(endpoint.kind, field);
            format!("{word} endpoint has none: {why} ({page})")
        } else {
            continue;
        };
        let at = format!("{at}/endpoint");
        found.push(Finding::new(format!("{at}/{field}"), message).because(format!("{at}/kind")));
    }
    found
}

/// Where AWS says what a kind of endpoint is made of.
fn page_of(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::RealTime => VARIANT,
        EndpointKind::Serverless => SERVERLESS_CONFIG,
        EndpointKind::InferenceComponent => COMPONENT,
        EndpointKind::Async => ASYNC_OUTPUT,
    }
}

/// Why a kind of endpoint has no such field, and where AWS says so.
fn why(kind: EndpointKind, field: &str) -> (&'static str, &'static str) {
    match (kind, field) {
        (EndpointKind::Serverless, "instanceType" | "instances") => {
            ("it has no instances, and so no GPU", SERVERLESS)
        }
        (EndpointKind::Serverless, "vpc") => ("it cannot be attached to a VPC", SERVERLESS),
        (_, "memoryMb") => ("its instances have the memory of their type", VARIANT),
        (_, "maxConcurrency") => ("only a serverless endpoint limits it", SERVERLESS_CONFIG),
        (_, "copies") => ("only an inferenceComponent has copies beside its instances", COMPONENT_COPIES),
        (_, "output") => ("only an async endpoint puts its answers anywhere", ASYNC_OUTPUT),
        _ => ("nothing reads it", VARIANT),
    }
}

/// What a serverless endpoint cannot do.
fn serverless(at: &str, environment: &Environment) -> Vec<Finding> {
    let endpoint = &environment.endpoint;
    let mut found = Vec::new();
    let mut refuse = |field: &str, message: String| {
        found.push(Finding::new(format!("{at}/{field}"), message).because(format!("{at}/endpoint/kind")));
    };
    if let Some(mb) = endpoint.memory_mb.filter(|mb| !(1_024..=6_144).contains(mb) || mb % 1_024 != 0) {
        let message = format!("found {mb}, expected 1024, 2048, 3072, 4096, 5120 or 6144 ({SERVERLESS})");
        refuse("endpoint/memoryMb", message);
    }
    if let Some(count) = endpoint.max_concurrency.filter(|count| *count > 200) {
        let message = format!("found {count}, expected a whole number from 1 to 200 ({SERVERLESS})");
        refuse("endpoint/maxConcurrency", message);
    }
    for (given, field, what) in [
        (environment.capture.is_some(), "capture", "has no data capture"),
        (
            environment.monitor.is_some(),
            "monitor",
            "cannot be watched by Model Monitor, which needs data capture",
        ),
        (environment.scale.target.is_some(), "scale/target", "has no instances to add or remove"),
    ] {
        if given {
            refuse(field, format!("a serverless endpoint {what} ({SERVERLESS})"));
        }
    }
    found
}

//! What AWS means with a rejection for which one error code stands for many things.
//!
//! SageMaker answers `ValidationException` for what is missing, what exists, what is under way and what is invalid alike, so
//! the operation and a part of the message decide. The table has one row for each rejection that is known; each fragment is
//! in a message that was recorded on AWS or that AWS documents.
//!
//! A rejection without a row has the class of its error code, and a `ValidationException` is then permanent. For an operation
//! that changes an endpoint or a component, the adapter also reads the resource: if it is not in service, the rejection
//! counts as [`Class::Busy`], whatever the message says. A wrong wait costs minutes. A wrong failure stops a promotion until
//! a person approves again.

use crate::Class;

/// The meaning of a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A resource with this name exists already.
    AlreadyExists,
    /// The resource that is described does not exist.
    NotFound,
    /// A resource that the request refers to does not exist, or is not visible yet.
    TooEarly,
    /// Another change of the resource is under way.
    Busy,
}

impl Meaning {
    /// The class of an error with this meaning.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::AlreadyExists => Class::Conflict,
            Self::NotFound => Class::Permanent,
            Self::TooEarly => Class::TooEarly,
            Self::Busy => Class::Busy,
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Refusal {
    /// The operations that are rejected in this way. `Describe*` stands for every operation whose name begins so.
    pub operations: &'static [&'static str],
    /// The error code.
    pub code: &'static str,
    /// A part of the message, in lower case. An empty one is in every message.
    pub text: &'static str,
    /// Whether the message must also contain the name that the request refers to: about another name it means something
    /// else.
    pub names_request: bool,
    /// What it means.
    pub meaning: Meaning,
    /// Where the message was recorded or is documented.
    pub source: &'static str,
}

const INVALID: &str = "ValidationException";
const CREATE: &[&str] = &["Create*"];
const READ: &[&str] = &["Describe*", "List*", "Get*"];
const CHANGE_ENDPOINT: &[&str] = &["UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint"];
const CHANGE_COMPONENT: &[&str] =
    &["UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig", "DeleteInferenceComponent"];
const SCALING: &[&str] =
    &["RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"];

const fn row(
    operations: &'static [&'static str],
    (code, text): (&'static str, &'static str),
    meaning: Meaning,
    source: &'static str,
) -> Refusal {
    Refusal { operations, code, text, names_request: false, meaning, source }
}

/// Every known rejection. The first row that fits counts.
pub const REFUSALS: &[Refusal] = &[
    row(
        CREATE,
        (INVALID, "already exist"),
        Meaning::AlreadyExists,
        "https://github.com/awslabs/spot-tagging-bot-for-digital-assets/issues/2",
    ),
    row(
        CREATE,
        ("ResourceInUse", "already exist"),
        Meaning::AlreadyExists,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html",
    ),
    row(
        READ,
        (INVALID, "could not find"),
        Meaning::NotFound,
        "https://github.com/aws-controllers-k8s/sagemaker-controller/blob/main/generator.yaml",
    ),
    row(
        READ,
        (INVALID, "does not exist"),
        Meaning::NotFound,
        "https://github.com/aws-controllers-k8s/sagemaker-controller/blob/main/generator.yaml",
    ),
    row(
        READ,
        ("ResourceNotFound", ""),
        Meaning::NotFound,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipeline.html",
    ),
    // The role of a new stack: IAM is eventually consistent.
    row(
        &["CreateModel"],
        (INVALID, "the execution role arn"),
        Meaning::TooEarly,
        "https://github.com/bentoml/BentoML/issues/892",
    ),
    row(
        &["CreateEndpointConfig", "CreateInferenceComponent", "UpdateInferenceComponent"],
        (INVALID, "could not find model \""),
        Meaning::TooEarly,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",
    ),
    // About another configuration, the message means that the running one was deleted; that does not change:
    // https://github.com/hashicorp/terraform-provider-aws/issues/48997
    Refusal {
        operations: &["CreateEndpoint", "UpdateEndpoint"],
        code: INVALID,
        text: "could not find endpoint configuration",
        names_request: true,
        meaning: Meaning::TooEarly,
        source: "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html",
    },
    // The resource was read just before. Whether it is gone, the next reading shows.
    row(
        &["UpdateEndpoint", "CreateInferenceComponent"],
        (INVALID, "could not find endpoint \""),
        Meaning::TooEarly,
        "https://github.com/aws/sagemaker-python-sdk/blob/master/src/sagemaker/session.py",
    ),
    row(
        &["UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig"],
        (INVALID, "could not find inference component"),
        Meaning::TooEarly,
        "https://github.com/aws-controllers-k8s/sagemaker-controller/blob/main/generator.yaml",
    ),
    row(
        &["RegisterScalableTarget"],
        (INVALID, "unable to assume iam role"),
        Meaning::TooEarly,
        "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/appautoscaling/target.go",
    ),
    row(
        &["PutScalingPolicy"],
        ("ObjectNotFoundException", "no scalable target registered"),
        Meaning::TooEarly,
        "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/appautoscaling/policy.go",
    ),
    row(
        &["PutScalingPolicy"],
        ("FailedResourceAccessException", ""),
        Meaning::TooEarly,
        "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/appautoscaling/policy.go",
    ),
    row(
        CHANGE_ENDPOINT,
        (INVALID, "cannot update in-progress endpoint"),
        Meaning::Busy,
        "https://github.com/hashicorp/terraform-provider-aws/issues/46663",
    ),
    row(
        CHANGE_COMPONENT,
        (INVALID, "while it is in state"),
        Meaning::Busy,
        "https://github.com/stdapi-ai/stdapi.ai/blob/320897259e0b8b569fabbc5c9b03f63c87a0f7e3/tests/test_chat_sagemaker_endpoint.py",
    ),
    row(
        CHANGE_COMPONENT,
        (INVALID, "_in_progress"),
        Meaning::Busy,
        "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/sagemaker/inference_component.go",
    ),
    row(
        &["RegisterScalableTarget"],
        (INVALID, "should be in 'inservice'"),
        Meaning::Busy,
        "https://github.com/aws/amazon-sagemaker-operator-for-k8s/blob/master/controllers/sdkutil/clientwrapper/autoscaling_client.go",
    ),
    row(
        SCALING,
        ("ConcurrentUpdateException", ""),
        Meaning::Busy,
        "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
    ),
];

/// The errors of `InvokeEndpoint` with which a model answers that is still starting, by code and part of the message.
/// `InService` only means that the container answers its health check.
const STARTING: &[(&str, &str, &str)] = &[
    // The container did not answer within 60 seconds (status 0), or failed itself (5xx).
    ("ModelError", "received server error", "https://github.com/aws/amazon-sagemaker-examples/issues/799"),
    (
        "ModelError",
        "invocation timed out",
        "https://github.com/aws-samples/host-yolov8-on-sagemaker-endpoint/issues/21",
    ),
    (
        "ModelNotReadyException",
        "",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html",
    ),
    // A component has no copy yet.
    ("ValidationError", "has no capacity", "https://github.com/huggingface/skills/pull/192"),
    // The endpoint is in service, and the runtime does not know it yet.
    ("ValidationError", "not found", "https://github.com/aws/amazon-sagemaker-examples/issues/293"),
];

/// Whether an error of `InvokeEndpoint` is one with which a model answers that is still starting. An error of the client
/// (4xx) and every other rejection is final: the model does not understand the sample.
#[must_use]
pub fn may_be_starting(code: &str, message: &str) -> bool {
    let message = message.to_lowercase();
    STARTING.iter().any(|(of, text, _)| *of == code && message.contains(text))
}

/// The meaning of a rejection, if a row of [`REFUSALS`] fits. `names` are the names in the request.
#[must_use]
pub fn meaning(operation: &str, code: &str, message: &str, names: &[&str]) -> Option<Meaning> {
    let message = message.to_lowercase();
    let named = || names.iter().any(|name| message.contains(&format!("/{}\"", name.to_lowercase())));
    let is = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => operation.starts_with(prefix),
        None => operation == pattern,
    };
    let fits = |refusal: &&Refusal| {
        refusal.operations.iter().any(|pattern| is(pattern))
            && refusal.code == code
            && message.contains(refusal.text)
            && (!refusal.names_request || named())
    };
    REFUSALS.iter().find(fits).map(|refusal| refusal.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_has_the_meaning_of_its_operation_and_message() {
        let of = |operation, message: &str| meaning(operation, INVALID, message, &["churn-v8"]);
        let gone = "Could not find endpoint configuration \"arn:aws:sagemaker:us-east-1:1:endpoint-config/churn-v7\".";
        let new = gone.replace("v7", "v8");
        assert_eq!(of("UpdateEndpoint", &new), Some(Meaning::TooEarly));
        assert_eq!(of("UpdateEndpoint", gone), None, "the running configuration was deleted");
        assert_eq!(of("DescribeEndpointConfig", gone), Some(Meaning::NotFound));
        assert_eq!(of("UpdateEndpoint", "Cannot update in-progress endpoint \"arn\"."), Some(Meaning::Busy));
        assert_eq!(of("UpdateEndpoint", "Cannot update failed endpoint \"arn\"."), None);
        let busy = "Cannot update inference component \"arn\" while it is in state UPDATE_RC_IN_PROGRESS";
        assert_eq!(of("UpdateInferenceComponentRuntimeConfig", busy), Some(Meaning::Busy));
        assert_eq!(of("CreateModel", busy), None);
        assert_eq!(
            of("CreateModel", "Cannot create already existing model \"arn\"."),
            Some(Meaning::AlreadyExists)
        );
        assert_eq!(meaning("CreateModel", "AccessDeniedException", "already existing", &[]), None);
    }

    #[test]
    fn a_model_that_starts_is_not_one_that_refuses_the_sample() {
        let timed_out =
            "Received server error (0) from primary with message \"Your invocation timed out while waiting\"";
        assert!(may_be_starting("ModelError", timed_out));
        assert!(may_be_starting("ModelError", "Received server error (503) from primary"));
        assert!(may_be_starting("ModelNotReadyException", "wait"));
        assert!(may_be_starting(
            "ValidationError",
            "Inference Component has no capacity to process this request."
        ));
        assert!(!may_be_starting(
            "ModelError",
            "Received client error (400) from primary with message \"no csv\""
        ));
        assert!(!may_be_starting("ValidationError", "Inference Component Name header is required"));
        assert!(STARTING.iter().all(|(.., source)| source.starts_with("https://")));
    }

    #[test]
    fn every_row_is_reached_and_has_a_source() {
        for refusal in REFUSALS {
            assert!(refusal.source.starts_with("https://"), "{refusal:?}");
            assert_eq!(refusal.text, refusal.text.to_lowercase(), "{refusal:?}");
            for operation in refusal.operations {
                let operation = operation.replace('*', "Something");
                let message = format!("{} /n\"", refusal.text);
                let found = meaning(&operation, refusal.code, &message, &["n"]);
                assert_eq!(found, Some(refusal.meaning), "{refusal:?}");
            }
        }
    }
}

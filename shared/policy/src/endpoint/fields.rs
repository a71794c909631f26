//! Which fields of a policy's `endpoint` section belong to a kind.

pub(super) const VARIANT_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html";
pub(super) const SERVERLESS_CONFIG_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html";
pub(super) const COMPONENT_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html";
pub(super) const ASYNC_OUTPUT_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceOutputConfig.html";
const COMPONENT_COPIES_PAGE: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRuntimeConfig.html";

/// Why a kind does not have a field.
pub(crate) struct Refusal {
    pub(super) field: &'static str,
    pub(super) why: &'static str,
    pub(super) page: &'static str,
}

/// The fields of every kind.
const COMMON: [&str; 3] = ["name", "kind", "recreateFailed"];

/// The required and optional fields of a kind, besides those of every kind.
pub(crate) struct FieldRules {
    /// The kind with its article, as used in messages.
    pub(crate) kind: &'static str,
    /// The required fields.
    pub(crate) required: &'static [&'static str],
    /// The optional fields, in groups that several kinds share.
    pub(crate) optional: &'static [&'static [&'static str]],
    /// The AWS page that describes the configuration of the kind.
    pub(crate) page: &'static str,
    /// Why the kind does not have a field, if the reason differs from that of the other kinds.
    pub(super) refusals: &'static [Refusal],
}

impl FieldRules {
    /// Whether the kind has the field.
    pub(crate) fn allows(&self, field: &str) -> bool {
        let optional = || self.optional.iter().any(|group| group.contains(&field));
        COMMON.contains(&field) || self.required.contains(&field) || optional()
    }

    /// The message for a missing required field.
    pub(crate) fn missing(&self) -> String {
        format!("missing; {} endpoint needs it ({})", self.kind, self.page)
    }

    /// The message for a field of another kind.
    pub(crate) fn refuse(&self, field: &str) -> String {
        let own = self.refusals.iter().find(|refusal| refusal.field == field);
        let (why, page) = own.map_or_else(|| of_another_kind(field), |refusal| (refusal.why, refusal.page));
        format!("{} endpoint has none: {why} ({page})", self.kind)
    }
}

fn of_another_kind(field: &str) -> (&'static str, &'static str) {
    match field {
        "memoryMb" => ("its instances have the memory of their type", VARIANT_PAGE),
        "maxConcurrency" => ("only a serverless endpoint limits it", SERVERLESS_CONFIG_PAGE),
        "copies" => ("only an inferenceComponent has copies beside its instances", COMPONENT_COPIES_PAGE),
        "accelerators" | "cpus" | "maxMemoryMb" => {
            ("only an inferenceComponent divides its instances between copies", COMPONENT_PAGE)
        }
        "component" => ("only an inferenceComponent shares its endpoint", COMPONENT_PAGE),
        "output" | "failures" => ("only an async endpoint puts its answers anywhere", ASYNC_OUTPUT_PAGE),
        "notify" => ("only an async endpoint tells that a request has ended", ASYNC_OUTPUT_PAGE),
        "maxConcurrentPerInstance" => ("only an async endpoint has a queue", ASYNC_OUTPUT_PAGE),
        _ => ("nothing reads it", VARIANT_PAGE),
    }
}

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

/// Why a kind has no such field.
pub(crate) struct Refusal {
    pub(super) field: &'static str,
    pub(super) why: &'static str,
    pub(super) page: &'static str,
}

/// The fields that a kind needs and may have beside `name` and `kind`.
pub(crate) struct FieldRules {
    /// The kind with its article, as messages name it.
    pub(crate) kind: &'static str,
    /// The fields that must be given.
    pub(crate) required: &'static [&'static str],
    /// The fields that may be given.
    pub(crate) optional: &'static [&'static str],
    /// Where AWS says what the kind is made of.
    pub(crate) page: &'static str,
    /// Why the kind has no such field, where that is not the same for every other kind.
    pub(super) refusals: &'static [Refusal],
}

impl FieldRules {
    /// Whether the kind has the field.
    pub(crate) fn allows(&self, field: &str) -> bool {
        ["name", "kind"].contains(&field) || self.required.contains(&field) || self.optional.contains(&field)
    }

    /// What is said where a required field is missing.
    pub(crate) fn missing(&self) -> String {
        format!("missing; {} endpoint needs it ({})", self.kind, self.page)
    }

    /// What is said about a field of another kind.
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
        "output" => ("only an async endpoint puts its answers anywhere", ASYNC_OUTPUT_PAGE),
        _ => ("nothing reads it", VARIANT_PAGE),
    }
}

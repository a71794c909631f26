//! The gate `requires`: reports and an approved model card are registered with the version.

use super::{GateInput, GateState};
use crate::file::Required;
use crate::promote::VersionDetails;
use crate::reason::Reason;

/// The status of a model card that counts.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageModelCard.html>
const APPROVED: &str = "Approved";

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let required = &input.environment.gates.requires;
    if required.is_empty() {
        return GateState::Open;
    }
    let details = match super::details(input, "requires") {
        Ok(details) => details,
        Err(reason) => return GateState::Closed { reason },
    };
    let missing: Vec<String> = required.iter().filter_map(|required| missing(*required, details)).collect();
    if missing.is_empty() {
        return GateState::Open;
    }
    let (version, missing) = (input.promotion.version, missing.join(", "));
    GateState::Closed { reason: Reason::NotRegistered { version, missing } }
}

/// What is missing, as text.
fn missing(required: Required, details: &VersionDetails) -> Option<String> {
    match required {
        Required::BiasReport => (!details.bias_report).then(|| "no bias report".to_owned()),
        Required::ExplainabilityReport => {
            (!details.explainability_report).then(|| "no explainability report".to_owned())
        }
        Required::ModelCardApproved => match details.card_status.as_deref() {
            Some(APPROVED) => None,
            Some(status) => Some(format!("a model card that is {status} and not {APPROVED}")),
            None => Some("no model card".to_owned()),
        },
    }
}

//! The gate `features`: the feature groups have the definitions that the training recorded.
//!
//! What is compared is the hub's feature groups now with those that training recorded. Groups in the environment's account are
//! not read.

use super::{GateInput, GateState};
use crate::promote::VersionDetails;
use crate::reason::Reason;

/// The property of a version with the hash of a feature group: this, followed by the name of the group.
/// `CustomerMetadataProperties` admits keys of 128 and values of 256 characters.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html>
pub const RECORDED: &str = "tidegate:feature-group/";

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let Some(features) = &input.environment.gates.features else { return GateState::Open };
    let details = match super::details(input, "features") {
        Ok(details) => details,
        Err(reason) => return GateState::Closed { reason },
    };
    let problem = features.groups.iter().find_map(|group| problem(input, details, group, features.online));
    problem.map_or(GateState::Open, |reason| GateState::Closed { reason })
}

fn problem(input: &GateInput<'_>, details: &VersionDetails, group: &str, online: bool) -> Option<Reason> {
    let differs = |cause: String| Some(Reason::FeatureGroupDiffers { group: group.to_owned(), cause });
    let now = match input.facts.feature_groups.get(group) {
        None => {
            let what = format!("feature group {group}");
            return Some(Reason::GateNotRead { gate: "features", what });
        }
        Some(Err(cause)) => return differs(format!("it cannot be read: {cause}")),
        Some(Ok(None)) => return differs("it does not exist in the hub's account".to_owned()),
        Some(Ok(Some(now))) => now,
    };
    let Some(recorded) = details.properties.get(&format!("{RECORDED}{group}")) else {
        let version = input.promotion.version;
        return differs(format!(
            "version {version} has no property {RECORDED}{group}, so its training recorded no hash"
        ));
    };
    let hash = now.hash();
    if !recorded.trim().eq_ignore_ascii_case(&hash) {
        return differs(format!(
            "its definitions have the hash {hash} now, and {recorded} was recorded in training"
        ));
    }
    if online && !now.online {
        return differs("it has no online store".to_owned());
    }
    None
}

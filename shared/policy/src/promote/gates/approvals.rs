//! The gate `approvals`: enough people have approved the version for this environment.

use super::{GateInput, GateState};
use crate::people::subject;
use crate::promote::Action;
use crate::reason::Reason;
use crate::step::Step;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let name = input.environment.name.as_str();
    let required = input.environment.gates.approvals.as_ref().map_or(0, |approvals| approvals.required);
    let given = input.promotion.approvals.get(name).map_or(0, |people| people.len());
    if given >= required as usize {
        return GateState::Open;
    }
    let reason = Reason::ApprovalRequired { environment: name.to_owned(), required };
    let ask = ask(input, &reason);
    GateState::ClosedForPeople { reason, ask }
}

fn ask(input: &GateInput<'_>, reason: &Reason) -> Step<Action> {
    let (policy, promotion, name) = (input.policy, input.promotion, &input.environment.name);
    let given = promotion.approvals.get(name.as_str());
    let given = given.map(|people| people.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let message = format!(
        "{reason}.\nModel: {}\nVersion: {}\nPackage: {}\nApproved by: {}\nNothing is deployed to {name} until then. To \
         approve, put an event `Approval Given` on the hub's bus; to refuse, reject the version in the registry.",
        policy.model,
        promotion.version,
        promotion.package_arn,
        given.unwrap_or_else(|| "nobody yet".to_owned()),
    );
    let subject = subject(&format!("{} {} waits for approval for {name}", policy.model, promotion.version));
    Step::Notify { subject, message }
}

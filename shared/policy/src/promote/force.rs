//! A person forces a version into an environment past its gates, in an emergency.

use tidegate_events::PromotionForced;

use super::enter::enter_or_wait;
use super::{Command, Inputs, Promote};
use crate::decision::{Decision, Verdict};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Decides about a forced promotion. The version must be approved in the registry and must be the one that is being
/// promoted, and the environments before this one must have succeeded. Everything else that the policy asks for is passed,
/// and people are told so.
pub(super) fn decide_force(inputs: &Inputs<'_>, forced: &PromotionForced) -> Promote {
    let (name, version) = (&forced.environment, forced.version);
    let refuse = |reason| Decision::new(Verdict::Alert, reason);
    let decision = match (inputs.policy.environment(name), &inputs.state.promotion) {
        (None, _) => refuse(Reason::EnvironmentNotInPolicy { environment: name.clone() }),
        (_, None) => refuse(Reason::NotPromoting { version }),
        (_, Some(promotion)) if promotion.version != version || promotion.stopped => {
            refuse(Reason::NotPromoting { version })
        }
        (_, Some(promotion)) if forced.at < promotion.approved_at => {
            refuse(Reason::OlderThanPromotion { version, since: promotion.approved_at })
        }
        (_, Some(promotion)) if promotion.environments.contains_key(name) => {
            refuse(Reason::ApprovalNotRequired { environment: name.clone() })
        }
        (Some(environment), Some(promotion)) => {
            let mut promotion = promotion.clone();
            let command = Command { at: forced.at, by: forced.by.clone(), reason: forced.reason.clone() };
            promotion.forced.insert(name.clone(), command);
            let why = Reason::Forced {
                environment: name.clone(),
                by: forced.by.clone(),
                why: forced.reason.clone(),
            };
            enter_or_wait(inputs, promotion, environment, why)
        }
    };
    let alert = alert(inputs, forced, &decision);
    let mut decision = decision.evidence("by", &forced.by).evidence("version", version);
    decision.plan.push(alert);
    decision
}

fn alert(inputs: &Inputs<'_>, forced: &PromotionForced, decision: &Promote) -> Step<super::Action> {
    let (model, name, version) = (&inputs.policy.model, &forced.environment, forced.version);
    let what = match decision.verdict {
        Verdict::Deploy => "The gates of the environment were passed.".to_owned(),
        Verdict::Wait => format!("The gates are passed as soon as it is due: {}.", decision.reason),
        _ => format!("Nothing was changed: {}.", decision.reason),
    };
    let message =
        format!("{} forced version {version} of {model} into {name}: {}\n{what}", forced.by, forced.reason);
    Step::Notify { subject: subject(&format!("{model} {version} was forced into {name}")), message }
}

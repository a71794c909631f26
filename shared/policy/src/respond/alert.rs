//! Notifications to people about drift and about broken data feeds.

use jiff::Timestamp;

use super::{Respond, State, after, source_history};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Drift to which people respond.
pub(super) fn alert(policy: &Policy, environment: &Environment, reason: Reason, state: State) -> Respond {
    let subject = subject(&format!("drift of {} in {}", policy.model, environment.name));
    let advice = "Look at the data and decide: retrain, approve an earlier version, or raise the threshold.";
    let message = message(policy, environment, &reason, advice);
    Decision::new(Verdict::Alert, reason).plan(vec![Step::Notify { subject, message }]).state(state)
}

/// Violations of which none means drift: people are notified once in a cooldown, because a schedule reports the same
/// violations every hour.
pub(super) fn alert_broken_feed(
    policy: &Policy,
    environment: &Environment,
    mut state: State,
    (source, reason): (&str, &Reason),
    now: Timestamp,
) -> Respond {
    let Some(drift) = &policy.drift else {
        return Decision::new(Verdict::Suppress, Reason::NoResponse).state(state);
    };
    let notified =
        state.broken_feeds.get(source).map(|since| (*since, after(*since, drift.cooldown.signed())));
    if let Some((since, until)) = notified.filter(|(_, until)| *until > now) {
        return Decision::new(Verdict::Suppress, Reason::BrokenFeedReported { since, until })
            .evidence("cause", reason)
            .evidence("source", source)
            .state(state);
    }
    state.broken_feeds.insert(source.to_owned(), now);
    source_history::keep_newest(&mut state.broken_feeds);
    let subject = subject(&format!("data feed of {} in {}", policy.model, environment.name));
    let advice = "A retraining would learn from a broken feed. Compare the captured data with the baseline and repair the \
                  feed or the baseline. If a check means drift for this model, set `drift.checks` in the policy.";
    let message = message(policy, environment, reason, advice);
    Decision::new(Verdict::Alert, reason.clone())
        .evidence("source", source)
        .plan(vec![Step::Notify { subject, message }])
        .state(state)
}

fn message(policy: &Policy, environment: &Environment, reason: &Reason, advice: &str) -> String {
    format!(
        "{reason}.\nModel: {}\nEnvironment: {} ({})\nEndpoint: {}\nNothing was changed. {advice}",
        policy.model, environment.name, environment.account, environment.endpoint.name
    )
}

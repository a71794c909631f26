//! What is overdue: the end of a soak without a scheduled check, and a request without a report.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::DeploymentRequested;

use super::due::due;
use super::enter::{go_on, request_for};
use super::gates::{GateInput, GateState, first_closed_without_facts, retry_blocker};
use super::{Action, EnvironmentStatus, GateFacts, Inputs, Promote, Promotion, State, WaitsFor};
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::freeze::Freezes;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// A request without a report is sent again after this time; the environment answers a repeated request with its last
/// report. The time is sufficient for a slow endpoint, which SageMaker may take half an hour to create.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(60);

/// After this many repetitions, people are notified once. The request is still sent again.
const TELL_AFTER: u32 = 3;

/// Decides what the sweep must repair.
pub(super) fn decide_sweep(inputs: &Inputs<'_>) -> Promote {
    overdue(inputs, None)
        // A wait that is already recorded is not recorded again at every sweep.
        .filter(|decision| decision.verdict != Verdict::Wait || waits_anew(inputs.state, decision))
        .unwrap_or_else(|| Decision::new(Verdict::Ignore, Reason::NothingOverdue))
}

/// The decision that is due now, if any; its reason is `why` if it is given, otherwise that it is late.
pub(super) fn overdue(inputs: &Inputs<'_>, why: Option<&Reason>) -> Option<Promote> {
    let Inputs { policy, state, now, .. } = *inputs;
    let promotion = state.promotion.as_ref().filter(|promotion| !promotion.stopped)?;
    let unanswered = policy.environments.iter().find_map(|environment| {
        let name = environment.name.as_str();
        match promotion.environments.get(name)? {
            EnvironmentStatus::Requested { request_id, at, retries, waits_for }
                if now.duration_since(*at) >= ANSWER_WITHIN =>
            {
                let free = retry_blocker(&GateInput::new(inputs, promotion, environment)).is_none();
                // An answer counts if it came after the last repetition.
                let waits_for = waits_for.as_ref().filter(|waits| waits.at >= *at);
                let asked = (request_id.as_str(), *retries, waits_for);
                free.then(|| ask_again(inputs, promotion.clone(), environment, asked))
            }
            EnvironmentStatus::Requested { .. }
            | EnvironmentStatus::Succeeded { .. }
            | EnvironmentStatus::Failed { .. } => None,
        }
    });
    unanswered.or_else(|| {
        let due = due(policy, promotion).filter(|due| !due.is_asked(promotion))?;
        let why = why.cloned().unwrap_or_else(|| due.why(promotion.version));
        Some(go_on(inputs, promotion.clone(), due.next, why))
    })
}

/// Whether the promotion waits for something other than what is recorded.
fn waits_anew(state: &State, decision: &Promote) -> bool {
    let waiting = |state: &State| state.promotion.as_ref().and_then(|promotion| promotion.blocked_by.clone());
    decision.state.as_ref().and_then(waiting) != waiting(state)
}

fn ask_again(
    inputs: &Inputs<'_>,
    mut promotion: Promotion,
    environment: &Environment,
    (request_id, before, waits_for): (&str, u32, Option<&WaitsFor>),
) -> Promote {
    let Inputs { policy, state, now, .. } = *inputs;
    // The same request, whatever rule produced its ID when it was first sent.
    let request_id = request_id.to_owned();
    let request = DeploymentRequested { request_id, ..request_for(policy, &promotion, environment, now) };
    let name = environment.name.to_string();
    let again = before.saturating_add(1);
    let step = EnvironmentStatus::Requested {
        request_id: request.request_id.clone(),
        at: now,
        retries: again,
        waits_for: waits_for.cloned(),
    };
    promotion.environments.insert(name.clone(), step);
    let reason = Reason::NoReport { environment: name.clone() };
    let mut plan = vec![Step::RequestDeployment { request }];
    if again == TELL_AFTER {
        plan.push(tell(policy, &promotion, environment, &reason, waits_for));
    }
    Decision::new(Verdict::Deploy, reason)
        .evidence("version", promotion.version)
        .evidence("asked_again", again)
        .plan(plan)
        .state(state.with(promotion))
}

/// Tells people what the environment answered; only if it answered nothing, the delivery may be at fault.
fn tell(
    policy: &Policy,
    promotion: &Promotion,
    environment: &Environment,
    reason: &Reason,
    waits_for: Option<&WaitsFor>,
) -> Step<Action> {
    let (name, model, version) = (&environment.name, &policy.model, promotion.version);
    let (title, state) = match waits_for {
        Some(waits) => (
            format!("{name} still works on {model} {version}"),
            format!(
                "It received the request. Its last answer, of {}: {}\nNothing is lost, and nothing has to be sent \
                 again: Tidegate goes on when it has ended.",
                waits.at, waits.detail
            ),
        ),
        None => (
            format!("{name} does not answer about {model} {version}"),
            "It has answered nothing, not even that it received the request. Run `tidegate doctor`, which checks the \
             way between the accounts. A request that was not delivered is in the queue STACK-forward-dlq of the hub, \
             one that failed in STACK-deploy-dlq of the environment; `tidegate redrive` sends it again."
                .to_owned(),
        ),
    };
    let message = format!(
        "{reason}, {TELL_AFTER} times by now.\nModel: {model}\nVersion: {version}\nEnvironment: {name} ({} {})\n{state}\n\
         The request is sent again every hour until it is answered.",
        environment.account, environment.region,
    );
    Step::Notify { subject: subject(&title), message }
}

/// When a sweep next has work: a request without a report is overdue, or the recorded wait is over.
pub(super) fn next_check(policy: &Policy, state: &State, now: Timestamp) -> Option<Timestamp> {
    // No fact is read here: only the gates that need none can say when they open. The others are looked at by each sweep.
    let facts = GateFacts { fleet: Some(Freezes::default()), ..GateFacts::default() };
    let facts = &facts;
    let promotion = state.promotion.as_ref().filter(|promotion| !promotion.stopped)?;
    let overdue = policy.environments.iter().filter_map(|environment| {
        let name = environment.name.as_str();
        match promotion.environments.get(name)? {
            EnvironmentStatus::Requested { at, .. } => {
                let overdue = at.checked_add(ANSWER_WITHIN).unwrap_or(Timestamp::MAX);
                match retry_blocker(&GateInput { policy, state, promotion, environment, facts, now }) {
                    None => Some(overdue),
                    Some(closed) => opens_at(&closed.state).map(|until| until.max(overdue)),
                }
            }
            EnvironmentStatus::Succeeded { .. } | EnvironmentStatus::Failed { .. } => None,
        }
    });
    let entering = due(policy, promotion).filter(|due| !due.is_asked(promotion)).and_then(|due| {
        let input = GateInput { policy, state, promotion, environment: due.next, facts, now };
        match first_closed_without_facts(&input) {
            Some(closed) => opens_at(&closed.state),
            None => Some(now),
        }
    });
    overdue.chain(entering).min()
}

/// When a closed gate opens by itself. A person or an event opens the others.
fn opens_at(state: &GateState) -> Option<Timestamp> {
    match state {
        GateState::ClosedUntil { until, .. } => Some(*until),
        GateState::Open | GateState::ClosedForPeople { .. } | GateState::Closed { .. } => None,
    }
}

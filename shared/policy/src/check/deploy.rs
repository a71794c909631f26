//! What holds for every decision about a deployment.

mod calls;
mod expected;
mod outcome;

use jiff::Timestamp;
use tidegate_events::{DeploymentRequested, EndpointStatus};

use super::holds::HoldCommand;
use super::{Invariant, Violation, Violations};
use crate::decision::Verdict;
use crate::deploy::{Action, Deploy, Snapshot, State, Trigger};
use crate::file::{Environment, Policy};
use crate::site::Site;

use crate::step::Step;
use expected::Expected;

/// The verdicts that end a deployment.
const ENDS: [Verdict; 3] = [Verdict::Succeeded, Verdict::Failed, Verdict::RolledBackSilently];

/// Everything that a decision about a deployment breaks. `seen` is what was observed, if anything was.
#[must_use]
pub fn deploy(
    site: &Site,
    policy: Option<&Policy>,
    state: &State,
    seen: Option<&Snapshot>,
    trigger: &Trigger,
    decision: &Deploy,
    now: Timestamp,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let [succeeded, failed, rolled_back] = ENDS;
    let quiet = [Verdict::Ignore, Verdict::Wait, Verdict::Reject, succeeded, failed, rolled_back];
    violations.shape(decision, &[Verdict::Apply], &quiet, changes);
    let here = |e: &&Environment| e.account.as_str() == site.account && e.region.as_str() == site.region;
    let environment = policy.and_then(|policy| policy.environment(&site.environment)).filter(here);
    let in_flight = state.in_flight.as_ref().map(|in_flight| &in_flight.request);
    let request = match trigger {
        Trigger::Request { from, request }
            if *from == site.hub_account && in_flight.is_none_or(|f| f.request_id != request.request_id) =>
        {
            Some(request)
        }
        _ => in_flight,
    };
    let after = decision.state.as_ref().unwrap_or(state);
    let mut checker = Checker { site, policy, environment, state, after, request, trigger, now, violations };
    checker.obedience(decision);
    checker.memory(decision, seen);
    checker.schedules(decision, seen);
    if decision.plan.iter().any(changes) {
        checker.calls(&decision.plan, seen);
    }
    checker.outcome(decision, seen);
    checker.violations.0
}

fn changes(step: &Step<Action>) -> bool {
    matches!(step, Step::Call(_))
}

fn asks_endpoint(step: &Step<Action>) -> bool {
    matches!(step, Step::Call(Action::CreateEndpoint { .. } | Action::UpdateEndpoint { .. }))
}

fn asks_component(step: &Step<Action>) -> bool {
    matches!(step, Step::Call(Action::CreateComponent { .. } | Action::UpdateComponent { .. }))
}

struct Checker<'a> {
    site: &'a Site,
    policy: Option<&'a Policy>,
    environment: Option<&'a Environment>,
    state: &'a State,
    after: &'a State,
    /// What is worked on: the request that has come, or the one in flight.
    request: Option<&'a DeploymentRequested>,
    trigger: &'a Trigger,
    now: Timestamp,
    violations: Violations,
}

impl Checker<'_> {
    /// Who is obeyed, and which request counts.
    fn obedience(&mut self, decision: &Deploy) {
        let Trigger::Request { from, request } = self.trigger else { return };
        if *from != self.site.hub_account {
            let untouched = decision.plan.is_empty() && self.after == self.state;
            return self.violations.require(untouched, Invariant::UnauthorizedSender, || {
                format!("{from} is not the hub, and the plan is {:?}", decision.plan)
            });
        }
        let in_flight = self.state.in_flight.as_ref().map(|f| &f.request);
        let goes_on = in_flight.is_some_and(|f| f.request_id == request.request_id);
        let taken_up = self.after.in_flight.as_ref().is_some_and(|f| f.request == *request)
            || ENDS.contains(&decision.verdict);
        let taken = in_flight.map(|f| (f.requested_at, f.approved_at));
        let newest = self.state.newest_request.as_ref().map(|n| (n.requested_at, n.approved_at)).or(taken);
        let older =
            newest.is_some_and(|newest| is_older((request.requested_at, request.approved_at), newest));
        self.violations.require(goes_on || !taken_up || !older, Invariant::OlderRequestWins, || {
            format!("requested at {}, the newest is {newest:?}", request.requested_at)
        });
    }

    /// What is remembered.
    fn memory(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let (before, after) = (self.state, self.after);
        let word = match self.trigger {
            Trigger::Hold(hold) => HoldCommand::Hold(hold),
            Trigger::Release(release) => HoldCommand::Release(release),
            Trigger::Request { .. } | Trigger::Endpoint(_) | Trigger::Check { .. } | Trigger::Sweep => {
                HoldCommand::Nothing
            }
        };
        self.violations.holds((&before.holds, &before.released), (&after.holds, &after.released), word);
        let taken_up = self.request.is_some_and(|request| {
            after.newest_request.as_ref().is_some_and(|newest| newest.requested_at == request.requested_at)
        });
        self.violations.require(
            before.newest_request == after.newest_request || taken_up,
            Invariant::StateLost,
            || {
                format!(
                    "the newest request was {:?} and is {:?}",
                    before.newest_request, after.newest_request
                )
            },
        );
        let ended = ENDS.contains(&decision.verdict);
        match (&before.in_flight, &after.in_flight) {
            (was, Some(kept)) => {
                // A request that is not taken up leaves what is in flight alone.
                let known = Some(&kept.request) == self.request
                    || was.as_ref().is_some_and(|was| was.request == kept.request);
                self.violations.require(!ended && known, Invariant::StateWithoutAction, || {
                    format!("{} with {} in flight", decision.verdict, kept.request.request_id)
                });
            }
            (Some(gone), None) => self.violations.require(ended, Invariant::StateLost, || {
                format!("{} was in flight", gone.request.request_id)
            }),
            (None, None) => {}
        }
        self.asked(decision, seen);
    }

    /// When the endpoint and the component were told to change, and how they looked then.
    fn asked(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let Some(after) = &self.after.in_flight else { return };
        let before = self.state.in_flight.as_ref().filter(|before| before.request == after.request);
        let endpoint = seen.and_then(|seen| seen.endpoint.as_ref()).and_then(|e| e.last_modified);
        let component = seen.and_then(|seen| seen.component.as_ref()).and_then(|c| c.last_modified);
        let tells = |asks: fn(&Step<Action>) -> bool| decision.plan.iter().any(asks);
        let checks = [
            (
                "endpoint",
                tells(asks_endpoint),
                before.map(|f| (f.endpoint_update_requested_at, f.endpoint_modified_before)),
                (after.endpoint_update_requested_at, after.endpoint_modified_before),
                endpoint,
            ),
            (
                "component",
                tells(asks_component),
                before.map(|f| (f.component_update_requested_at, f.component_modified_before)),
                (after.component_update_requested_at, after.component_modified_before),
                component,
            ),
        ];
        for (what, told, was, is, looks) in checks {
            if told {
                let known = is == (Some(self.now), looks);
                self.violations
                    .require(known, Invariant::ActionNotInState, || format!("the {what} was told: {is:?}"));
            } else {
                let kept = is == was.unwrap_or_default();
                self.violations.require(kept, Invariant::StateWithoutAction, || {
                    format!("the {what} was not told: {is:?}")
                });
            }
        }
    }

    /// What sends no event is looked at again by schedule: a component, and an endpoint that is in service already.
    /// <https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html>
    fn schedules(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let mut looks = false;
        for step in &decision.plan {
            match step {
                Step::ScheduleCheck { at, check, .. } => {
                    looks = true;
                    let ahead = *at > self.now || *at == Timestamp::MAX;
                    self.violations
                        .require(ahead, Invariant::WrongTime, || format!("the next look is at {at}"));
                    let ours = self.request.is_some_and(|r| r.request_id == check.subject)
                        && check.environment == self.site.environment
                        && self.policy.is_some_and(|policy| policy.model.as_str() == check.model);
                    self.violations.require(ours, Invariant::OutOfScope, || format!("{step:?}"));
                }
                Step::Notify { subject, message } => self.violations.message(subject, message),
                _ => {}
            }
        }
        let in_service = seen
            .and_then(|seen| seen.endpoint.as_ref())
            .is_some_and(|endpoint| endpoint.status == EndpointStatus::InService);
        let waits = decision.verdict == Verdict::Wait && in_service && self.after.hold().is_none();
        let needed = waits || decision.plan.iter().any(asks_component);
        self.violations.require(looks || !needed, Invariant::NoFollowUpScheduled, || {
            format!("{} with the plan {:?}", decision.verdict, decision.plan)
        });
    }
}

/// Whether a request is older than another: by the approvals of their versions, where both are known and differ, for one
/// may be sent again long after it was overtaken; else by the requests.
fn is_older(request: (Timestamp, Option<Timestamp>), other: (Timestamp, Option<Timestamp>)) -> bool {
    match (request.1, other.1) {
        (Some(approved), Some(others)) if approved != others => approved < others,
        _ => request.0 < other.0,
    }
}

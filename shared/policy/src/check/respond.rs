//! What holds for every answer to drift.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::RetrainingRequested;

use super::{Invariant, Violation, Violations, long_ago};
use crate::decision::Verdict;
use crate::file::{Drift, DriftResponse, Environment, Policy};
use crate::hold::Hold;
use crate::respond::{Observation, Respond, State};
use crate::step::{NoCall, Step};

/// Everything that an answer to drift breaks. `hold` is the hold that stands in the environment.
#[must_use]
pub fn respond(
    policy: &Policy,
    environment: &Environment,
    state: &State,
    observation: &Observation,
    hold: Option<&Hold>,
    decision: &Respond,
    now: Timestamp,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let quiet = [Verdict::Ignore, Verdict::Suppress, Verdict::Alert, Verdict::Reject];
    violations.shape(decision, &[Verdict::Retrain], &quiet, changes);
    let told = decision.plan.iter().any(|step| matches!(step, Step::Notify { .. }));
    violations.require(told || decision.verdict != Verdict::Alert, Invariant::NotificationMissing, || {
        format!("the plan is {:?}", decision.plan)
    });
    let after = decision.state.as_ref().unwrap_or(state);
    let mut checker = Checker { policy, environment, state, after, now, violations };
    let mut asked = Vec::new();
    for step in &decision.plan {
        match step {
            Step::Notify { subject, message } => checker.violations.message(subject, message),
            Step::RequestRetraining { request } => asked.push(request),
            Step::ScheduleCheck { .. } => checker.look(step, observation),
            Step::RequestDeployment { .. } | Step::ReportDeployment { .. } | Step::Call(_) => {
                checker
                    .violations
                    .require(false, Invariant::OutOfScope, || format!("respond plans {step:?}"));
            }
        }
    }
    checker.memory(observation, asked.len());
    checker.heard(observation, asked.len());
    checker.violations.require(asked.len() <= 1, Invariant::BudgetOverspent, || {
        format!("{} requests at once", asked.len())
    });
    if let Some(request) = asked.first() {
        checker.violations.require(hold.is_none(), Invariant::ActsWhileHeld, || format!("held by {hold:?}"));
        checker.retraining(request, observation);
    }
    checker.violations.0
}

fn changes(step: &Step<NoCall>) -> bool {
    matches!(step, Step::RequestRetraining { .. })
}

/// Who has said nothing for so long will not say that drift is over.
const MONTH: SignedDuration = SignedDuration::from_hours(720);

struct Checker<'a> {
    policy: &'a Policy,
    environment: &'a Environment,
    state: &'a State,
    after: &'a State,
    now: Timestamp,
    violations: Violations,
}

impl Checker<'_> {
    /// Only an alarm can be looked at again, and only the one that reported.
    fn look(&mut self, step: &Step<NoCall>, observation: &Observation) {
        let Step::ScheduleCheck { at, check, .. } = step else { return };
        let ours = check.model == self.policy.model.as_str()
            && check.environment == self.environment.name.as_str()
            && matches!(observation, Observation::Drift { alarm: Some(reported), .. } if *reported == check.subject);
        self.violations.require(ours, Invariant::OutOfScope, || format!("{step:?}"));
        let ahead = *at > self.now || *at == Timestamp::MAX;
        self.violations.require(ahead, Invariant::WrongTime, || format!("the next look is at {at}"));
    }

    fn retraining(&mut self, request: &RetrainingRequested, observation: &Observation) {
        let cause = match observation {
            Observation::Drift { reason, .. } => Some(reason.code()),
            Observation::NoDrift { .. } | Observation::Inconclusive(_) => None,
        };
        self.violations
            .require(cause.is_some(), Invariant::NoDrift, || format!("the observation is {observation:?}"));
        self.violations.require(cause.is_none_or(|cause| request.cause == cause), Invariant::NoDrift, || {
            format!("the request's cause is {}", request.cause)
        });
        let place = self.policy.environment(&request.environment);
        let here = place == Some(self.environment)
            && request.model == self.policy.model.as_str()
            && request.environment_account == self.environment.account.as_str();
        self.violations.require(here, Invariant::OutOfScope, || format!("{request:?}"));
        self.violations.is_now("the request", request.requested_at, self.now);
        let named = request.request_id.starts_with(&format!("{}-{}-", request.model, request.environment))
            && request.request_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.violations
            .require(named, Invariant::NonDeterministicName, || format!("its id is {}", request.request_id));
        match self.policy.drift.as_ref().filter(|drift| drift.response == DriftResponse::Retrain) {
            Some(drift) => self.governed(drift),
            None => self
                .violations
                .require(false, Invariant::ResponseNotRetrain, || format!("{:?}", self.policy.drift)),
        }
    }

    /// Cooldown, attempts and budget, counted from all that is remembered.
    fn governed(&mut self, drift: &Drift) {
        let (state, now) = (self.state, self.now);
        let recent = state.retrainings.iter().find(|at| !long_ago(**at, drift.cooldown.signed(), now));
        self.violations.require(recent.is_none(), Invariant::CooldownIgnored, || {
            format!("one was requested at {recent:?}, and the cooldown is {}", drift.cooldown)
        });
        let tired = drift.escalate_after.is_some_and(|limit| state.attempts >= limit);
        self.violations.require(!tired, Invariant::AttemptsExceeded, || {
            format!("{} attempts, and {:?} allowed", state.attempts, drift.escalate_after)
        });
        if let Some(budget) = &drift.budget {
            let spent =
                state.retrainings.iter().filter(|at| !long_ago(**at, budget.per.signed(), now)).count();
            self.violations.require(spent < budget.retrainings as usize, Invariant::BudgetOverspent, || {
                format!("{spent} of {} in {}", budget.retrainings, budget.per)
            });
        }
    }

    /// What is remembered: every request as long as cooldown or budget look back, and attempts until the drift is gone.
    fn memory(&mut self, observation: &Observation, asked: usize) {
        let (before, after, now) = (self.state, self.after, self.now);
        let drift = self.policy.drift.as_ref();
        let span = drift.map_or(SignedDuration::ZERO, |drift| {
            drift.budget.as_ref().map_or(drift.cooldown, |budget| budget.per.max(drift.cooldown)).signed()
        });
        let gone = before
            .retrainings
            .iter()
            .find(|at| !long_ago(**at, span, now) && !after.retrainings.contains(at));
        self.violations.require(gone.is_none(), Invariant::StateLost, || format!("the request of {gone:?}"));
        // Who told of drift says that it is over, and nobody else; who has been silent for a month is gone.
        let calm = |of: &str| matches!(observation, Observation::NoDrift { source, .. } if source == of);
        let over = |(name, at): (&String, &Timestamp)| calm(name) || long_ago(*at, MONTH, now);
        let all_over = matches!(observation, Observation::NoDrift { .. }) && before.drifting.iter().all(over);
        self.violations.require(all_over || after.attempts >= before.attempts, Invariant::StateLost, || {
            format!("{} attempts became {}", before.attempts, after.attempts)
        });
        let lost = before.drifting.iter().find(|seen| !after.drifting.contains_key(seen.0) && !over(*seen));
        // Only so many are kept; then a newer one takes the place of the oldest.
        let replaced = matches!(observation, Observation::Drift { source, .. } if !before.drifting.contains_key(source))
            && after.drifting.len() >= before.drifting.len();
        self.violations.require(lost.is_none() || replaced, Invariant::StateLost, || {
            format!("the drift that {lost:?} saw")
        });
        let new = after.retrainings.iter().find(|at| !before.retrainings.contains(at));
        if asked > 0 {
            let known = after.retrainings.contains(&now) && after.attempts > before.attempts;
            self.violations.require(known, Invariant::ActionNotInState, || format!("the state is {after:?}"));
        } else {
            let same = new.is_none() && after.attempts <= before.attempts;
            self.violations
                .require(same, Invariant::StateWithoutAction, || format!("the state is {after:?}"));
        }
    }

    /// What a source said before it said something newer leads to nothing, whenever it is told.
    fn heard(&mut self, observation: &Observation, asked: usize) {
        let (before, after) = (&self.state.last_report_at, &self.after.last_report_at);
        let (Observation::Drift { source, at, .. } | Observation::NoDrift { source, at, .. }) = observation
        else {
            let same = before == after;
            return self
                .violations
                .require(same, Invariant::StateLost, || format!("{before:?} became {after:?}"));
        };
        let newest = before.get(source);
        if at.is_some_and(|at| newest.is_some_and(|newest| at < *newest)) {
            let nothing = asked == 0 && self.after == self.state;
            return self.violations.require(nothing, Invariant::NoDrift, || {
                format!("{source} spoke of {at:?}, and at {newest:?} of something newer")
            });
        }
        // Only so many are kept: the oldest make room.
        let oldest = after.values().min();
        let kept = |name: &String, at: &Timestamp| {
            after.get(name).is_some_and(|kept| kept >= at)
                || (after.len() >= before.len() && oldest.is_none_or(|oldest| at <= oldest))
        };
        let lost = before.iter().find(|(name, at)| !kept(name, at));
        self.violations.require(lost.is_none(), Invariant::StateLost, || format!("when {lost:?} last spoke"));
        let known = at.is_none_or(|at| kept(source, &at));
        self.violations.require(known, Invariant::ActionNotInState, || {
            format!("when {source} spoke is not in {after:?}")
        });
    }
}

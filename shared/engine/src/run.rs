//! The path of one event for one model: claim, snapshot, decide, check, record, act.

use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tidegate_policy::check::Violation;
use tidegate_policy::controller::{Controller, DecisionOf, StepOf};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::file::Policy;
use tidegate_policy::fingerprint::short;
use tidegate_policy::reason::Reason;

use crate::adapter::{ControllerOf, StateOf, TriggerOf};
use crate::carry_out::Rejection;
use crate::engine::{Engine, Planned, Work};
use crate::ports::{Claim, Entry, Recorded, Remembered, StateKey, StateWrite, StoredState, Versioned};
use crate::resolve::read_state;
use crate::{Adapter, DecisionRecord, EngineError, EventRef, Outcome, SCHEMA, Subject};

/// The number of attempts to decide, when other invocations keep changing the state.
const MAX_ATTEMPTS: u32 = 5;

/// The decision of an adapter's controller.
type Decided<A> = DecisionOf<ControllerOf<A>>;

impl Engine {
    /// Processes an event for one model. Duplicates, retries and crashes do not repeat the processing.
    ///
    /// # Errors
    /// Returns an error if the event could not be processed now. The retry does not repeat the steps that were done.
    pub async fn run<A: Adapter>(
        &self,
        adapter: &A,
        policy: Option<&Policy>,
        trigger: &TriggerOf<A>,
        subject: &Subject,
        event: &EventRef,
        now: Timestamp,
    ) -> Result<Outcome, EngineError> {
        let start = self.meter.read(self.time.elapsed());
        let claim = self.claim_key(subject, event);
        let work = Work { adapter, policy, trigger, subject, event, claim, now, start };
        let outcome = match self.claim(&work).await? {
            Claim::Done { decision, record } => {
                tracing::info!(function = self.function, model = subject.model, decision, "duplicate");
                return Ok(Outcome::Duplicate { decision, record });
            }
            Claim::Leased { until } => return Err(EngineError::LeaseHeldElsewhere { until }),
            Claim::Resume(record) => {
                let decision = &record.id;
                tracing::info!(function = self.function, model = subject.model, decision, "resumed");
                // This future is large and rarely needed. It is boxed, so that the common path does not reserve space
                // for it.
                Box::pin(self.resume(&work, record)).await
            }
            Claim::Fresh => self.decide_and_act(&work).await,
        };
        match outcome {
            Ok(record) => Ok(Outcome::Decided { record }),
            Err(error) => {
                self.release(&work.claim).await;
                Err(error)
            }
        }
    }

    /// The outcome of an event that concerns no model here. It is logged once.
    #[must_use]
    pub fn ignore(&self, event: &EventRef, reason: &Reason) -> Outcome {
        let (code, message) = (reason.code(), reason.to_string());
        tracing::info!(
            function = self.function,
            event = event.id,
            detail_type = event.detail_type,
            decision = "ignore",
            reason = code,
            message
        );
        Outcome::NotApplicable { reason: code.to_owned(), message }
    }

    pub(crate) fn claim_key(&self, subject: &Subject, event: &EventRef) -> String {
        short(&[self.function, &self.site.environment, &subject.model, &event.idempotency_key], 40)
    }

    /// Claims the event. If another invocation holds the lease, this one waits for a short time. Usually the other one
    /// has then finished.
    async fn claim<A: Adapter>(&self, work: &Work<'_, A>) -> Result<Claim, EngineError> {
        let (mut waited, mut attempt) = (Duration::ZERO, 0);
        loop {
            let claim = || self.ledger.claim(&work.claim, &self.request_id, work.now, self.lease);
            let answer = self.retry_throttled(claim).await?;
            if !matches!(answer, Claim::Leased { .. }) || !self.wait_for_lease(&mut waited, attempt).await {
                return Ok(answer);
            }
            attempt = attempt.saturating_add(1);
        }
    }

    async fn release(&self, claim: &str) {
        if let Err(error) = self.ledger.release(claim, &self.request_id).await {
            // The lease expires by itself, and the first error is the important one.
            tracing::warn!(%error, "the claim was not released");
        }
    }

    pub(crate) async fn state<S: Remembered>(
        &self,
        subject: &Subject,
    ) -> Result<(Versioned, Arc<S>), EngineError> {
        let key = self.state_key(subject);
        let stored = self.retry_throttled(|| self.ledger.state(&key)).await?;
        let state = read_state(&key, &stored)?;
        Ok((stored, state))
    }

    async fn decide_and_act<A: Adapter>(
        &self,
        work: &Work<'_, A>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        for _ in 0..MAX_ATTEMPTS {
            let (stored, state) = self.state::<StateOf<A>>(work.subject).await?;
            let cx = self.context(work.policy, work.event, work.now);
            let need = || ControllerOf::<A>::needs(&cx, &state, work.trigger);
            let seen = self.retry_throttled(|| work.adapter.observe(self, &cx, need())).await?;
            let decision = Box::new(ControllerOf::<A>::decide(&cx, &state, work.trigger, &seen));
            let violations = ControllerOf::<A>::violations(&cx, &state, work.trigger, &seen, &decision);
            let decision = reject_if_violated::<A>(decision, &violations);
            if let Some(planned) = self.record(work, stored, decision, None).await? {
                return self.carry_out(work, planned, None).await;
            }
        }
        Err(self.contention(work))
    }

    /// The decision that follows when AWS rejected a step or its precondition failed. `None` means that none is needed,
    /// and the plan continues.
    pub(crate) async fn decide_after_rejection<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        before: &DecisionRecord,
        step: &StepOf<ControllerOf<A>>,
        rejection: Rejection,
    ) -> Result<Option<Planned<A>>, EngineError> {
        for attempt in 0..MAX_ATTEMPTS {
            let (stored, state) = self.state::<StateOf<A>>(work.subject).await?;
            let cx = self.context(work.policy, work.event, work.now);
            let decision = match &rejection {
                Rejection::ByAws(why, _) => ControllerOf::<A>::on_rejected(&cx, &state, step, why),
                Rejection::ByPrecondition(why) => {
                    ControllerOf::<A>::on_precondition_failed(&cx, &state, step, why)
                }
                Rejection::ForNow(why, _) => ControllerOf::<A>::on_deferred(&cx, &state, step, why),
            };
            let Some(decision) = decision.map(Box::new) else {
                return match rejection {
                    // Lambda retries the event, and the plan continues with this step.
                    Rejection::ForNow(_, error) => Err(error.into()),
                    Rejection::ByAws(..) | Rejection::ByPrecondition(_) => Ok(None),
                };
            };
            if before.caused_by.is_some()
                && let Rejection::ByAws(_, error) | Rejection::ForNow(_, error) = rejection
            {
                // A step of a decision that follows a rejection was rejected as well. The dead-letter queue has an
                // alarm.
                return Err(error.into());
            }
            let violations = ControllerOf::<A>::violations_after_rejection(&cx, &state, &decision);
            let decision = reject_if_violated::<A>(decision, &violations);
            if attempt == 0 {
                // Publish before the claim refers to the next decision: a retry after a crash does not return to this
                // record.
                self.publish(before).await?;
            }
            if let Some(planned) = self.record(work, stored, decision, Some(before)).await? {
                self.log_decision(work, before);
                return Ok(Some(planned));
            }
        }
        Err(self.contention(work))
    }

    /// Records a decision, its plan and the next state. Returns `None` if another invocation changed the state first.
    async fn record<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        read: Versioned,
        mut decision: Box<Decided<A>>,
        follows: Option<&DecisionRecord>,
    ) -> Result<Option<Planned<A>>, EngineError> {
        let key = self.state_key(work.subject);
        // The revision is checked even if the state does not change, because the decision depends on the state that was
        // read.
        let value = decision.state.take().map(StoredState::of).or(read.value);
        let state = value.map(|value| StateWrite { key, replaces: read.revision, value });
        let plan = std::mem::take(&mut decision.plan);
        let entry = Box::new(Entry {
            record: self.record_of(work, *decision, &plan, follows)?,
            claim: work.claim.clone(),
            owner: self.request_id.clone(),
            state,
            follows: follows.cloned(),
        });
        match self.retry_throttled(|| self.ledger.record(&entry)).await? {
            Recorded::Written => Ok(Some((Box::new(entry.record), plan))),
            Recorded::LeaseLost => Err(EngineError::LeaseLost { decision: entry.record.id }),
            Recorded::Conflict => {
                tracing::info!(
                    model = work.subject.model,
                    "another invocation changed the state; deciding again"
                );
                Ok(None)
            }
        }
    }

    fn record_of<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        decision: Decided<A>,
        plan: &[StepOf<ControllerOf<A>>],
        follows: Option<&DecisionRecord>,
    ) -> Result<DecisionRecord, EngineError> {
        let plan: Result<Vec<Value>, _> = plan.iter().map(serde_json::to_value).collect();
        let plan = plan
            .map_err(|error| EngineError::Stored { what: "plan".to_owned(), message: error.to_string() })?;
        let sequence = follows.map_or(0, |before| before.sequence.saturating_add(1));
        let follows = follows.map(|before| before.id.clone());
        let (at, model, idempotency_key) =
            (work.now.to_string(), &work.subject.model, &work.event.idempotency_key);
        let mut identity =
            vec![self.function, &self.site.account, &self.site.environment, model, idempotency_key, &at];
        identity.extend(follows.as_deref());
        Ok(DecisionRecord {
            schema: SCHEMA,
            id: short(&identity, 20),
            at: work.now,
            account: self.site.account.clone(),
            environment: self.site.environment.clone(),
            function: self.function.to_owned(),
            function_version: self.version.to_owned(),
            model: model.clone(),
            verdict: decision.verdict.code().to_owned(),
            reason: decision.reason.code().to_owned(),
            message: decision.reason.to_string(),
            evidence: decision.evidence,
            plan,
            policy_version: work.subject.policy_version.clone(),
            event: work.event.clone(),
            caused_by: follows,
            sequence,
            outcomes: Vec::new(),
        })
    }

    /// Logs a decision once, with its cost.
    pub(crate) fn log_decision<A: Adapter>(&self, work: &Work<'_, A>, record: &DecisionRecord) {
        let spent = self.meter.read(self.time.elapsed()).since(work.start);
        self.decision_log.log(record, &spent);
    }

    pub(crate) fn state_key(&self, subject: &Subject) -> StateKey {
        StateKey { function: self.function.to_owned(), model: subject.model.clone() }
    }

    fn contention<A: Adapter>(&self, work: &Work<'_, A>) -> EngineError {
        EngineError::Contention { model: work.subject.model.clone(), attempts: MAX_ATTEMPTS }
    }
}

/// Returns the decision, or a rejection without a plan if the checker found a violation.
fn reject_if_violated<A: Adapter>(decision: Box<Decided<A>>, violations: &[Violation]) -> Box<Decided<A>> {
    let Some(first) = violations.first() else { return decision };
    let reason = Reason::ViolatesInvariant {
        invariant: first.invariant.code().to_owned(),
        detail: first.detail.clone(),
    };
    let refusal = Decision::new(Verdict::Reject, reason)
        .evidence("refused_decision", decision.verdict)
        .evidence("refused_reason", decision.reason.code());
    Box::new(violations.iter().fold(refusal, |refusal, violation| refusal.evidence("violation", violation)))
}

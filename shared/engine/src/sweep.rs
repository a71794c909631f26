//! One model of a sweep, and the events that a sweep finds to be lost.

use jiff::Timestamp;
use tidegate_events::{Body, Envelope, Event};
use tidegate_policy::controller::Controller;

use crate::adapter::{ControllerOf, StateOf, TriggerOf};
use crate::ports::{Batch, MAX_BATCH, Versioned};
use crate::resolve::{ManagedModel, read_state};
use crate::{Adapter, Engine, EngineError, EventRef, Outcome, Subject};

/// What a sweep read in the ledger for many models together. What is missing is read for the model alone.
#[derive(Debug, Clone, Default)]
pub struct Prefetched {
    /// The state of the function for the model.
    pub state: Option<Versioned>,
    /// Whether the event of the sweep was claimed and not processed completely.
    pub is_open: Option<bool>,
}

/// What a sweep found about one model.
struct Found {
    /// Whether its decision must be recorded.
    is_new: bool,
    /// The code of its reason.
    reason: String,
    /// The event that should have reported it.
    lost_event: Option<EventRef>,
}

impl Engine {
    /// Processes one model of a sweep. It does the same as [`Engine::run`], but it does not record a decision that
    /// contains nothing new, unless an earlier attempt of the same sweep left a plan unfinished. If an event should have
    /// reported what the sweep found, the decision has the idempotency key of that event.
    ///
    /// # Errors
    /// Returns the errors of [`Engine::run`].
    pub async fn sweep<A: Adapter>(
        &self,
        adapter: &A,
        managed: &ManagedModel,
        trigger: &TriggerOf<A>,
        event: &EventRef,
        now: Timestamp,
    ) -> Result<Outcome, EngineError> {
        self.sweep_from(adapter, managed, trigger, event, now, Prefetched::default()).await
    }

    /// Does the same as [`Engine::sweep`], with what was read for many models together.
    ///
    /// # Errors
    /// Returns the errors of [`Engine::run`].
    pub async fn sweep_from<A: Adapter>(
        &self,
        adapter: &A,
        managed: &ManagedModel,
        trigger: &TriggerOf<A>,
        event: &EventRef,
        now: Timestamp,
        prefetched: Prefetched,
    ) -> Result<Outcome, EngineError> {
        let (policy, subject) = (Some(managed.applied.policy.as_ref()), &managed.subject);
        let Prefetched { state, is_open } = prefetched;
        let found = self.found::<A>(adapter, managed, trigger, event, now, state).await?;
        if let Some(lost) = &found.lost_event
            && (found.is_new || self.is_left_behind(subject, lost).await?)
        {
            match self.run(adapter, policy, trigger, subject, lost, now).await? {
                // The event was processed before AWS showed what it reports: look again.
                Outcome::Duplicate { .. } if found.is_new => {}
                outcome => return Ok(outcome),
            }
            let again = self.found::<A>(adapter, managed, trigger, event, now, None).await?;
            if again.is_new {
                return self.run(adapter, policy, trigger, subject, event, now).await;
            }
        } else if found.is_new || self.is_open(subject, event, is_open).await? {
            return self.run(adapter, policy, trigger, subject, event, now).await;
        }
        Ok(Outcome::Unchanged { model: subject.model.clone(), reason: found.reason })
    }

    /// Decides as a sweep would, and records nothing.
    async fn found<A: Adapter>(
        &self,
        adapter: &A,
        managed: &ManagedModel,
        trigger: &TriggerOf<A>,
        event: &EventRef,
        now: Timestamp,
        stored: Option<Versioned>,
    ) -> Result<Found, EngineError> {
        let cx = self.context(Some(managed.applied.policy.as_ref()), event, now);
        let state = match stored {
            Some(stored) => read_state(&self.state_key(&managed.subject), &stored)?,
            None => self.state::<StateOf<A>>(&managed.subject).await?.1,
        };
        let need = || ControllerOf::<A>::needs(&cx, &state, trigger);
        let seen = self.retry_throttled(|| adapter.observe(self, &cx, need())).await?;
        let decision = ControllerOf::<A>::decide(&cx, &state, trigger, &seen);
        let lost = ControllerOf::<A>::lost_event(&cx, &state, trigger, &seen);
        Ok(Found {
            is_new: ControllerOf::<A>::should_record(&state, &decision),
            reason: decision.reason.code().to_owned(),
            lost_event: lost.map(|body| self.synthesized_event_ref(event, body)),
        })
    }

    async fn is_open(
        &self,
        subject: &Subject,
        event: &EventRef,
        known: Option<bool>,
    ) -> Result<bool, EngineError> {
        match known {
            Some(is_open) => Ok(is_open),
            None => self.is_left_behind(subject, event).await,
        }
    }

    /// Returns for each model whether an invocation claimed this event and did not finish it.
    ///
    /// # Errors
    /// Returns an error if the ledger could not be read.
    pub async fn are_left_behind(
        &self,
        subjects: &[&Subject],
        event: &EventRef,
    ) -> Result<Batch<bool>, EngineError> {
        let mut found = Vec::with_capacity(subjects.len());
        for subjects in subjects.chunks(MAX_BATCH) {
            let keys: Vec<String> = subjects.iter().map(|subject| self.claim_key(subject, event)).collect();
            found.extend(self.retry_throttled(|| self.ledger.are_open(&keys)).await?);
        }
        Ok(found)
    }

    /// Returns whether an invocation claimed this event and did not finish it. Its plan may still have to be executed,
    /// although the state already contains the decision.
    ///
    /// # Errors
    /// Returns an error if the ledger could not be read.
    pub async fn is_left_behind(&self, subject: &Subject, event: &EventRef) -> Result<bool, EngineError> {
        let claim = self.claim_key(subject, event);
        self.retry_throttled(|| self.ledger.is_open(&claim)).await
    }

    /// The reference of a sweep. Two sweeps are two events, although their payloads are equal. A Lambda retry of a
    /// sweep has the same reference. So has a redrive from the dead-letter queue under another request id, if the
    /// payload contains the time of the schedule.
    #[must_use]
    pub fn this_sweep(&self, event: &Event, reference: &EventRef) -> EventRef {
        if event.envelope.time.is_some() || !event.envelope.id.is_empty() {
            return reference.clone();
        }
        EventRef { idempotency_key: format!("reconcile {}", self.request_id), ..reference.clone() }
    }

    /// The reference of a change that a sweep detected in this account. It has the idempotency key that the lost event
    /// would have had. If that event arrives later, it is a duplicate.
    #[must_use]
    pub fn synthesized_event_ref(&self, reference: &EventRef, body: Body) -> EventRef {
        let envelope = Envelope {
            id: reference.id.clone(),
            source: reference.source.clone(),
            detail_type: reference.detail_type.clone(),
            account: self.site.account.clone(),
            region: self.site.region.clone(),
            time: None,
            resources: Vec::new(),
            replay_name: None,
        };
        let idempotency_key = Event { envelope, body, received: None }.idempotency_key();
        EventRef { idempotency_key, ..reference.clone() }
    }
}

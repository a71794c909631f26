//! The path itself.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;
use tidegate_events::{Body, DECISION_RECORDED, Envelope, Event};
use tidegate_policy::decision::Decision;
use tidegate_policy::fingerprint::short;
use tidegate_policy::reason::Reason;

use crate::arrival::{read_state, unreadable};
use crate::ports::{Bus, Claim, Entry, Ledger, Recorded, StateKey, Versioned};
use crate::{ActionOutcome, Case, DecisionRecord, EngineError, EventRef, Outcome, SCHEMA, Subject};

/// How often a decision is made again because somebody else decided meanwhile.
const ATTEMPTS: u32 = 5;

/// The outcome of an action that is not wanted any more.
const OVERTAKEN: &str = "not done: a later decision has taken its place";

/// The engine of one invocation.
#[derive(Clone)]
pub struct Engine {
    /// The function's name.
    pub function: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The account it runs in.
    pub account: String,
    /// The region it runs in.
    pub region: String,
    /// The environment it runs in; `hub` in the hub.
    pub environment: String,
    /// Lambda's request id, the same for a retry.
    pub request_id: String,
    /// How long a claim is ours before another invocation may take it over.
    pub lease: SignedDuration,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
}

impl Engine {
    /// Deals with an event for one model, once, whatever its copies, retries and crashes.
    ///
    /// # Errors
    /// If it could not be dealt with now; what was done so far is not done again by the retry.
    pub async fn run<C: Case>(
        &self,
        case: &C,
        subject: &Subject,
        event: &EventRef,
        now: Timestamp,
    ) -> Result<Outcome, EngineError> {
        let key = self.claim_key(subject, event);
        match self.ledger.claim(&key, &self.request_id, now, self.lease).await? {
            Claim::Done { decision } => {
                tracing::info!(function = self.function, model = subject.model, decision, "duplicate");
                return Ok(Outcome::Duplicate { decision });
            }
            Claim::Held { until } => return Err(EngineError::Held { until }),
            Claim::Resume(record) => {
                tracing::info!(
                    function = self.function,
                    model = subject.model,
                    decision = record.id,
                    "resumed"
                );
                return self.or_release(&key, self.resume(case, subject, *record, &key).await).await;
            }
            Claim::Fresh => {}
        }
        let outcome = self.decide_and_act(case, subject, event, &key, now).await;
        self.or_release(&key, outcome).await
    }

    /// Deals with one model of a sweep: as [`Engine::run`], but a decision that is no news leaves no trace.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn sweep<C: Case>(
        &self,
        case: &C,
        subject: &Subject,
        event: &EventRef,
        now: Timestamp,
    ) -> Result<Outcome, EngineError> {
        let key = self.state_key(subject);
        let state: C::State = read_state(&key, &self.ledger.state(&key).await?)?;
        let decision = case.decide(state.clone(), now).await?;
        if case.is_news(&state, &decision) {
            return self.run(case, subject, event, now).await;
        }
        let reason = decision.reason.code().to_owned();
        Ok(Outcome::Unchanged { model: subject.model.clone(), reason })
    }

    /// The reference for what a sweep found out by itself in this account: it means what the event that never came would
    /// have meant, so that the event, should it come late after all, is a duplicate.
    #[must_use]
    pub fn healed(&self, reference: &EventRef, body: Body) -> EventRef {
        let envelope = Envelope {
            id: reference.id.clone(),
            source: reference.source.clone(),
            detail_type: reference.detail_type.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            time: None,
            resources: Vec::new(),
            replay_name: None,
        };
        EventRef { meaning: Event { envelope, body }.meaning(), ..reference.clone() }
    }

    /// The outcome of an event that concerns no model here, said once in the log.
    #[must_use]
    pub fn pass(&self, event: &EventRef, reason: &Reason) -> Outcome {
        let (code, sentence) = (reason.code(), reason.to_string());
        tracing::info!(
            function = self.function,
            event = event.id,
            detail_type = event.detail_type,
            decision = "ignore",
            reason = code,
            sentence
        );
        Outcome::Passed { reason: code.to_owned(), sentence }
    }

    fn state_key(&self, subject: &Subject) -> StateKey {
        StateKey { function: self.function.to_owned(), model: subject.model.clone() }
    }

    fn claim_key(&self, subject: &Subject, event: &EventRef) -> String {
        short(&[self.function, &self.environment, &subject.model, &event.meaning], 40)
    }

    async fn or_release(
        &self,
        key: &str,
        outcome: Result<Outcome, EngineError>,
    ) -> Result<Outcome, EngineError> {
        if outcome.is_err()
            && let Err(error) = self.ledger.release(key, &self.request_id).await
        {
            // The lease will run out by itself; the first error is the one that matters.
            tracing::warn!(%error, "the claim could not be released");
        }
        outcome
    }

    async fn decide_and_act<C: Case>(
        &self,
        case: &C,
        subject: &Subject,
        event: &EventRef,
        claim: &str,
        now: Timestamp,
    ) -> Result<Outcome, EngineError> {
        let key = self.state_key(subject);
        for _ in 0..ATTEMPTS {
            let stored = self.ledger.state(&key).await?;
            let state: C::State = read_state(&key, &stored)?;
            let decision = case.decide(state, now).await?;
            let record = self.record_of(subject, event, &decision, now)?;
            let entry = self.entry(record, claim, &key, &stored, decision.state.as_ref())?;
            match self.ledger.record(&entry).await? {
                Recorded::Written => return self.carry_out(case, entry.record, claim, None).await,
                Recorded::Overtaken => tracing::info!(model = subject.model, "overtaken; deciding again"),
            }
        }
        Err(EngineError::Contention { model: subject.model.clone(), attempts: ATTEMPTS })
    }

    fn entry<S: serde::Serialize>(
        &self,
        record: DecisionRecord,
        claim: &str,
        key: &StateKey,
        read: &Versioned,
        next: Option<&S>,
    ) -> Result<Entry, EngineError> {
        // The revision is checked even if the state does not change: the decision rests on what was read.
        let value = match next {
            Some(next) => serde_json::to_value(next).map_err(|error| unreadable(key, &error))?,
            None => read.value.clone(),
        };
        let state = match (next, read.revision) {
            (None, 0) => None,
            (_, revision) => Some((key.clone(), Versioned { revision, value })),
        };
        Ok(Entry { record, claim: claim.to_owned(), owner: self.request_id.clone(), state })
    }

    /// Goes on with a plan that was left behind, perhaps days ago: only with what is still wanted.
    async fn resume<C: Case>(
        &self,
        case: &C,
        subject: &Subject,
        record: DecisionRecord,
        claim: &str,
    ) -> Result<Outcome, EngineError> {
        let key = self.state_key(subject);
        let state: C::State = read_state(&key, &self.ledger.state(&key).await?)?;
        self.carry_out(case, record, claim, Some(&state)).await
    }

    /// Carries a recorded plan out, publishes the record, and notes that it is done. `since` is the present state if
    /// others may have decided since the plan was made.
    async fn carry_out<C: Case>(
        &self,
        case: &C,
        mut record: DecisionRecord,
        claim: &str,
        since: Option<&C::State>,
    ) -> Result<Outcome, EngineError> {
        let mut outcomes = Vec::new();
        for step in &record.plan {
            let action: C::Action =
                serde_json::from_value(step.clone()).map_err(|error| EngineError::Stored {
                    what: format!("plan of decision {}", record.id),
                    message: error.to_string(),
                })?;
            let done = if since.is_none_or(|state| case.stands(state, &action)) {
                case.act(&action).await?
            } else {
                OVERTAKEN.to_owned()
            };
            outcomes.push(ActionOutcome { done });
        }
        record.outcomes.clone_from(&outcomes);
        self.log(&record);
        let detail = serde_json::to_value(&record).map_err(|error| EngineError::Stored {
            what: format!("decision {}", record.id),
            message: error.to_string(),
        })?;
        self.bus.publish(DECISION_RECORDED, &detail).await?;
        self.ledger.finish(&record, claim, &outcomes).await?;
        Ok(Outcome::Decided { record: Box::new(record) })
    }

    fn record_of<S, A: serde::Serialize>(
        &self,
        subject: &Subject,
        event: &EventRef,
        decision: &Decision<S, A>,
        now: Timestamp,
    ) -> Result<DecisionRecord, EngineError> {
        let plan: Result<Vec<Value>, _> = decision.plan.iter().map(serde_json::to_value).collect();
        let plan = plan
            .map_err(|error| EngineError::Stored { what: "plan".to_owned(), message: error.to_string() })?;
        let at = now.to_string();
        Ok(DecisionRecord {
            schema: SCHEMA,
            id: short(
                &[self.function, &self.account, &self.environment, &subject.model, &event.meaning, &at],
                20,
            ),
            at: now,
            account: self.account.clone(),
            environment: self.environment.clone(),
            function: self.function.to_owned(),
            function_version: self.version.to_owned(),
            model: subject.model.clone(),
            decision: decision.verdict.code().to_owned(),
            reason: decision.reason.code().to_owned(),
            sentence: decision.reason.to_string(),
            evidence: decision.evidence.clone(),
            plan,
            policy_version: subject.policy_version.clone(),
            event: event.clone(),
            outcomes: Vec::new(),
        })
    }

    fn log(&self, record: &DecisionRecord) {
        tracing::info!(
            function = record.function,
            model = record.model,
            decision = record.decision,
            reason = record.reason,
            sentence = record.sentence,
            id = record.id,
            event = record.event.id,
            actions = record.plan.len(),
            "decided"
        );
    }
}

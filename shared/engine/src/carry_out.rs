//! Carrying a recorded plan out. The executor makes no choices: it does what was written down, in order, and writes
//! down how far it is.

use serde::Deserialize as _;
use tidegate_policy::reason::Reason;

use crate::run::{Planned, Work};
use crate::{ActionOutcome, CallError, Case, Class, DecisionRecord, Engine, EngineError};

/// The longest subject that Amazon SNS takes, in characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const SUBJECT: usize = 100;

/// The code of [`Reason::ViolatesInvariant`], as a record has it.
const VIOLATES_INVARIANT: &str = "violates_invariant";

/// What became of one attempt.
enum Attempt {
    Done(String),
    /// It is not wanted any more.
    Overtaken,
    /// It will not be done.
    Refused(Refusal),
}

/// Why an action is not carried out, now or later.
pub(crate) enum Refusal {
    /// The last look found that it is not safe any more.
    ByLook(Reason),
    /// AWS will not have it.
    ByAws(Reason, CallError),
}

impl Engine {
    /// Goes on with a plan that was left behind, perhaps days ago: after the last action whose outcome is known, and only
    /// with what is still wanted.
    pub(crate) async fn resume<C: Case>(
        &self,
        work: &Work<'_, C>,
        record: Box<DecisionRecord>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        let (_, state) = self.state::<C::State>(work.subject).await?;
        // All of it is read before anything is done: half of a plan that cannot be understood is nobody's plan.
        let left = record.plan.iter().skip(record.outcomes.len()).map(C::Action::deserialize);
        let left = left.collect::<Result<_, _>>().map_err(|error| EngineError::Stored {
            what: format!("plan of decision {}", record.id),
            message: error.to_string(),
        })?;
        self.carry_out(work, (record, left), Some(&state)).await
    }

    /// Carries out what is left of a record's plan, publishes the record, and notes that it is done. `since` is the present
    /// state if others may have decided since the plan was made.
    pub(crate) async fn carry_out<C: Case>(
        &self,
        work: &Work<'_, C>,
        (mut record, left): Planned<C>,
        since: Option<&C::State>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        self.tell_of_violation(&record).await?;
        for action in left {
            match self.attempt(work, &action, since).await? {
                Attempt::Done(done) => record.outcomes.push(ActionOutcome::done(done)),
                Attempt::Overtaken => record.outcomes.push(ActionOutcome::superseded()),
                // People cannot be told: the queue has an alarm.
                Attempt::Refused(Refusal::ByAws(_, error)) if work.case.is_alert(&action) => {
                    return Err(error.into());
                }
                Attempt::Refused(refusal) => {
                    let (Refusal::ByLook(why) | Refusal::ByAws(why, _)) = &refusal;
                    record.outcomes.push(ActionOutcome::rejected(why));
                    // Rare, and large: most plans need not make room for it.
                    let follows = Box::pin(self.follow(work, &record, &action, refusal));
                    if let Some(next) = follows.await? {
                        return Box::pin(self.carry_out(work, next, None)).await;
                    }
                }
            }
            self.update_model_life_cycle(work, &record).await?;
        }
        self.publish(&record).await?;
        self.retry_throttled(|| self.ledger.finish(&record, &work.claim)).await?;
        self.say(work, &record);
        Ok(record)
    }

    async fn attempt<C: Case>(
        &self,
        work: &Work<'_, C>,
        action: &C::Action,
        since: Option<&C::State>,
    ) -> Result<Attempt, EngineError> {
        if since.is_some_and(|state| !work.case.still_applies(state, action)) {
            return Ok(Attempt::Overtaken);
        }
        if work.case.requires_recheck(action) {
            let (_, state) = self.state::<C::State>(work.subject).await?;
            if !work.case.still_applies(&state, action) {
                return Ok(Attempt::Overtaken);
            }
            let asked = || work.case.precondition(&state, action, work.now);
            if let Some(why) = self.retry_throttled(asked).await? {
                return Ok(Attempt::Refused(Refusal::ByLook(why)));
            }
        }
        match self.retry_throttled(|| work.case.act(action)).await {
            Ok(done) => Ok(Attempt::Done(done)),
            Err(error) if error.class == Class::Permanent => {
                let operation = format!("{}:{}", error.service, error.operation);
                let why = Reason::RejectedByAws { operation, cause: error.message.clone() };
                Ok(Attempt::Refused(Refusal::ByAws(why, error)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes the outcomes so far, unless the plan is through: then [`Engine::carry_out`] closes it.
    async fn update_model_life_cycle<C: Case>(
        &self,
        work: &Work<'_, C>,
        record: &DecisionRecord,
    ) -> Result<(), EngineError> {
        if record.outcomes.len() >= record.plan.len() {
            return Ok(());
        }
        let noted = || self.ledger.progress(&work.claim, &self.request_id, &record.id, &record.outcomes);
        if self.retry_throttled(noted).await? {
            return Ok(());
        }
        Err(EngineError::LeaseLost { decision: record.id.clone() })
    }

    pub(crate) async fn publish(&self, record: &DecisionRecord) -> Result<(), EngineError> {
        self.retry_throttled(|| self.bus.announce(record)).await
    }

    /// A plan that broke an invariant was not carried out. It is a defect of ours, and people hear of it at once.
    async fn tell_of_violation(&self, record: &DecisionRecord) -> Result<(), EngineError> {
        if record.reason != VIOLATES_INVARIANT {
            return Ok(());
        }
        tracing::error!(function = self.function, model = record.model, message = record.message);
        let subject: String =
            format!("Tidegate: {} refused its own plan for {}", self.function, record.model)
                .chars()
                .take(SUBJECT)
                .collect();
        let message = format!(
            "{}\nDecision {} in {} ({}). Nothing was done. Please report this: it is a defect.",
            record.message, record.id, record.environment, record.account
        );
        Ok(self.retry_throttled(|| self.alerts.notify(&subject, &message)).await?)
    }
}

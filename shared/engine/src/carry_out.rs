//! Execution of a recorded plan. The executor makes no choices: it executes the recorded steps in order and records the
//! outcome of each.

use serde::Deserialize as _;
use tidegate_events::{clean, clean_lines};
use tidegate_policy::controller::{Controller, StepOf};
use tidegate_policy::denial;
use tidegate_policy::reason::Reason;
use tidegate_policy::step::Step;

use crate::adapter::{ControllerOf, StateOf};
use crate::engine::{Planned, Work};
use crate::{ActionOutcome, Adapter, CallError, Class, DecisionRecord, Engine, EngineError};

/// The longest subject that Amazon SNS accepts, in characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const LONGEST_SUBJECT: usize = 100;

/// The code of [`Reason::ViolatesInvariant`] in a record.
const VIOLATES_INVARIANT: &str = "violates_invariant";

/// The same error, with what a person can do about it.
fn with_advice(error: CallError) -> CallError {
    match denial::advice(&error.message) {
        Some(advice) => CallError { message: format!("{} {advice}", error.message), ..error },
        None => error,
    }
}

/// The result of one attempt to execute a step.
enum Attempt {
    Done(String),
    /// A later decision superseded the step.
    Superseded,
    /// The step was rejected and will not be executed.
    Rejected(Rejection),
}

/// Why a step will not be executed.
pub(crate) enum Rejection {
    /// The precondition of the step no longer holds.
    ByPrecondition(Reason),
    /// AWS rejected the call with an error that is not retryable.
    ByAws(Reason, CallError),
    /// AWS cannot do it now: something is not visible yet, or another change is under way.
    ForNow(Reason, CallError),
}

impl Engine {
    /// Continues a plan that an earlier invocation left unfinished, perhaps days ago. It starts after the last action
    /// with a recorded outcome and skips steps that are superseded.
    pub(crate) async fn resume<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        record: Box<DecisionRecord>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        let (_, state) = self.state::<StateOf<A>>(work.subject).await?;
        // Parse all remaining steps before any of them is executed: a plan that this version can read only in part must
        // not be executed in part.
        let remaining =
            record.plan.iter().skip(record.outcomes.len()).map(StepOf::<ControllerOf<A>>::deserialize);
        let remaining = remaining.collect::<Result<_, _>>().map_err(|error| EngineError::Stored {
            what: format!("plan of decision {}", record.id),
            message: error.to_string(),
        })?;
        self.carry_out(work, (record, remaining), Some(&state)).await
    }

    /// Executes the remaining steps of a record's plan, publishes the record, and closes the claim. `current_state` is the
    /// current state if other decisions may have been made since the plan was recorded.
    pub(crate) async fn carry_out<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        (mut record, remaining): Planned<A>,
        current_state: Option<&StateOf<A>>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        self.notify_of_violation(&record).await?;
        for step in remaining {
            if self.is_out_of_time() {
                return Err(EngineError::OutOfTime { model: work.subject.model.clone() });
            }
            match self.attempt(work, &step, current_state).await? {
                Attempt::Done(done) => record.outcomes.push(ActionOutcome::done(done)),
                Attempt::Superseded => record.outcomes.push(ActionOutcome::superseded()),
                // The alert itself could not be sent. The error leads to the dead-letter queue, which has an alarm.
                Attempt::Rejected(Rejection::ByAws(_, error) | Rejection::ForNow(_, error))
                    if step.is_notify() =>
                {
                    return Err(error.into());
                }
                Attempt::Rejected(rejection) => {
                    let (Rejection::ByPrecondition(why)
                    | Rejection::ByAws(why, _)
                    | Rejection::ForNow(why, _)) = &rejection;
                    record.outcomes.push(ActionOutcome::rejected(why));
                    // This future is large and rarely needed. It is boxed, so that the common path does not reserve
                    // space for it.
                    let follows = Box::pin(self.decide_after_rejection(work, &record, &step, rejection));
                    if let Some(next) = follows.await? {
                        return Box::pin(self.carry_out(work, next, None)).await;
                    }
                }
            }
            self.record_progress(work, &record).await?;
        }
        self.publish(&record).await?;
        self.retry_throttled(|| self.ledger.finish(&record, &work.claim)).await?;
        self.log_decision(work, &record);
        Ok(record)
    }

    async fn attempt<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        step: &StepOf<ControllerOf<A>>,
        current_state: Option<&StateOf<A>>,
    ) -> Result<Attempt, EngineError> {
        let cx = self.context(work.policy, work.event, work.now);
        if current_state.is_some_and(|state| !ControllerOf::<A>::still_applies(&cx, state, step)) {
            return Ok(Attempt::Superseded);
        }
        if ControllerOf::<A>::requires_recheck(step) {
            let (_, state) = self.state::<StateOf<A>>(work.subject).await?;
            if !ControllerOf::<A>::still_applies(&cx, &state, step) {
                return Ok(Attempt::Superseded);
            }
            let reread = || work.adapter.recheck(self, &cx, &state, work.trigger, step);
            let current = self.retry_throttled(reread).await?;
            if let Some(why) = ControllerOf::<A>::precondition(&cx, &state, step, &current) {
                return Ok(Attempt::Rejected(Rejection::ByPrecondition(why)));
            }
        }
        let error = match self.retry_step(|| self.execute(work, step)).await {
            Ok(done) => return Ok(Attempt::Done(done)),
            Err(error) => error,
        };
        let (operation, cause) = (format!("{}:{}", error.service, error.operation), error.message.clone());
        let rejection = match error.class {
            Class::Permanent => Rejection::ByAws(Reason::RejectedByAws { operation, cause }, error),
            Class::TooEarly => Rejection::ForNow(Reason::NotVisibleYet { operation, cause }, error),
            Class::Busy => Rejection::ForNow(Reason::OtherChange { operation, cause }, error),
            Class::Denied => return Err(with_advice(error).into()),
            Class::Retryable | Class::Throttled | Class::Conflict => return Err(error.into()),
        };
        Ok(Attempt::Rejected(rejection))
    }

    /// Executes one step. The engine executes the common steps, and the adapter makes the calls.
    async fn execute<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        step: &StepOf<ControllerOf<A>>,
    ) -> Result<String, CallError> {
        if let Some((detail_type, detail)) = step.event() {
            self.bus.publish(detail_type, &detail).await?;
        }
        Ok(match step {
            Step::Notify { subject, message } => {
                // The lines of the message are ours; the texts of others in it are on one line each.
                self.alerts.notify(&clean(subject), &clean_lines(message)).await?;
                format!("notified people: {subject}")
            }
            Step::ScheduleCheck { name, at, check } => {
                self.schedules.schedule_at(name, *at, &check.input(*at)).await?;
                format!("scheduled a check at {at}")
            }
            Step::RequestDeployment { request } => {
                format!("requested version {} from {}", request.version, request.environment)
            }
            Step::ReportDeployment { finished } => format!("reported {} to the hub", finished.reason),
            Step::AnswerWaiting { waiting } => format!("told the hub that it waits: {}", waiting.reason),
            Step::ReportHealth { changed } => {
                format!("told the hub that version {} is {}", changed.version, changed.health)
            }
            Step::RequestRetraining { request } => {
                format!("requested a retraining from the hub: {}", request.request_id)
            }
            Step::ReportRetraining { finished } => {
                format!("reported {} to {}", finished.outcome, finished.environment)
            }
            Step::PublishCommand { order } => format!("passed on: {}", order.word()),
            Step::Call(call) => work.adapter.call(call).await?,
        })
    }

    /// Records the outcomes so far, unless all steps are done. In that case [`Engine::carry_out`] closes the claim with
    /// them.
    async fn record_progress<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        record: &DecisionRecord,
    ) -> Result<(), EngineError> {
        if record.outcomes.len() >= record.plan.len() {
            return Ok(());
        }
        let record_outcomes =
            || self.ledger.progress(&work.claim, &self.request_id, &record.id, &record.outcomes);
        if self.retry_throttled(record_outcomes).await? {
            return Ok(());
        }
        Err(EngineError::LeaseLost { decision: record.id.clone() })
    }

    pub(crate) async fn publish(&self, record: &DecisionRecord) -> Result<(), EngineError> {
        self.retry_throttled(|| self.bus.announce(record)).await
    }

    /// Notifies people of a decision that violated an invariant. Its plan was dropped. This is a defect of Tidegate.
    async fn notify_of_violation(&self, record: &DecisionRecord) -> Result<(), EngineError> {
        if record.reason != VIOLATES_INVARIANT {
            return Ok(());
        }
        tracing::error!(function = self.function, model = record.model, message = record.message);
        let subject: String =
            format!("Tidegate: a decision of {} for {} is invalid", self.function, record.model)
                .chars()
                .take(LONGEST_SUBJECT)
                .collect();
        let message = format!(
            "{}\nDecision {} in {} ({}). Nothing was done. Please report this: it is a defect.",
            record.message, record.id, record.environment, record.account
        );
        let (subject, message) = (clean(&subject), clean_lines(&message));
        Ok(self.retry_throttled(|| self.alerts.notify(&subject, &message)).await?)
    }
}

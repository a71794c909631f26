//! Carrying a recorded plan out. The executor makes no choices: it does what was written down, in order, and writes
//! down how far it is.

use serde::Deserialize as _;
use tidegate_events::{Contract, DeploymentFinished, DeploymentRequested, RetrainingRequested, to_detail};
use tidegate_policy::controller::{Controller, StepOf};
use tidegate_policy::reason::Reason;
use tidegate_policy::step::Step;

use crate::adapter::{ControllerOf, StateOf};
use crate::run::{Planned, Work};
use crate::{ActionOutcome, Adapter, CallError, Class, DecisionRecord, Engine, EngineError};

/// The longest subject that Amazon SNS takes, in characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const SUBJECT: usize = 100;

/// The code of [`Reason::ViolatesInvariant`], as a record has it.
const VIOLATES_INVARIANT: &str = "violates_invariant";

/// What became of one attempt.
enum Attempt {
    Done(String),
    /// A later decision has taken its place.
    Superseded,
    /// It will not be done.
    Rejected(Rejection),
}

/// Why a step is not carried out, now or later.
pub(crate) enum Rejection {
    /// Its precondition no longer holds.
    ByPrecondition(Reason),
    /// AWS rejected it for good.
    ByAws(Reason, CallError),
}

impl Engine {
    /// Goes on with a plan that was left behind, perhaps days ago: after the last action whose outcome is known, and only
    /// with what is still wanted.
    pub(crate) async fn resume<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        record: Box<DecisionRecord>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        let (_, state) = self.state::<StateOf<A>>(work.subject).await?;
        // All of it is read before anything is done: half of a plan that cannot be understood is nobody's plan.
        let left = record.plan.iter().skip(record.outcomes.len()).map(StepOf::<ControllerOf<A>>::deserialize);
        let left = left.collect::<Result<_, _>>().map_err(|error| EngineError::Stored {
            what: format!("plan of decision {}", record.id),
            message: error.to_string(),
        })?;
        self.carry_out(work, (record, left), Some(&state)).await
    }

    /// Carries out what is left of a record's plan, publishes the record, and notes that it is done. `since` is the present
    /// state if others may have decided since the plan was made.
    pub(crate) async fn carry_out<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        (mut record, left): Planned<A>,
        since: Option<&StateOf<A>>,
    ) -> Result<Box<DecisionRecord>, EngineError> {
        self.notify_of_violation(&record).await?;
        for step in left {
            match self.attempt(work, &step, since).await? {
                Attempt::Done(done) => record.outcomes.push(ActionOutcome::done(done)),
                Attempt::Superseded => record.outcomes.push(ActionOutcome::superseded()),
                // People cannot be told: the queue has an alarm.
                Attempt::Rejected(Rejection::ByAws(_, error)) if step.is_notify() => {
                    return Err(error.into());
                }
                Attempt::Rejected(rejection) => {
                    let (Rejection::ByPrecondition(why) | Rejection::ByAws(why, _)) = &rejection;
                    record.outcomes.push(ActionOutcome::rejected(why));
                    // Rare, and large: most plans need not make room for it.
                    let follows = Box::pin(self.follow(work, &record, &step, rejection));
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
        since: Option<&StateOf<A>>,
    ) -> Result<Attempt, EngineError> {
        let cx = self.context(work.policy, work.event, work.now);
        if since.is_some_and(|state| !ControllerOf::<A>::still_applies(&cx, state, step)) {
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
        match self.retry_throttled(|| self.take(work, step)).await {
            Ok(done) => Ok(Attempt::Done(done)),
            Err(error) if error.class == Class::Permanent => {
                let operation = format!("{}:{}", error.service, error.operation);
                let why = Reason::RejectedByAws { operation, cause: error.message.clone() };
                Ok(Attempt::Rejected(Rejection::ByAws(why, error)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes one step. Common steps are the engine's own; a call is the adapter's.
    async fn take<A: Adapter>(
        &self,
        work: &Work<'_, A>,
        step: &StepOf<ControllerOf<A>>,
    ) -> Result<String, CallError> {
        match step {
            Step::Notify { subject, message } => {
                self.alerts.notify(subject, message).await?;
                Ok(format!("notified people: {subject}"))
            }
            Step::ScheduleCheck { name, at, check } => {
                self.schedules.schedule_at(name, *at, &check.input(*at)).await?;
                Ok(format!("scheduled a check at {at}"))
            }
            Step::RequestDeployment { request } => {
                self.bus.publish(DeploymentRequested::DETAIL_TYPE, &to_detail(request)).await?;
                Ok(format!("requested version {} from {}", request.version, request.environment))
            }
            Step::ReportDeployment { finished } => {
                self.bus.publish(DeploymentFinished::DETAIL_TYPE, &to_detail(finished)).await?;
                Ok(format!("reported {} to the hub", finished.reason))
            }
            Step::RequestRetraining { request } => {
                self.bus.publish(RetrainingRequested::DETAIL_TYPE, &to_detail(request)).await?;
                Ok(format!("asked the hub to retrain: {}", request.request_id))
            }
            Step::Call(call) => work.adapter.call(call).await,
        }
    }

    /// Notes the outcomes so far, unless the plan is through: then [`Engine::carry_out`] closes it.
    async fn record_progress<A: Adapter>(
        &self,
        work: &Work<'_, A>,
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
    async fn notify_of_violation(&self, record: &DecisionRecord) -> Result<(), EngineError> {
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

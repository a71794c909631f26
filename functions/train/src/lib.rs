//! train: a commit or a retraining request starts the model's pipeline, once, or says why not.

mod case;
mod spec;

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use tidegate_engine::ports::{Pipelines, Repository};
use tidegate_engine::resolve::{self, ManagedModel};
use tidegate_engine::{Engine, EngineError, EventRef, Handler, Outcome};
use tidegate_events::{Body, CommitPushed, Event, RefChange, RefKind, RetrainingRequested, Wake};
use tidegate_policy::lookup::LookupKind;
use tidegate_policy::reason::Reason;
use tidegate_policy::train;

use case::{Cause, TrainCase};

pub use spec::SPEC;

/// The function's name.
pub const NAME: &str = "train";

/// The function with its ports.
pub struct Train {
    /// Where definitions come from.
    pub repository: Arc<dyn Repository>,
    /// What is started.
    pub pipelines: Arc<dyn Pipelines>,
}

#[async_trait]
impl Handler for Train {
    async fn handle(
        &self,
        engine: &Engine,
        event: &Event,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let reference = EventRef::of(event);
        match &event.body {
            Body::CommitPushed(push) => {
                let named = (LookupKind::Repository, push.repository.as_str());
                let case =
                    |managed: &ManagedModel| Ok(self.case(engine, managed, Cause::Commit(push.clone())));
                engine.run_named(named, &reference, now, case).await
            }
            Body::RetrainingRequested(request) => {
                let from = &event.envelope.account;
                let cause = || requested(from, request);
                let case = |managed: &ManagedModel| Ok(self.case(engine, managed, cause()));
                engine.run_model(&request.model, &reference.scoped_to_sender(from), now, case).await
            }
            Body::Wake(Wake::Reconcile) => self.reconcile(engine, &reference, now).await,
            _ => Ok(vec![engine.ignore(&reference, &Reason::UnsupportedEvent)]),
        }
    }
}

/// Whoever else the bus admits may not ask for an environment.
fn requested(from: &str, request: &RetrainingRequested) -> Cause {
    if request.environment_account == from {
        return Cause::Retraining(request.clone());
    }
    let why = Reason::OtherEnvironment { wanted: request.environment_account.clone() };
    Cause::Stranger { from: from.to_owned(), why }
}

impl Train {
    fn case(&self, engine: &Engine, managed: &ManagedModel, cause: Cause) -> TrainCase {
        TrainCase {
            policy: Arc::clone(&managed.applied.policy),
            cause,
            repository: Arc::clone(&self.repository),
            pipelines: Arc::clone(&self.pipelines),
            ledger: Arc::clone(&engine.ledger),
            alerts: Arc::clone(&engine.alerts),
        }
    }

    /// Heals pushes whose event never came: a branch that has trained before and whose head has moved since.
    async fn reconcile(
        &self,
        engine: &Engine,
        reference: &EventRef,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (models, mut outcomes) = resolve::all(engine).await?;
        for managed in models {
            // One model's failure is not the others' business.
            let pushes = match self.missed(engine, &managed, reference).await {
                Ok(pushes) => pushes,
                Err(error) => {
                    outcomes.add(Err(error));
                    continue;
                }
            };
            for (push, missed) in pushes {
                let case = self.case(engine, &managed, Cause::Commit(push));
                outcomes.add(engine.run(&case, &managed.subject, &missed, now).await);
            }
        }
        if outcomes.is_empty() {
            outcomes.add(Ok(engine.ignore(reference, &Reason::NothingOverdue)));
        }
        outcomes.finish()
    }

    /// Heads that have not trained, and those whose plan was left behind: the state knows them, and nobody tells again.
    async fn missed(
        &self,
        engine: &Engine,
        managed: &ManagedModel,
        reference: &EventRef,
    ) -> Result<Vec<(CommitPushed, EventRef)>, EngineError> {
        let policy = &managed.applied.policy;
        if policy.source.repository.codecommit().is_none() {
            return Ok(Vec::new());
        }
        let state: Arc<train::State> = engine
            .retry_throttled(|| resolve::state(engine.ledger.as_ref(), NAME, &managed.subject.model))
            .await?;
        let mut missed = Vec::new();
        for branch in policy.plain_branches() {
            let full_ref = format!("refs/heads/{branch}");
            let Some(known) = state.known(&full_ref) else { continue };
            let head = engine
                .retry_throttled(|| self.repository.head(policy.source.repository.as_str(), branch))
                .await?;
            let Some(head) = head else { continue };
            let is_known = head == known;
            // What the push that was lost, or left behind, would have said of where the branch was before.
            let before = match state.pushes.get(&full_ref) {
                Some(push) if is_known => push.before.clone(),
                None if is_known => None,
                _ => Some(known.to_owned()),
            };
            let push = CommitPushed {
                repository: policy.source.repository.to_string(),
                ref_kind: RefKind::Branch,
                branch: branch.to_owned(),
                full_ref,
                change: RefChange::Updated,
                commit: Some(head),
                old_commit: before,
                actor: None,
                changed_paths: None,
            };
            let healed = engine.healed(reference, Body::CommitPushed(push.clone()));
            if !is_known || engine.is_left_behind(&managed.subject, &healed).await? {
                missed.push((push, healed));
            }
        }
        Ok(missed)
    }
}

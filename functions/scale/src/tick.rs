//! The check of all endpoints: the ledger, CloudWatch and Application Auto Scaling are read in batches.

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_engine::ports::{SweepCursor, Versioned};
use tidegate_engine::resolve::{self, ManagedModel, parse_state};
use tidegate_engine::{Adapter, CallError, Engine, EngineError, EventRef, Outcomes, Prefetched};
use tidegate_policy::controller::{Context, Controller};
use tidegate_policy::deploy::DeployController;
use tidegate_policy::scale::{Action, Current, Need, ScaleController, Snapshot, State, Trigger};
use tidegate_policy::step::Step;

use crate::traffic::{Deployed, read_traffic};
use crate::{NAME, Scale};

/// How many models are read together: as many as fit in one request to CloudWatch.
const BATCH: usize = 500;

/// The adapter with the snapshot of one model. A tick has read it together with those of the other models.
struct Observed<'s> {
    scale: &'s Scale,
    seen: Snapshot,
}

#[async_trait]
impl Adapter for Observed<'_> {
    type Controller = ScaleController;

    async fn observe(
        &self,
        _engine: &Engine,
        _cx: &Context<'_>,
        _need: Need,
    ) -> Result<Option<Snapshot>, EngineError> {
        Ok(Some(self.seen.clone()))
    }

    async fn recheck(
        &self,
        engine: &Engine,
        cx: &Context<'_>,
        state: &State,
        trigger: &Trigger,
        step: &Step<Action>,
    ) -> Result<Option<Current>, EngineError> {
        self.scale.recheck(engine, cx, state, trigger, step).await
    }

    async fn call(&self, call: &Action) -> Result<String, CallError> {
        self.scale.call(call).await
    }
}

/// One tick over all models.
pub(crate) struct Tick<'t> {
    pub(crate) scale: &'t Scale,
    pub(crate) engine: &'t Engine,
    pub(crate) event: &'t EventRef,
    pub(crate) now: Timestamp,
    pub(crate) outcomes: Outcomes,
}

/// A model with what was read in the ledger.
struct Read {
    managed: ManagedModel,
    deployed: Versioned,
    prefetched: Prefetched,
}

impl Tick<'_> {
    /// Checks all models. If the time is over before, the next tick begins with the models that remain.
    pub(crate) async fn run(&mut self, models: &[String]) -> Result<(), EngineError> {
        if self.engine.limits.is_none_or(|limits| models.len() <= limits.models) {
            self.batches(models).await;
            return Ok(());
        }
        let ledger = &self.engine.ledger;
        let cursor = self.engine.retry_throttled(|| ledger.cursor(NAME)).await?;
        let (before, rest) = models.split_at(models.partition_point(|model| *model <= cursor.after));
        let after = self.batches(&[rest, before].concat()).await.unwrap_or_default();
        if after != cursor.after {
            let next = SweepCursor { after, ..SweepCursor::default() };
            self.engine.retry_throttled(|| ledger.put_cursor(NAME, &next)).await?;
        }
        Ok(())
    }

    /// Checks models batch by batch. Returns the last one that was checked if the time was over before the end.
    async fn batches(&mut self, models: &[String]) -> Option<String> {
        let mut last = None;
        for batch in models.chunks(BATCH) {
            if self.engine.is_sweep_over() {
                return last;
            }
            if let Err(error) = self.batch(batch).await {
                self.outcomes.add(Err(error));
            }
            last = batch.last().cloned();
        }
        None
    }

    async fn batch(&mut self, models: &[String]) -> Result<(), EngineError> {
        let (mut managed, failed) = resolve::managed(self.engine, models).await;
        self.outcomes.join(failed);
        managed.retain(|managed| {
            let policy = Some(managed.applied.policy.as_ref());
            let cx = Context { policy, site: &self.engine.site, event: "", now: self.now };
            ScaleController::not_applicable(&cx, &Trigger::Tick).is_none()
        });
        let read = self.read(managed).await?;
        let mut deployed: Vec<Deployed<'_>> = Vec::with_capacity(read.len());
        let mut readable = Vec::with_capacity(read.len());
        for one in &read {
            match parse_state::<DeployController>(&one.managed.subject.model, &one.deployed) {
                Ok(state) => {
                    deployed.push((&one.managed.applied.policy, state));
                    readable.push(one);
                }
                // An error of one model must not prevent the check of the others.
                Err(error) => self.outcomes.add(Err(error)),
            }
        }
        let seen = read_traffic(self.engine, self.scale, &deployed, self.now).await?;
        for (one, seen) in readable.into_iter().zip(seen) {
            self.check(one, seen).await;
        }
        Ok(())
    }

    async fn check(&mut self, one: &Read, seen: Snapshot) {
        let observed = Observed { scale: self.scale, seen };
        let limited = self.engine.for_one_of_sweep();
        let engine = limited.as_ref().unwrap_or(self.engine);
        let prefetched = one.prefetched.clone();
        let checked =
            engine.sweep_from(&observed, &one.managed, &Trigger::Tick, self.event, self.now, prefetched);
        self.outcomes.add(checked.await);
    }

    /// Reads the states of deploy and scale, and whether an earlier attempt of this tick left a plan unfinished.
    async fn read(&mut self, managed: Vec<ManagedModel>) -> Result<Vec<Read>, EngineError> {
        let names: Vec<&str> = managed.iter().map(|managed| managed.subject.model.as_str()).collect();
        let subjects: Vec<_> = managed.iter().map(|managed| &managed.subject).collect();
        let deployed = resolve::states(self.engine, DeployController::NAME, &names);
        let own = resolve::states(self.engine, NAME, &names);
        let open = self.engine.are_left_behind(&subjects, self.event);
        let (deployed, own, open) = futures::future::try_join3(deployed, own, open).await?;
        let mut read = Vec::with_capacity(managed.len());
        for (((managed, deployed), own), open) in managed.into_iter().zip(deployed).zip(own).zip(open) {
            match (deployed, own, open) {
                (Ok(deployed), Ok(own), Ok(is_open)) => {
                    let prefetched = Prefetched { state: Some(own), is_open: Some(is_open) };
                    read.push(Read { managed, deployed, prefetched });
                }
                (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                    self.outcomes.add(Err(error));
                }
            }
        }
        Ok(read)
    }
}

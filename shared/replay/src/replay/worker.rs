//! Simulates a part of the models of one side, on a thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::DecisionRecord;
use tidegate_policy::file::Policy;

use super::compare::{Placed, Said};
use super::options::Shown;
use super::simulation::{Simulation, World};
use super::stats::Counted;
use crate::input::{Item, Timed};

/// The input of a worker.
pub(super) enum Input {
    /// Begin with this initial data.
    World(Arc<World>),
    /// Continue with these items.
    Batch(Arc<Vec<Timed<Item>>>),
}

/// The results of a worker for one batch.
pub(super) struct Done {
    /// Its decisions, in the order of the stream.
    pub(super) placed: Vec<Placed>,
    /// For each item, whether it was relevant to a model.
    pub(super) relevant: Vec<bool>,
    /// The statistics of all batches, sent with the last one.
    pub(super) counted: Option<Counted>,
}

/// The configuration of a worker.
pub(super) struct Work {
    pub(super) policies: Vec<Policy>,
    pub(super) shown: Shown,
    pub(super) compared: bool,
    /// How long the simulation continues after the last event, so that operations in progress can end.
    pub(super) settle: SignedDuration,
}

/// Runs until the input ends, or until the receiver has ended.
pub(super) fn work(work: Work, input: &Receiver<Input>, done: &SyncSender<Done>) {
    let mut simulation: Option<Simulation> = None;
    let mut last = None;
    for input in input {
        let batch = match input {
            Input::World(world) => {
                simulation = Some(Simulation::new(work.policies.clone(), &world));
                continue;
            }
            Input::Batch(batch) => batch,
        };
        let Some(simulation) = &mut simulation else { continue };
        let mut out = Done { placed: Vec::new(), relevant: Vec::with_capacity(batch.len()), counted: None };
        for (index, timed) in batch.iter().enumerate() {
            simulation.arrive(timed.at, &timed.what);
            out.relevant.push(simulation.relevant);
            last = Some(timed.at);
            work.place(simulation, index, &mut out.placed);
        }
        if done.send(out).is_err() {
            return;
        }
    }
    let mut out = Done { placed: Vec::new(), relevant: Vec::new(), counted: Some(Counted::default()) };
    if let Some((simulation, last)) = simulation.as_mut().zip(last) {
        simulation.settle_until(last.checked_add(work.settle).unwrap_or(Timestamp::MAX));
        work.place(simulation, 0, &mut out.placed);
        simulation.counted.close(last, &simulation.policies);
        out.counted = Some(std::mem::take(&mut simulation.counted));
    }
    // The receiver has ended, so nobody needs the result.
    let _ = done.send(out);
}

impl Work {
    fn place(&self, simulation: &mut Simulation, item: usize, placed: &mut Vec<Placed>) {
        for record in simulation.decided.drain(..) {
            if self.shown == Shown::Nothing && !self.compared {
                continue;
            }
            let text = if self.compared { String::new() } else { text(&record, self.shown) };
            let said = self.compared.then(|| Box::new(Said::of(&record)));
            placed.push(Placed { item, at: record.at, model: record.model, text, said });
        }
    }
}

fn text(record: &DecisionRecord, shown: Shown) -> String {
    if shown == Shown::Records {
        // A record consists of texts, numbers and JSON.
        return serde_json::to_string(record).unwrap_or_default();
    }
    let DecisionRecord { at, model, environment, function, verdict, reason, .. } = record;
    let at = at.to_string();
    [&at, model, environment, function, verdict, reason].map(String::as_str).join("  ")
}

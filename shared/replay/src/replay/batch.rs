//! The whole replay: one thread reads, others decide, and the caller's thread prints.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tidegate_policy::file::Policy;

use super::compare::{Placed, differences};
use super::options::{Options, ReplayError, Shown};
use super::reader::{Read, Reader};
use super::shards::shards;
use super::stats::{Counted, Summary};
use super::worker::{Done, Input, Work, work};
use crate::input::{InputError, Sources};

/// The number of batches that may wait for a thread.
const AHEAD: usize = 8;

/// A thread that decides.
struct Worker {
    input: SyncSender<Input>,
    done: Receiver<Done>,
    against: bool,
}

/// Replays several streams in parallel. `show` receives each line of output, in the order of time.
///
/// # Errors
/// If the input cannot be read, or `show` fails. The decisions before the error have been shown.
pub fn replay(
    streams: Vec<Sources>,
    options: &Options,
    mut show: impl FnMut(&str) -> io::Result<()>,
) -> Result<Summary, ReplayError> {
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for (policies, against) in sides(options) {
            let (input, to_worker) = sync_channel(AHEAD);
            let (from_worker, done) = sync_channel(AHEAD);
            let job = Work {
                policies,
                shown: options.shown,
                compared: options.against.is_some(),
                settle: options.settle,
            };
            scope.spawn(move || work(job, &to_worker, &from_worker));
            workers.push(Worker { input, done, against });
        }
        let (input, workers): (Vec<_>, Vec<_>) =
            workers.into_iter().map(|worker| (worker.input, (worker.done, worker.against))).unzip();
        let reading = scope.spawn(move || Reader::new(options, input).read(streams));
        let mut merged = Merged::default();
        let shown = merged.merge(&workers, options, &mut show);
        // Closes the channels, so that threads that still run stop.
        drop(workers);
        let read = reading.join().unwrap_or_else(|_| {
            let error = io::Error::other("the reading thread stopped");
            Err(InputError::File { file: "input".to_owned(), error }.into())
        });
        shown?;
        Ok(merged.summary(read?, options))
    })
}

/// The policies of each thread, and the side of the comparison to which they belong.
fn sides(options: &Options) -> Vec<(Vec<Policy>, bool)> {
    let count = if options.against.is_some() { options.threads.div_ceil(2) } else { options.threads };
    let of = |policies: &[Policy], against: bool| {
        shards(policies, count).into_iter().map(move |policies| (policies, against)).collect::<Vec<_>>()
    };
    let mut sides = of(&options.policies, false);
    if let Some(against) = &options.against {
        sides.extend(of(against, true));
    }
    sides
}

/// The merged results of all threads.
#[derive(Default)]
struct Merged {
    policy: Counted,
    against: Counted,
    differences: u64,
    unconcerned: u64,
}

impl Merged {
    /// Receives each batch from every thread, and shows its decisions.
    fn merge(
        &mut self,
        workers: &[(Receiver<Done>, bool)],
        options: &Options,
        show: &mut impl FnMut(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let (mut policy, mut against) = (Vec::new(), Vec::new());
            let mut relevant: Vec<bool> = Vec::new();
            let mut over = false;
            for (done, is_against) in workers {
                // A thread that has ended sends nothing more.
                let Ok(done) = done.recv() else { return Ok(()) };
                let (placed, counted) = if *is_against {
                    (&mut against, &mut self.against)
                } else {
                    (&mut policy, &mut self.policy)
                };
                placed.extend(done.placed);
                if let Some(of_worker) = done.counted {
                    counted.add(of_worker);
                    over = true;
                }
                relevant.resize(done.relevant.len(), false);
                relevant.iter_mut().zip(done.relevant).for_each(|(any, one)| *any |= one);
            }
            self.unconcerned += relevant.iter().filter(|any| !**any).count() as u64;
            in_order(&mut policy);
            if options.against.is_some() {
                in_order(&mut against);
                for difference in differences(policy, against) {
                    self.differences += 1;
                    match options.shown {
                        Shown::Lines => show(&difference.text())?,
                        Shown::Records => show(&difference.json())?,
                        Shown::Nothing => {}
                    }
                }
            } else {
                policy.iter().try_for_each(|placed| show(&placed.text))?;
            }
            if over {
                return Ok(());
            }
        }
    }

    fn summary(self, read: Read, options: &Options) -> Summary {
        Summary {
            events: read.events,
            metrics: read.metrics,
            skipped: read.skipped,
            bad_lines: read.bad_lines,
            first_bad_line: read.first_bad_line,
            late: read.late,
            unconcerned: self.unconcerned,
            span: read.span,
            hub_account: read.hub_account,
            policy: self.policy,
            against: options.against.is_some().then_some(self.against),
            differences: self.differences,
        }
    }
}

/// Sorts in the order of the stream, independent of the number of threads; the order within one model is unchanged.
fn in_order(placed: &mut [Placed]) {
    placed
        .sort_by(|left, right| (left.item, left.at, &left.model).cmp(&(right.item, right.at, &right.model)));
}

//! The replay as a whole: one thread reads, others decide, and the caller's prints.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::SignedDuration;
use tidegate_policy::file::Policy;

use super::compare::{Placed, differences};
use super::reader::{Read, Reader};
use super::shards::shards;
use super::tally::{Counted, Summary};
pub use super::worker::Shown;
use super::worker::{Done, Told, Work, work};
use crate::Pace;
use crate::input::{InputError, Sources};

/// Batches that may wait for a thread.
const AHEAD: usize = 8;

/// How to replay.
#[derive(Debug, Clone)]
pub struct Options {
    /// The policies.
    pub policies: Vec<Policy>,
    /// Others to compare them with: then only what differs is shown.
    pub against: Option<Vec<Policy>>,
    /// What is shown of each decision.
    pub shown: Shown,
    /// The hub's account; found in the stream where it is not said.
    pub hub_account: Option<String>,
    /// Whether lines that cannot be read are counted and left out.
    pub skip_bad: bool,
    /// How long AWS takes for what the stream does not tell.
    pub pace: Pace,
    /// A folder with monitoring reports, as `<bucket>/<key>`.
    pub reports: Option<PathBuf>,
    /// How long time goes on after the last event, so that what was begun ends.
    pub settle: SignedDuration,
    /// Threads that decide.
    pub threads: usize,
    /// Whether sweeps look at every model each time, as in reality. Slow, and the decisions are the same.
    pub look_at_everything: bool,
}

impl Options {
    /// The usual ones for some policies.
    #[must_use]
    pub fn new(policies: Vec<Policy>) -> Self {
        Self {
            policies,
            against: None,
            shown: Shown::Lines,
            hub_account: None,
            skip_bad: false,
            pace: Pace::default(),
            reports: None,
            settle: SignedDuration::from_hours(24),
            threads: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            look_at_everything: false,
        }
    }
}

/// Why a replay ended before its input did.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The input.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The hub is elsewhere than it was taken to be until this event.
    #[error(
        "the hub is in account {account}, which the events until now did not show: say --hub-account {account}"
    )]
    Hub {
        /// The account of an event that only the hub has.
        account: String,
    },
    /// The output.
    #[error("the decisions cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// One thread that decides.
struct Lane {
    told: SyncSender<Told>,
    done: Receiver<Done>,
    against: bool,
}

/// Replays streams side by side. `show` gets each line of output, in the order of time.
///
/// # Errors
/// If the input cannot be read, or `show` fails. What was decided until then has been shown.
pub fn replay(
    streams: Vec<Sources>,
    options: &Options,
    mut show: impl FnMut(&str) -> io::Result<()>,
) -> Result<Summary, ReplayError> {
    thread::scope(|scope| {
        let mut lanes = Vec::new();
        for (policies, against) in sides(options) {
            let (told, to_worker) = sync_channel(AHEAD);
            let (from_worker, done) = sync_channel(AHEAD);
            let job = Work {
                policies,
                shown: options.shown,
                compared: options.against.is_some(),
                settle: options.settle,
            };
            scope.spawn(move || work(job, &to_worker, &from_worker));
            lanes.push(Lane { told, done, against });
        }
        let (told, lanes): (Vec<_>, Vec<_>) =
            lanes.into_iter().map(|lane| (lane.told, (lane.done, lane.against))).unzip();
        let reading = scope.spawn(move || Reader::new(options, told).read(streams));
        let mut merged = Merged::default();
        let shown = merged.merge(&lanes, options, &mut show);
        // Whoever still works hears that nobody listens.
        drop(lanes);
        let read = reading.join().unwrap_or_else(|_| {
            let error = io::Error::other("the reading thread stopped");
            Err(InputError::File { file: "input".to_owned(), error }.into())
        });
        shown?;
        Ok(merged.summary(read?, options))
    })
}

/// The policies of each thread, and which side they are on.
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

/// What came of all threads so far.
#[derive(Default)]
struct Merged {
    policy: Counted,
    against: Counted,
    differences: u64,
    unconcerned: u64,
}

impl Merged {
    /// Takes batch after batch from every thread, and shows what they decided.
    fn merge(
        &mut self,
        lanes: &[(Receiver<Done>, bool)],
        options: &Options,
        show: &mut impl FnMut(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let (mut policy, mut against) = (Vec::new(), Vec::new());
            let mut concerned: Vec<bool> = Vec::new();
            let mut over = false;
            for (done, is_against) in lanes {
                // A thread that is gone has nothing more to say.
                let Ok(done) = done.recv() else { return Ok(()) };
                let (placed, counted) = if *is_against {
                    (&mut against, &mut self.against)
                } else {
                    (&mut policy, &mut self.policy)
                };
                placed.extend(done.placed);
                if let Some(of_lane) = done.counted {
                    counted.add(of_lane);
                    over = true;
                }
                concerned.resize(done.concerned.len(), false);
                concerned.iter_mut().zip(done.concerned).for_each(|(any, one)| *any |= one);
            }
            self.unconcerned += concerned.iter().filter(|any| !**any).count() as u64;
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

/// In the order of the stream whatever the number of threads; what one model did stays as it was.
fn in_order(placed: &mut [Placed]) {
    placed
        .sort_by(|left, right| (left.item, left.at, &left.model).cmp(&(right.item, right.at, &right.model)));
}

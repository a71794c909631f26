//! EventBridge and Lambda's queue: who gets which event, when, and how often.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_events::{Body, Event, Scheduled};

use crate::place::Where;
use crate::step::{self, Topic};

/// Lambda tries an asynchronous invocation three times, under the same request id, after one and after two minutes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
pub(crate) const PAUSES: [i64; 2] = [60, 120];

/// How long a dead letter may lie there before somebody looks.
const SENT_BACK_WITHIN: SignedDuration = SignedDuration::from_hours(13 * 24);

/// One event on its way to one function.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// Where the function runs.
    pub(crate) place: Where,
    pub(crate) function: &'static str,
    pub(crate) event: Arc<Event>,
    /// The request id; the same for Lambda's retries.
    pub(crate) request: String,
    /// Attempts so far.
    pub(crate) attempts: u32,
}

/// An event that no attempt could deal with.
#[derive(Debug, Clone)]
pub(crate) struct Dead {
    /// Since when it lies there.
    since: Timestamp,
    pub(crate) parcel: Parcel,
    pub(crate) error: String,
}

/// An event that was told, for archives and for whoever counts.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    /// Whose bus it was on.
    pub(crate) bus: Where,
    pub(crate) json: Value,
}

/// Everything that is on its way.
#[derive(Default)]
pub(crate) struct PostOffice {
    queue: BTreeMap<(Timestamp, u64), Parcel>,
    pub(crate) dead: Vec<Dead>,
    /// What will happen to the next event of a kind.
    plans: Vec<(Topic, step::Post)>,
    count: u64,
    pub(crate) archive: Vec<Told>,
}

impl PostOffice {
    pub(crate) fn plan(&mut self, about: Topic, does: step::Post) {
        self.plans.push((about, does));
    }

    pub(crate) fn forget_plans(&mut self) {
        self.plans.clear();
    }

    /// What happens to an event of this kind, if anything. It happens once.
    pub(crate) fn fate(&mut self, topic: Topic) -> Option<step::Post> {
        let at = self.plans.iter().position(|(about, _)| *about == topic)?;
        Some(self.plans.remove(at).1)
    }

    /// A number that was not given before.
    pub(crate) fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(crate) fn send(&mut self, at: Timestamp, parcel: Parcel) {
        let number = self.number();
        self.queue.insert((at, number), parcel);
    }

    /// A new asynchronous invocation.
    pub(crate) fn address(
        &mut self,
        at: Timestamp,
        place: Where,
        function: &'static str,
        event: &Arc<Event>,
    ) {
        let request = format!("r{}", self.number());
        let parcel = Parcel { place, function, event: Arc::clone(event), request, attempts: 0 };
        self.send(at, parcel);
    }

    /// When something is to be delivered next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Takes what is to be delivered first, if it is due.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Parcel> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// An attempt failed: again, or into the dead-letter queue. Whether there is another attempt.
    pub(crate) fn failed(&mut self, mut parcel: Parcel, error: String, now: Timestamp) -> bool {
        let pause = usize::try_from(parcel.attempts).ok().and_then(|at| PAUSES.get(at)).copied();
        parcel.attempts += 1;
        match pause {
            Some(seconds) => {
                let at = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
                self.send(at, parcel);
                true
            }
            None => {
                self.dead.push(Dead { since: now, parcel, error });
                false
            }
        }
    }

    /// When somebody must have sent the next dead letter back: SQS keeps it for fourteen days.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        let sent_back = |dead: &Dead| dead.since.checked_add(SENT_BACK_WITHIN).ok();
        self.dead.iter().filter_map(sent_back).min()
    }

    /// Sends back what a function left dead, each as a new invocation.
    pub(crate) fn redrive(&mut self, now: Timestamp, of: impl Fn(&Parcel) -> bool) -> usize {
        let (back, stay): (Vec<Dead>, Vec<Dead>) =
            std::mem::take(&mut self.dead).into_iter().partition(|dead| of(&dead.parcel));
        self.dead = stay;
        let count = back.len();
        for Dead { parcel, .. } in back {
            let request = format!("r{}", self.number());
            self.send(now, Parcel { request, attempts: 0, ..parcel });
        }
        count
    }
}

/// What an event is about, as far as the post is concerned.
pub(crate) fn topic(body: &Body) -> Topic {
    match body {
        Body::CommitPushed(_) => Topic::Push,
        Body::ModelPackageChanged(_) => Topic::Package,
        Body::EndpointChanged(_) => Topic::Endpoint,
        Body::AlarmChanged(_) => Topic::Alarm,
        Body::ObjectCreated(_) => Topic::Report,
        Body::DriftObserved(_) => Topic::Drift,
        Body::RetrainingRequested(_) => Topic::Retraining,
        Body::DeploymentRequested(_) => Topic::Request,
        Body::DeploymentFinished(_) => Topic::Finished,
        Body::Scheduled(Scheduled::Reconcile) | Body::Tick(_) => Topic::Schedule,
        Body::Scheduled(_) => Topic::Wake,
        Body::HoldPlaced(_) | Body::HoldReleased(_) | Body::ApprovalGiven(_) => Topic::People,
        _ => Topic::Finished,
    }
}

/// Whether AWS sends such an event with best effort only.
/// <https://docs.aws.amazon.com/eventbridge/latest/ref/event-delivery-level.html>
pub(crate) fn may_be_lost(source: &str) -> bool {
    matches!(source, "aws.sagemaker" | "aws.codecommit")
}

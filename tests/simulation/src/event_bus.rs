//! EventBridge buses, Lambda's asynchronous queue and the dead-letter queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_events::{Body, Event, Scheduled};

use crate::history::{self, Topic};
use crate::site::SiteId;

/// Lambda tries an asynchronous invocation three times, under the same request id, after one and after two minutes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
pub(crate) const PAUSES: [i64; 2] = [60, 120];

/// The age at which a dead letter is redriven.
const SENT_BACK_WITHIN: SignedDuration = SignedDuration::from_hours(13 * 24);

/// One event to be delivered to one function.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Where the function runs.
    pub(crate) site: SiteId,
    pub(crate) function: &'static str,
    pub(crate) event: Arc<Event>,
    /// The request id; the same for Lambda's retries.
    pub(crate) request: String,
    /// Attempts so far.
    pub(crate) attempts: u32,
}

/// An event for which every attempt failed.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    /// When it was put into the queue.
    since: Timestamp,
    pub(crate) delivery: Delivery,
    pub(crate) error: String,
}

/// An event in the archive.
#[derive(Debug, Clone)]
pub(crate) struct ArchivedEvent {
    pub(crate) at: Timestamp,
    /// The bus.
    pub(crate) bus: SiteId,
    pub(crate) json: Value,
}

/// The pending deliveries, the dead letters and the archive.
#[derive(Default)]
pub(crate) struct EventBus {
    queue: BTreeMap<(Timestamp, u64), Delivery>,
    pub(crate) dead: Vec<DeadLetter>,
    /// The planned delivery faults.
    plans: Vec<(Topic, history::DeliveryFault)>,
    count: u64,
    pub(crate) archive: Vec<ArchivedEvent>,
}

impl EventBus {
    pub(crate) fn plan(&mut self, topic: Topic, fault: history::DeliveryFault) {
        self.plans.push((topic, fault));
    }

    pub(crate) fn clear_faults(&mut self) {
        self.plans.clear();
    }

    /// Takes the planned fault of the next event of this kind, if any.
    pub(crate) fn take_fault(&mut self, topic: Topic) -> Option<history::DeliveryFault> {
        let at = self.plans.iter().position(|(planned, _)| *planned == topic)?;
        Some(self.plans.remove(at).1)
    }

    /// A new number.
    pub(crate) fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(crate) fn send(&mut self, at: Timestamp, delivery: Delivery) {
        let number = self.number();
        self.queue.insert((at, number), delivery);
    }

    /// A new asynchronous invocation.
    pub(crate) fn invoke_async(
        &mut self,
        at: Timestamp,
        site: SiteId,
        function: &'static str,
        event: &Arc<Event>,
    ) {
        let request = format!("r{}", self.number());
        let delivery = Delivery { site, function, event: Arc::clone(event), request, attempts: 0 };
        self.send(at, delivery);
    }

    /// The time of the next delivery.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next delivery, if it is due.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Delivery> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Retries a failed attempt, or puts it into the dead-letter queue. Returns whether there is another attempt.
    pub(crate) fn failed(&mut self, mut delivery: Delivery, error: String, now: Timestamp) -> bool {
        let pause = usize::try_from(delivery.attempts).ok().and_then(|at| PAUSES.get(at)).copied();
        delivery.attempts += 1;
        match pause {
            Some(seconds) => {
                let at = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
                self.send(at, delivery);
                true
            }
            None => {
                self.dead.push(DeadLetter { since: now, delivery, error });
                false
            }
        }
    }

    /// When the next dead letter must be redriven: SQS keeps it for fourteen days.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        let sent_back = |dead: &DeadLetter| dead.since.checked_add(SENT_BACK_WITHIN).ok();
        self.dead.iter().filter_map(sent_back).min()
    }

    /// Redrives dead letters, each as a new invocation.
    pub(crate) fn redrive(&mut self, now: Timestamp, of: impl Fn(&Delivery) -> bool) -> usize {
        let (back, stay): (Vec<DeadLetter>, Vec<DeadLetter>) =
            std::mem::take(&mut self.dead).into_iter().partition(|dead| of(&dead.delivery));
        self.dead = stay;
        let count = back.len();
        for DeadLetter { delivery, .. } in back {
            let request = format!("r{}", self.number());
            self.send(now, Delivery { request, attempts: 0, ..delivery });
        }
        count
    }
}

/// The kind of an event, for delivery faults.
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
        Body::DeploymentFinished(_) | Body::DeploymentWaiting(_) | Body::EndpointHealthChanged(_) => {
            Topic::Finished
        }
        Body::Scheduled(Scheduled::Reconcile) | Body::Tick(_) => Topic::Schedule,
        Body::Scheduled(_) => Topic::Wake,
        Body::HoldPlaced(_)
        | Body::HoldReleased(_)
        | Body::RollbackRequested(_)
        | Body::PromotionForced(_)
        | Body::ApprovalGiven(_)
        | Body::FreezePlaced(_)
        | Body::FreezeLifted(_)
        | Body::GateReported(_) => Topic::People,
        _ => Topic::Finished,
    }
}

/// Whether AWS sends such an event with best effort only.
/// <https://docs.aws.amazon.com/eventbridge/latest/ref/event-delivery-level.html>
pub(crate) fn may_be_lost(source: &str) -> bool {
    matches!(source, "aws.sagemaker" | "aws.codecommit")
}

//! Somebody who sends back what lies in the dead-letter queues, and the wait until nothing is on its way any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_sandbox::{AwsClient, LocalCloud};
use tokio::task::JoinHandle;

use crate::operator::Operator;
use crate::test_cloud::{MAX_WAIT, TestCloud, queue_url, queues, text};

/// How often the queues are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(1_000);
/// How long nothing may happen until nothing will.
const QUIET: Duration = Duration::from_secs(3);

/// What was sent back, by ledger, function and error type.
pub(crate) type Redriven = BTreeMap<(String, String, String), u32>;

/// Somebody who runs `tidegate redrive` whenever there are dead letters.
pub(crate) struct Redriver {
    done: Arc<AtomicBool>,
    work: JoinHandle<Redriven>,
}

impl Redriver {
    /// Begins to look after all queues.
    pub(crate) fn begin(cloud: &LocalCloud) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (until, aws, operator) = (Arc::clone(&done), cloud.aws(), Arc::new(Operator::new(cloud)));
        let work = tokio::spawn(async move {
            let mut redriven = Redriven::new();
            while !until.load(Ordering::Relaxed) {
                if letters(&aws).await > 0 {
                    let operator = Arc::clone(&operator);
                    let sent =
                        tokio::task::spawn_blocking(move || operator.run(&["redrive", "--json"])).await;
                    for letter in sent.expect("it does not panic").objects() {
                        note(&letter, &mut redriven);
                    }
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            redriven
        });
        Self { done, work }
    }

    /// Ends it and says what was sent back.
    pub(crate) async fn end(self) -> Redriven {
        self.done.store(true, Ordering::Relaxed);
        self.work.await.expect("it does not panic")
    }
}

fn note(letter: &Value, redriven: &mut Redriven) {
    if text(letter, "outcome") != "sent" {
        // It is still there, and comes next time.
        return;
    }
    let kind = text(letter, "error").split(':').next().unwrap_or_default();
    let key = (text(letter, "ledger").to_owned(), text(letter, "queue").to_owned(), kind.to_owned());
    *redriven.entry(key).or_default() += 1;
}

/// How many letters lie in all queues.
async fn letters(aws: &AwsClient) -> usize {
    let mut all = 0;
    for (account, function) in queues() {
        let queue = queue_url(account, function);
        let ask = json!({ "QueueUrl": queue, "AttributeNames": ["ApproximateNumberOfMessages"] });
        let answer = aws.json(account.id, "sqs", "AmazonSQS.GetQueueAttributes", ask).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}"));
        let count = answer.pointer("/Attributes/ApproximateNumberOfMessages").and_then(Value::as_str);
        all += count.and_then(|count| count.parse().ok()).unwrap_or(0);
    }
    all
}

impl TestCloud {
    /// Waits until no invocation waits or runs, and no queue holds an event.
    pub(crate) async fn wait_for_pending_events(&mut self) {
        let (begun, mut quiet_since) = (Instant::now(), Instant::now());
        while quiet_since.elapsed() < QUIET {
            let day = self.cloud.day_so_far().await.unwrap_or_else(|error| panic!("{error}"));
            let letters = letters(&self.cloud.aws()).await;
            if day.pending > 0 || letters > 0 {
                quiet_since = Instant::now();
            }
            self.poll().await;
            assert!(begun.elapsed() < MAX_WAIT, "{day:?}, and {letters} dead letters\n{}", self.history());
            tokio::time::sleep(POLL_INTERVAL / 2).await;
        }
    }
}

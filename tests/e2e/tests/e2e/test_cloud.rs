//! A local cloud for one scenario, with a watch on its decisions and alerts.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_sandbox::{
    Account, CloudConfig, HUB, Heard, LocalCloud, PRODUCTION, REGION, STAGING, Watch, Zips,
};
use tidegate_world::{ApiCall, Control, Snapshot};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::model::Model;

/// The longest wait for anything. It covers whole minutes of CloudWatch and a machine with two busy cores.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(120);
/// The interval between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A cloud mostly waits: a machine with two cores can run three, and the shared one.
static CLOUD_SLOTS: Semaphore = Semaphore::const_new(3);
static ZIPS: OnceCell<Zips> = OnceCell::const_new();

/// The functions' zips and the command, built once.
pub(crate) async fn zips() -> Zips {
    let build = || async {
        tokio::task::spawn_blocking(|| tidegate_sandbox::build_zips(tidegate_sandbox::Build::Tests, &|_| ()))
            .await
            .expect("the build does not panic")
            .expect("the functions build")
    };
    ZIPS.get_or_init(build).await.clone()
}

/// A local cloud, its watch, and a folder for the files of the scenario.
pub(crate) struct TestCloud {
    pub(crate) cloud: LocalCloud,
    watch: Watch,
    seen: BTreeSet<String>,
    folder: tempfile::TempDir,
    _slot: SemaphorePermit<'static>,
}

/// A decision to wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) model: &'a str,
    pub(crate) account: Account,
    pub(crate) function: &'a str,
    pub(crate) decision: &'a str,
    pub(crate) reason: &'a str,
}

impl TestCloud {
    /// A cloud with the default configuration.
    pub(crate) async fn new() -> Self {
        Self::with(CloudConfig::default()).await
    }

    /// A cloud with this configuration.
    pub(crate) async fn with(config: CloudConfig) -> Self {
        let zips = zips().await;
        let slot = CLOUD_SLOTS.acquire().await.expect("nobody closes the slot");
        let cloud = LocalCloud::start(config, zips, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"));
        let watch = cloud.watch().await.unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("a folder for the scenario");
        Self { cloud, watch, seen: BTreeSet::new(), folder, _slot: slot }
    }

    pub(crate) fn world(&self) -> Control {
        self.cloud.world()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.world().snapshot()
    }

    /// Writes a file into the folder of the scenario.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the folder of the scenario can be written");
        path
    }

    /// The path of a folder of the scenario that does not exist yet.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits for a decision that no earlier call has returned.
    pub(crate) async fn wait_for_decision(
        &mut self,
        model: &Model,
        account: Account,
        function: &str,
        decision: &str,
        reason: &str,
    ) -> Value {
        let wanted = Wanted { model: model.name, account, function, decision, reason };
        self.wait_for_record(&format!("{wanted:?}"), |record| matches(record, wanted)).await
    }

    /// Waits for a record that no earlier call has returned.
    pub(crate) async fn wait_for_record(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let seen = self.seen.clone();
        let is_new = |record: &Value| wanted(record) && !seen.contains(text(record, "id"));
        let found = self.watch.until(what, MAX_WAIT, &mut |_| (), &is_new).await;
        let found = found.unwrap_or_else(|error| panic!("{error}\n{}", self.history()));
        self.seen.insert(text(&found, "id").to_owned());
        found
    }

    /// Polls the watch once.
    pub(crate) async fn poll(&mut self) {
        self.watch.listen().await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Every decision so far.
    pub(crate) fn decisions(&self) -> &[Value] {
        self.watch.decisions()
    }

    /// Whether there is such a decision.
    pub(crate) fn has_decision(&self, wanted: Wanted<'_>) -> bool {
        self.decisions().iter().any(|record| matches(record, wanted))
    }

    /// Every alert so far: account, subject, message.
    pub(crate) fn alerts(&self) -> Vec<(String, String, String)> {
        let alert = |heard: &Heard| match heard {
            Heard::Alert { account, subject, message } => {
                Some((account.clone(), subject.clone(), message.clone()))
            }
            Heard::Decision(_) => None,
        };
        self.watch.alerts().iter().filter_map(alert).collect()
    }

    /// Waits for an alert.
    pub(crate) async fn wait_for_alert(&mut self, what: &str, wanted: impl Fn(&str, &str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            self.poll().await;
            let found = self.alerts().into_iter().find(|(_, subject, message)| wanted(subject, message));
            if let Some((account, subject, message)) = found {
                return format!("{account} {subject} {message}");
            }
            assert!(begun.elapsed() < MAX_WAIT, "no alert: {what}\n{:?}", self.alerts());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until something is true of the world.
    pub(crate) async fn wait_for_world<T>(&mut self, what: &str, look: impl Fn(&Snapshot) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(&self.snapshot()) {
                return found;
            }
            self.poll().await;
            assert!(begun.elapsed() < MAX_WAIT, "no {what} in time\n{}", self.history());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until there was no decision, no call and no running execution for three seconds.
    pub(crate) async fn wait_until_idle(&mut self) {
        let begun = Instant::now();
        let (mut quiet_since, mut before) = (Instant::now(), (0, 0));
        while quiet_since.elapsed() < Duration::from_secs(3) {
            self.poll().await;
            let calls = self.world().calls().iter().filter(|call| is_tidegates(call)).count();
            let now = (self.decisions().len(), calls);
            let busy = self.snapshot().executions.iter().any(|e| e.status == "Executing");
            if now != before || busy {
                (quiet_since, before) = (Instant::now(), now);
            }
            assert!(begun.elapsed() < MAX_WAIT, "it never became idle\n{}", self.history());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The number of dead letters of every queue of every stack.
    pub(crate) async fn all_dead_letters(&self) -> Vec<(String, usize)> {
        all_dead_letters(&self.cloud).await
    }

    /// Every authorisation of a role that was evaluated so far.
    pub(crate) async fn permissions(&self) -> Value {
        self.cloud.aws().look("/_tidegate/permissions").await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until the schedules have invoked each of the nine functions.
    pub(crate) async fn wait_for_every_sweep(&self) {
        let begun = Instant::now();
        loop {
            let permissions = self.permissions().await;
            let invoked = |check: &&Value| {
                text(check, "role").contains("-SweepRole-")
                    && text(check, "action") == "lambda:InvokeFunction"
            };
            let swept = permissions.as_array().into_iter().flatten().filter(invoked).count();
            if swept == 9 {
                return;
            }
            assert!(begun.elapsed() < MAX_WAIT, "only {swept} functions were swept");
            tokio::time::sleep(POLL_INTERVAL * 5).await;
        }
    }

    /// Every permission of every role of the three accounts, as JSON.
    pub(crate) async fn granted(&self) -> String {
        let arguments = ["granted", self.cloud.url(), HUB.id, STAGING.id, PRODUCTION.id];
        let listed = self.cloud.python("tests/e2e/roles.py", &arguments).await;
        listed.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What happened, for the message of a test that fails.
    pub(crate) fn history(&self) -> String {
        let lines = self.decisions().iter().map(|d| {
            let of = |name| text(d, name);
            let (environment, function) = (of("environment"), of("function"));
            format!("{} {environment} {function} {} {}", of("at"), of("verdict"), of("message"))
        });
        let alerts = self.alerts().into_iter().map(|alert| format!("{alert:?}"));
        let refused = self.world().calls().into_iter().filter(|c| c.outcome != "ok");
        let refused = refused.map(|c| format!("{} {} {}", c.principal, c.operation, c.outcome));
        lines.chain(alerts).chain(refused).collect::<Vec<_>>().join("\n")
    }
}

/// Text of a record, or nothing.
pub(crate) fn text<'v>(record: &'v Value, name: &str) -> &'v str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn matches(record: &Value, wanted: Wanted<'_>) -> bool {
    let Wanted { model, account, function, decision, reason } = wanted;
    let pairs = [
        ("model", model),
        ("account", account.id),
        ("function", function),
        ("verdict", decision),
        ("reason", reason),
    ];
    pairs.into_iter().all(|(name, value)| text(record, name) == value)
}

/// Whether one of Tidegate's roles made a call: people in the scenarios are the accounts' roots, or Alice.
pub(crate) fn is_tidegates(call: &ApiCall) -> bool {
    call.principal.contains(":assumed-role/") && !call.principal.contains("/Reviewer/")
}

/// Whether a call changes something.
pub(crate) fn is_write(call: &ApiCall) -> bool {
    !["Describe", "List", "Get", "Invoke"].iter().any(|read| call.operation.starts_with(read))
}

/// How many messages wait in a function's dead-letter queue.
pub(crate) async fn dead_letters(cloud: &LocalCloud, account: Account, function: &str) -> usize {
    let queue = queue_url(account, function);
    let ask = json!({ "QueueUrl": queue, "AttributeNames": ["ApproximateNumberOfMessages"] });
    let answer = cloud.aws().json(account.id, "sqs", "AmazonSQS.GetQueueAttributes", ask).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}"));
    let count = answer.pointer("/Attributes/ApproximateNumberOfMessages").and_then(Value::as_str);
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count in {answer}"))
}

/// The number of dead letters of every queue of every stack.
pub(crate) async fn all_dead_letters(cloud: &LocalCloud) -> Vec<(String, usize)> {
    let mut all = Vec::new();
    for (account, queue) in queues() {
        all.push((account.function(queue), dead_letters(cloud, account, queue).await));
    }
    all
}

/// Every dead-letter queue.
pub(crate) fn queues() -> Vec<(Account, &'static str)> {
    let mut all: Vec<_> = ["train", "promote", "forward"].map(|queue| (HUB, queue)).to_vec();
    for account in [STAGING, PRODUCTION] {
        all.extend(["deploy", "respond", "scale", "forward"].map(|queue| (account, queue)));
    }
    all
}

/// Where a dead-letter queue is.
pub(crate) fn queue_url(account: Account, function: &str) -> String {
    format!("http://localhost/{}/{}-{function}-dlq", account.id, account.stack)
}

/// A tick of the schedule, as it would come every five minutes.
pub(crate) fn tick(account: Account) -> Value {
    let now = jiff::Timestamp::now();
    json!({
        "version": "0", "id": format!("tick-{}", now.as_millisecond()), "detail-type": "Scheduled Event",
        "source": "aws.scheduler", "account": account.id, "time": now.to_string(), "region": REGION,
        "resources": [], "detail": "{}",
    })
}

/// A sweep, as it would come every quarter of an hour.
pub(crate) fn sweep() -> Value {
    let now = jiff::Timestamp::now();
    json!({
        "tidegate": "reconcile", "at": now.to_string(), "execution_id": format!("sweep-{}", now.as_millisecond()),
    })
}

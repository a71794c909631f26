//! Listening: every decision that is published on the buses, and every message to the alert topics.

use serde_json::{Value, json};
use std::time::{Duration, Instant};

use crate::{AwsClient, SandboxError};

/// Something that was heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A decision record.
    Decision(Value),
    /// A message to people.
    Alert {
        /// The account.
        account: String,
        /// Its subject.
        subject: String,
        /// The message.
        message: String,
    },
}

#[derive(Debug, Clone)]
struct Queue {
    account: String,
    url: String,
    alerts: bool,
}

/// What was heard so far, in the order of hearing. A decision is kept once, even if it is told again.
pub struct Watch {
    aws: AwsClient,
    queues: Vec<Queue>,
    decisions: Vec<Value>,
    alerts: Vec<Heard>,
}

impl Watch {
    pub(crate) fn new(aws: AwsClient, queues: &str) -> Result<Self, SandboxError> {
        let bad = |what: &str| SandboxError::World(format!("watch.py printed {what}: {queues}"));
        let listed: Value = serde_json::from_str(queues).map_err(|error| bad(&error.to_string()))?;
        let mut found = Vec::new();
        for one in listed.as_array().ok_or_else(|| bad("no list"))? {
            let text = |name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
            let (Some(account), Some(decisions), Some(alerts)) =
                (text("account"), text("decisions"), text("alerts"))
            else {
                return Err(bad("an incomplete entry"));
            };
            found.push(Queue { account: account.clone(), url: decisions, alerts: false });
            found.push(Queue { account, url: alerts, alerts: true });
        }
        Ok(Self { aws, queues: found, decisions: Vec::new(), alerts: Vec::new() })
    }

    /// The decisions heard so far.
    #[must_use]
    pub fn decisions(&self) -> &[Value] {
        &self.decisions
    }

    /// The alerts heard so far.
    #[must_use]
    pub fn alerts(&self) -> &[Heard] {
        &self.alerts
    }

    /// Asks all queues once and returns what is new, oldest decision first.
    ///
    /// # Errors
    /// If a queue cannot be read.
    pub async fn listen(&mut self) -> Result<Vec<Heard>, SandboxError> {
        let mut fresh = Vec::new();
        for queue in self.queues.clone() {
            loop {
                let messages = self.receive(&queue).await?;
                if messages.is_empty() {
                    break;
                }
                fresh.extend(messages.iter().filter_map(|body| heard(&queue, body)));
            }
        }
        fresh.retain(|heard| match heard {
            Heard::Decision(record) => {
                let known = self.decisions.iter().any(|d| d.get("id") == record.get("id"));
                if !known {
                    self.decisions.push(record.clone());
                }
                !known
            }
            Heard::Alert { .. } => {
                self.alerts.push(heard.clone());
                true
            }
        });
        fresh.sort_by_key(|heard| match heard {
            Heard::Decision(record) => record.get("at").map(ToString::to_string).unwrap_or_default(),
            Heard::Alert { .. } => String::new(),
        });
        Ok(fresh)
    }

    /// Listens until a decision is heard for which `wanted` holds, and hands everything new to `each`.
    ///
    /// # Errors
    /// If that takes longer than `within`.
    pub async fn until(
        &mut self,
        what: &str,
        within: Duration,
        each: &mut dyn FnMut(&Heard),
        wanted: &dyn Fn(&Value) -> bool,
    ) -> Result<Value, SandboxError> {
        let begun = Instant::now();
        loop {
            for heard in self.listen().await? {
                each(&heard);
            }
            if let Some(found) = self.decisions.iter().find(|d| wanted(d)) {
                return Ok(found.clone());
            }
            if begun.elapsed() > within {
                return Err(SandboxError::Waited { what: what.to_owned(), seconds: within.as_secs() });
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    async fn receive(&self, queue: &Queue) -> Result<Vec<String>, SandboxError> {
        let ask = json!({ "QueueUrl": queue.url, "MaxNumberOfMessages": 10 });
        let answer = self.aws.json(&queue.account, "sqs", "AmazonSQS.ReceiveMessage", ask).await?;
        let messages = answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut bodies = Vec::new();
        for message in messages {
            let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let delete = json!({ "QueueUrl": queue.url, "ReceiptHandle": text("ReceiptHandle") });
            self.aws.json(&queue.account, "sqs", "AmazonSQS.DeleteMessage", delete).await?;
            bodies.push(text("Body"));
        }
        Ok(bodies)
    }
}

fn heard(queue: &Queue, body: &str) -> Option<Heard> {
    let value: Value = serde_json::from_str(body).ok()?;
    if queue.alerts {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        return Some(Heard::Alert {
            account: queue.account.clone(),
            subject: text("Subject"),
            message: text("Message"),
        });
    }
    value.get("detail").cloned().map(Heard::Decision)
}

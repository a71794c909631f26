//! Dead-letter queues.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use jiff::Timestamp;
use tidegate_engine::CallError;

use crate::error::{failed, refused};

const SERVICE: &str = "sqs";
const RECEIVE: &str = "ReceiveMessage";
const COUNT: &str = "GetQueueAttributes";
/// The largest number of messages in one call.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
const BATCH: i32 = 10;
/// In seconds. With a wait time, SQS queries all its servers. Without one, a queue with messages may seem empty.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html>
const WAIT: i32 = 1;

/// Amazon SQS.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    client: Client,
}

/// A message of a dead-letter queue that was received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letter {
    /// The id of the message.
    pub id: String,
    /// The receipt handle, which is needed to delete or release the message.
    pub receipt: String,
    /// The body of the message.
    pub body: String,
    /// The attributes of the message. EventBridge writes into them why the event could not be delivered.
    pub attributes: BTreeMap<String, String>,
    /// The time at which the message was sent to the queue.
    pub sent_at: Option<Timestamp>,
}

impl DeadLetters {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Receives every message of a queue, oldest first. The messages are invisible to others for `seconds`. Those that
    /// are neither deleted nor released become visible after that.
    ///
    /// # Errors
    /// Returns an error if the queue cannot be read.
    pub async fn take_all(&self, queue_url: &str, seconds: i32) -> Result<Vec<Letter>, CallError> {
        let mut taken = Vec::new();
        let mut known = BTreeSet::new();
        loop {
            let answer = self
                .client
                .receive_message()
                .queue_url(queue_url)
                .max_number_of_messages(BATCH)
                .wait_time_seconds(WAIT)
                .visibility_timeout(seconds)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
                .send()
                .await
                .map_err(failed(SERVICE, RECEIVE))?;
            let before = known.len();
            for letter in answer.messages().iter().map(letter) {
                // A standard queue may deliver a message twice.
                if known.insert(letter.id.clone()) {
                    taken.push(letter);
                }
            }
            if known.len() == before {
                taken.sort_by(|a, b| a.sent_at.cmp(&b.sent_at).then_with(|| a.id.cmp(&b.id)));
                return Ok(taken);
            }
        }
    }

    /// Releases a message, so that it is visible to others immediately.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn put_back(&self, queue_url: &str, letter: &Letter) -> Result<(), CallError> {
        self.client
            .change_message_visibility()
            .queue_url(queue_url)
            .receipt_handle(&letter.receipt)
            .visibility_timeout(0)
            .send()
            .await
            .map_err(failed(SERVICE, "ChangeMessageVisibility"))?;
        Ok(())
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn remove(&self, queue_url: &str, letter: &Letter) -> Result<(), CallError> {
        self.client
            .delete_message()
            .queue_url(queue_url)
            .receipt_handle(&letter.receipt)
            .send()
            .await
            .map_err(failed(SERVICE, "DeleteMessage"))?;
        Ok(())
    }

    /// Returns the approximate number of messages in a queue, including those that are invisible at the moment.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn count(&self, queue_url: &str) -> Result<u64, CallError> {
        let (waiting, held) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(queue_url)
            .attribute_names(waiting.clone())
            .attribute_names(held.clone())
            .send()
            .await
            .map_err(failed(SERVICE, COUNT))?;
        let number = |name: &QueueAttributeName| {
            let text = answer.attributes().and_then(|all| all.get(name));
            text.and_then(|text| text.parse::<u64>().ok())
        };
        let waiting = number(&waiting)
            .ok_or_else(|| refused(SERVICE, COUNT, "the answer contains no number of messages"))?;
        Ok(waiting.saturating_add(number(&held).unwrap_or_default()))
    }
}

fn letter(message: &Message) -> Letter {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let attributes = message.message_attributes().into_iter().flatten();
    let sent = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    Letter {
        id: text(message.message_id()),
        receipt: text(message.receipt_handle()),
        body: text(message.body()),
        attributes: attributes
            .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
            .collect(),
        sent_at: sent
            .and_then(|millis| millis.parse().ok())
            .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
    }
}

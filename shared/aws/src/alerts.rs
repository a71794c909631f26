//! The SNS topic of the account for alerts.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use tidegate_engine::{CallError, ports::Alerts};

use crate::convert::cut;
use crate::error::failed;

/// SNS accepts 256 KiB in total, and a character may have four bytes.
const LONGEST_MESSAGE: usize = 60_000;
const LONGEST_SUBJECT: usize = 100;

/// An Amazon SNS topic.
#[derive(Debug, Clone)]
pub struct AlertTopic {
    client: Client,
    topic_arn: String,
}

impl AlertTopic {
    pub(crate) fn new(client: Client, topic_arn: &str) -> Self {
        Self { client, topic_arn: topic_arn.to_owned() }
    }
}

#[async_trait]
impl Alerts for AlertTopic {
    async fn notify(&self, subject: &str, message: &str) -> Result<(), CallError> {
        self.client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(legal_subject(subject))
            .message(cut(message, LONGEST_MESSAGE))
            .send()
            .await
            .map_err(failed("sns", "Publish"))?;
        Ok(())
    }
}

/// Converts a subject to one that SNS accepts. SNS rejects a subject that is not printable ASCII, is longer than 100
/// characters or begins with a space. An alert must not be lost because of its subject.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
fn legal_subject(subject: &str) -> String {
    let plain: String =
        subject.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    let legal = cut(plain.trim(), LONGEST_SUBJECT);
    if legal.is_empty() { "Tidegate".to_owned() } else { legal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_made_legal() {
        assert_eq!(legal_subject("churn: rejected"), "churn: rejected");
        assert_eq!(legal_subject(" größer\nals "), "gr??er?als");
        assert_eq!(legal_subject(&"x".repeat(200)).len(), 100);
        assert_eq!(legal_subject(" "), "Tidegate");
    }
}

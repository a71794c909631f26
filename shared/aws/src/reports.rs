//! Monitoring reports in S3.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use tidegate_engine::{CallError, ports::Reports};
use tidegate_policy::respond::MonitorReport;

use crate::s3_text;

/// The largest report, in bytes. A report has one entry per violated feature, so a larger file is not a report.
const MAX_REPORT_BYTES: usize = 10 * 1024 * 1024;

/// Amazon S3.
#[derive(Debug, Clone)]
pub struct S3Reports {
    client: Client,
}

impl S3Reports {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Reports for S3Reports {
    async fn read(&self, bucket: &str, key: &str) -> Result<MonitorReport, CallError> {
        let text = s3_text::read(&self.client, bucket, key, MAX_REPORT_BYTES).await?;
        Ok(text.map_or_else(MonitorReport::Unreadable, |text| MonitorReport::from_json(&text)))
    }
}

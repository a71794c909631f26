//! Monitoring reports in S3.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use tidegate_engine::{CallError, Class, ports::Reports};
use tidegate_policy::respond::MonitorReport;

use crate::error::failed;

const SERVICE: &str = "s3";
const GET: &str = "GetObject";
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
        let unreadable = |why: String| Ok(MonitorReport::Unreadable(why));
        let answer = self.client.get_object().bucket(bucket).key(key).send().await;
        let object = match answer.map_err(failed(SERVICE, GET)) {
            Ok(object) => object,
            // For a role without s3:ListBucket, S3 answers 403 instead, which remains an error.
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            Err(failure) if failure.is("NoSuchKey") => {
                return unreadable(format!("s3://{bucket}/{key} does not exist"));
            }
            Err(failure) => return Err(failure.into()),
        };
        let mut body = object.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| broken_off(&error.to_string()))?;
            if bytes.len().saturating_add(chunk.len()) > MAX_REPORT_BYTES {
                return unreadable(format!("s3://{bucket}/{key} is larger than {MAX_REPORT_BYTES} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(MonitorReport::from_json(&text)),
            Err(_) => unreadable(format!("s3://{bucket}/{key} is not text in UTF-8")),
        }
    }
}

fn broken_off(error: &str) -> CallError {
    CallError {
        service: SERVICE,
        operation: GET,
        class: Class::Retryable,
        message: format!("the object could not be read completely: {error}"),
    }
}

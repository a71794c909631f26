//! Text files in S3.

use aws_sdk_s3::Client;
use tidegate_engine::{CallError, Class};

use crate::error::failed;

const SERVICE: &str = "s3";
const GET: &str = "GetObject";

/// Reads a text file of at most `limit` bytes. `Ok(Err(..))` says why it is no such file.
pub(crate) async fn read(
    client: &Client,
    bucket: &str,
    key: &str,
    limit: usize,
) -> Result<Result<String, String>, CallError> {
    let answer = client.get_object().bucket(bucket).key(key).send().await;
    let object = match answer.map_err(failed(SERVICE, GET)) {
        Ok(object) => object,
        // For a role without s3:ListBucket, S3 answers 403 instead, which remains an error.
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        Err(failure) if failure.is("NoSuchKey") => {
            return Ok(Err(format!("s3://{bucket}/{key} does not exist")));
        }
        Err(failure) => return Err(failure.into()),
    };
    let mut body = object.body;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| broken_off(&error.to_string()))?;
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Ok(Err(format!("s3://{bucket}/{key} is larger than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(bytes).map_err(|_| format!("s3://{bucket}/{key} is not text in UTF-8")))
}

fn broken_off(error: &str) -> CallError {
    CallError {
        service: SERVICE,
        operation: GET,
        class: Class::Retryable,
        message: format!("the object could not be read completely: {error}"),
    }
}

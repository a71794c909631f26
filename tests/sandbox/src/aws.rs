//! Calls to the emulator as the root of an account. The access key id is the account; no secret is involved.

use serde_json::{Value, json};
use std::time::Duration;

use crate::cloud::REGION;

/// The role with which people and their tools put events on a bus.
pub(crate) const PERSON: &str = "people";

/// A call to the emulator that failed.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {message}")]
pub struct AwsError {
    call: String,
    message: String,
}

/// A client for services that speak awsJson or plain REST.
#[derive(Debug, Clone)]
pub struct AwsClient {
    url: String,
    agent: ureq::Agent,
}

impl AwsClient {
    /// A client of the emulator at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build()
            .into();
        Self { url: url.to_owned(), agent }
    }

    /// Calls an awsJson operation, such as `AmazonSQS.ReceiveMessage` of `sqs`.
    ///
    /// # Errors
    /// If the call does not answer with success.
    pub async fn json(
        &self,
        account: &str,
        service: &str,
        target: &str,
        body: Value,
    ) -> Result<Value, AwsError> {
        let headers = vec![
            ("x-amz-target".to_owned(), target.to_owned()),
            ("content-type".to_owned(), "application/x-amz-json-1.0".to_owned()),
        ];
        let text = self.post(account, service, "/", headers, body.to_string().into_bytes()).await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text)
            .map_err(|error| AwsError { call: target.to_owned(), message: error.to_string() })
    }

    /// Invokes a function as EventBridge does: asynchronously, with retries and the on-failure destination.
    ///
    /// # Errors
    /// If the invocation is not taken.
    pub async fn invoke_later(&self, account: &str, function: &str, payload: &Value) -> Result<(), AwsError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let headers = vec![("x-amz-invocation-type".to_owned(), "Event".to_owned())];
        self.post(account, "lambda", &path, headers, payload.to_string().into_bytes()).await.map(|_| ())
    }

    /// Invokes a function and returns its answer; `Err` holds the function's error object.
    ///
    /// # Errors
    /// If the call itself does not answer with success.
    pub async fn invoke(&self, account: &str, function: &str, payload: &Value) -> Result<Value, AwsError> {
        self.invoke_with(account, function, payload.to_string().into_bytes()).await
    }

    /// As [`AwsClient::invoke`], with bytes that need not be JSON.
    ///
    /// # Errors
    /// If the call itself does not answer with success.
    pub async fn invoke_with(
        &self,
        account: &str,
        function: &str,
        payload: Vec<u8>,
    ) -> Result<Value, AwsError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let text = self.post(account, "lambda", &path, Vec::new(), payload).await?;
        serde_json::from_str(&text)
            .map_err(|error| AwsError { call: path, message: format!("{error}: {text}") })
    }

    /// Makes a bucket that tells EventBridge about its objects.
    ///
    /// # Errors
    /// If a call does not answer with success.
    pub async fn make_bucket(&self, account: &str, bucket: &str) -> Result<(), AwsError> {
        self.send("PUT", account, "s3", &format!("/{bucket}"), Vec::new(), Vec::new()).await?;
        let notify = "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>";
        let path = format!("/{bucket}?notification");
        self.send("PUT", account, "s3", &path, Vec::new(), notify.as_bytes().to_vec()).await.map(|_| ())
    }

    /// Puts an object into S3.
    ///
    /// # Errors
    /// If the call does not answer with success.
    pub async fn put_object(
        &self,
        account: &str,
        bucket: &str,
        key: &str,
        body: &[u8],
    ) -> Result<(), AwsError> {
        let headers = Vec::new();
        self.send("PUT", account, "s3", &format!("/{bucket}/{key}"), headers, body.to_vec()).await.map(|_| ())
    }

    /// Makes the role of people: its sessions may put events on every bus of the account, as far as the bus admits them.
    ///
    /// # Errors
    /// If a call does not answer with success.
    pub(crate) async fn make_person(&self, account: &str) -> Result<(), AwsError> {
        self.make_role(account, PERSON, "events:PutEvents").await
    }

    /// Makes a role that the account's root user can assume, with one action on everything.
    ///
    /// # Errors
    /// If a call does not answer with success.
    pub async fn make_role(&self, account: &str, name: &str, action: &str) -> Result<(), AwsError> {
        let statement = |rest: Value| json!({ "Version": "2012-10-17", "Statement": [rest] }).to_string();
        let root = format!("arn:aws:iam::{account}:root");
        let trust = json!({ "Effect": "Allow", "Principal": { "AWS": root }, "Action": "sts:AssumeRole" });
        let trust = statement(trust);
        let allow = statement(json!({ "Effect": "Allow", "Action": action, "Resource": "*" }));
        let role = [("RoleName", name), ("AssumeRolePolicyDocument", trust.as_str())];
        self.query(account, "iam", "CreateRole", &role).await?;
        let policy = [("RoleName", name), ("PolicyName", "own"), ("PolicyDocument", allow.as_str())];
        self.query(account, "iam", "PutRolePolicy", &policy).await.map(|_| ())
    }

    /// Attaches a managed policy of the account to a role.
    ///
    /// # Errors
    /// If the call does not answer with success.
    pub async fn attach_policy(&self, account: &str, role: &str, policy: &str) -> Result<(), AwsError> {
        let arn = format!("arn:aws:iam::{account}:policy/{policy}");
        let attach = [("RoleName", role), ("PolicyArn", arn.as_str())];
        self.query(account, "iam", "AttachRolePolicy", &attach).await.map(|_| ())
    }

    /// Calls an operation of a service with AWS's query protocol.
    async fn query(
        &self,
        account: &str,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, AwsError> {
        let version = if service == "iam" { "2010-05-08" } else { "2011-06-15" };
        let all = [("Action", action), ("Version", version)].into_iter().chain(parameters.iter().copied());
        let body: Vec<String> = all.map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        self.post(account, service, "/", headers, body.join("&").into_bytes()).await
    }

    /// Posts to one of the emulator's private doors.
    ///
    /// # Errors
    /// If the door does not answer with success.
    pub async fn door(&self, path: &str, body: &Value) -> Result<String, AwsError> {
        self.post("000000000000", "tidegate", path, Vec::new(), body.to_string().into_bytes()).await
    }

    /// Reads one of the emulator's private doors.
    ///
    /// # Errors
    /// If the door does not answer with success.
    pub async fn look(&self, path: &str) -> Result<Value, AwsError> {
        let text = self.send("GET", "000000000000", "tidegate", path, Vec::new(), Vec::new()).await?;
        serde_json::from_str(&text)
            .map_err(|error| AwsError { call: path.to_owned(), message: error.to_string() })
    }

    async fn post(
        &self,
        account: &str,
        service: &str,
        path: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<String, AwsError> {
        self.send("POST", account, service, path, headers, body).await
    }

    async fn send(
        &self,
        method: &'static str,
        account: &str,
        service: &str,
        path: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<String, AwsError> {
        let url = format!("{}{path}", self.url);
        let credential = format!("{account}/20260101/{REGION}/{service}/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=none");
        let agent = self.agent.clone();
        let call = format!("{method} {service} {path}");
        let failed = |message: String| AwsError { call: call.clone(), message };
        let sent = tokio::task::spawn_blocking(move || {
            let mut request = ureq::http::Request::builder().method(method).uri(url);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request =
                request.header("authorization", authorization).body(body).map_err(ureq::Error::from)?;
            let mut response = agent.run(request)?;
            let status = response.status().as_u16();
            Ok::<_, ureq::Error>((status, response.body_mut().read_to_string()?))
        });
        match sent.await.map_err(|error| failed(error.to_string()))? {
            Ok((200..=299, text)) => Ok(text),
            Ok((status, text)) => Err(failed(format!("{status}: {text}"))),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// A text as a value of a form.
fn percent(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

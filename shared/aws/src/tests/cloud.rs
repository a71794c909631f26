//! A fake HTTP client that returns prepared answers to the SDK.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_s3::config::{Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use tidegate_engine::Meter;

use crate::Aws;
use crate::counting::Counting;

/// The prepared answer to one request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// A response.
    Http { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// The request times out.
    Timeout,
    /// The connection fails.
    Unreachable,
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) uri: String,
    /// The header `x-amz-target` without the prefix of the service. It is empty if the protocol has no such header.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The fake that records the requests of a test.
#[derive(Debug, Clone, Default)]
pub(super) struct Cloud {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Sent {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn cbor(&self) -> Value {
        to_json(ciborium::from_reader(self.body.as_slice()).unwrap())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Creates a fake with these answers, and the clients that use it. The SDK does not retry.
pub(super) fn cloud(answers: impl IntoIterator<Item = Answer>) -> (Aws, Cloud) {
    cloud_for(RetryConfig::disabled(), answers)
}

/// Creates a fake for clients whose SDK retries.
pub(super) fn cloud_for(retry: RetryConfig, answers: impl IntoIterator<Item = Answer>) -> (Aws, Cloud) {
    let cloud = Cloud { answers: Arc::new(Mutex::new(answers.into_iter().collect())), sent: Arc::default() };
    let connector = SharedHttpConnector::new(cloud.clone());
    let (inner, meter) = (http_client_fn(move |_, _| connector.clone()), Meter::default());
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKID", "secret", None, None, "test",
        )))
        .retry_config(retry)
        .http_client(SharedHttpClient::new(Counting { inner, meter: meter.clone() }))
        .build();
    (Aws { config, meter }, cloud)
}

impl Cloud {
    /// Returns all requests at the end of the test. Every answer must have been used.
    pub(super) fn done(&self) -> Vec<Sent> {
        assert!(self.answers.lock().unwrap().is_empty(), "answers that nobody asked for");
        self.sent.lock().unwrap().clone()
    }

    /// Returns the only request of a test.
    pub(super) fn only(&self) -> Sent {
        let sent = self.done();
        assert_eq!(sent.len(), 1, "one request");
        sent.into_iter().next().unwrap()
    }

    /// Returns the targets of all requests, in order.
    pub(super) fn targets(&self) -> Vec<String> {
        self.done().into_iter().map(|sent| sent.target).collect()
    }
}

impl HttpConnector for Cloud {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers: Vec<(String, String)> =
            request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        self.sent.lock().unwrap().push(Sent {
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            target: target.rsplit('.').next().unwrap_or_default().to_owned(),
            headers,
            body: request.body().bytes().unwrap_or_default().to_vec(),
        });
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| panic!("no answer for {target} {}", request.uri()));
        HttpConnectorFuture::ready(match answer {
            Answer::Timeout => Err(ConnectorError::timeout("it took too long".into())),
            Answer::Unreachable => Err(ConnectorError::io("nobody listens".into())),
            Answer::Http { status, headers, body } => {
                let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}

/// A success with a JSON body.
pub(super) fn ok(body: Value) -> Answer {
    Answer::Http { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// A success with a text or XML body.
pub(super) fn plain(body: impl Into<Vec<u8>>) -> Answer {
    Answer::Http { status: 200, headers: Vec::new(), body: body.into() }
}

/// An error in JSON, in the format of both JSON protocols of AWS.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Answer {
    refusal_with(status, code, json!({ "message": message }))
}

/// An error with more members than a message.
pub(super) fn refusal_with(status: u16, code: &str, mut body: Value) -> Answer {
    body["__type"] = json!(code);
    let headers = vec![("x-amzn-errortype", code.to_owned())];
    Answer::Http { status, headers, body: body.to_string().into_bytes() }
}

/// A `ValidationException`, which SageMaker returns for most errors.
pub(super) fn invalid(message: &str) -> Answer {
    refusal(400, "ValidationException", message)
}

/// A success in CBOR, the protocol of CloudWatch. `{"@time": seconds}` becomes a time.
pub(super) fn ok_cbor(body: Value) -> Answer {
    cbor(200, body)
}

/// An answer in CBOR.
pub(super) fn cbor(status: u16, body: Value) -> Answer {
    let mut bytes = Vec::new();
    ciborium::into_writer(&to_cbor(body), &mut bytes).unwrap();
    let headers =
        vec![("smithy-protocol", "rpc-v2-cbor".to_owned()), ("content-type", "application/cbor".to_owned())];
    Answer::Http { status, headers, body: bytes }
}

fn to_cbor(value: Value) -> ciborium::Value {
    match value {
        Value::Null => ciborium::Value::Null,
        Value::Bool(yes) => ciborium::Value::Bool(yes),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => ciborium::Value::Integer(whole.into()),
            None => ciborium::Value::Float(number.as_f64().unwrap()),
        },
        Value::String(text) => ciborium::Value::Text(text),
        Value::Array(list) => ciborium::Value::Array(list.into_iter().map(to_cbor).collect()),
        Value::Object(map) => match map.get("@time") {
            Some(seconds) => {
                ciborium::Value::Tag(1, Box::new(ciborium::Value::Float(seconds.as_f64().unwrap())))
            }
            None => ciborium::Value::Map(
                map.into_iter().map(|(key, value)| (ciborium::Value::Text(key), to_cbor(value))).collect(),
            ),
        },
    }
}

fn to_json(value: ciborium::Value) -> Value {
    match value {
        ciborium::Value::Bool(yes) => json!(yes),
        ciborium::Value::Integer(number) => json!(i64::try_from(number).unwrap()),
        ciborium::Value::Float(number) => json!(number),
        ciborium::Value::Text(text) => json!(text),
        ciborium::Value::Tag(_, inner) => json!({ "@time": to_json(*inner) }),
        ciborium::Value::Array(list) => list.into_iter().map(to_json).collect(),
        ciborium::Value::Map(map) => {
            map.into_iter().map(|(key, value)| (key.into_text().unwrap(), to_json(value))).collect()
        }
        other => panic!("no JSON for {other:?}"),
    }
}

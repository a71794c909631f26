//! A client for the AWS emulator of the local cloud: identities, buses, metrics and S3.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};

/// Why the emulator did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// No address was given yet.
    #[error("the world is not connected to an emulator")]
    Unconnected,
    /// It could not be reached.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The address asked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It answered with an error.
    #[error("{url} answered {status}: {body}")]
    Refused {
        /// The address asked.
        url: String,
        /// Its HTTP status.
        status: u16,
        /// The answer of the emulator.
        body: String,
    },
    /// It answered something else than was asked for.
    #[error("{url} answered no JSON: {body}")]
    Unreadable {
        /// The address asked.
        url: String,
        /// The answer of the emulator.
        body: String,
    },
}

/// A connection to the emulator; its address may become known later.
#[derive(Debug, Clone, Default)]
pub struct Emulator {
    url: Arc<RwLock<Option<String>>>,
}

impl Emulator {
    /// A connection to an address, or to none yet.
    #[must_use]
    pub fn new(url: Option<String>) -> Self {
        let emulator = Self::default();
        if let Some(url) = url {
            emulator.connect(&url);
        }
        emulator
    }

    /// Sets the address, for example `http://127.0.0.1:4566`.
    pub fn connect(&self, url: &str) {
        let mut known = self.url.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(url.trim_end_matches('/').to_owned());
    }

    /// The address, if one is known.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        self.url.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Posts JSON to a path and reads JSON; an empty answer is null.
    ///
    /// # Errors
    /// When it cannot be reached, refuses, or answers no JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, EmulatorError> {
        let url = format!("{}{path}", self.url().ok_or(EmulatorError::Unconnected)?);
        let body = send("POST", url.clone(), None, body.to_string()).await?;
        if body.trim().is_empty() {
            return Ok(json!(null));
        }
        serde_json::from_str(&body).map_err(|_| EmulatorError::Unreadable { url, body })
    }

    /// Writes (or without a body reads) the object at `s3://bucket/key` as the root user of an account.
    ///
    /// # Errors
    /// When it cannot be reached or refuses.
    pub async fn object(
        &self,
        account: &str,
        region: &str,
        uri: &str,
        body: Option<String>,
    ) -> Result<String, EmulatorError> {
        let base = self.url().ok_or(EmulatorError::Unconnected)?;
        let url = format!("{base}/{}", uri.trim_start_matches("s3://"));
        let method = if body.is_some() { "PUT" } else { "GET" };
        let scope = format!("{account}/20260101/{region}/s3/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        send(method, url, Some(signed), body.unwrap_or_default()).await
    }
}

/// One request, made on a thread that may block.
async fn send(
    method: &'static str,
    url: String,
    authorization: Option<String>,
    body: String,
) -> Result<String, EmulatorError> {
    let asked = url.clone();
    let unreachable = move |reason: String| EmulatorError::Unreachable { url: asked, reason };
    let work = move || -> Result<(u16, String), ureq::Error> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let authorization = authorization.unwrap_or_default();
        let mut answer = match method {
            "GET" => agent.get(&url).header("authorization", authorization).call()?,
            "PUT" => agent.put(&url).header("authorization", authorization).send(body)?,
            _ => agent.post(&url).header("content-type", "application/json").send(body)?,
        };
        let status = answer.status().as_u16();
        Ok((status, answer.body_mut().read_to_string()?))
    };
    let answered = tokio::task::spawn_blocking(work).await;
    let (status, body) = match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(error) => return Err(unreachable(error.to_string())),
    };
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let EmulatorError::Unreachable { url, .. } = unreachable(String::new()) else { return Ok(body) };
    Err(EmulatorError::Refused { url, status, body })
}

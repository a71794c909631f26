//! A signed request to the function URL that takes the commands of people.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-invocation-basics>

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use std::convert::Infallible;
use tidegate_engine::{CallError, Class};

use crate::config::https;

/// The name under which requests to a function URL are signed.
const SERVICE: &str = "lambda";
const OPERATION: &str = "InvokeFunctionUrl";
/// The function takes a second or two, and waits up to 15 seconds for the lease of a concurrent request.
const TIMEOUT: Duration = Duration::from_secs(40);

/// The function URL of operate.
#[derive(Debug, Clone)]
pub struct Commands {
    config: SdkConfig,
    url: String,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Commands {
    pub(super) fn new(config: SdkConfig, url: &str) -> Self {
        let slash = if url.ends_with('/') { "" } else { "/" };
        Self { config, url: format!("{url}{slash}") }
    }

    /// Signs a request with this JSON body, and sends it.
    ///
    /// # Errors
    /// Returns an error if there are no credentials, or if there is no answer. An answer with any status is none.
    pub async fn send(&self, body: &str) -> Result<CommandAnswer, CallError> {
        let request = self.signed(body, SystemTime::now()).await?;
        let operation = Operation::builder()
            .service_name(SERVICE)
            .operation_name(OPERATION)
            .http_client(https())
            .endpoint_url(&self.url)
            .no_auth()
            .no_retry()
            .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build())
            .serializer(|request: HttpRequest| Ok(request))
            .deserializer(|response: &HttpResponse| -> Result<CommandAnswer, OrchestratorError<Infallible>> {
                let body = response.body().bytes().unwrap_or_default();
                Ok(CommandAnswer {
                    status: response.status().as_u16(),
                    body: String::from_utf8_lossy(body).into_owned(),
                })
            })
            .build();
        operation.invoke(request).await.map_err(|error| {
            let error = aws_smithy_types::error::display::DisplayErrorContext(&error);
            failure(Class::Retryable, error.to_string())
        })
    }

    async fn signed(&self, body: &str, now: SystemTime) -> Result<HttpRequest, CallError> {
        let Some(provider) = self.config.credentials_provider() else {
            return Err(failure(Class::Permanent, "no credentials found in chain".to_owned()));
        };
        let credentials = provider.provide_credentials().await.map_err(|error| {
            let error = aws_smithy_types::error::display::DisplayErrorContext(&error);
            failure(Class::Denied, error.to_string())
        })?;
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let region = self.region();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name(SERVICE)
            .time(now)
            .settings(settings)
            .build()
            .map_err(|error| failure(Class::Permanent, error.to_string()))?;
        let content_type = ("content-type", "application/json");
        let signable = SignableRequest::new(
            "POST",
            &self.url,
            [content_type].into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .map_err(|error| failure(Class::Permanent, error.to_string()))?;
        let (instructions, _) = sign(signable, &parameters.into())
            .map_err(|error| failure(Class::Permanent, error.to_string()))?
            .into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        let invalid = |error: &dyn std::fmt::Display| failure(Class::Permanent, error.to_string());
        request.set_method("POST").map_err(|error| invalid(&error))?;
        // The endpoint has the host and the path.
        request.set_uri("/").map_err(|error| invalid(&error))?;
        request.headers_mut().insert(content_type.0, content_type.1);
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }

    /// The region of the function URL, which is in its host; that of the configuration for another host.
    fn region(&self) -> String {
        let host = self.url.split("://").nth(1).unwrap_or_default();
        let of_host = host.split_once(".lambda-url.").and_then(|(_, rest)| rest.split('.').next());
        let configured = || self.config.region().map(ToString::to_string).unwrap_or_default();
        of_host.map_or_else(configured, str::to_owned)
    }
}

fn failure(class: Class, message: String) -> CallError {
    CallError { service: SERVICE, operation: OPERATION, class, message }
}

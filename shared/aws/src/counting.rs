//! Counts every request to AWS, of all clients.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tidegate_engine::Meter;

/// An HTTP client that counts requests.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) inner: SharedHttpClient,
    pub(crate) meter: Meter,
}

impl HttpClient for Counting {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, meter: self.meter.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    meter: Meter,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.meter.count_call();
        // The SDK numbers its attempts in a header: `attempt=2; max=4`.
        // https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
        let numbered = request.headers().get("amz-sdk-request").unwrap_or("attempt=1");
        if !numbered.split(';').any(|part| part.trim() == "attempt=1") {
            self.meter.count_retry();
        }
        self.inner.call(request)
    }
}

//! The configuration of the AWS clients, and the constructors of the adapters.

use std::time::Duration;

use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tidegate_engine::Meter;

use crate::counting::Counting;
use crate::gate_sources::HubGateSources;
use crate::{
    AlertTopic, CloudWatchAlarms, CloudWatchMetrics, CodeCommit, ComponentCapacity, DynamoLedger, EventBus,
    ModelRegistry, OneTimeSchedules, RuntimeSampler, S3Reports, SageMakerEndpoints, SageMakerPipelines,
};

/// The timeout of one call with all attempts. It is shorter than the timeout of every function, so that a call without
/// an answer is still reported.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// The timeout of one attempt. It leaves time for another attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(3);
/// The timeout of a sample request, for which the model computes. SageMaker allows a container 60 s to answer. An
/// endpoint that needs longer than this timeout is not healthy.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The timeout of an upload of a function's code, about 10 MB over a slow connection.
#[cfg(feature = "install")]
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// The number of attempts, with exponential backoff and jitter.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
const MAX_ATTEMPTS: u32 = 4;

pub(crate) fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn loader(meter: &Meter) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Counting { inner: https(), meter: meter.clone() })
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(timeouts)
}

/// The clients for one AWS account and region.
#[derive(Debug, Clone)]
pub struct Aws {
    pub(crate) config: SdkConfig,
    pub(crate) meter: Meter,
}

impl Aws {
    /// Uses the region, the credentials and the endpoints of the environment variables, as in a Lambda function.
    pub async fn from_env() -> Self {
        let meter = Meter::default();
        Self { config: loader(&meter).load().await, meter }
    }

    /// Uses a profile of the user's AWS configuration. The credentials and the region of the profile take precedence
    /// over the environment variables, because several profiles in one command select several accounts.
    pub async fn for_profile(name: &str) -> Self {
        let meter = Meter::default();
        let found = loader(&meter).profile_name(name).load().await;
        let own = ProfileFileRegionProvider::builder().profile_name(name).build().region().await;
        let region = own.or_else(|| found.region().cloned());
        let provider = ProviderConfig::without_region().with_http_client(https()).with_region(region.clone());
        let credentials =
            ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(name).build();
        let credentials = SharedCredentialsProvider::new(credentials);
        let config = found.into_builder().region(region).credentials_provider(credentials).build();
        Self { config, meter }
    }

    /// Returns the meter that counts the requests of all clients.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// Returns the same clients for another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let region = aws_config::Region::new(region.to_owned());
        let config = self.config.clone().into_builder().region(region).build();
        Self { config, meter: self.meter.clone() }
    }

    /// Returns the region, if one is configured.
    #[must_use]
    pub fn region(&self) -> Option<String> {
        self.config.region().map(ToString::to_string)
    }

    /// Returns the event bus with this name.
    #[must_use]
    pub fn bus(&self, name: &str) -> EventBus {
        EventBus::new(aws_sdk_eventbridge::Client::new(&self.config), name)
    }

    /// Returns the SNS topic for alerts.
    #[must_use]
    pub fn alerts(&self, topic_arn: &str) -> AlertTopic {
        AlertTopic::new(aws_sdk_sns::Client::new(&self.config), topic_arn)
    }

    /// Returns the schedules of a group. They invoke the function `target_arn` with the role `role_arn`. An invocation that
    /// EventBridge Scheduler gives up is kept in the queue `queue_arn`.
    #[must_use]
    pub fn schedules(
        &self,
        group: &str,
        role_arn: &str,
        target_arn: &str,
        queue_arn: &str,
    ) -> OneTimeSchedules {
        let client = aws_sdk_scheduler::Client::new(&self.config);
        OneTimeSchedules::new(client, group, role_arn, target_arn, queue_arn)
    }

    /// Returns the ledger in a table.
    #[must_use]
    pub fn ledger(&self, table: &str) -> DynamoLedger {
        DynamoLedger::new(aws_sdk_dynamodb::Client::new(&self.config), table)
    }

    /// Returns CodeCommit.
    #[must_use]
    pub fn repository(&self) -> CodeCommit {
        CodeCommit::new(aws_sdk_codecommit::Client::new(&self.config))
    }

    /// Returns SageMaker Pipelines. New pipelines run with the role `role_arn`.
    #[must_use]
    pub fn pipelines(&self, role_arn: &str) -> SageMakerPipelines {
        SageMakerPipelines::new(aws_sdk_sagemaker::Client::new(&self.config), role_arn)
    }

    /// Returns the model registry.
    #[must_use]
    pub fn registry(&self) -> ModelRegistry {
        ModelRegistry::new(aws_sdk_sagemaker::Client::new(&self.config))
    }

    /// Returns the SageMaker endpoints. Their models run with the role `model_role_arn`, or with one of
    /// `passable_role_arns` that the policy names.
    #[must_use]
    pub fn endpoints(&self, model_role_arn: &str, passable_role_arns: Vec<String>) -> SageMakerEndpoints {
        SageMakerEndpoints::new(
            aws_sdk_sagemaker::Client::new(&self.config),
            aws_sdk_applicationautoscaling::Client::new(&self.config),
            model_role_arn,
            passable_role_arns,
        )
    }

    /// Returns the client for sample requests.
    #[must_use]
    pub fn sampler(&self) -> RuntimeSampler {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(SAMPLE_TIMEOUT)
            .operation_timeout(SAMPLE_TIMEOUT)
            .build();
        let config =
            aws_sdk_sagemakerruntime::config::Builder::from(&self.config).timeout_config(timeouts).build();
        RuntimeSampler::new(aws_sdk_sagemakerruntime::Client::from_conf(config), self.s3())
    }

    /// Returns the monitoring reports in S3.
    #[must_use]
    pub fn reports(&self) -> S3Reports {
        S3Reports::new(self.s3())
    }

    /// S3 for large objects, which need more time than a call of a function has.
    #[cfg(feature = "install")]
    pub(crate) fn s3_for_uploads(&self) -> aws_sdk_s3::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(UPLOAD_TIMEOUT)
            .operation_timeout(UPLOAD_TIMEOUT)
            .build();
        let config = self.s3().config().to_builder().timeout_config(timeouts).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        // An endpoint that is not AWS's has no DNS name for each bucket.
        let elsewhere =
            self.config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(elsewhere).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Returns the CloudWatch alarms.
    #[must_use]
    pub fn alarms(&self) -> CloudWatchAlarms {
        CloudWatchAlarms::new(aws_sdk_cloudwatch::Client::new(&self.config))
    }

    /// Returns the sources of promote's gates.
    #[must_use]
    pub fn gate_sources(&self) -> HubGateSources {
        let sagemaker = aws_sdk_sagemaker::Client::new(&self.config);
        HubGateSources::new(sagemaker, self.s3(), aws_sdk_cloudwatch::Client::new(&self.config))
    }

    /// Returns the CloudWatch metrics.
    #[must_use]
    pub fn metrics(&self) -> CloudWatchMetrics {
        CloudWatchMetrics::new(aws_sdk_cloudwatch::Client::new(&self.config))
    }

    /// Returns the capacity of endpoints and inference components.
    #[must_use]
    pub fn capacity(&self) -> ComponentCapacity {
        ComponentCapacity::new(
            aws_sdk_sagemaker::Client::new(&self.config),
            aws_sdk_applicationautoscaling::Client::new(&self.config),
            aws_sdk_cloudwatch::Client::new(&self.config),
        )
    }
}

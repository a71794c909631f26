//! The queue of an asynchronous endpoint, and where its answers are put.

use aws_sdk_sagemaker::types::{
    AsyncInferenceClientConfig, AsyncInferenceConfig, AsyncInferenceNotificationConfig,
    AsyncInferenceOutputConfig, AsyncNotificationTopicTypes,
};
use tidegate_policy::deploy::{Setting, SettingKind};
use tidegate_policy::endpoint::ConfigSettings;
use tidegate_policy::file::{NotifiedTopic, Notify};

use crate::convert::int;

/// Converts what a policy sets; `None` if the endpoint is not asynchronous.
pub(super) fn config(settings: &ConfigSettings) -> Option<AsyncInferenceConfig> {
    let queue = settings.async_inference.as_ref()?;
    let output = AsyncInferenceOutputConfig::builder()
        .s3_output_path(queue.output.as_str())
        .set_s3_failure_path(queue.failures.as_ref().map(ToString::to_string))
        .set_kms_key_id(settings.output_key.as_ref().map(ToString::to_string))
        .set_notification_config(queue.notify.as_ref().map(notifications))
        .build();
    let client = queue.max_concurrent_per_instance.map(|count| {
        AsyncInferenceClientConfig::builder().max_concurrent_invocations_per_instance(int(count)).build()
    });
    Some(AsyncInferenceConfig::builder().output_config(output).set_client_config(client).build())
}

fn notifications(notify: &Notify) -> AsyncInferenceNotificationConfig {
    let topic = |topic: &NotifiedTopic| match topic {
        NotifiedTopic::Success => AsyncNotificationTopicTypes::SuccessNotificationTopic,
        NotifiedTopic::Error => AsyncNotificationTopicTypes::ErrorNotificationTopic,
    };
    let included = notify.include_response_in.as_ref();
    AsyncInferenceNotificationConfig::builder()
        .set_success_topic(notify.success.as_ref().map(ToString::to_string))
        .set_error_topic(notify.error.as_ref().map(ToString::to_string))
        .set_include_inference_response_in(included.map(|topics| topics.iter().map(topic).collect()))
        .build()
}

/// Reads what a configuration sets.
pub(super) fn settings(found: &AsyncInferenceConfig) -> Vec<Setting> {
    let Some(output) = found.output_config() else { return Vec::new() };
    let topics = output.notification_config().map(|topics| {
        let all = [topics.success_topic(), topics.error_topic()];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let most = found.client_config().and_then(|client| client.max_concurrent_invocations_per_instance());
    let path = output.s3_output_path().unwrap_or("without a path");
    [
        (SettingKind::AsyncInference, Some(path.to_owned())),
        (SettingKind::AsyncFailures, output.s3_failure_path().map(str::to_owned)),
        (SettingKind::AsyncNotifications, topics),
        (SettingKind::AsyncOutputKey, output.kms_key_id().map(str::to_owned)),
        (SettingKind::AsyncConcurrency, most.map(|most| most.to_string())),
    ]
    .into_iter()
    .filter_map(|(kind, value)| Some(Setting { kind, value: value? }))
    .collect()
}

//! What an endpoint runs, from the answers of DescribeEndpointConfig and DescribeModel.

use serde_json::{Value, json};
use tidegate_engine::CallError;
use tidegate_policy::deploy::{RunningConfig, ScalableTarget, Setting, SettingKind};

use super::text;
use crate::cloud::Account;

const SAGEMAKER: &str = "sagemaker";

fn names(found: &Value, list: &str) -> Vec<String> {
    let variants = found.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    variants.iter().filter_map(|variant| text(variant, "/VariantName")).collect()
}

fn models(found: &Value) -> Vec<String> {
    let variants = found.get("ProductionVariants").and_then(Value::as_array).into_iter().flatten();
    variants.filter_map(|variant| text(variant, "/ModelName")).collect()
}

fn is_given(found: &Value, pointer: &str) -> bool {
    found.pointer(pointer).is_some_and(|value| !value.is_null() && value != false)
}

/// The settings by where they are in an answer, each with the part that people are told.
fn settings(found: &Value) -> Vec<Setting> {
    [
        (SettingKind::DataCapture, "/DataCaptureConfig", "/DataCaptureConfig/DestinationS3Uri"),
        (SettingKind::KmsKey, "/KmsKeyId", "/KmsKeyId"),
        (SettingKind::Vpc, "/VpcConfig", "/VpcConfig/Subnets"),
        (SettingKind::NetworkIsolation, "/EnableNetworkIsolation", "/EnableNetworkIsolation"),
        (SettingKind::AsyncInference, "/AsyncInferenceConfig", "/AsyncInferenceConfig/OutputConfig"),
        (
            SettingKind::AsyncNotifications,
            "/AsyncInferenceConfig/OutputConfig/NotificationConfig",
            "/AsyncInferenceConfig/OutputConfig/NotificationConfig",
        ),
        (SettingKind::Explainer, "/ExplainerConfig", "/ExplainerConfig"),
        (
            SettingKind::InferenceAmi,
            "/ProductionVariants/0/InferenceAmiVersion",
            "/ProductionVariants/0/InferenceAmiVersion",
        ),
        (SettingKind::EnvironmentVariables, "/PrimaryContainer/Environment", "/PrimaryContainer/Environment"),
        (SettingKind::EnvironmentVariables, "/Containers/0/Environment", "/Containers/0/Environment"),
    ]
    .into_iter()
    .filter(|(_, place, _)| is_given(found, place))
    .map(|(kind, _, told)| {
        let value = found.pointer(told).map(ToString::to_string).unwrap_or_default();
        Setting { kind, value }
    })
    .collect()
}

impl Account {
    pub(super) async fn running(&self, endpoint: &str, config: &str) -> Result<RunningConfig, CallError> {
        let request = json!({"EndpointConfigName": config});
        let Some(found) = self.find(SAGEMAKER, "DescribeEndpointConfig", request).await? else {
            return Ok(RunningConfig::default());
        };
        let mut running = RunningConfig {
            variants: names(&found, "ProductionVariants"),
            models: models(&found),
            shadow_variants: names(&found, "ShadowProductionVariants"),
            instance_type: text(&found, "/ProductionVariants/0/InstanceType"),
            settings: settings(&found),
            scalable_targets: Vec::new(),
        };
        if let Some(model) = text(&found, "/ProductionVariants/0/ModelName") {
            let model = self.find(SAGEMAKER, "DescribeModel", json!({"ModelName": model})).await?;
            running.settings.extend(model.iter().flat_map(settings));
        }
        for variant in &running.variants {
            let resource = format!("endpoint/{endpoint}/variant/{variant}");
            running.scalable_targets.extend(self.limits_of(&resource).await?);
        }
        Ok(running)
    }

    /// The limits of a resource in Application Auto Scaling.
    pub(super) async fn limits_of(&self, resource: &str) -> Result<Option<ScalableTarget>, CallError> {
        let request = json!({"ServiceNamespace": "sagemaker", "ResourceIds": [resource]});
        let found = self.call("application-autoscaling", "DescribeScalableTargets", request).await?;
        let number = |name: &str| {
            let value = found.pointer(&format!("/ScalableTargets/0/{name}")).and_then(Value::as_u64)?;
            u32::try_from(value).ok()
        };
        Ok(number("MinCapacity").zip(number("MaxCapacity")).map(|(min, max)| ScalableTarget { min, max }))
    }
}

//! What promote's gates read: versions, files with metrics, alarms and feature groups.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sagemaker::operation::describe_model_package::DescribeModelPackageOutput;
use aws_sdk_sagemaker::types::{FeatureDefinition, IncludedData, UserContext};
use tidegate_engine::CallError;
use tidegate_engine::ports::GateSources;
use tidegate_policy::evaluation::MAX_BYTES;
use tidegate_policy::promote::{AlarmFact, Fact, FeatureGroup, VersionDetails};

use crate::alarms::states;
use crate::error::failed;
use crate::s3_text;

const SERVICE: &str = "sagemaker";
/// 2,500 features are in one page, and a group has at most as many.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html>
const MAX_PAGES: usize = 10;

/// The sources of promote's gates in the hub.
#[derive(Debug, Clone)]
pub struct HubGateSources {
    sagemaker: aws_sdk_sagemaker::Client,
    s3: aws_sdk_s3::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

impl HubGateSources {
    pub(crate) fn new(
        sagemaker: aws_sdk_sagemaker::Client,
        s3: aws_sdk_s3::Client,
        cloudwatch: aws_sdk_cloudwatch::Client,
    ) -> Self {
        Self { sagemaker, s3, cloudwatch }
    }
}

#[async_trait]
impl GateSources for HubGateSources {
    async fn version(&self, arn: &str) -> Result<Option<VersionDetails>, CallError> {
        let call = self.sagemaker.describe_model_package().model_package_name(arn);
        // The content of a model card may be encrypted with a key that promote may not use. Only its status matters.
        let answer = call.included_data(IncludedData::MetadataOnly).send().await;
        match answer.map_err(failed(SERVICE, "DescribeModelPackage")) {
            Ok(found) => Ok(Some(details(&found))),
            Err(failure) if failure.not_there() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn file(&self, uri: &str) -> Result<Fact<String>, CallError> {
        let parts = uri.strip_prefix("s3://").and_then(|path| path.split_once('/'));
        let Some((bucket, key)) = parts.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()) else {
            return Ok(Err(format!("{uri} is no file in S3")));
        };
        s3_text::read(&self.s3, bucket, key, MAX_BYTES).await
    }

    async fn alarm_states(&self, names: &[String]) -> Result<BTreeMap<String, AlarmFact>, CallError> {
        states(&self.cloudwatch, names).await
    }

    async fn feature_group(&self, name: &str) -> Result<Option<FeatureGroup>, CallError> {
        let (mut group, mut token) = (FeatureGroup::default(), None);
        for _ in 0..MAX_PAGES {
            let call = self.sagemaker.describe_feature_group().feature_group_name(name);
            let answer = call.set_next_token(token).send().await;
            let found = match answer.map_err(failed(SERVICE, "DescribeFeatureGroup")) {
                Ok(found) => found,
                Err(failure) if failure.not_there() => return Ok(None),
                Err(failure) => return Err(failure.into()),
            };
            group.definitions.extend(found.feature_definitions().iter().filter_map(definition));
            group.online =
                found.online_store_config().and_then(|store| store.enable_online_store()) == Some(true);
            // A repeated token would never end.
            match found.next_token.filter(|next| !next.is_empty()) {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        Ok(Some(group))
    }
}

fn definition(found: &FeatureDefinition) -> Option<(String, String, Option<String>)> {
    let collection = found.collection_type().map(|collection| collection.as_str().to_owned());
    Some((found.feature_name()?.to_owned(), found.feature_type()?.as_str().to_owned(), collection))
}

fn details(found: &DescribeModelPackageOutput) -> VersionDetails {
    let metrics = found.model_metrics();
    let statistics =
        metrics.and_then(|metrics| metrics.model_quality()).and_then(|quality| quality.statistics());
    let bias = metrics.and_then(|metrics| metrics.bias());
    let explained = metrics.and_then(|metrics| metrics.explainability());
    let has_bias = |bias: &aws_sdk_sagemaker::types::Bias| {
        bias.report().or(bias.pre_training_report()).or(bias.post_training_report()).is_some()
    };
    let properties = found.customer_metadata_properties();
    VersionDetails {
        statistics: statistics.and_then(|statistics| statistics.s3_uri()).map(str::to_owned),
        bias_report: bias.is_some_and(has_bias),
        explainability_report: explained.and_then(|explained| explained.report()).is_some(),
        card_status: found
            .model_card()
            .and_then(|card| card.model_card_status())
            .map(|status| status.as_str().to_owned()),
        properties: properties
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        commit: found.metadata_properties().and_then(|made| made.commit_id()).map(str::to_owned),
        created_by: found.created_by().and_then(who),
    }
}

/// The user profile of Studio, or the principal that called the API.
fn who(context: &UserContext) -> Option<String> {
    let identity = || context.iam_identity().and_then(|identity| identity.arn());
    context.user_profile_name().or_else(identity).map(str::to_owned)
}

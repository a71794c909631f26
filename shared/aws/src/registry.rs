//! The SageMaker Model Registry.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::{
    Filter, IncludedData, ModelApprovalStatus, ModelLifeCycle, ModelPackageContainerDefinition,
    ModelPackageSortBy, ModelPackageType, Operator, ResourceType, SearchExpression, SortOrder,
};
use jiff::Timestamp;
use tidegate_engine::CallError;
use tidegate_engine::ports::{ApprovedPackage, Registry, RegistryPackage};
use tidegate_events::{ApprovalStatus, PackageStatus};
use tidegate_policy::artifacts::{Container, fingerprint_of};
use tidegate_policy::promote::Package;

use crate::convert::{cut, timestamp};
use crate::error::failed;

const SERVICE: &str = "sagemaker";
/// The list is sorted from new to old, so the first page with a result contains the highest version.
const PAGE: i32 = 100;
/// A filtered page may be empty although another page follows.
const MAX_PAGES: usize = 10;
/// The newest changes come first. A hundred pages are 10,000 packages, more than `Search` returns.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html>
const MAX_SEARCH_PAGES: usize = 100;
const LONGEST_DESCRIPTION: usize = 1_024;
const LONGEST_LABEL: usize = 63;

/// The SageMaker Model Registry.
#[derive(Debug, Clone)]
pub struct ModelRegistry {
    client: Client,
}

impl ModelRegistry {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Registry for ModelRegistry {
    async fn package(&self, arn: &str) -> Result<Option<RegistryPackage>, CallError> {
        let call = self.client.describe_model_package().model_package_name(arn);
        // The content of a model card may be encrypted with a key that the function may not use, and is not needed.
        // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html
        let answer = call.included_data(IncludedData::MetadataOnly).send().await;
        let found = match answer.map_err(failed(SERVICE, "DescribeModelPackage")) {
            Ok(found) => found,
            // Access denied does not mean that the package is absent: the group policy of the other account may not
            // exist yet.
            Err(failure) if failure.not_there() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let approval = found.model_approval_status();
        let status = found.model_package_status();
        let specification = found.inference_specification();
        let containers: Vec<Container> =
            specification.map(|found| found.containers().iter().map(container).collect()).unwrap_or_default();
        let package = Package {
            artifacts: fingerprint_of(&containers),
            approval: approval.map_or(ApprovalStatus::Absent, |status| ApprovalStatus::read(status.as_str())),
            status: PackageStatus::read(status.map_or("", |status| status.as_str())),
        };
        Ok(Some(RegistryPackage {
            package,
            containers,
            last_modified: found.last_modified_time().or(found.creation_time()).and_then(timestamp),
        }))
    }

    async fn approved_before(&self, group: &str, version: u64) -> Result<Option<ApprovedPackage>, CallError> {
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let answer = self
                .client
                .list_model_packages()
                .model_package_group_name(group)
                .model_approval_status(ModelApprovalStatus::Approved)
                .model_package_type(ModelPackageType::Versioned)
                .sort_by(ModelPackageSortBy::CreationTime)
                .sort_order(SortOrder::Descending)
                .max_results(PAGE)
                .set_next_token(token)
                .send()
                .await;
            let listed = match answer.map_err(failed(SERVICE, "ListModelPackages")) {
                Ok(listed) => listed,
                Err(failure) if failure.not_there() => return Ok(None),
                Err(failure) => return Err(failure.into()),
            };
            let packages = listed.model_package_summary_list().iter().filter_map(|package| {
                let found =
                    u64::try_from(package.model_package_version()?).ok().filter(|found| *found < version)?;
                Some(ApprovedPackage { arn: package.model_package_arn()?.to_owned(), version: found })
            });
            match (packages.max_by_key(|package| package.version), listed.next_token()) {
                (Some(newest), _) => return Ok(Some(newest)),
                (None, None) => return Ok(None),
                (None, Some(next)) => token = Some(next.to_owned()),
            }
        }
        Ok(None)
    }

    async fn groups_changed_since(&self, since: Timestamp) -> Result<Vec<String>, CallError> {
        let changed = Filter::builder()
            .name("LastModifiedTime")
            .operator(Operator::GreaterThanOrEqualTo)
            // The format that the API requires: seconds, without a zone.
            .value(since.strftime("%Y-%m-%dT%H:%M:%S").to_string())
            .build();
        let expression = SearchExpression::builder().filters(changed).build();
        let (mut groups, mut token) = (BTreeSet::new(), None);
        for _ in 0..MAX_SEARCH_PAGES {
            let answer = self
                .client
                .search()
                .resource(ResourceType::ModelPackage)
                .search_expression(expression.clone())
                .max_results(PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(failed(SERVICE, "Search"))?;
            let packages = answer.results().iter().filter_map(|record| record.model_package());
            groups
                .extend(packages.filter_map(|package| package.model_package_group_name()).map(str::to_owned));
            match answer.next_token {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        Ok(groups.into_iter().collect())
    }

    async fn update_lifecycle(
        &self,
        arn: &str,
        stage: &str,
        status: &str,
        description: &str,
    ) -> Result<(), CallError> {
        let life_cycle = ModelLifeCycle::builder()
            .stage(label(stage))
            .stage_status(label(status))
            .stage_description(cut(&description.replace(['\r', '\n'], " "), LONGEST_DESCRIPTION))
            .build();
        self.client
            .update_model_package()
            .model_package_arn(arn)
            .model_life_cycle(life_cycle)
            .send()
            .await
            .map_err(failed(SERVICE, "UpdateModelPackage"))?;
        Ok(())
    }

    async fn reject(&self, arn: &str, description: &str) -> Result<(), CallError> {
        self.client
            .update_model_package()
            .model_package_arn(arn)
            .model_approval_status(ModelApprovalStatus::Rejected)
            .approval_description(cut(description, LONGEST_DESCRIPTION))
            .send()
            .await
            .map_err(failed(SERVICE, "UpdateModelPackage"))?;
        Ok(())
    }
}

/// The image and the model data of a container.
fn container(container: &ModelPackageContainerDefinition) -> Container {
    let source = container.model_data_source().and_then(|source| source.s3_data_source());
    let own = |text: Option<&str>| text.map(str::to_owned);
    Container {
        image: own(container.image()),
        image_digest: own(container.image_digest()),
        model_data_url: own(container.model_data_url()),
        model_data_etag: own(container.model_data_e_tag()),
        source_uri: own(source.and_then(|source| source.s3_uri())),
        source_etag: own(source.and_then(|source| source.e_tag())),
        manifest_etag: own(source.and_then(|source| source.manifest_etag())),
    }
}

/// Converts a text to SageMaker's format for stages, `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}` with at most 63 characters, so
/// that an update of the registry does not fail because of a space.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelLifeCycle.html>
fn label(text: &str) -> String {
    let hyphenated: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    cut(hyphenated.trim_matches('-'), LONGEST_LABEL).trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_in_sagemakers_alphabet() {
        assert_eq!(label("production"), "production");
        assert_eq!(label("Rolled back, silently"), "Rolled-back--silently");
        assert_eq!(label("-x-"), "x");
        assert_eq!(label(&format!("{}-b", "a".repeat(62))), "a".repeat(62));
    }
}

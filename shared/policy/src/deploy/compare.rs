//! Whether what serves is made of what the version consists of: variants, models, images and model data.
//!
//! The names of models and configurations are derived from content, but a name does not prove the content: somebody may
//! have made a resource with this name before, and a tag of an image may have been moved since the approval. What AWS does
//! not describe is not compared.

use std::collections::BTreeSet;

use serde::Deserialize;
use tidegate_events::DeploymentOutcome;

use super::converge::{Reconciliation, serves_as_requested};
use super::{Deploy, Endpoint, InFlight, Snapshot};
use crate::artifacts::Container;
use crate::endpoint::VARIANT;
use crate::file::Environment;
use crate::reason::Reason;

/// An image that SageMaker runs. <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeployedImage.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployedImage {
    /// The image as the model names it.
    pub specified: String,
    /// The image with its digest, as SageMaker resolved it.
    #[serde(default)]
    pub resolved: Option<String>,
}

/// A model as SageMaker describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunningModel {
    /// Its containers.
    pub containers: Vec<RunningContainer>,
}

/// A container of a model. It has either a package, or an image and model data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunningContainer {
    /// The ARN of the model package.
    pub package: Option<String>,
    /// The image.
    pub image: Option<String>,
    /// The place of the model data in S3.
    pub model_data: Option<String>,
}

/// Whether the configuration and the model must be read to compare them with the version: it is in service as requested.
#[must_use]
pub fn needs_comparison(environment: &Environment, in_flight: &InFlight, seen: &Snapshot) -> bool {
    serves_as_requested(environment, in_flight, seen)
}

/// A part of what serves that is not that of the version.
struct Difference {
    /// The part, such as `image`.
    part: &'static str,
    /// What runs instead of what.
    what: String,
}

impl Reconciliation<'_> {
    /// The end of a deployment whose endpoint is in service and runs something else than the version.
    pub(super) fn differs(&self, seen: &Snapshot) -> Option<Deploy> {
        let found = self.differences(seen);
        let parts: BTreeSet<&str> = found.iter().map(|difference| difference.part).collect();
        let what: Vec<String> = found.into_iter().map(|difference| difference.what).collect();
        if what.is_empty() {
            return None;
        }
        let reason = Reason::RunsAnother {
            endpoint: self.wanted.endpoint.clone(),
            version: self.in_flight.request.version,
            parts: Vec::from_iter(parts).join(", "),
            what: what.join("; "),
        };
        Some(self.end(DeploymentOutcome::VerificationFailed, reason, seen))
    }

    fn differences(&self, seen: &Snapshot) -> Vec<Difference> {
        let images = match &seen.component {
            Some(component) if self.wanted.component.is_some() => component.image.as_slice(),
            _ => seen.endpoint.as_ref().map_or(&[][..], Endpoint::images),
        };
        let of_images = images.iter().filter_map(|image| other_image(image, &seen.containers));
        self.of_config(seen).into_iter().chain(self.of_model(seen)).chain(of_images).collect()
    }

    /// The configuration has the one variant, with the model of the version unless a component runs it.
    fn of_config(&self, seen: &Snapshot) -> Vec<Difference> {
        let Some(running) = &seen.running_config else { return Vec::new() };
        let mut found = Vec::new();
        let variants = running.variants.iter().map(String::as_str).filter(|name| *name != VARIANT);
        for name in variants.chain(running.shadow_variants.iter().map(String::as_str)) {
            let what = format!("the configuration has a variant {name}");
            found.push(Difference { part: "variant", what });
        }
        let wanted = self.wanted.component.is_none().then_some(&self.wanted.model.name);
        for model in running.models.iter().filter(|model| Some(*model) != wanted) {
            let expected = wanted.map_or("none", String::as_str);
            let what = format!("a variant has the model {model} instead of {expected}");
            found.push(Difference { part: "model", what });
        }
        found
    }

    /// The containers of the model are those of the package.
    fn of_model(&self, seen: &Snapshot) -> Vec<Difference> {
        let name = &self.wanted.model.name;
        let wanted = &self.in_flight.request.package_arn;
        let mut found = Vec::new();
        for container in seen.model.iter().flat_map(|model| &model.containers) {
            if let Some(package) = &container.package {
                if !package.eq_ignore_ascii_case(wanted) {
                    let what = format!("model {name} is of the package {package} instead of {wanted}");
                    found.push(Difference { part: "package", what });
                }
                continue;
            }
            if let Some(image) = &container.image {
                let image = DeployedImage { specified: image.clone(), resolved: None };
                found.extend(other_image(&image, &seen.containers));
            }
            if let Some(data) = &container.model_data
                && !seen.containers.is_empty()
                && !seen
                    .containers
                    .iter()
                    .any(|of| [&of.model_data_url, &of.source_uri].contains(&&Some(data.clone())))
            {
                let what = format!("model {name} has the model data {data}, which is not in the package");
                found.push(Difference { part: "model data", what });
            }
        }
        found
    }
}

/// An image that no container of the package has, or not with this digest.
fn other_image(image: &DeployedImage, of_package: &[Container]) -> Option<Difference> {
    let mut same_name =
        of_package.iter().filter(|container| container.image.as_ref() == Some(&image.specified)).peekable();
    let what = if of_package.iter().all(|container| container.image.is_none()) {
        return None;
    } else if same_name.peek().is_none() {
        format!("image {} runs, which is not in the package", image.specified)
    } else {
        let running = digest(image.resolved.as_deref().unwrap_or_default())?;
        let approved: Vec<&str> =
            same_name.filter_map(|container| digest(container.image_digest.as_deref()?)).collect();
        if approved.is_empty() || approved.contains(&running) {
            return None;
        }
        format!(
            "image {} runs with the digest {running} instead of {}: its tag was moved after the version was registered",
            image.specified,
            approved.join(" or ")
        )
    };
    Some(Difference { part: "image", what })
}

/// The digest in `repository@sha256:…` or `sha256:…`. AWS does not say that it uses no other algorithm, and digests of
/// different algorithms cannot be compared.
fn digest(text: &str) -> Option<&str> {
    let digest = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
    digest.starts_with("sha256:").then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(image: &str, digest: Option<&str>) -> Container {
        let digest = digest.map(str::to_owned);
        Container { image: Some(image.to_owned()), image_digest: digest, ..Container::default() }
    }

    fn other(specified: &str, resolved: Option<&str>, of: &[Container]) -> bool {
        let resolved = resolved.map(str::to_owned);
        other_image(&DeployedImage { specified: specified.to_owned(), resolved }, of).is_some()
    }

    #[test]
    fn an_image_is_compared_by_name_and_by_digest() {
        let package = [container("r/a:1", Some("sha256:1")), container("r/b:1", None)];
        assert!(!other("r/a:1", Some("r/a@sha256:1"), &package));
        assert!(other("r/a:1", Some("r/a@sha256:2"), &package), "the tag was moved");
        assert!(other("r/c:1", Some("r/c@sha256:1"), &package), "another image");
        assert!(!other("r/b:1", Some("r/b@sha256:9"), &package), "its digest is not known");
        assert!(!other("r/a:1", None, &package) && !other("r/a:1", Some("r/a:1"), &package));
    }

    #[test]
    fn what_is_not_described_is_not_compared() {
        assert!(!other("r/a:1", Some("r/a@sha256:1"), &[]));
        assert!(!other("r/a:1", Some("r/a@sha256:1"), &[Container::default()]));
        assert!(!other("r/a:1", Some("r/a@sha256:1"), &[container("r/a:1", Some("md5:2"))]));
    }
}

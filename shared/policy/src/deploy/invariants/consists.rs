//! Whether what serves consists of what the version consists of, written apart from the comparison that deploy decides on.

use super::Checker;
use crate::artifacts::Container;
use crate::deploy::{DeployedImage, RunningContainer, Snapshot, VARIANT};
use crate::endpoint::EndpointKind;
use crate::fingerprint::short;

impl Checker<'_> {
    /// Whether nothing that is described is of another version or of none.
    pub(super) fn consists_of_it(&self, seen: &Snapshot) -> bool {
        // An endpoint with components may run those of other models.
        let kind = self.cx.environment().map(|environment| environment.endpoint.spec.kind());
        let has_components = kind == Some(EndpointKind::InferenceComponent);
        let endpoint = seen.endpoint.as_ref().filter(|_| !has_components || seen.component.is_none());
        let component = seen.component.as_ref().filter(|_| has_components);
        let of_endpoint = endpoint.into_iter().flat_map(|endpoint| &endpoint.images);
        let of_component = component.into_iter().flat_map(|component| &component.image);
        let containers = seen.model.iter().flat_map(|model| &model.containers);
        let right_image = |image: &DeployedImage| is_image_of(image, &seen.containers);
        of_endpoint.chain(of_component).all(right_image)
            && containers.into_iter().all(|container| self.is_container(container, &seen.containers))
            && self.is_config(seen)
    }

    /// Whether the configuration has the one variant, with no model or with one of the version.
    fn is_config(&self, seen: &Snapshot) -> bool {
        let Some((environment, request)) = self.cx.environment().zip(self.request) else { return false };
        let package = short(&[&request.package_arn], 6);
        let model = format!("{}-v{}-{package}", environment.endpoint.served_name(), request.version);
        seen.running_config.as_ref().is_none_or(|config| {
            let with_components = seen.component.is_some() && config.models.is_empty();
            config.shadow_variants.is_empty()
                && config.variants.iter().all(|name| name == VARIANT)
                && (with_components || config.models.iter().all(|name| name.starts_with(&model)))
        })
    }

    fn is_container(&self, container: &RunningContainer, of_package: &[Container]) -> bool {
        if let Some(package) = &container.package {
            let wanted = self.request.map(|request| request.package_arn.to_lowercase());
            return Some(package.to_lowercase()) == wanted;
        }
        let image = |specified: &String| DeployedImage { specified: specified.clone(), resolved: None };
        let right_image = container.image.iter().all(|specified| is_image_of(&image(specified), of_package));
        let has_data = |data: &String| {
            let places = of_package.iter().flat_map(|of| of.model_data_url.iter().chain(&of.source_uri));
            places.into_iter().any(|place| place == data)
        };
        right_image && (of_package.is_empty() || container.model_data.iter().all(has_data))
    }
}

/// Whether a container of the package has this image, and none says that it has another digest.
fn is_image_of(image: &DeployedImage, of_package: &[Container]) -> bool {
    const SHA: &str = "sha256:";
    let named: Vec<&Container> =
        of_package.iter().filter(|of| of.image.as_deref() == Some(image.specified.as_str())).collect();
    let nothing_known = of_package.iter().all(|of| of.image.is_none());
    let running = image.resolved.as_deref().and_then(|resolved| resolved.split_once(SHA));
    let digests: Vec<&str> =
        named.iter().filter_map(|of| of.image_digest.as_deref()?.strip_prefix(SHA)).collect();
    let right_digest = running.is_none_or(|(_, running)| digests.is_empty() || digests.contains(&running));
    nothing_known || (!named.is_empty() && right_digest)
}

//! What a model package consists of: images and model data, by their digests.

use crate::fingerprint::fingerprint;

/// A container of a model package, as the registry describes it.
///
/// SageMaker documents that `ImageDigest` identifies the image and that `ModelDataETag` is the entity tag of the model data
/// (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageContainerDefinition.html>). It does not say
/// that it always sets them, so what is absent is absent on both sides of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// The image.
    pub image: Option<String>,
    /// Its digest.
    pub image_digest: Option<String>,
    /// The model data, if it is one archive.
    pub model_data_url: Option<String>,
    /// Its entity tag.
    pub model_data_etag: Option<String>,
    /// The model data, if it is an object or a prefix.
    pub source_uri: Option<String>,
    /// The entity tag of that object.
    pub source_etag: Option<String>,
    /// The entity tag of the manifest of the objects.
    pub manifest_etag: Option<String>,
}

/// One fingerprint of all containers of a package; `None` if it has none, or if they are not known.
#[must_use]
pub fn fingerprint_of(containers: &[Container]) -> Option<String> {
    let parts = containers.iter().flat_map(|container| {
        let Container {
            image,
            image_digest,
            model_data_url,
            model_data_etag,
            source_uri,
            source_etag,
            manifest_etag,
        } = container;
        [image, image_digest, model_data_url, model_data_etag, source_uri, source_etag, manifest_etag]
            .map(|part| part.as_deref().unwrap_or_default())
    });
    let parts: Vec<&str> = parts.collect();
    (!parts.is_empty()).then(|| fingerprint(&parts))
}

/// Whether a package has become another one since its approval, as far as both fingerprints are known.
#[must_use]
pub fn changed(approved: Option<&String>, found: Option<&String>) -> bool {
    approved.zip(found).is_some_and(|(approved, found)| approved != found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_container_counts() {
        let container = Container { image: Some("i".to_owned()), ..Container::default() };
        let of = |containers: &[Container]| fingerprint_of(containers).unwrap();
        let tagged = Container { model_data_etag: Some("e".to_owned()), ..container.clone() };
        let sourced = Container { source_etag: Some("e".to_owned()), ..container.clone() };
        let all = [&[container.clone()][..], &[tagged], &[sourced], &[container.clone(), container]].map(of);
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
        assert_eq!(fingerprint_of(&[]), None);
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let (one, other) = ("a".to_owned(), "b".to_owned());
        assert!(changed(Some(&one), Some(&other)));
        assert!(!changed(Some(&one), Some(&one)) && !changed(None, Some(&one)) && !changed(Some(&one), None));
    }
}

//! The owner of an AWS resource, according to its tags. Tidegate tags whatever it makes.

use std::collections::BTreeMap;

use crate::file::{Environment, Policy};

/// The tag with the model for which a resource was made.
pub const MODEL_TAG: &str = "tidegate:model";
/// The tag with the environment for which a resource was made.
pub const ENVIRONMENT_TAG: &str = "tidegate:environment";

/// The tag of an endpoint that several models share on purpose, each as a component of its own.
pub const SHARED_TAG: &str = "tidegate:shared";

/// The tags of a resource, by key.
pub type Tags = BTreeMap<String, String>;

/// The owner of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This model in this environment.
    Ours,
    /// Another model or environment of Tidegate, as its tags name it.
    Another(String),
    /// Several models on purpose: an endpoint with a component for each.
    Shared,
    /// Nobody that Tidegate knows: it has none of Tidegate's tags.
    Unknown,
}

impl Owner {
    /// The owner that tags name. `environment` is `None` for a resource of the hub, which belongs to the model alone.
    #[must_use]
    pub fn of(tags: &Tags, model: &str, environment: Option<&str>) -> Self {
        if tags.contains_key(SHARED_TAG) {
            return Self::Shared;
        }
        let (of_model, of_environment) = (tags.get(MODEL_TAG), tags.get(ENVIRONMENT_TAG));
        if of_model.is_none() && of_environment.is_none() {
            return Self::Unknown;
        }
        let same = |tag: Option<&String>, wanted: &str| tag.is_none_or(|tag| tag == wanted);
        if same(of_model, model) && environment.is_none_or(|wanted| same(of_environment, wanted)) {
            return Self::Ours;
        }
        let model = of_model.map_or("an unnamed model", String::as_str);
        Self::Another(match of_environment {
            Some(environment) => format!("{model} in {environment}"),
            None => model.to_owned(),
        })
    }
}

/// The tags that Tidegate gives to what it makes for a model, in an environment or in the hub.
#[must_use]
pub fn tags(model: &str, environment: Option<&str>) -> Vec<(String, String)> {
    let of_environment = environment.map(|name| (ENVIRONMENT_TAG.to_owned(), name.to_owned()));
    [(MODEL_TAG.to_owned(), model.to_owned())].into_iter().chain(of_environment).collect()
}

/// The tags of all that is made for a policy, in an environment or in the hub: Tidegate's own and those of the policy, in
/// which the value of the environment wins.
#[must_use]
pub fn tags_of_policy(policy: &Policy, environment: Option<&Environment>) -> Vec<(String, String)> {
    let mut chosen = policy.tags.clone();
    chosen.extend(environment.map(|environment| environment.tags.clone()).unwrap_or_default());
    let own = tags(policy.model.as_str(), environment.map(|environment| environment.name.as_str()));
    own.into_iter().chain(chosen).collect()
}

/// The tags that a resource does not have, or has with another value.
pub(crate) fn missing(present: &Tags, wanted: Vec<(String, String)>) -> Vec<(String, String)> {
    wanted.into_iter().filter(|(key, value)| present.get(key) != Some(value)).collect()
}

/// The tags of an endpoint that several models share.
#[must_use]
pub fn shared_tags() -> Vec<(String, String)> {
    vec![(SHARED_TAG.to_owned(), "true".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)]) -> Owner {
        let tags = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Owner::of(&tags, "churn", Some("production"))
    }

    #[test]
    fn a_resource_belongs_to_the_model_and_the_environment_in_its_tags() {
        assert_eq!(of(&[]), Owner::Unknown);
        assert_eq!(of(&[("team", "churn")]), Owner::Unknown);
        assert_eq!(of(&[(MODEL_TAG, "churn"), (ENVIRONMENT_TAG, "production")]), Owner::Ours);
        let other = |text: &str| Owner::Another(text.to_owned());
        assert_eq!(of(&[(MODEL_TAG, "churn"), (ENVIRONMENT_TAG, "staging")]), other("churn in staging"));
        assert_eq!(
            of(&[(MODEL_TAG, "Churn"), (ENVIRONMENT_TAG, "production")]),
            other("Churn in production")
        );
        assert_eq!(of(&[(MODEL_TAG, "upsell")]), other("upsell"));
        assert_eq!(of(&[(MODEL_TAG, "upsell"), (SHARED_TAG, "true")]), Owner::Shared);
        assert_eq!(of(&[(ENVIRONMENT_TAG, "staging")]), other("an unnamed model in staging"));
    }

    #[test]
    fn what_is_made_is_found_to_be_ours() {
        for environment in [None, Some("production")] {
            let made: Tags = tags("churn", environment).into_iter().collect();
            assert_eq!(Owner::of(&made, "churn", environment), Owner::Ours);
        }
    }
}

//! Whether a deployment may change what exists. It may change what Tidegate made for this model and environment, and
//! what the policy adopts.

use super::converge::Reconciliation;
use super::running_config::listed;
use super::{Action, Live, RunningConfig, Snapshot, State};
use crate::endpoint::{DesiredResources, VARIANT};
use crate::file::Environment;
use crate::owner::{self, Owner, Tags};
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// Why an existing resource is not changed.
pub(super) enum NotAllowed {
    /// Its owner was not read, so nothing is known.
    NotRead,
    /// The deployment ends for this reason.
    Refused(Reason),
}

impl Reconciliation<'_> {
    /// The steps before an update of an existing endpoint: none if it is ours, and the alert and the tags if the policy
    /// adopts it.
    pub(super) fn may_update_endpoint(&self, seen: &Snapshot) -> Result<Vec<Step<Action>>, NotAllowed> {
        let endpoint = self.wanted.endpoint.as_str();
        let owner = self.owner(seen.endpoint_tags.as_ref(), &format!("endpoint {endpoint}"))?;
        let running = seen.running_config.as_ref().ok_or(NotAllowed::NotRead)?;
        if let Some(reason) = self.impossible(running) {
            return Err(NotAllowed::Refused(reason));
        }
        let config = seen.endpoint.as_ref().and_then(|endpoint| endpoint.config.as_deref());
        let lost: Vec<_> = running.lost(self.environment).collect();
        let ours = owner == Owner::Ours;
        if ours && (lost.is_empty() || config.is_some_and(|config| self.made(config))) {
            return Ok(self.missing_endpoint_tags(seen).into_iter().collect());
        }
        if !self.environment.adopt {
            let (what, lost) = (format!("endpoint {endpoint}"), listed(lost));
            return Err(NotAllowed::Refused(match owner {
                Owner::Ours => Reason::ChangedByOthers { what, lost },
                Owner::Another(_) | Owner::Shared | Owner::Unknown => Reason::NotOurs { what, lost },
            }));
        }
        if let Some(capture) = lost.iter().find(|setting| setting.kind == super::SettingKind::DataCapture) {
            let (endpoint, capture) = (endpoint.to_owned(), capture.value.clone());
            return Err(NotAllowed::Refused(Reason::CaptureWouldEnd { endpoint, capture }));
        }
        let alert = self.adoption(&format!("endpoint {endpoint}"), &listed(lost), &kept(running));
        let arn = seen.endpoint.as_ref().map(|endpoint| endpoint.arn.clone()).unwrap_or_default();
        let tag = Action::AddTags { resource: endpoint.to_owned(), arn, tags: self.endpoint_tags() };
        Ok(vec![alert, Step::Call(tag)])
    }

    /// The steps before an update of an existing component, as for an endpoint. A component is created on an endpoint
    /// only if no other model or environment has that endpoint for itself.
    pub(super) fn may_put_component(&self, seen: &Snapshot) -> Result<Vec<Step<Action>>, NotAllowed> {
        let Some(component) = &seen.component else {
            let what = format!("endpoint {}", self.wanted.endpoint);
            self.owner(seen.endpoint_tags.as_ref(), &what)?;
            return Ok(self.missing_endpoint_tags(seen).into_iter().collect());
        };
        let name = self.wanted.component.as_ref().map_or("", |component| component.name.as_str());
        let what = format!("component {name}");
        let owner = self.owner(seen.component_tags.as_ref(), &what)?;
        // An earlier version of Tidegate gave no tags to components.
        let deployed = component.model.as_ref().is_some_and(|model| self.deployed_model(model));
        if owner == Owner::Ours || deployed {
            let of_component = seen.component_tags.as_ref();
            let of_component = of_component.and_then(|tags| missing(name, &component.arn, tags, self.tags()));
            return Ok(self.missing_endpoint_tags(seen).into_iter().chain(of_component).collect());
        }
        let model = component.model.as_deref().unwrap_or("a container of its own");
        if !self.environment.adopt {
            let lost = format!("the model that it runs ({model})");
            return Err(NotAllowed::Refused(Reason::NotOurs { what, lost }));
        }
        let tag =
            Action::AddTags { resource: name.to_owned(), arn: component.arn.clone(), tags: self.tags() };
        let lost =
            format!("its model {model}, and every setting of its specification beside model and memory");
        Ok(vec![
            self.adoption(&what, &lost, "its endpoint and its limits in Application Auto Scaling"),
            Step::Call(tag),
        ])
    }

    /// The tags that the policy has and our endpoint does not. A shared endpoint keeps the values that it has, because the
    /// policies of its models may differ.
    fn missing_endpoint_tags(&self, seen: &Snapshot) -> Option<Step<Action>> {
        let (endpoint, tags) = seen.endpoint.as_ref().zip(seen.endpoint_tags.as_ref())?;
        let name = self.wanted.endpoint.as_str();
        if !matches!(self.owner(Some(tags), name), Ok(Owner::Ours)) {
            return None;
        }
        let wanted = if self.environment.endpoint.is_shared() {
            self.chosen_tags().filter(|(key, _)| !tags.contains_key(key)).collect()
        } else {
            self.tags()
        };
        missing(name, &endpoint.arn, tags, wanted)
    }

    /// The owner of a resource. Another model's or environment's resource is never changed.
    fn owner(&self, tags: Option<&Tags>, what: &str) -> Result<Owner, NotAllowed> {
        let tags = tags.ok_or(NotAllowed::NotRead)?;
        let (model, environment) = (self.policy.model.as_str(), self.environment.name.as_str());
        match Owner::of(tags, model, Some(environment)) {
            Owner::Shared if self.environment.endpoint.is_shared() => Ok(Owner::Ours),
            Owner::Shared => {
                let owner = "several models, which share it".to_owned();
                Err(NotAllowed::Refused(Reason::OwnedByAnother { what: what.to_owned(), owner }))
            }
            Owner::Another(owner) => {
                Err(NotAllowed::Refused(Reason::OwnedByAnother { what: what.to_owned(), owner }))
            }
            owner => Ok(owner),
        }
    }

    /// Why SageMaker would refuse the update, or would end what the endpoint does, whoever owns it.
    fn impossible(&self, running: &RunningConfig) -> Option<Reason> {
        let endpoint = self.wanted.endpoint.clone();
        let several = running.variants.len() > 1 || !running.shadow_variants.is_empty();
        if several || running.variants.iter().any(|name| name != VARIANT) {
            let variants = running.variants.iter().map(String::as_str);
            let shadows = running.shadow_variants.iter().map(|name| format!("{name} (shadow)"));
            let variants = listed(variants.map(str::to_owned).chain(shadows));
            return Some(Reason::OtherVariants { endpoint, variants });
        }
        let asynchronous = self.environment.endpoint.spec.behavior().async_settings().is_some();
        // A configuration that was deleted has no variants.
        if !running.variants.is_empty() && running.is_asynchronous() != asynchronous {
            let of = |asynchronous: bool| if asynchronous { "asynchronous" } else { "not asynchronous" };
            let (found, wanted) = (of(running.is_asynchronous()).to_owned(), of(asynchronous).to_owned());
            return Some(Reason::OtherInvocation { endpoint, found, wanted });
        }
        let wanted = self.environment.endpoint.spec.instances().map(|i| i.instance_type.as_str());
        if !running.scalable_targets.is_empty() && wanted != running.instance_type.as_deref() {
            let instance_type = wanted.unwrap_or("none").to_owned();
            return Some(Reason::ScaledInstanceType { endpoint, instance_type });
        }
        None
    }

    /// Whether Tidegate made this configuration for the model here.
    fn made(&self, config: &str) -> bool {
        let State { live, previous, last_report, .. } = self.state;
        let reported = last_report.as_ref().and_then(|report| report.finished.requested_config.as_deref());
        let lived = [live, previous].into_iter().flatten().map(|live| live.config.as_str());
        lived.chain(reported).any(|known| known == config)
    }

    /// Whether this is the model of a version that was deployed here.
    fn deployed_model(&self, model: &str) -> bool {
        let of = |live: &Live| {
            model.starts_with(&DesiredResources::model_of(self.environment, live.version, &live.package_arn))
        };
        [&self.state.live, &self.state.previous].into_iter().flatten().any(of)
    }

    fn adoption(&self, what: &str, lost: &str, kept: &str) -> Step<Action> {
        let Environment { name, account, .. } = self.environment;
        let (model, version) = (&self.policy.model, self.in_flight.request.version);
        let message = format!(
            "The policy of {model} says `adopt: true` for {name} ({account}).\nTidegate takes over {what}, which it did \
             not make, and updates it to version {version}.\nThe update loses: {lost}.\nIt keeps: {kept}.\nRemove \
             `adopt` from the policy when the deployment has ended: the tags then show that Tidegate owns it."
        );
        Step::Notify { subject: subject(&format!("{model} takes over {what}")), message }
    }
}

/// The step that adds the tags that a resource does not have.
fn missing(resource: &str, arn: &str, present: &Tags, wanted: Vec<(String, String)>) -> Option<Step<Action>> {
    let tags = owner::missing(present, wanted);
    let (resource, arn) = (resource.to_owned(), arn.to_owned());
    (!tags.is_empty()).then_some(Step::Call(Action::AddTags { resource, arn, tags }))
}

/// What an update of the endpoint does not change.
fn kept(running: &RunningConfig) -> String {
    let limits = running.scalable_targets.iter().map(|target| {
        format!(
            "its limits in Application Auto Scaling ({} to {}) and its number of instances",
            target.min, target.max
        )
    });
    listed(std::iter::once("its name and its tags".to_owned()).chain(limits))
}

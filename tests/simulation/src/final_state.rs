//! The state that the fleet must have at the end.

use jiff::SignedDuration;
use serde_json::Value;
use tidegate_policy::deploy;
use tidegate_policy::hold;
use tidegate_policy::promote::{self, EnvironmentStatus, Promotion};
use tidegate_policy::scale;
use tidegate_world::Snapshot;

use crate::check::text;
use crate::fleet::{Environment, Kind, Model};
use crate::runner::Runner;
use crate::site::SiteId;

impl Runner {
    /// A difference between the fleet and the policies that no record explains.
    pub(crate) fn divergence(&self) -> Option<String> {
        let seen = self.system.cloud.with_world(|world, _| world.snapshot());
        let models = &self.system.fleet.models;
        models.iter().find_map(|model| {
            self.promotion(model, &seen)
                .or_else(|| self.trained(model))
                .or_else(|| model.environments.iter().find_map(|at| self.deployed(model, at)))
                .or_else(|| model.environments.iter().find_map(|at| self.asleep(model, at, &seen)))
        })
    }

    /// Whether there is a decision about a model with this part of an idempotency key.
    fn has_decision_about(&self, model: &str, idempotency_key: &str) -> bool {
        let mut stored = self.checker.facts.decisions.iter().map(|stored| &stored.record);
        stored.any(|record| record.model == model && record.event.idempotency_key.contains(idempotency_key))
    }

    /// Whether promote has decided about the approval of a package since it changed.
    fn has_decision_since(&self, model: &str, package: &str, word: &str) -> bool {
        let facts = &self.checker.facts;
        let said = facts.approval_changed_at.get(package);
        let idempotency_key = format!("{}|{word}", package.to_lowercase());
        facts.decisions.iter().any(|stored| {
            stored.record.model == model
                && said.is_none_or(|said| stored.at >= *said)
                && stored.record.event.idempotency_key.to_lowercase().contains(&idempotency_key)
        })
    }

    fn promotion(&self, model: &Model, seen: &Snapshot) -> Option<String> {
        let state: promote::State = self.system.state(SiteId::Hub, "promote", &model.name);
        let promotion = state.promotion.as_ref()?;
        let name = &model.name;
        let approved = seen.packages_of(SiteId::Hub.account(), &model.group);
        let newest =
            approved.iter().filter(|package| package.approval == "Approved").max_by_key(|p| p.version);
        if let Some(newest) = newest
            && u64::try_from(newest.version).is_ok_and(|version| version > promotion.newest_version)
            && !self.has_decision_about(name, &format!("{}|Approved", newest.arn.to_lowercase()))
        {
            return Some(format!(
                "version {} of {name} is approved, and promote never decided about it",
                newest.version
            ));
        }
        if promotion.stopped {
            if let Some(again) = newest.filter(|newest| newest.arn == promotion.package_arn)
                && !self.has_decision_since(name, &again.arn, "approved")
            {
                let version = promotion.version;
                return Some(format!(
                    "version {version} of {name} has stopped and is approved again, and promote never decided about it"
                ));
            }
            return self.stopped_without_alert(name, promotion);
        }
        for environment in &model.environments {
            let site = environment.site;
            let goes_back = promotion.rollback.as_ref().map(|back| back.environments.contains(site.name()));
            if goes_back == Some(false) {
                continue;
            }
            match promotion.environments.get(site.name()) {
                Some(EnvironmentStatus::Succeeded { .. }) => {
                    if let Some(wrong) = self.serves(model, environment, promotion, seen) {
                        return Some(wrong);
                    }
                }
                Some(EnvironmentStatus::Failed { .. }) => {
                    return Some(format!("{name} failed in {site}, and goes on"));
                }
                Some(EnvironmentStatus::Requested { .. }) => {
                    let deploy: deploy::State = self.system.state(site, "deploy", name);
                    let waits = deploy.hold().is_some();
                    return (!waits).then(|| format!("{site} was asked for {name}, and never answered"));
                }
                None => {
                    let commanded_at = promotion.forced.get(site.name()).map(|command| command.at);
                    let version = promotion.version;
                    let held = hold::against(&state.holds, site.name(), version, commanded_at).is_some();
                    let waits = promotion
                        .blocked_by
                        .as_ref()
                        .is_some_and(|waiting| waiting.environment == site.name());
                    let people = environment.approvals > 0 && waits;
                    return (!held && !people).then(|| {
                        format!("version {} of {name} was not promoted to {site}", promotion.version)
                    });
                }
            }
        }
        None
    }

    /// A promotion that has stopped without an alert about this version since its approval.
    fn stopped_without_alert(&self, model: &str, promotion: &Promotion) -> Option<String> {
        let package = format!("Package: {}\n", promotion.package_arn);
        let tells = |action: &Value| text(action, "/message").contains(&package);
        let mut stops = self.checker.facts.decisions.iter().filter(|stored| {
            let record = &stored.record;
            record.model == model && record.verdict == "stop" && stored.at >= promotion.approved_at
        });
        let (version, why) = (promotion.version, "no record of it tells people why");
        (!stops.any(|stored| stored.record.plan.iter().any(tells)))
            .then(|| format!("the promotion of version {version} of {model} has stopped, and {why}"))
    }

    /// Whether an environment that reported success still serves that version, unless a person changed it.
    fn serves(
        &self,
        model: &Model,
        at: &Environment,
        promotion: &Promotion,
        seen: &Snapshot,
    ) -> Option<String> {
        let site = at.site;
        if self.by_hand.contains(&(site, model.name.clone())) {
            return None;
        }
        let name = model.endpoint(site);
        let endpoint = seen.endpoint(site.account(), &name);
        let models = match at.kind {
            Kind::Component => {
                let component = seen.component(site.account(), &name);
                component.and_then(|component| component.model.clone()).into_iter().collect()
            }
            _ => endpoint.map(|endpoint| endpoint.models.clone()).unwrap_or_default(),
        };
        let packages = self.checker.facts.packages_of(site.account(), &models);
        let in_service = endpoint.is_some_and(|endpoint| endpoint.status == "InService");
        let right = in_service && packages == [promotion.package_arn.as_str()];
        (!right).then(|| {
            format!("{name} in {site} should serve {}, and serves {packages:?}", promotion.package_arn)
        })
    }

    /// No deployment stays in flight, unless a person holds it.
    fn deployed(&self, model: &Model, at: &Environment) -> Option<String> {
        let state: deploy::State = self.system.state(at.site, "deploy", &model.name);
        let in_flight = state.in_flight.as_ref().filter(|_| state.hold().is_none())?;
        Some(format!("{} in {} stays in flight: {}", model.name, at.site, in_flight.request.request_id))
    }

    /// Train has decided about the head of a branch.
    fn trained(&self, model: &Model) -> Option<String> {
        let state: tidegate_policy::train::State = self.system.state(SiteId::Hub, "train", &model.name);
        let known = state.known("refs/heads/main")?;
        let head = self.system.repositories.head_of(&model.repository, "main");
        // The pushes before and of a reset may both be lost: then train knows the head already.
        let head = head.filter(|head| model.repository.starts_with("codecommit:") && head != known)?;
        let branch = (model.repository.clone(), "refs/heads/main".to_owned());
        let since = self.system.heads.get(&branch).copied().unwrap_or_default();
        // It may have been the head before: only decisions since it is the head again count.
        let heard = self.checker.facts.decisions.iter().any(|stored| {
            let record = &stored.record;
            stored.at >= since && record.model == model.name && record.event.idempotency_key.contains(&head)
        });
        (!heard).then(|| {
            format!("{head} is the head of main of {}, and train never decided about it", model.repository)
        })
    }

    /// An idle component is at zero copies, and the state of scale agrees.
    fn asleep(&self, model: &Model, at: &Environment, seen: &Snapshot) -> Option<String> {
        at.scale_to_zero?;
        let (site, name) = (at.site, model.endpoint(at.site));
        if self.by_hand.contains(&(site, model.name.clone())) {
            return None;
        }
        let component = seen.component(site.account(), &name)?;
        let state: scale::State = self.system.state(site, "scale", &model.name);
        let deployed: deploy::State = self.system.state(site, "deploy", &model.name);
        let live = deployed.live.as_ref()?;
        // A deployment since then has set the copies again.
        let told = self.checker.facts.components.get(&(site.account().to_owned(), name.clone())).copied();
        let zero_since = state.zero_since.filter(|since| *since > told.map_or(live.at, |at| at.max(live.at)));
        if zero_since.is_some() != (component.desired == 0) {
            return Some(format!(
                "{name} in {site} has {} copies, and scale has it at zero since {zero_since:?}",
                component.desired
            ));
        }
        let asked = |request: &&crate::check::Traffic| {
            // CloudWatch forgets in the end, and scale asks for two weeks at most.
            let remembered =
                self.system.now().duration_since(request.at) < SignedDuration::from_hours(13 * 24);
            request.account == site.account()
                && request.endpoint == name
                && request.at >= live.at
                && remembered
        };
        let served = self.checker.facts.traffic.iter().find(asked).is_some();
        if served && deployed.in_flight.is_none() && component.desired != 0 {
            let reason = state.last_reason.unwrap_or_default();
            return Some(format!(
                "{name} in {site} is idle and has {} copies; the last reason of scale is {reason}",
                component.desired
            ));
        }
        None
    }
}

//! What the fleet must be when all is still.

use jiff::SignedDuration;
use serde_json::Value;
use tidegate_policy::deploy;
use tidegate_policy::promote::{self, EnvironmentStatus, Promotion};
use tidegate_policy::scale;
use tidegate_world::Snapshot;

use crate::check::text;
use crate::drive::Drive;
use crate::fleet::{Environment, Kind, Model};
use crate::place::Where;

impl Drive {
    /// What is neither as the policies want it nor explained.
    pub(crate) fn unsettled(&self) -> Option<String> {
        let seen = self.stage.cloud.with_world(|world, _| world.snapshot());
        let models = &self.stage.fleet.models;
        models.iter().find_map(|model| {
            self.promotion(model, &seen)
                .or_else(|| self.trained(model))
                .or_else(|| model.environments.iter().find_map(|at| self.deployed(model, at)))
                .or_else(|| model.environments.iter().find_map(|at| self.asleep(model, at, &seen)))
        })
    }

    /// Whether a decision about a model is about an event with such a meaning.
    fn heard_of(&self, model: &str, idempotency_key: &str) -> bool {
        let mut filed = self.checker.facts.filed.iter().map(|filed| &filed.record);
        filed.any(|record| record.model == model && record.event.idempotency_key.contains(idempotency_key))
    }

    /// Whether promote has heard of what the registry says of a package since it says so.
    fn heard_since(&self, model: &str, package: &str, word: &str) -> bool {
        let facts = &self.checker.facts;
        let said = facts.said_at.get(package);
        let idempotency_key = format!("{}|{word}", package.to_lowercase());
        facts.filed.iter().any(|filed| {
            filed.record.model == model
                && said.is_none_or(|said| filed.at >= *said)
                && filed.record.event.idempotency_key.to_lowercase().contains(&idempotency_key)
        })
    }

    fn promotion(&self, model: &Model, seen: &Snapshot) -> Option<String> {
        let state: promote::State = self.stage.state(Where::Hub, "promote", &model.name);
        let promotion = state.promotion.as_ref()?;
        let name = &model.name;
        let approved = seen.packages_of(Where::Hub.account(), &model.group);
        let newest =
            approved.iter().filter(|package| package.approval == "Approved").max_by_key(|p| p.version);
        if let Some(newest) = newest
            && u64::try_from(newest.version).is_ok_and(|version| version > promotion.newest_version)
            && !self.heard_of(name, &format!("{}|Approved", newest.arn.to_lowercase()))
        {
            return Some(format!(
                "version {} of {name} is approved, and promote never heard of it",
                newest.version
            ));
        }
        if promotion.stopped {
            if let Some(again) = newest.filter(|newest| newest.arn == promotion.package_arn)
                && !self.heard_since(name, &again.arn, "approved")
            {
                let version = promotion.version;
                return Some(format!(
                    "version {version} of {name} has stopped and is approved again, and promote never heard of it"
                ));
            }
            return self.is_stopped_for_nothing(name, promotion);
        }
        for environment in &model.environments {
            let place = environment.place;
            match promotion.environments.get(place.name()) {
                Some(EnvironmentStatus::Succeeded { .. }) => {
                    if let Some(wrong) = self.serves(model, environment, promotion, seen) {
                        return Some(wrong);
                    }
                }
                Some(EnvironmentStatus::Failed { .. }) => {
                    return Some(format!("{name} failed in {place}, and goes on"));
                }
                Some(EnvironmentStatus::Requested { .. }) => {
                    let deploy: deploy::State = self.stage.state(place, "deploy", name);
                    let waits = deploy.hold().is_some();
                    return (!waits).then(|| format!("{place} was asked for {name}, and never answered"));
                }
                None => {
                    let held = tidegate_policy::hold::on(&state.holds, place.name()).is_some();
                    let waits = promotion
                        .blocked_by
                        .as_ref()
                        .is_some_and(|waiting| waiting.environment == place.name());
                    let people = environment.approvals > 0 && waits;
                    return (!held && !people).then(|| {
                        format!("version {} of {name} never went on to {place}", promotion.version)
                    });
                }
            }
        }
        None
    }

    /// A promotion that has stopped, and of which no record tells people why: of this version, since it was approved.
    fn is_stopped_for_nothing(&self, model: &str, promotion: &Promotion) -> Option<String> {
        let package = format!("Package: {}\n", promotion.package_arn);
        let tells = |action: &Value| text(action, "/message").contains(&package);
        let mut stops = self.checker.facts.filed.iter().filter(|filed| {
            let record = &filed.record;
            record.model == model && record.verdict == "stop" && filed.at >= promotion.approved_at
        });
        let (version, why) = (promotion.version, "no record of it tells people why");
        (!stops.any(|filed| filed.record.plan.iter().any(tells)))
            .then(|| format!("the promotion of version {version} of {model} has stopped, and {why}"))
    }

    /// Whether an environment that reported success still serves that version. What people did since is theirs.
    fn serves(
        &self,
        model: &Model,
        at: &Environment,
        promotion: &Promotion,
        seen: &Snapshot,
    ) -> Option<String> {
        let place = at.place;
        if self.by_hand.contains(&(place, model.name.clone())) {
            return None;
        }
        let name = model.endpoint(place);
        let endpoint = seen.endpoint(place.account(), &name);
        let models = match at.kind {
            Kind::Component => {
                let component = seen.component(place.account(), &name);
                component.and_then(|component| component.model.clone()).into_iter().collect()
            }
            _ => endpoint.map(|endpoint| endpoint.models.clone()).unwrap_or_default(),
        };
        let packages = self.checker.facts.packages_of(place.account(), &models);
        let in_service = endpoint.is_some_and(|endpoint| endpoint.status == "InService");
        let right = in_service && packages == [promotion.package_arn.as_str()];
        (!right).then(|| {
            format!("{name} in {place} should serve {}, and serves {packages:?}", promotion.package_arn)
        })
    }

    /// Nothing is in flight for ever, but for what a person holds.
    fn deployed(&self, model: &Model, at: &Environment) -> Option<String> {
        let state: deploy::State = self.stage.state(at.place, "deploy", &model.name);
        let in_flight = state.in_flight.as_ref().filter(|_| state.hold().is_none())?;
        Some(format!(
            "{} in {} is in flight for ever: {}",
            model.name, at.place, in_flight.request.request_id
        ))
    }

    /// The head of a branch that trains was heard of.
    fn trained(&self, model: &Model) -> Option<String> {
        let state: tidegate_policy::train::State = self.stage.state(Where::Hub, "train", &model.name);
        let known = state.known("refs/heads/main")?;
        let head = self.stage.yard.head_of(&model.repository, "main");
        // What it was set back from may be lost as a whole: then it is what train knows, and there is nothing to hear.
        let head = head.filter(|head| model.repository.starts_with("codecommit:") && head != known)?;
        let branch = (model.repository.clone(), "refs/heads/main".to_owned());
        let since = self.stage.heads.get(&branch).copied().unwrap_or_default();
        // It may have been the head before: what counts is what was heard since it is again.
        let heard = self.checker.facts.filed.iter().any(|filed| {
            let record = &filed.record;
            filed.at >= since && record.model == model.name && record.event.idempotency_key.contains(&head)
        });
        (!heard).then(|| {
            format!("{head} is the head of main of {}, and train never heard of it", model.repository)
        })
    }

    /// Who may sleep and is not asked sleeps, and scale knows who sleeps.
    fn asleep(&self, model: &Model, at: &Environment, seen: &Snapshot) -> Option<String> {
        at.to_zero?;
        let (place, name) = (at.place, model.endpoint(at.place));
        if self.by_hand.contains(&(place, model.name.clone())) {
            return None;
        }
        let component = seen.component(place.account(), &name)?;
        let state: scale::State = self.stage.state(place, "scale", &model.name);
        let deployed: deploy::State = self.stage.state(place, "deploy", &model.name);
        let live = deployed.live.as_ref()?;
        // A deployment since then has set the copies again.
        let told = self.checker.facts.components.get(&(place.account().to_owned(), name.clone())).copied();
        let zero_since = state.zero_since.filter(|since| *since > told.map_or(live.at, |at| at.max(live.at)));
        if zero_since.is_some() != (component.desired == 0) {
            return Some(format!(
                "{name} in {place} has {} copies, and scale has it at zero since {zero_since:?}",
                component.desired
            ));
        }
        let asked = |request: &&crate::check::Traffic| {
            // CloudWatch forgets in the end, and scale asks for two weeks at most.
            let remembered =
                self.stage.now().duration_since(request.at) < SignedDuration::from_hours(13 * 24);
            request.account == place.account()
                && request.endpoint == name
                && request.at >= live.at
                && remembered
        };
        let served = self.checker.facts.traffic.iter().find(asked).is_some();
        if served && deployed.in_flight.is_none() && component.desired != 0 {
            let says = state.last_reason.unwrap_or_default();
            return Some(format!(
                "{name} in {place} is asked by nobody and has {} copies; scale says {says}",
                component.desired
            ));
        }
        None
    }
}

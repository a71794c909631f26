//! The stages of an endpoint: state changes and their events.

use jiff::Timestamp;
use serde_json::Value;

use super::rollout::{self, Phase, Step};
use super::{HEALTH_CHECK_SECONDS, NO_PING, Pending, Variant, VariantStatus, describe};
use crate::account::AccountRegion;
use crate::json::later;
use crate::world::{Scheduled, World};

/// Something that happens to an endpoint when its time has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// The endpoint is ready for the first time.
    Created,
    /// The endpoint could not be created.
    Failed(String),
    /// A stage of an update.
    Rollout(Step),
    /// The new configuration is the running one.
    Switched,
    /// The old configuration stays the running one.
    RolledBack(Option<String>),
    /// Counts and weights are as desired.
    Scaled,
    /// Nothing is left of it.
    Gone,
}

/// All that was asked for is there.
fn settle(variants: &mut [Variant]) {
    for variant in variants {
        variant.count = if variant.serverless.is_some() { 0 } else { variant.desired };
        variant.weight = variant.desired_weight;
        variant.status = None;
    }
}

impl World {
    /// Tells the state of an endpoint.
    pub(crate) fn emit_endpoint_change(
        &mut self,
        place: &AccountRegion,
        name: &str,
        at: Timestamp,
        copies: u32,
    ) {
        self.emit_endpoint_event(place, name, "SageMaker Endpoint State Change", at, copies);
    }

    fn emit_deployment_change(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        self.emit_endpoint_event(place, name, "SageMaker Endpoint Deployment State Change", at, 1);
    }

    fn emit_endpoint_event(
        &mut self,
        place: &AccountRegion,
        name: &str,
        kind: &str,
        at: Timestamp,
        copies: u32,
    ) {
        let Some(resources) = self.resources(place) else { return };
        let Some(endpoint) = resources.endpoints.get(name) else { return };
        let arn = endpoint.arn.clone();
        let deployment = kind.contains("Deployment");
        let detail = describe::event_detail(endpoint, resources.tag_object(&arn), deployment);
        self.emit_sagemaker_event(place, kind, vec![arn], detail, at, copies);
    }

    /// Starts an update that was checked before.
    pub(super) fn start_rollout(
        &mut self,
        place: &AccountRegion,
        name: &str,
        config: &str,
        variants: Vec<Variant>,
        deployment: Option<Value>,
        at: Timestamp,
    ) {
        let rollback = self.faults.roll_back(&place.account, name);
        let stages = if self.faults.never_starts(&place.account, name) {
            vec![(self.pace.bake(HEALTH_CHECK_SECONDS), Stage::RolledBack(Some(NO_PING.to_owned())))]
        } else {
            rollout::plan(&variants, deployment.as_ref(), &self.pace, rollback)
        };
        if let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) {
            endpoint.status = "Updating";
            endpoint.modified = at;
            endpoint.failure = None;
            endpoint.pending = Some(Pending {
                config: config.to_owned(),
                started: at,
                variants,
                alarms: rollout::alarms(deployment.as_ref()),
            });
            if deployment.is_some() {
                endpoint.deployment = deployment;
            }
        }
        self.emit_endpoint_change(place, name, at, 1);
        self.schedule_endpoint_stages(place, name, stages, at);
    }

    /// Starts a change of weights and instance counts that was checked before.
    pub(crate) fn start_scaling(
        &mut self,
        place: &AccountRegion,
        name: &str,
        changes: &[(String, Option<f64>, Option<i64>)],
        at: Timestamp,
    ) {
        self.start_scaling_for(place, name, changes, self.pace.scale, at);
    }

    /// Starts a change of weights and instance counts that takes this long.
    pub(super) fn start_scaling_for(
        &mut self,
        place: &AccountRegion,
        name: &str,
        changes: &[(String, Option<f64>, Option<i64>)],
        after: std::time::Duration,
        at: Timestamp,
    ) {
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        endpoint.status = "Updating";
        endpoint.modified = at;
        for (variant_name, weight, count) in changes {
            let Some(variant) = endpoint.variants.iter_mut().find(|v| v.name == *variant_name) else {
                continue;
            };
            variant.desired_weight = weight.unwrap_or(variant.desired_weight);
            if let Some(count) = count.filter(|count| *count != variant.desired) {
                let way = if count > variant.desired { "out" } else { "in" };
                let message = format!("Scaling {way} desired instance count to {count}.");
                variant.status = Some(VariantStatus { status: "Updating", message, since: at });
                variant.desired = count;
            }
        }
        self.emit_endpoint_change(place, name, at, 1);
        self.emit_deployment_change(place, name, at);
        self.schedule_endpoint_stages(place, name, vec![(after, Stage::Scaled)], at);
    }

    /// The next stage of an endpoint is due.
    pub(crate) fn endpoint_stage(
        &mut self,
        place: &AccountRegion,
        name: &str,
        generation: u64,
        at: Timestamp,
    ) {
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        if endpoint.generation != generation {
            return;
        }
        let Some((_, stage)) = endpoint.plan.pop_front() else { return };
        let next = endpoint.plan.front().map(|(after, _)| *after);
        endpoint.modified = at;
        match stage {
            Stage::Rollout(step) => self.roll(place, name, step, at),
            Stage::Gone => return self.endpoint_gone(place, name, at),
            last => self.finish(place, name, last, at),
        }
        if let Some(after) = next {
            let due = Scheduled::Endpoint { name: name.to_owned(), generation };
            self.schedule(later(at, after), place, due);
        }
    }

    fn roll(&mut self, place: &AccountRegion, name: &str, step: Step, at: Timestamp) {
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        let Some(pending) = endpoint.pending.as_mut() else { return };
        for variant in &mut pending.variants {
            let (status, message) = step.status(variant);
            match step.phase {
                Phase::Creating => {}
                Phase::Activating => variant.count = step.instances(variant),
                Phase::Baking { .. } => variant.weight = variant.desired_weight,
                Phase::Terminating => variant.weight = 0.0,
            }
            variant.status = Some(VariantStatus { status, message, since: at });
        }
        self.emit_deployment_change(place, name, at);
        // SageMaker repeats the event during an update.
        if matches!(step.phase, Phase::Activating) {
            self.emit_endpoint_change(place, name, at, 1);
        }
    }

    fn finish(&mut self, place: &AccountRegion, name: &str, stage: Stage, at: Timestamp) {
        let Some(endpoint) = self.resources_mut(place).endpoints.get_mut(name) else { return };
        let deployed = endpoint.pending.is_some() || matches!(stage, Stage::Scaled);
        endpoint.status = "InService";
        endpoint.failure = None;
        match stage {
            Stage::Failed(reason) => {
                endpoint.status = "Failed";
                endpoint.failure = Some(reason);
            }
            Stage::Switched => {
                if let Some(pending) = endpoint.pending.take() {
                    endpoint.config = pending.config;
                    endpoint.variants = pending.variants;
                }
            }
            Stage::RolledBack(reason) => {
                endpoint.pending = None;
                endpoint.failure = reason;
            }
            _ => {}
        }
        if endpoint.status == "InService" {
            settle(&mut endpoint.variants);
        }
        self.watch_empty_queue(place, name, at);
        self.emit_endpoint_change(place, name, at, 2);
        if deployed {
            self.emit_deployment_change(place, name, at);
        }
    }

    fn endpoint_gone(&mut self, place: &AccountRegion, name: &str, at: Timestamp) {
        let resources = self.resources_mut(place);
        let Some(mut endpoint) = resources.endpoints.remove(name) else { return };
        endpoint.status = "Deleted";
        endpoint.modified = at;
        resources.tags.remove(&endpoint.arn);
        // Auto Scaling forgets a target whose resource is gone.
        let prefix = format!("endpoint/{name}/variant/");
        resources.targets.retain(|(id, _), _| !id.starts_with(&prefix));
        resources.scaling_policies.retain(|(id, ..), _| !id.starts_with(&prefix));
        let detail = describe::event_detail(&endpoint, Value::Object(serde_json::Map::new()), false);
        let kind = "SageMaker Endpoint State Change";
        self.emit_sagemaker_event(place, kind, vec![endpoint.arn], detail, at, 1);
    }

    /// A CloudWatch alarm went into ALARM: updates that name it roll back.
    pub fn alarm_fired(&mut self, place: &AccountRegion, alarm: &str, at: Timestamp) {
        let stage = self.pace.endpoint_stage;
        self.roll_back_components(place, alarm, at);
        let Some(resources) = self.resources(place) else { return };
        let watching: Vec<(String, f64)> = resources
            .endpoints
            .values()
            .filter_map(|endpoint| {
                let pending = endpoint.pending.as_ref()?;
                let already = endpoint.plan.iter().any(|(_, s)| matches!(s, Stage::RolledBack(_)));
                let part = pending
                    .variants
                    .iter()
                    .map(|v| v.count as f64 / v.desired.max(1) as f64)
                    .fold(0.0, f64::max);
                (pending.alarms.iter().any(|a| a == alarm) && !already).then(|| (endpoint.name.clone(), part))
            })
            .collect();
        for (name, part) in watching {
            let reason = format!("One or more configured alarm(s) went into ALARM state: [{alarm}]");
            let stages = rollout::roll_back(std::time::Duration::ZERO, stage, part, Some(reason));
            self.schedule_endpoint_stages(place, &name, stages.into(), at);
        }
    }
}

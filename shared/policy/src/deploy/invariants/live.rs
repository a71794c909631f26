//! The record of what is wrong with the live version.

use tidegate_events::EndpointStatus;

use super::Checker;
use super::end::outcome_of;
use crate::check::{Effect, Invariant, effect};
use crate::deploy::{ComponentStatus, Condition, Deploy, Live, Serving, Snapshot};

impl Checker<'_> {
    /// A live version is called failed, gone or changed only if that was seen, and healthy again only if it was seen in
    /// service. Somebody is told of a new problem: people, or the hub with the report of a deployment.
    pub(super) fn live_version(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let (Some(before), Some(after)) = (&self.state.live, &self.after.live) else { return };
        if before.unhealthy == after.unhealthy {
            return;
        }
        let replaced = before.request_id != after.request_id;
        let proven = replaced || seen.is_some_and(|seen| is_proven(after, seen));
        self.violations.require(proven, Invariant::HealthUnproven, || {
            format!("{:?} became {:?} with {seen:?}", before.unhealthy, after.unhealthy)
        });
        let Some(now) = after.unhealthy.as_ref().map(|unhealthy| unhealthy.condition) else { return };
        let known = before.unhealthy.as_ref().map(|unhealthy| unhealthy.condition);
        let is_known = known == Some(now) || (known, now) == (Some(Condition::Failed), Condition::Gone);
        let tells = decision.plan.iter().any(|step| effect(step) == Effect::Notify);
        let reported = outcome_of(decision.verdict).is_some();
        self.violations.require(is_known || tells || reported, Invariant::NotificationMissing, || {
            format!("version {} is {now}, and nobody is notified", after.version)
        });
    }
}

fn is_proven(live: &Live, seen: &Snapshot) -> bool {
    let Some(serving) = &live.serving else { return false };
    let in_service =
        seen.endpoint.as_ref().is_some_and(|endpoint| endpoint.status == EndpointStatus::InService);
    match live.unhealthy.as_ref().map(|unhealthy| unhealthy.condition) {
        None => in_service,
        Some(Condition::Failed) => is_failed(serving, seen),
        Some(Condition::Gone) => is_gone(serving, seen),
        Some(Condition::Changed) => in_service && runs_another(serving, seen),
    }
}

fn is_failed(serving: &Serving, seen: &Snapshot) -> bool {
    use EndpointStatus as E;
    let failed = [E::Failed, E::OutOfService, E::UpdateRollbackFailed];
    let component = seen.component.as_ref().filter(|_| serving.component.is_some());
    seen.endpoint.as_ref().is_some_and(|endpoint| failed.contains(&endpoint.status))
        || component.is_some_and(|component| component.status == ComponentStatus::Failed)
}

fn is_gone(serving: &Serving, seen: &Snapshot) -> bool {
    let Some(endpoint) = &seen.endpoint else { return true };
    if matches!(endpoint.status, EndpointStatus::Deleting | EndpointStatus::Deleted) {
        return true;
    }
    serving.component.is_some()
        && seen.component.as_ref().is_none_or(|found| {
            let elsewhere =
                found.endpoint.as_ref().is_some_and(|of| !of.eq_ignore_ascii_case(&serving.endpoint));
            let older = found.created.zip(endpoint.created).is_some_and(|(own, of)| own < of);
            elsewhere || older || found.status == ComponentStatus::Deleting
        })
}

fn runs_another(serving: &Serving, seen: &Snapshot) -> bool {
    let config = seen.endpoint.as_ref().and_then(|endpoint| endpoint.config.as_ref());
    let model = seen.component.as_ref().and_then(|component| component.model.as_ref());
    let other_config = serving.config.as_ref().zip(config).is_some_and(|(deployed, runs)| deployed != runs);
    let deployed = serving.component.as_ref().map(|component| &component.model);
    other_config || deployed.zip(model).is_some_and(|(deployed, runs)| deployed != runs)
}

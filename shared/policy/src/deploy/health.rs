//! What becomes of a live version outside of a deployment: it fails, vanishes, is changed by hand, and recovers.
//!
//! Nothing is changed in AWS because of it. People are told once for each cause, with what they can do.

use jiff::Timestamp;
use tidegate_events::{Body, EndpointChanged, EndpointHealth, EndpointHealthChanged, EndpointStatus};

use super::health_check::{Finding, Health};
use super::live::{Condition, Live, Serving, Unhealthy};
use super::{Action, Deploy, Snapshot, State, Trigger};
use crate::controller::Context;
use crate::decision::{Decision, Verdict};
use crate::file::{Environment, Policy};
use crate::people::{approve_again, subject};
use crate::reason::Reason;
use crate::step::Step;

/// A live version that this trigger concerns, and what serves it.
pub(super) struct Watched<'w> {
    policy: &'w Policy,
    environment: &'w Environment,
    state: &'w State,
    live: &'w Live,
    pub(super) serving: &'w Serving,
}

/// The live version that the trigger concerns, if no deployment is in flight: an event of its endpoint, or a sweep.
pub(super) fn watched<'w>(cx: &Context<'w>, state: &'w State, trigger: &Trigger) -> Option<Watched<'w>> {
    let (policy, environment) = (cx.policy?, cx.environment()?);
    let live = state.live.as_ref().filter(|_| state.in_flight.is_none())?;
    let serving = live.serving.as_ref()?;
    let concerns = match trigger {
        Trigger::Endpoint(name) => serving.endpoint.eq_ignore_ascii_case(name),
        Trigger::Sweep => true,
        Trigger::Request { .. }
        | Trigger::Check { .. }
        | Trigger::AwsHealth(_)
        | Trigger::Hold(_)
        | Trigger::Release(_) => false,
    };
    concerns.then_some(Watched { policy, environment, state, live, serving })
}

impl Watched<'_> {
    /// Decides what the look means.
    pub(super) fn decide(&self, cx: &Context<'_>, seen: Option<&Snapshot>) -> Deploy {
        let Some(seen) = seen else { return self.nothing_new("not read") };
        let status = seen.endpoint.as_ref().map_or("none".to_owned(), |found| found.status.to_string());
        match (self.live.health(self.serving, seen, &cx.site.region), &self.live.unhealthy) {
            (Health::Unclear, _) | (Health::Serves, None) => self.nothing_new(&status),
            (Health::Serves, Some(before)) => {
                self.recovered(cx, before, seen).evidence("endpoint_status", status)
            }
            (Health::Not(found), Some(before)) if before.is(&found) => self.nothing_new(&status),
            (Health::Not(found), before) => {
                self.unhealthy(cx, before.as_ref(), &found, seen).evidence("endpoint_status", status)
            }
        }
    }

    fn nothing_new(&self, status: &str) -> Deploy {
        let endpoint = self.serving.endpoint.clone();
        Decision::new(Verdict::Ignore, Reason::NothingInFlight { endpoint })
            .evidence("endpoint_status", status)
    }

    fn recovered(&self, cx: &Context<'_>, before: &Unhealthy, seen: &Snapshot) -> Deploy {
        let reason =
            Reason::LiveRecovered { version: self.live.version, condition: before.condition.to_string() };
        let changed = self.changed(cx, EndpointHealth::Healthy, &reason, cx.now);
        Decision::new(Verdict::NoChange, reason)
            .evidence("unhealthy_since", before.since)
            .plan(vec![Step::ReportHealth { changed }])
            .state(self.state_with(None, seen))
    }

    fn unhealthy(
        &self,
        cx: &Context<'_>,
        before: Option<&Unhealthy>,
        found: &Finding,
        seen: &Snapshot,
    ) -> Deploy {
        let known = before.filter(|before| found.condition.continues(before.condition));
        let since = known.map(|known| known.since).or(found.since).unwrap_or(cx.now);
        let unhealthy = found.unhealthy(since);
        let changed = self.changed(cx, found.condition.health(), &found.reason, since);
        let report = Step::ReportHealth { changed };
        // People know of a known condition.
        let (verdict, plan) = match known {
            Some(_) => (Verdict::NoChange, vec![report]),
            None => (Verdict::Alert, vec![self.alert(cx, found, &unhealthy), report]),
        };
        Decision::new(verdict, found.reason.clone())
            .plan(plan)
            .evidence("version", self.live.version)
            .evidence("live_since", self.live.at)
            .state(self.state_with(Some(unhealthy), seen))
    }

    /// The report to the hub, whose promotion may depend on this environment.
    fn changed(
        &self,
        cx: &Context<'_>,
        health: EndpointHealth,
        reason: &Reason,
        since: Timestamp,
    ) -> EndpointHealthChanged {
        EndpointHealthChanged {
            model: self.policy.model.to_string(),
            environment: self.environment.name.to_string(),
            environment_account: cx.site.account.clone(),
            version: self.live.version,
            package_arn: self.live.package_arn.clone(),
            request_id: self.live.request_id.clone(),
            health,
            reason: reason.code().to_owned(),
            detail: reason.to_string(),
            since,
            observed_at: cx.now,
        }
    }

    /// The event that SageMaker should have sent about what is seen; components have none. An endpoint that does not
    /// exist any more says nothing about its last change: its creation stands for it.
    pub(super) fn lost_event(&self, seen: &Snapshot) -> Option<Body> {
        let endpoint = self.serving.endpoint.clone();
        let Some(found) = &seen.endpoint else {
            return Some(Body::EndpointChanged(EndpointChanged {
                endpoint,
                status: EndpointStatus::Deleted,
                config: self.serving.config.clone(),
                pending_config: None,
                failure_reason: None,
                last_modified: Some(self.state.in_service.endpoint.unwrap_or(self.live.at)),
                deployment: false,
            }));
        };
        let as_deployed = self.serving.config.is_none() || found.config == self.serving.config;
        let recovers = self.live.unhealthy.is_some() && self.serving.component.is_none();
        match found.status {
            EndpointStatus::InService if as_deployed && !recovers => return None,
            EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack
            | EndpointStatus::Unknown(_) => return None,
            EndpointStatus::InService
            | EndpointStatus::OutOfService
            | EndpointStatus::Deleting
            | EndpointStatus::Deleted
            | EndpointStatus::Failed
            | EndpointStatus::UpdateRollbackFailed => {}
        }
        Some(Body::EndpointChanged(EndpointChanged {
            endpoint,
            status: found.status.clone(),
            config: found.config.clone(),
            pending_config: found.pending_config.clone(),
            failure_reason: found.failure.clone(),
            last_modified: found.last_modified,
            deployment: false,
        }))
    }

    fn state_with(&self, unhealthy: Option<Unhealthy>, seen: &Snapshot) -> State {
        let live = Live { unhealthy, ..self.live.clone() };
        State { live: Some(live), ..self.state.clone() }.having_seen(seen)
    }

    fn alert(&self, cx: &Context<'_>, found: &Finding, unhealthy: &Unhealthy) -> Step<Action> {
        let (model, environment, live) = (&self.policy.model, &self.environment.name, self.live);
        let version = live.version;
        let what = match found.condition {
            Condition::Failed => "failed",
            Condition::Gone => "is gone",
            Condition::Changed => "was changed",
        };
        let title = format!("what serves {model} {version} in {environment} {what}");
        let message = format!(
            "{}.\nModel: {model}\nVersion: {version}, live since {}\nEnvironment: {environment} ({} {})\nSince: {}\n\
             Tidegate changes nothing because of this.\n{}",
            // A reason may end with the words of SageMaker.
            found.reason.to_string().trim_end_matches('.'),
            live.at,
            self.environment.account,
            self.environment.region,
            unhealthy.since,
            self.advice(cx, found)
        );
        Step::Notify { subject: subject(&title), message }
    }

    fn advice(&self, cx: &Context<'_>, found: &Finding) -> String {
        let version = self.live.version;
        let first = found.remedy.as_ref().map(|remedy| format!("{remedy}.\n")).unwrap_or_default();
        let then = match found.condition {
            Condition::Failed => format!("{first}When the cause is removed, approve version {version} again"),
            Condition::Gone => format!(
                "If somebody deleted it on purpose, nothing has to be done.\n{first}To create it again, approve version \
                 {version} again"
            ),
            Condition::Changed => format!(
                "If somebody changed it on purpose, nothing has to be done until the next deployment, which replaces it. A \
                 hold on {} prevents that.\n{first}To put version {version} in place again, approve it again",
                self.environment.name
            ),
        };
        format!(
            "{then}, in the hub's account {}. It goes through every environment and its gates:\n{}",
            cx.site.hub_account,
            approve_again(&self.live.package_arn)
        )
    }
}

//! An operation of SageMaker that takes longer than expected. People are told once; nothing is changed because of it.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::EndpointStatus;

use super::converge::Reconciliation;
use super::{Action, Deploy, Endpoint, InFlight};
use crate::endpoint::{Batches, Component, ComponentStatus, RunningComponent};
use crate::file::Environment;
use crate::people::subject;
use crate::reason::Reason;
use crate::step::Step;

/// SageMaker creates an endpoint, or ends its creation as failed, within this time: about half an hour without capacity
/// or with a container that never starts, and at most an hour for a container with the longest health check time-out.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html>
const LONGEST: SignedDuration = SignedDuration::from_mins(60);

impl Reconciliation<'_> {
    /// The endpoint's event reports the end of its change. An endpoint with components also changes when instances follow
    /// its copies, and what matters then is the component, which sends no events.
    pub(super) fn wait_for_endpoint(&self, found: &Endpoint) -> Deploy {
        let check = self.in_flight.component_update_requested_at.map(|_| self.schedule_check());
        let look: Vec<_> = check.into_iter().collect();
        let name = &self.wanted.endpoint;
        let asked = self.in_flight.endpoint_update_requested_at;
        let since = asked.max(found.last_modified).unwrap_or(self.in_flight.accepted_at);
        let status = found.status.to_string();
        if let Some(late) = self.late("endpoint", name, &status, since) {
            let creating = found.status == EndpointStatus::Creating;
            let logs = format!("/aws/sagemaker/Endpoints/{name}");
            return self.wait_overdue("endpoint", late, creating, &logs, look);
        }
        let reason = Reason::EndpointBusy { endpoint: name.clone(), status };
        self.wait(reason, look)
    }

    pub(super) fn wait_for_component(&self, wanted: &Component, found: &RunningComponent) -> Deploy {
        let name = &wanted.name;
        let asked = self.in_flight.component_update_requested_at;
        let since = asked.max(found.last_modified).unwrap_or(self.in_flight.accepted_at);
        let (status, look) = (found.status.to_string(), vec![self.schedule_check()]);
        if let Some(late) = self.late("component", name, &status, since) {
            let creating = found.status == ComponentStatus::Creating;
            let logs = format!("/aws/sagemaker/InferenceComponents/{name}");
            return self.wait_overdue("component", late, creating, &logs, look);
        }
        let reason = Reason::ComponentBusy { component: name.clone(), status };
        self.wait(reason, look)
    }

    /// The reason, if the resource has been in this status for longer than expected.
    fn late(&self, kind: &str, name: &str, status: &str, since: Timestamp) -> Option<Reason> {
        let longest = longest(self.environment);
        (self.now.duration_since(since) > longest).then(|| Reason::StillChanging {
            resource: format!("{kind} {name}"),
            status: status.to_owned(),
            since,
            minutes: longest.as_mins(),
        })
    }

    /// Waits on, and tells people unless they know it already.
    fn wait_overdue(
        &self,
        kind: &str,
        reason: Reason,
        creating: bool,
        logs: &str,
        mut plan: Vec<Step<Action>>,
    ) -> Deploy {
        if self.in_flight.told_overdue.as_deref() == Some(kind) {
            return self.wait(reason, plan);
        }
        plan.insert(0, self.tell_overdue(&reason, creating, logs));
        let in_flight = InFlight { told_overdue: Some(kind.to_owned()), ..self.in_flight.clone() };
        self.wait_with(in_flight, reason, plan)
    }

    fn tell_overdue(&self, reason: &Reason, creating: bool, logs: &str) -> Step<Action> {
        let (model, environment) = (&self.policy.model, &self.environment.name);
        let version = self.in_flight.request.version;
        let meanwhile = if creating {
            "SageMaker neither updates nor deletes it in this state: it ends by itself, in service or failed."
        } else {
            "What served before serves on meanwhile, if SageMaker has not begun to replace it."
        };
        let message = format!(
            "{reason}.\nModel: {model}\nVersion: {version}\nEnvironment: {environment} ({} {})\n{meanwhile} \
             Tidegate goes on when it ends; you need not send anything again.\nRead the log group {logs}. If there is \
             none, no container has started: look at the capacity and the quota of the instance type. If it lasts, ask \
             AWS Support.",
            self.environment.account, self.environment.region
        );
        let subject =
            subject(&format!("the deployment of {model} {version} in {environment} takes very long"));
        Step::Notify { subject, message }
    }
}

/// The longest time that an operation may take: with a rollout, also the time that its steps bake.
fn longest(environment: &Environment) -> SignedDuration {
    let rollout = &environment.rollout;
    let times = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let steps = |percent: u32| times(100_u32.div_ceil(percent.max(1)));
    let bake = |seconds: u32| SignedDuration::from_secs(i64::from(seconds));
    let canary = rollout.canary.as_ref().map(|canary| bake(canary.bake.seconds()));
    let linear = rollout.linear.as_ref().map(|linear| bake(linear.bake.seconds()) * steps(linear.percent));
    let spec = &environment.endpoint.spec;
    let copies = spec.behavior().component("", "").map(|component| component.copies);
    let capacity = copies.or(spec.instances().map(|instances| instances.max)).unwrap_or(1);
    let rolling = rollout.rolling.as_ref().map(Batches::of);
    let rolling = rolling.map(|batches| bake(batches.bake) * times(batches.count(capacity)));
    let once = rollout.all_at_once.as_ref().and_then(|all| all.bake.as_ref());
    let once = once.map(|all| bake(all.seconds()));
    let baking = [canary, linear, rolling, once].into_iter().flatten().max().unwrap_or_default();
    LONGEST.saturating_add(baking)
}

//! One step of a deployment.

use jiff::{SignedDuration, Timestamp};
use tidegate_events::{DeploymentOutcome, EndpointStatus};

use super::compare::needs_comparison;
use super::component::in_service;
use super::failed::is_on;
use super::rolled_back::endpoint_was;
use super::withdrawn::not_as_approved;
use super::{
    Action, Deploy, Endpoint, InFlight, Probe, QueuedSample, Site, Snapshot, State, check_soon,
    schedule_check,
};
use crate::decision::{Decision, Verdict};
use crate::endpoint::{ComponentStatus, DesiredResources, RunningComponent};
use crate::file::{Environment, Policy};
use crate::owner;
use crate::reason::Reason;
use crate::step::Step;

/// How long a model may leave the sample request unanswered, or answer as a model that is still starting, before its
/// deployment fails. A large model may need this time to load.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// The same for an asynchronous endpoint, whose sample request waits in its queue behind other requests, and for the first
/// instance if it has none. The request expires in the queue after the same time.
const PATIENCE_WITH_QUEUE: SignedDuration = SignedDuration::from_secs(SAMPLE_TTL_SECONDS as i64);
/// After how many seconds the sample request expires in the queue of an asynchronous endpoint.
pub const SAMPLE_TTL_SECONDS: u32 = 3_600;

/// Whether the requested configuration runs, so that the sample request can be sent.
#[must_use]
pub fn needs_probe(environment: &Environment, in_flight: &InFlight, seen: &Snapshot) -> bool {
    !environment.verify.samples().is_empty() && serves_as_requested(environment, in_flight, seen)
}

/// Whether the requested configuration runs, and the component as requested.
pub(super) fn serves_as_requested(environment: &Environment, in_flight: &InFlight, seen: &Snapshot) -> bool {
    let wanted = DesiredResources::of(environment, &in_flight.request);
    let endpoint_runs = seen.endpoint.as_ref().is_some_and(|e| runs(e, &wanted));
    let component_runs = match (&wanted.component, &seen.component) {
        (None, _) => true,
        (Some(component), Some(running)) => {
            in_service(in_flight, running, component)
                && seen.endpoint.as_ref().is_some_and(|e| is_on(e, &component.endpoint, running))
        }
        (Some(_), None) => false,
    };
    endpoint_runs && component_runs
}

/// Whether the endpoint's tags must be read: it does not run the requested configuration, or its component does not run as
/// requested, and nothing is changing it, so that the next decision may be about changing it. A check of a deployment that
/// is under way reads none.
#[must_use]
pub fn needs_endpoint_tags(
    environment: &Environment,
    in_flight: &InFlight,
    endpoint: &Endpoint,
    component: Option<&RunningComponent>,
) -> bool {
    let wanted = DesiredResources::of(environment, &in_flight.request);
    let settled = matches!(
        endpoint.status,
        EndpointStatus::InService
            | EndpointStatus::OutOfService
            | EndpointStatus::Failed
            | EndpointStatus::UpdateRollbackFailed
    );
    let of_component = match (&wanted.component, component) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(wanted), Some(found)) => is_settled(found) && !in_service(in_flight, found, wanted),
    };
    settled && (!runs(endpoint, &wanted) || of_component)
}

/// Whether what the endpoint runs must be read: an update would replace it, or it is compared with the version.
#[must_use]
pub fn needs_running_config(environment: &Environment, in_flight: &InFlight, seen: &Snapshot) -> bool {
    let Some(endpoint) = &seen.endpoint else { return false };
    let replaced = endpoint.status == EndpointStatus::InService
        && !runs(endpoint, &DesiredResources::of(environment, &in_flight.request));
    replaced || needs_comparison(environment, in_flight, seen)
}

/// Whether the component's tags must be read: it does not run as requested on this endpoint, and nothing is changing
/// it.
#[must_use]
pub fn needs_component_tags(
    environment: &Environment,
    in_flight: &InFlight,
    endpoint: Option<&Endpoint>,
    component: &RunningComponent,
) -> bool {
    let wanted = DesiredResources::of(environment, &in_flight.request).component;
    is_settled(component)
        && wanted.is_some_and(|wanted| {
            !in_service(in_flight, component, &wanted)
                || endpoint.is_some_and(|endpoint| !is_on(endpoint, &wanted.endpoint, component))
        })
}

fn is_settled(component: &RunningComponent) -> bool {
    matches!(component.status, ComponentStatus::InService | ComponentStatus::Failed)
}

/// Decides the next step of the deployment in flight.
pub fn converge(
    site: &Site,
    policy: &Policy,
    environment: &Environment,
    state: &State,
    seen: &Snapshot,
    now: Timestamp,
) -> Deploy {
    let Some(in_flight) = &state.in_flight else {
        let endpoint = environment.endpoint.name.to_string();
        return Decision::new(Verdict::Ignore, Reason::NothingInFlight { endpoint });
    };
    let tags = owner::tags_of_policy(policy, Some(environment));
    let reconciliation = Reconciliation {
        site,
        policy,
        environment,
        state,
        in_flight,
        wanted: DesiredResources::of(environment, &in_flight.request).with_tags(&tags),
        now,
    };
    let decision = match not_as_approved(in_flight, seen.approval.as_ref(), seen.artifacts.as_ref()) {
        None => reconciliation.of_endpoint(seen),
        Some(reason) => reconciliation.withdrawn(seen, reason),
    };
    Decision { state: decision.state.map(|next| next.having_seen(seen)), ..decision }
}

/// Whether a sweep's decision must be recorded: it acts, it ends the deployment, or it is the first to find the model
/// unresponsive or an operation that takes too long. A change of the live version has a verdict of its own.
#[must_use]
pub fn should_record(state: &State, decision: &Deploy) -> bool {
    let noted = |state: &State| {
        let in_flight = state.in_flight.as_ref()?;
        Some((in_flight.unresponsive_since, in_flight.told_overdue.clone()))
    };
    let is_new = decision.state.as_ref().is_some_and(|next| noted(next) != noted(state));
    is_new || !matches!(decision.verdict, Verdict::Ignore | Verdict::Wait)
}

pub(super) fn runs(endpoint: &Endpoint, wanted: &DesiredResources) -> bool {
    endpoint.status == EndpointStatus::InService
        && endpoint.config.as_deref() == Some(wanted.config.name.as_str())
}

/// Whether a resource changed after a change was requested. A change before the request proves nothing.
///
/// The comparison uses the last modification that was observed at the time of the request, because SageMaker's clock
/// and ours may differ. If the resource did not exist then, the comparison uses our time of the request.
pub(super) fn changed_since(
    last_modified: Option<Timestamp>,
    asked: Option<Timestamp>,
    seen: Option<Timestamp>,
) -> bool {
    matches!((last_modified, asked), (Some(changed), Some(asked)) if changed > seen.unwrap_or(asked))
}

/// One reconciliation of the deployment in flight.
pub(super) struct Reconciliation<'a> {
    pub(super) site: &'a Site,
    pub(super) policy: &'a Policy,
    pub(super) environment: &'a Environment,
    pub(super) state: &'a State,
    pub(super) in_flight: &'a InFlight,
    pub(super) wanted: DesiredResources,
    pub(super) now: Timestamp,
}

impl Reconciliation<'_> {
    fn of_endpoint(&self, seen: &Snapshot) -> Deploy {
        let Some(endpoint) = &seen.endpoint else { return self.create(seen) };
        match &endpoint.status {
            EndpointStatus::InService if runs(endpoint, &self.wanted) => self.of_component(endpoint, seen),
            EndpointStatus::InService if endpoint_was(self.in_flight, endpoint, &self.wanted) => {
                self.endpoint_rolled_back(endpoint, seen)
            }
            EndpointStatus::InService => self.update(endpoint, seen),
            EndpointStatus::Creating
            | EndpointStatus::Updating
            | EndpointStatus::SystemUpdating
            | EndpointStatus::RollingBack
            | EndpointStatus::Deleting
            // An unknown status triggers no action; the next event or sweep checks again.
            | EndpointStatus::Unknown(_) => self.wait_for_endpoint(endpoint),
            EndpointStatus::Deleted
            | EndpointStatus::Failed
            | EndpointStatus::OutOfService
            | EndpointStatus::UpdateRollbackFailed => self.of_failed_endpoint(endpoint, seen),
        }
    }

    pub(super) fn verify(&self, seen: &Snapshot) -> Deploy {
        if let Some(ended) = self.differs(seen) {
            return ended;
        }
        let endpoint = self.wanted.endpoint.clone();
        let samples = self.environment.verify.samples().len();
        if samples == 0 {
            return self.end(DeploymentOutcome::Succeeded, Reason::RunningUnverified { endpoint }, seen);
        }
        let sample = self.named_sample(seen);
        match &seen.probe {
            Some(Probe::Answered(_)) if seen.sample as usize + 1 < samples => {
                self.next_sample(endpoint, seen)
            }
            Some(Probe::Answered(_)) => {
                self.end(DeploymentOutcome::Succeeded, Reason::Answered { endpoint }, seen)
            }
            Some(Probe::Failed(error)) => {
                let reason = Reason::SampleFailed { endpoint, sample, error: error.clone() };
                self.end(DeploymentOutcome::VerificationFailed, reason, seen)
            }
            Some(Probe::Unexpected(what)) => {
                let reason = Reason::SampleUnexpected { endpoint, sample, what: what.clone() };
                self.end(DeploymentOutcome::VerificationFailed, reason, seen)
            }
            Some(Probe::Queued(queued)) => self.queued(endpoint, queued),
            Some(Probe::Silent) => self.silent(endpoint, &self.unanswered(), seen),
            Some(Probe::NotReady(error)) => self.silent(endpoint, error, seen),
            Some(Probe::Replied(_)) | None => {
                let status = "not asked yet".to_owned();
                self.wait(Reason::EndpointBusy { endpoint, status }, vec![self.schedule_check()])
            }
        }
    }

    /// The sample that was sent last, as people are told of it.
    fn named_sample(&self, seen: &Snapshot) -> String {
        match self.environment.verify.samples().len() {
            0 | 1 => "sample".to_owned(),
            _ => format!("sample {}", seen.sample.saturating_add(1)),
        }
    }

    /// The next sample is sent at the next check.
    fn next_sample(&self, endpoint: String, seen: &Snapshot) -> Deploy {
        let answered = seen.sample.saturating_add(1);
        let in_flight = InFlight {
            samples_answered: answered,
            sample: None,
            unresponsive_since: None,
            ..self.in_flight.clone()
        };
        let until = self.patience_after(self.now);
        let next = check_soon(self.site, self.environment, self.in_flight, self.now);
        self.wait_with(in_flight, Reason::AwaitingSample { endpoint, until }, vec![next])
            .evidence("samples_answered", answered)
    }

    /// An asynchronous endpoint answers with an object in S3, which the next checks look for.
    fn queued(&self, endpoint: String, sample: &QueuedSample) -> Deploy {
        let since = self.in_flight.unresponsive_since.unwrap_or(self.now);
        let until = self.patience_after(since);
        let last = format!("its answer will be at {}", sample.output);
        let in_flight = InFlight {
            unresponsive_since: Some(since),
            sample: Some(sample.clone()),
            ..self.in_flight.clone()
        };
        self.wait_with(in_flight, Reason::AwaitingSample { endpoint, until }, vec![self.schedule_check()])
            .evidence("last_sample", last)
    }

    /// What a sample request without an answer looks like.
    fn unanswered(&self) -> String {
        let queued = self.in_flight.sample.as_ref();
        queued.map_or_else(
            || "it did not answer in time".to_owned(),
            |sample| format!("there is no answer at {}", sample.output),
        )
    }

    fn patience_after(&self, since: Timestamp) -> Timestamp {
        let queue = self.environment.endpoint.spec.behavior().async_settings();
        let patience = queue.map_or(PATIENCE, |_| PATIENCE_WITH_QUEUE);
        since.checked_add(patience).unwrap_or(Timestamp::MAX)
    }

    /// A model that starts slowly has limited time to answer, so a model that hangs fails.
    fn silent(&self, endpoint: String, last: &str, seen: &Snapshot) -> Deploy {
        let since = self.in_flight.unresponsive_since.unwrap_or(self.now);
        let until = self.patience_after(since);
        if self.now >= until {
            let sample = self.named_sample(seen);
            let reason = Reason::SampleTimedOut { endpoint, sample, since, last: last.to_owned() };
            return self.end(DeploymentOutcome::VerificationFailed, reason, seen);
        }
        let in_flight = InFlight { unresponsive_since: Some(since), ..self.in_flight.clone() };
        self.wait_with(in_flight, Reason::AwaitingSample { endpoint, until }, vec![self.schedule_check()])
            .evidence("last_sample", last)
    }

    pub(super) fn wait(&self, reason: Reason, plan: Vec<Step<Action>>) -> Deploy {
        self.wait_with(self.in_flight.clone(), reason, plan)
    }

    pub(super) fn wait_with(&self, in_flight: InFlight, reason: Reason, plan: Vec<Step<Action>>) -> Deploy {
        // The resource changes or serves: everything that it refers to is visible.
        let checks = in_flight.checks.saturating_add(1);
        let in_flight = InFlight { checks, not_visible: None, ..in_flight };
        Decision::new(Verdict::Wait, reason)
            .evidence("version", self.in_flight.request.version)
            .plan(plan)
            .state(State { in_flight: Some(in_flight), ..self.state.clone() })
    }

    pub(super) fn schedule_check(&self) -> Step<Action> {
        schedule_check(self.site, self.environment, self.in_flight, self.now)
    }
}

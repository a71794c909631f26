//! The end of a deployment: the report to the hub and the state that follows.

use jiff::Timestamp;
use tidegate_events::{DeploymentFinished, DeploymentOutcome, DeploymentRequested};

use super::converge::Reconciliation;
use super::{Action, Deploy, Live, Probe, Report, Serving, Snapshot, State};
use crate::decision::{Decision, Verdict};
use crate::endpoint::DesiredResources;
use crate::file::Environment;
use crate::reason::Reason;
use crate::step::Step;

/// The report about the end of a deployment.
pub(super) fn report(
    environment: &Environment,
    request: &DeploymentRequested,
    (outcome, reason): (DeploymentOutcome, &Reason),
    running_config: Option<String>,
    now: Timestamp,
) -> DeploymentFinished {
    DeploymentFinished {
        requested_config: Some(DesiredResources::of(environment, request).config.name),
        running_config,
        ..report_without_configs(request, (outcome, reason), now)
    }
}

/// The report about a request of which no configuration is known, such as one that was not accepted.
pub(super) fn report_without_configs(
    request: &DeploymentRequested,
    (outcome, reason): (DeploymentOutcome, &Reason),
    now: Timestamp,
) -> DeploymentFinished {
    DeploymentFinished {
        failed_by: failed_by(reason),
        request_id: request.request_id.clone(),
        model: request.model.clone(),
        environment: request.environment.clone(),
        environment_account: request.environment_account.clone(),
        version: request.version,
        package_arn: request.package_arn.clone(),
        outcome,
        reason: reason.code().to_owned(),
        detail: reason.to_string(),
        requested_config: None,
        running_config: None,
        finished_at: now,
    }
}

/// What decided a failure: the alarm, or the part of the verification.
fn failed_by(reason: &Reason) -> Option<String> {
    match reason {
        Reason::RolledBackByAlarm { alarms, .. } => Some(alarms.clone()),
        Reason::RunsAnother { parts, .. } => Some(parts.clone()),
        Reason::SampleFailed { sample, .. }
        | Reason::SampleTimedOut { sample, .. }
        | Reason::SampleUnexpected { sample, .. } => Some(sample.clone()),
        _ => None,
    }
}

/// The state after a deployment; `live` is the version that serves now, if a look showed it.
pub(super) fn ended(state: &State, finished: &DeploymentFinished, live: Option<Live>) -> State {
    // Another deployment of the same version does not change `previous`.
    let is_another = |before: &&Live| live.as_ref().is_some_and(|now| now.package_arn != before.package_arn);
    let replaced = state.live.as_ref().filter(is_another);
    State {
        in_flight: None,
        previous: replaced.or(state.previous.as_ref()).cloned(),
        live: live.or_else(|| state.live.clone()),
        last_report: Some(Report { finished: finished.clone() }),
        copies_set_at: state.last_told(),
        ..state.clone()
    }
}

impl Reconciliation<'_> {
    /// Ends the deployment. The requested version serves if the deployment succeeded.
    pub(super) fn end(&self, outcome: DeploymentOutcome, reason: Reason, seen: &Snapshot) -> Deploy {
        let live = match outcome {
            DeploymentOutcome::Succeeded => Some(self.live()),
            DeploymentOutcome::Failed
            | DeploymentOutcome::FailedToStart
            | DeploymentOutcome::VerificationFailed
            | DeploymentOutcome::RolledBackSilently
            | DeploymentOutcome::RolledBackByAlarm => None,
        };
        self.end_with(outcome, reason, seen, live)
    }

    /// Ends the deployment as failed, although its version serves.
    pub(super) fn end_serving(&self, reason: Reason, seen: &Snapshot, alert: Step<Action>) -> Deploy {
        let mut decision = self.end_with(DeploymentOutcome::Failed, reason, seen, Some(self.live()));
        decision.plan.push(alert);
        decision
    }

    fn end_with(
        &self,
        outcome: DeploymentOutcome,
        reason: Reason,
        seen: &Snapshot,
        live: Option<Live>,
    ) -> Deploy {
        let verdict = match outcome {
            DeploymentOutcome::Succeeded => Verdict::Succeeded,
            DeploymentOutcome::Failed => Verdict::Failed,
            DeploymentOutcome::FailedToStart => Verdict::FailedToStart,
            DeploymentOutcome::VerificationFailed => Verdict::VerificationFailed,
            DeploymentOutcome::RolledBackSilently => Verdict::RolledBackSilently,
            DeploymentOutcome::RolledBackByAlarm => Verdict::RolledBackByAlarm,
        };
        let request = &self.in_flight.request;
        let running = seen.endpoint.as_ref().and_then(|e| e.config.clone());
        let finished = report(self.environment, request, (outcome, &reason), running.clone(), self.now);
        let live = live.or_else(|| self.kept(&reason, seen));
        let state = ended(self.state, &finished, live);
        let mut decision = Decision::new(verdict, reason).evidence("version", request.version).evidence_vs(
            "running_config",
            running.unwrap_or_else(|| "none".to_owned()),
            &self.wanted.config.name,
        );
        if let Some(Probe::Answered(status)) = seen.probe {
            decision = decision.evidence("sample_status", status);
        }
        decision.plan(vec![Step::ReportDeployment { finished }]).state(state)
    }

    /// The version that was live before a deployment that did not succeed, and what the deployment left of it.
    fn kept(&self, reason: &Reason, seen: &Snapshot) -> Option<Live> {
        let live = self.state.live.clone()?;
        let serving = live.serving.clone().map(|serving| serving.after(&self.wanted, seen));
        Some(Live { serving, ..live }.after_failure(reason, seen, &self.site.region, self.now))
    }

    fn live(&self) -> Live {
        let request = &self.in_flight.request;
        Live {
            version: request.version,
            package_arn: request.package_arn.clone(),
            config: self.wanted.config.name.clone(),
            request_id: request.request_id.clone(),
            at: self.now,
            serving: Some(Serving::of(&self.wanted, self.environment.endpoint.is_shared())),
            unhealthy: None,
        }
    }
}

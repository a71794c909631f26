//! The end of a deployment, and the report about it.

use tidegate_events::{
    ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested, EndpointStatus,
};

use super::{Checker, in_service};
use crate::check::{Effect, Invariant, effect};
use crate::decision::Verdict;
use crate::deploy::{ComponentStatus, Deploy, Probe, RunningComponent, Snapshot};
use crate::file::Verify;
use crate::fingerprint::short;

/// The outcome that a verdict reports, if it ends the deployment.
pub(super) fn outcome_of(verdict: Verdict) -> Option<DeploymentOutcome> {
    match verdict {
        Verdict::Succeeded => Some(DeploymentOutcome::Succeeded),
        Verdict::Failed => Some(DeploymentOutcome::Failed),
        Verdict::FailedToStart => Some(DeploymentOutcome::FailedToStart),
        Verdict::VerificationFailed => Some(DeploymentOutcome::VerificationFailed),
        Verdict::RolledBackSilently => Some(DeploymentOutcome::RolledBackSilently),
        Verdict::RolledBackByAlarm => Some(DeploymentOutcome::RolledBackByAlarm),
        _ => None,
    }
}

impl Checker<'_> {
    /// The statement about the end of a deployment is true.
    pub(super) fn end(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let reports = reports(decision);
        let Some(outcome) = outcome_of(decision.verdict) else {
            if self.refuses(decision, &reports) {
                return;
            }
            // No deployment has ended: a report can only be a repetition of the last one.
            let last = self.state.last_report.as_ref().map(|report| &report.finished);
            let again = reports.iter().all(|report| Some(*report) == last);
            return self
                .violations
                .require(again, Invariant::ReportMismatch, || format!("{reports:?} after {last:?}"));
        };
        let Some(seen) = seen else {
            return self
                .violations
                .require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        let running = running_config(seen);
        self.report(&reports, self.request, outcome, |report| {
            report.requested_config.is_some() && report.running_config.as_ref() == running
        });
        let wanted = reports.first().and_then(|report| report.requested_config.as_ref());
        if outcome == DeploymentOutcome::Succeeded {
            let proven = self.serves(seen, wanted)
                && running == wanted
                && self.consists_of_it(seen)
                && self.answered(seen);
            return self.violations.require(proven, Invariant::UnverifiedSuccess, || format!("{seen:?}"));
        }
        let back = in_service(seen) && (seen.component.is_some() || running != wanted);
        let true_of_it = match outcome {
            DeploymentOutcome::RolledBackSilently | DeploymentOutcome::RolledBackByAlarm => back,
            DeploymentOutcome::VerificationFailed => {
                self.serves(seen, wanted) && !(self.answered(seen) && self.consists_of_it(seen))
            }
            DeploymentOutcome::FailedToStart => !in_service(seen) || seen.component.is_some(),
            DeploymentOutcome::Succeeded | DeploymentOutcome::Failed => true,
        };
        self.violations.require(true_of_it, Invariant::ReportMismatch, || format!("{outcome}: {seen:?}"));
        let alarms = self.cx.environment().map(|environment| &environment.rollout.alarms);
        let of_rollout = reports.iter().all(|report| {
            let named = report.failed_by.iter().flat_map(|names| names.split(", "));
            named
                .into_iter()
                .all(|name| alarms.is_some_and(|alarms| alarms.iter().any(|alarm| alarm == name)))
        });
        self.violations.require(
            of_rollout || outcome != DeploymentOutcome::RolledBackByAlarm,
            Invariant::ReportMismatch,
            || "the alarm is none of the rollout".to_owned(),
        );
        self.known(decision, seen, wanted);
    }

    /// A request of the hub that is not accepted has a report that it failed, and changes nothing.
    fn refuses(&mut self, decision: &Deploy, reports: &[&DeploymentFinished]) -> bool {
        let [report] = reports else { return false };
        let refused = decision.verdict == Verdict::Reject
            && decision.state.is_none()
            && report.requested_config.is_none()
            && report.running_config.is_none();
        if refused {
            self.report(reports, self.asked, DeploymentOutcome::Failed, |_| true);
        }
        refused
    }

    /// An unknown status ends no deployment. A withdrawn approval does not end an operation that SageMaker is
    /// executing; if the version serves in the end, people are notified.
    fn known(&mut self, decision: &Deploy, seen: &Snapshot, wanted: Option<&String>) {
        let asked = self.request.and_then(|request| request.artifacts.as_ref());
        let changed = asked.zip(seen.artifacts.as_ref()).is_some_and(|(asked, found)| asked != found);
        if seen.approval == Some(ApprovalStatus::Approved) && !changed {
            let unknown =
                seen.endpoint.as_ref().is_some_and(|e| matches!(e.status, EndpointStatus::Unknown(_)));
            return self
                .violations
                .require(!unknown, Invariant::ActsOnUnknown, || format!("{:?}", seen.endpoint));
        }
        let (endpoint, component) = self.told();
        let under_way = (endpoint && endpoint_changes(seen)) || (component && component_changes(seen));
        self.violations
            .require(!under_way, Invariant::ReportMismatch, || format!("it is under way: {seen:?}"));
        let told = if seen.component.is_some() { component } else { endpoint };
        if told && self.serves(seen, wanted) {
            let notified = decision.plan.iter().any(|step| effect(step) == Effect::Notify);
            self.violations
                .require(notified, Invariant::NotificationMissing, || format!("it serves: {seen:?}"));
        }
    }

    /// The decision after a rejection reports that the deployment in flight failed, or has a scheduled check.
    pub(super) fn after_rejection(&mut self, decision: &Deploy) {
        let reports = reports(decision);
        if !reports.is_empty() {
            self.report(&reports, self.request, DeploymentOutcome::Failed, |_| true);
        }
        // A deployment under a hold is started by the release.
        let waits = decision.verdict == Verdict::Wait && self.state.hold().is_none();
        let scheduled = self.scheduled(decision);
        self.violations
            .require(scheduled || !waits, Invariant::NoFollowUpScheduled, || "it waits".to_owned());
    }

    /// There is exactly one report; it concerns the request and has the given outcome.
    fn report(
        &mut self,
        reports: &[&DeploymentFinished],
        request: Option<&DeploymentRequested>,
        outcome: DeploymentOutcome,
        matches: impl Fn(&DeploymentFinished) -> bool,
    ) {
        let of = |report: &DeploymentFinished, request: &DeploymentRequested| {
            report.request_id == request.request_id
                && report.model == request.model
                && report.environment == request.environment
                && report.environment_account == request.environment_account
                && report.version == request.version
                && report.package_arn == request.package_arn
        };
        let right = match (reports, request) {
            ([report], Some(request)) => report.outcome == outcome && of(report, request) && matches(report),
            _ => false,
        };
        self.violations.require(right, Invariant::ReportMismatch, || {
            format!("{outcome:?} of {request:?} with {reports:?}")
        });
    }

    /// Whether the requested version serves: the component's model is named after its package, and after what is set on
    /// it; or, without a component, the requested configuration runs and is named after the package.
    fn serves(&self, seen: &Snapshot, wanted: Option<&String>) -> bool {
        let Some((environment, request)) = self.cx.environment().zip(self.request) else { return false };
        let of_version = format!("{}-v{}-", environment.endpoint.served_name(), request.version);
        let named = match &seen.component {
            Some(component) => {
                let model = format!("{of_version}{}", short(&[&request.package_arn], 6));
                component.status == ComponentStatus::InService
                    && self.is_here(seen, component)
                    && component.has_copies(1)
                    && component.model.as_ref().is_some_and(|name| name.starts_with(&model))
            }
            None => {
                running_config(seen) == wanted && wanted.is_some_and(|config| config.starts_with(&of_version))
            }
        };
        in_service(seen) && named
    }

    /// Whether the component is on the endpoint that exists, and not on another one or a deleted one.
    fn is_here(&self, seen: &Snapshot, component: &RunningComponent) -> bool {
        let name = self.cx.environment().map(|environment| environment.endpoint.name.as_str());
        let named = component
            .endpoint
            .as_deref()
            .is_none_or(|of| name.is_some_and(|name| of.eq_ignore_ascii_case(name)));
        let endpoint = seen.endpoint.as_ref().and_then(|endpoint| endpoint.created);
        named && component.created.is_none_or(|created| endpoint.is_none_or(|endpoint| endpoint <= created))
    }

    /// Whether the sample request was answered, if the policy has one.
    fn answered(&self, seen: &Snapshot) -> bool {
        let verify = self.cx.environment().map(|environment| &environment.verify);
        let samples = verify.map(Verify::samples).unwrap_or_default();
        let Some(last) = samples.last() else { return true };
        let refused = last.expect.as_ref().and_then(|expect| expect.status).filter(|status| *status >= 400);
        let passed = match (&seen.probe, refused) {
            (Some(Probe::Answered(status)), Some(refused)) => *status == refused,
            (Some(Probe::Answered(status)), None) => (200..=299).contains(status),
            _ => false,
        };
        passed && usize::try_from(seen.sample).is_ok_and(|at| at + 1 == samples.len())
    }

    /// Whether a change of the endpoint, and of the component, was requested for the current request.
    fn told(&self) -> (bool, bool) {
        let told = self.state.in_flight.as_ref().filter(|f| Some(&f.request) == self.request);
        let endpoint = told.is_some_and(|told| told.endpoint_update_requested_at.is_some());
        (endpoint, told.is_some_and(|told| told.component_update_requested_at.is_some()))
    }
}

fn running_config(seen: &Snapshot) -> Option<&String> {
    seen.endpoint.as_ref().and_then(|endpoint| endpoint.config.as_ref())
}

fn reports(decision: &Deploy) -> Vec<&DeploymentFinished> {
    let report = |step| match effect(step) {
        Effect::ReportDeployment(report) => Some(report),
        _ => None,
    };
    decision.plan.iter().filter_map(report).collect()
}

fn endpoint_changes(seen: &Snapshot) -> bool {
    use EndpointStatus as E;
    let settled = [E::InService, E::OutOfService, E::Deleted, E::Failed, E::UpdateRollbackFailed];
    seen.endpoint.as_ref().is_some_and(|endpoint| !settled.contains(&endpoint.status))
}

fn component_changes(seen: &Snapshot) -> bool {
    let settled = [ComponentStatus::InService, ComponentStatus::Failed];
    seen.component.as_ref().is_some_and(|component| !settled.contains(&component.status))
}

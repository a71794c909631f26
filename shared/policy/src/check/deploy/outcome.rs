//! What holds for the end of a deployment, and for the report about it.

use tidegate_events::{ApprovalStatus, DeploymentFinished, DeploymentOutcome, EndpointStatus};

use super::{Checker, ENDS, Expected};
use crate::check::Invariant;
use crate::decision::Verdict;
use crate::deploy::{ComponentStatus, Deploy, Live, Probe, Snapshot};
use crate::step::Step;

impl Checker<'_> {
    /// Holds what is said about the end of a deployment.
    pub(super) fn outcome(&mut self, decision: &Deploy, seen: Option<&Snapshot>) {
        let reports: Vec<&DeploymentFinished> = decision
            .plan
            .iter()
            .filter_map(|step| match step {
                Step::ReportDeployment { finished } => Some(finished),
                _ => None,
            })
            .collect();
        if !ENDS.contains(&decision.verdict) {
            return self.goes_on(&reports);
        }
        self.report(decision.verdict, &reports, seen);
        let runs = seen.map(|seen| self.runs(seen));
        match decision.verdict {
            Verdict::Succeeded => {
                let proven = runs == Some(true) && seen.is_some_and(|seen| self.answered(seen));
                self.violations.require(proven, Invariant::UnverifiedSuccess, || format!("{seen:?}"));
                self.live();
            }
            verdict => {
                let told = decision.plan.iter().any(|step| matches!(step, Step::Notify { .. }));
                match seen.filter(|seen| self.brought_unapproved(seen)) {
                    Some(_) => {
                        self.violations
                            .require(told, Invariant::NotificationMissing, || format!("it serves: {seen:?}"));
                        self.live();
                    }
                    None => self.unchanged(),
                }
                let back = verdict != Verdict::RolledBackSilently
                    || (runs == Some(false) && seen.is_some_and(in_service));
                self.violations
                    .require(back, Invariant::ReportMismatch, || format!("nothing rolled back: {seen:?}"));
                self.known(seen);
            }
        }
    }

    /// What ran is what is said to run.
    fn unchanged(&mut self) {
        let same = self.after.live == self.state.live && self.after.previous == self.state.previous;
        self.violations.require(same, Invariant::StateLost, || format!("{:?} ran before", self.state.live));
    }

    /// What SageMaker was told for the request that is worked on: of the endpoint, and of the component.
    fn told(&self) -> (bool, bool) {
        let told = self.state.in_flight.as_ref().filter(|f| Some(&f.request) == self.request);
        let endpoint = told.is_some_and(|told| told.endpoint_update_requested_at.is_some());
        (endpoint, told.is_some_and(|told| told.component_update_requested_at.is_some()))
    }

    /// Whether a version without approval serves because SageMaker was told to put it in place while it had one.
    fn brought_unapproved(&self, seen: &Snapshot) -> bool {
        let expected = self.environment.zip(self.request).and_then(|(e, r)| Expected::of(e, r));
        let Some(expected) = expected.filter(|_| seen.approval != Some(ApprovalStatus::Approved)) else {
            return false;
        };
        let (endpoint, component) = self.told();
        let config = seen.endpoint.as_ref().and_then(|endpoint| endpoint.config.as_ref());
        let brought = match (&expected.component, &seen.component) {
            (None, _) => endpoint && config == Some(&expected.config),
            (Some(wanted), Some(running)) => {
                component
                    && running.status == ComponentStatus::InService
                    && running.model.as_ref() == Some(&wanted.model)
            }
            (Some(_), None) => false,
        };
        in_service(seen) && brought
    }

    /// Whether SageMaker is still at work on what it was told.
    fn under_way(&self, seen: &Snapshot) -> bool {
        use EndpointStatus as E;
        let (endpoint, component) = self.told();
        let settled = [E::InService, E::OutOfService, E::Deleted, E::Failed, E::UpdateRollbackFailed];
        let moves = seen.endpoint.as_ref().is_some_and(|e| !settled.contains(&e.status));
        let settled = [ComponentStatus::InService, ComponentStatus::Failed];
        (endpoint && moves)
            || (component && seen.component.as_ref().is_some_and(|c| !settled.contains(&c.status)))
    }

    /// Nothing has ended: what ran runs, and a report is only ever said again.
    fn goes_on(&mut self, reports: &[&DeploymentFinished]) {
        let (before, after) = (self.state, self.after);
        let same = before.live == after.live && before.previous == after.previous;
        self.violations.require(same, Invariant::UnverifiedSuccess, || {
            format!("{:?} is said to run, and {:?} before it", after.live, after.previous)
        });
        let last = before.last_report.as_ref().map(|report| &report.finished);
        let again = before.last_report == after.last_report && reports.iter().all(|said| Some(*said) == last);
        self.violations.require(again, Invariant::ReportMismatch, || format!("{reports:?} after {last:?}"));
    }

    /// One report, of the request that is worked on, with the outcome of the verdict.
    fn report(&mut self, verdict: Verdict, reports: &[&DeploymentFinished], seen: Option<&Snapshot>) {
        let outcome = match verdict {
            Verdict::Succeeded => DeploymentOutcome::Succeeded,
            Verdict::RolledBackSilently => DeploymentOutcome::RolledBackSilently,
            _ => DeploymentOutcome::Failed,
        };
        let running =
            seen.and_then(|seen| seen.endpoint.as_ref()).and_then(|endpoint| endpoint.config.as_ref());
        let requested =
            self.environment.zip(self.request).and_then(|(e, r)| Expected::of(e, r)).map(|e| e.config);
        let true_of = |said: &DeploymentFinished| {
            self.request.is_some_and(|request| {
                said.outcome == outcome
                    && said.request_id == request.request_id
                    && said.model == request.model
                    && said.environment == request.environment
                    && said.environment_account == request.environment_account
                    && said.version == request.version
                    && said.package_arn == request.package_arn
            }) && said.requested_config == requested
                && said.running_config.as_ref() == running
        };
        let [said] = reports else {
            return self.violations.require(false, Invariant::ReportMismatch, || {
                format!("{verdict} with {} reports", reports.len())
            });
        };
        self.violations
            .require(true_of(said), Invariant::ReportMismatch, || format!("{verdict} with {said:?}"));
        self.violations.is_now("the report", said.finished_at, self.now);
        let kept = self.after.last_report.as_ref().map(|report| &report.finished) == Some(*said);
        self.violations.require(kept, Invariant::ActionNotInState, || {
            format!("the last report is {:?}", self.after.last_report)
        });
    }

    /// Whether the requested configuration runs.
    fn runs(&self, seen: &Snapshot) -> bool {
        let expected = self.environment.zip(self.request).and_then(|(e, r)| Expected::of(e, r));
        let Some(expected) = expected else { return false };
        let component = match (&expected.component, &seen.component) {
            (None, _) => true,
            (Some(wanted), Some(running)) => {
                running.status == ComponentStatus::InService
                    && running.model.as_ref() == Some(&wanted.model)
                    && running.memory_mb == Some(wanted.memory_mb)
                    && running.copies.unwrap_or(0) > 0
            }
            (Some(_), None) => false,
        };
        let config = seen.endpoint.as_ref().and_then(|endpoint| endpoint.config.as_ref());
        in_service(seen) && config == Some(&expected.config) && component
    }

    /// Whether the sample was answered, where the policy has one.
    fn answered(&self, seen: &Snapshot) -> bool {
        let asked = self.environment.is_some_and(|environment| environment.verify.invoke.is_some());
        !asked || matches!(seen.probe, Some(Probe::Answered(200..=299)))
    }

    /// What runs now is what was requested, and what ran before it is kept.
    fn live(&mut self) {
        let Some(request) = self.request else { return };
        let right = |live: &Live| {
            live.version == request.version
                && live.package_arn == request.package_arn
                && live.request_id == request.request_id
                && live.at == self.now
        };
        let known = self.after.live.as_ref().is_some_and(right);
        self.violations
            .require(known, Invariant::ActionNotInState, || format!("what runs is {:?}", self.after.live));
        let replaced = self.state.live.as_ref().filter(|live| live.package_arn != request.package_arn);
        let kept = self.after.previous.as_ref() == replaced.or(self.state.previous.as_ref());
        self.violations.require(kept, Invariant::StateLost, || {
            format!("{:?} ran before, and {:?} is kept", self.state.live, self.after.previous)
        });
    }

    /// An unknown status ends nothing, and a withdrawn approval not what SageMaker is at.
    fn known(&mut self, seen: Option<&Snapshot>) {
        let Some(seen) = seen else {
            return self
                .violations
                .require(false, Invariant::ActsOnUnknown, || "nothing was observed".to_owned());
        };
        let approved = seen.approval == Some(ApprovalStatus::Approved);
        self.violations.require(approved || !self.under_way(seen), Invariant::ReportMismatch, || {
            format!("it is under way: {seen:?}")
        });
        let unknown = seen.endpoint.as_ref().is_some_and(|e| matches!(e.status, EndpointStatus::Unknown(_)));
        self.violations
            .require(!approved || !unknown, Invariant::ActsOnUnknown, || format!("{:?}", seen.endpoint));
    }
}

fn in_service(seen: &Snapshot) -> bool {
    seen.endpoint.as_ref().is_some_and(|endpoint| endpoint.status == EndpointStatus::InService)
}

//! What holds for what is remembered of a promotion.

use tidegate_events::{
    ApprovalStatus, DeploymentFinished, DeploymentOutcome, ModelPackageChanged, PackageStatus,
};

use super::{Checker, people};
use crate::check::{Invariant, package};
use crate::promote::{Action, EnvironmentStatus, Package, Promote, Promotion, Trigger};
use crate::step::Step;

impl Checker<'_> {
    pub(super) fn memory(&mut self, decision: &Promote) {
        match (self.state.promotion.as_ref(), self.after) {
            (Some(gone), None) => self
                .violations
                .require(false, Invariant::StateLost, || format!("version {} was on its way", gone.version)),
            (_, Some(after)) => {
                match self.before {
                    Some(before) => self.went_on(before, after),
                    None => self.begun(after),
                }
                self.steps(after, decision);
                self.approvals(after, decision);
                self.proven(after);
            }
            (None, None) => {}
        }
        self.denied();
        self.rejection();
    }

    /// A promotion begins with an approval that the registry confirms, and is not older than the one before.
    fn begun(&mut self, after: &Promotion) {
        let (account, region) = (&self.site.account, &self.site.region);
        let group = self.policy.registry.group.as_str();
        let right = package::is_version(&after.package_arn, account, region, group, after.version);
        self.violations
            .require(right, Invariant::WrongPackage, || format!("{} is promoted", after.package_arn));
        let confirmed = match self.trigger {
            Trigger::Package(change) => {
                change.approval == ApprovalStatus::Approved
                    && change.arn == after.package_arn
                    && change.last_modified.is_none_or(|at| at == after.approved_at)
                    && self.package
                        == Some(&Package {
                            approval: ApprovalStatus::Approved,
                            status: PackageStatus::Completed,
                        })
            }
            _ => false,
        };
        self.violations.require(confirmed, Invariant::NotApproved, || {
            format!("version {} is promoted because of {:?}", after.version, self.trigger)
        });
        let replaced = self.state.promotion.as_ref();
        let newer = replaced.is_none_or(|before| before.approved_at <= after.approved_at);
        self.violations.require(newer, Invariant::OlderApprovalWins, || {
            format!("{} replaces {:?}", after.approved_at, replaced.map(|before| before.approved_at))
        });
        let newest = replaced.map_or(0, |before| before.newest_version).max(after.version);
        self.violations.require(after.newest_version == newest, Invariant::StateLost, || {
            format!("the newest is {}, and was {newest}", after.newest_version)
        });
    }

    /// A promotion only goes forward, and what stopped stays so.
    fn went_on(&mut self, before: &Promotion, after: &Promotion) {
        let kept = before.newest_version == after.newest_version && (after.stopped || !before.stopped);
        self.violations.require(kept, Invariant::StateLost, || format!("{before:?} became {after:?}"));
        for (environment, step) in &before.environments {
            let forward = match (step, after.environments.get(environment)) {
                (EnvironmentStatus::Requested { .. }, Some(_)) => true,
                (was, is) => Some(was) == is,
            };
            self.violations.require(forward, Invariant::StateLost, || {
                format!("{environment} was {step:?} and is {:?}", after.environments.get(environment))
            });
        }
    }

    /// A step that says that an environment was asked comes with the request.
    fn steps(&mut self, after: &Promotion, decision: &Promote) {
        let was = |environment: &str| self.before.and_then(|before| before.environments.get(environment));
        let changed = after.environments.iter().filter(|(environment, step)| was(environment) != Some(step));
        for (environment, step) in changed {
            let (done, at) = match step {
                EnvironmentStatus::Requested { request_id, at, .. } => {
                    let asks = |step: &Step<Action>| {
                        matches!(step, Step::RequestDeployment { request }
                        if request.request_id == *request_id && request.environment == *environment)
                    };
                    (decision.plan.iter().any(asks), *at)
                }
                EnvironmentStatus::Succeeded { at } | EnvironmentStatus::Failed { at, .. } => (true, *at),
            };
            self.violations
                .require(done, Invariant::StateWithoutAction, || format!("{environment} is {step:?}"));
            self.violations.is_now(environment, at, self.now);
        }
    }

    /// A success is a report for the very request, from the very environment.
    fn proven(&mut self, after: &Promotion) {
        for environment in self.newly_succeeded() {
            let asked = self.before.and_then(|before| before.environments.get(&environment));
            let account = self.policy.environment(&environment).map(|e| e.account.as_str());
            let proven = match self.trigger {
                Trigger::Report(report) => {
                    report.outcome == DeploymentOutcome::Succeeded
                        && report.environment == environment
                        && report.version == after.version
                        && Some(report.environment_account.as_str()) == account
                        && answers(asked, report)
                }
                _ => false,
            };
            self.violations.require(proven, Invariant::UnverifiedSuccess, || {
                format!("{environment} succeeded because of {:?}", self.trigger)
            });
        }
    }

    /// People's approvals stay, and only a person adds one.
    fn approvals(&mut self, after: &Promotion, decision: &Promote) {
        let was = self.before.map(|before| &before.approvals);
        for (environment, given) in was.into_iter().flatten() {
            let kept = after.approvals.get(environment);
            let all = given.iter().all(|(by, at)| kept.is_some_and(|kept| kept.get(by) == Some(at)));
            self.violations
                .require(all, Invariant::StateLost, || format!("approvals of {environment}: {given:?}"));
        }
        for (environment, given) in &after.approvals {
            let known = was.and_then(|was| was.get(environment));
            let new = given.iter().filter(|(by, _)| known.is_none_or(|known| !known.contains_key(*by)));
            for (by, at) in new {
                let told = matches!(self.trigger, Trigger::Approval(said)
                    if said.environment == *environment
                        && said.version == after.version
                        && said.at == *at
                        && said.at >= after.approved_at
                        && people([&said.by].into_iter()) == people([by].into_iter()));
                self.violations.require(told, Invariant::ApprovalWithoutPerson, || {
                    format!("{by} agreed to {environment} because of {:?}", self.trigger)
                });
            }
        }
        let told = decision.plan.iter().any(|step| matches!(step, Step::Notify { .. }));
        let new = after
            .approvals_requested
            .iter()
            .find(|name| !self.before.is_some_and(|before| before.approvals_requested.contains(*name)));
        self.violations.require(new.is_none() || told, Invariant::StateWithoutAction, || {
            format!("the people of {new:?} are said to have been asked")
        });
    }

    /// A rejection, or an approval taken back, is remembered, and nothing else is remembered as one.
    fn rejection(&mut self) {
        let Some(after) = self.after else { return };
        let was = self.before.and_then(|before| before.rejected_at);
        let told = match (self.trigger, self.before) {
            (Trigger::Package(change), Some(before)) => rejects(change, before),
            _ => false,
        };
        let right =
            if told { after.rejected_at >= Some(after.approved_at) } else { after.rejected_at == was };
        self.violations.require(right && after.rejected_at >= was, Invariant::ActionNotInState, || {
            format!(
                "it was rejected at {was:?}, and now at {:?}, because of {:?}",
                after.rejected_at, self.trigger
            )
        });
    }

    /// A failure, a rollback and a rejection stop what they are about.
    fn denied(&mut self) {
        let Some(was) = self.state.promotion.as_ref().filter(|was| !was.stopped) else { return };
        let denied = match self.trigger {
            Trigger::Report(report) => {
                let account = self.policy.environment(&report.environment).map(|e| e.account.as_str());
                report.outcome != DeploymentOutcome::Succeeded
                    && report.version == was.version
                    && account == Some(report.environment_account.as_str())
                    && answers(was.environments.get(&report.environment), report)
            }
            Trigger::Package(change) => rejects(change, was),
            _ => false,
        };
        let stopped = self.before.is_some() && self.after.is_some_and(|after| after.stopped);
        self.violations
            .require(!denied || stopped, Invariant::FailureIgnored, || format!("{:?}", self.trigger));
    }
}

/// Whether a report answers the request that waits for it.
fn answers(step: Option<&EnvironmentStatus>, report: &DeploymentFinished) -> bool {
    matches!(step, Some(EnvironmentStatus::Requested { request_id, .. }) if *request_id == report.request_id)
}

/// Whether the change is a rejection of what is on its way, or takes its approval back, and is not older than the approval.
/// An update of something else carries the old status along, and a new version waits for approval from the beginning.
fn rejects(change: &ModelPackageChanged, promotion: &Promotion) -> bool {
    let of_approval =
        change.updated_fields.as_ref().map(|fields| fields.iter().any(|f| f == "ModelApprovalStatus"));
    let denies = match change.approval {
        ApprovalStatus::Rejected => {
            of_approval.unwrap_or(true) && change.last_modified.is_none_or(|at| at >= promotion.approved_at)
        }
        ApprovalStatus::PendingManualApproval => {
            of_approval == Some(true) && change.last_modified > Some(promotion.approved_at)
        }
        ApprovalStatus::Approved | ApprovalStatus::Absent | ApprovalStatus::Unknown(_) => false,
    };
    denies
        && change.version == Some(promotion.version)
        && change.arn.eq_ignore_ascii_case(&promotion.package_arn)
}

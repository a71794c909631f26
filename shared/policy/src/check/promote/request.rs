//! What holds for a request to an environment.

use tidegate_events::DeploymentRequested;

use super::{Checker, people, succeeded};
use crate::check::holds::standing;
use crate::check::{Invariant, long_ago, package};
use crate::file::Environment;
use crate::promote::{EnvironmentStatus, Promotion};

impl Checker<'_> {
    /// Holds everything that must hold before an environment is asked.
    pub(super) fn request(&mut self, request: &DeploymentRequested) {
        let Some(environment) = self.policy.environment(&request.environment) else {
            return self.violations.require(false, Invariant::OutOfScope, || format!("{request:?}"));
        };
        let Some(promotion) = self.after else {
            return self.violations.require(false, Invariant::ActionNotInState, || "no promotion".to_owned());
        };
        self.place(environment, request);
        self.package(promotion, request);
        self.free(environment, promotion);
        // What was let in under an earlier policy may be asked again under this one: it is the same request.
        let asked = self.before.and_then(|before| before.environments.get(&request.environment));
        if !matches!(asked, Some(EnvironmentStatus::Requested { .. })) {
            self.order(environment, promotion);
            self.approvals_given(environment, promotion);
        }
        self.remembered(promotion, request);
    }

    fn place(&mut self, environment: &Environment, request: &DeploymentRequested) {
        let right = request.model == self.policy.model.as_str()
            && request.environment_account == environment.account.as_str()
            && request.region == environment.region.as_str()
            && request.policy_version == self.policy.version();
        self.violations.require(right, Invariant::OutOfScope, || format!("{request:?}"));
    }

    fn package(&mut self, promotion: &Promotion, request: &DeploymentRequested) {
        let group = self.policy.registry.group.as_str();
        let (account, region) = (&self.site.account, &self.site.region);
        let right = request.version == promotion.version
            && request.package_arn == promotion.package_arn
            && request.approved_at == Some(promotion.approved_at)
            && package::is_version(&request.package_arn, account, region, group, request.version);
        self.violations.require(right, Invariant::WrongPackage, || {
            format!(
                "{} as version {}, promoted is {}",
                request.package_arn, request.version, promotion.package_arn
            )
        });
    }

    /// Nothing is asked while it is held, nor after a failure.
    fn free(&mut self, environment: &Environment, promotion: &Promotion) {
        let name = environment.name.as_str();
        let hold = standing(&self.next.holds, name);
        self.violations
            .require(hold.is_none(), Invariant::ActsWhileHeld, || format!("{name} is held: {hold:?}"));
        let failed =
            promotion.environments.iter().find(|(_, step)| matches!(step, EnvironmentStatus::Failed { .. }));
        let stopped = promotion.stopped || self.before.is_some_and(|before| before.stopped);
        self.violations.require(failed.is_none() && !stopped, Invariant::ContinuesAfterFailure, || {
            format!("stopped: {stopped}, failed: {failed:?}")
        });
    }

    /// No environment is skipped, and the soak in the one before is over.
    fn order(&mut self, environment: &Environment, promotion: &Promotion) {
        let earlier = self.policy.environments.iter().take_while(|e| e.name != environment.name);
        let skipped = earlier.clone().find(|e| succeeded(promotion, e.name.as_str()).is_none());
        self.violations.require(skipped.is_none(), Invariant::EnvironmentSkipped, || {
            format!(
                "{} has not succeeded, and {} is asked",
                skipped.map_or("", |e| e.name.as_str()),
                environment.name
            )
        });
        if let (Some(before), Some(soak)) = (earlier.last(), environment.gates.soak) {
            let at = succeeded(promotion, before.name.as_str());
            let over = at.is_none_or(|at| long_ago(at, soak.signed(), self.now));
            self.violations.require(over, Invariant::SoakCutShort, || {
                format!("{} succeeded at {at:?}, and the soak is {soak}", before.name)
            });
        }
    }

    fn approvals_given(&mut self, environment: &Environment, promotion: &Promotion) {
        let name = environment.name.as_str();
        let required = environment.gates.approvals.as_ref().map_or(0, |approvals| approvals.required);
        let given = promotion.approvals.get(name).map(|given| people(given.keys())).unwrap_or_default();
        self.violations.require(given.len() >= required as usize, Invariant::ApprovalsMissing, || {
            format!("{name} needs {required}, and {given:?} agreed")
        });
    }

    /// The state knows the request, and a repeated one is the same.
    fn remembered(&mut self, promotion: &Promotion, request: &DeploymentRequested) {
        self.violations.is_now("the request", request.requested_at, self.now);
        let known = matches!(promotion.environments.get(&request.environment),
            Some(EnvironmentStatus::Requested { request_id, at, .. }) if *request_id == request.request_id && *at == self.now);
        self.violations.require(known, Invariant::ActionNotInState, || {
            format!("the steps are {:?}", promotion.environments)
        });
        let first = match self.before.and_then(|before| before.environments.get(&request.environment)) {
            Some(EnvironmentStatus::Requested { request_id, .. }) => Some(request_id),
            _ => None,
        };
        self.violations.require(
            first.is_none_or(|id| *id == request.request_id),
            Invariant::NonDeterministicName,
            || format!("first it was asked as {first:?}, now as {}", request.request_id),
        );
    }
}

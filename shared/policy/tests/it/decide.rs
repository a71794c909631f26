//! Asks a controller, as the engine does.

use std::sync::Arc;

use jiff::Timestamp;
use tidegate_events::{ApprovalGiven, DeploymentFinished, HoldPlaced, HoldReleased, ModelPackageChanged};
use tidegate_policy::check::Violation;
use tidegate_policy::controller::{Context, Controller, DecisionOf};
use tidegate_policy::deploy::{self, Deploy, DeployController};
use tidegate_policy::file::{Environment, Policy};
use tidegate_policy::freeze::Freezes;
use tidegate_policy::hold::Hold;
use tidegate_policy::promote::{GateFacts, Package, Promote, PromoteController, Snapshot, State, Trigger};
use tidegate_policy::respond::{self, Respond, RespondController};
use tidegate_policy::site::{HUB, Site};

use super::any;

/// Everything that a decision was made from, and the decision.
pub(crate) struct Decided<C: Controller> {
    pub(crate) policy: Option<Policy>,
    pub(crate) site: Site,
    pub(crate) state: C::State,
    pub(crate) trigger: C::Trigger,
    pub(crate) seen: C::Snapshot,
    pub(crate) now: Timestamp,
    pub(crate) decision: DecisionOf<C>,
}

impl<C: Controller> Decided<C> {
    /// Asks the controller.
    pub(crate) fn by(
        policy: Policy,
        site: Site,
        state: C::State,
        trigger: C::Trigger,
        seen: C::Snapshot,
        now: Timestamp,
    ) -> Self {
        let decision = C::decide(&context(Some(&policy), &site, now), &state, &trigger, &seen);
        Self { policy: Some(policy), site, state, trigger, seen, now, decision }
    }

    /// The same with another state and decision.
    pub(crate) fn followed_by(&self, state: &C::State, decision: DecisionOf<C>) -> Self {
        Self {
            policy: self.policy.clone(),
            site: self.site.clone(),
            state: state.clone(),
            trigger: self.trigger.clone(),
            seen: self.seen.clone(),
            now: self.now,
            decision,
        }
    }

    /// The invariants that the decision breaks.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let cx = context(self.policy.as_ref(), &self.site, self.now);
        C::violations(&cx, &self.state, &self.trigger, &self.seen, &self.decision)
    }

    /// The state after the decision.
    pub(crate) fn after(&self) -> C::State {
        self.decision.state.clone().unwrap_or_else(|| self.state.clone())
    }

    /// The state that the decision writes.
    pub(crate) fn next(&mut self) -> &mut C::State {
        self.decision.state.as_mut().unwrap()
    }
}

pub(crate) fn context<'a>(policy: Option<&'a Policy>, site: &'a Site, now: Timestamp) -> Context<'a> {
    Context { policy, site, event: "m", now }
}

/// The hub.
pub(crate) fn hub() -> Site {
    Site {
        environment: HUB.to_owned(),
        account: any::HUB.to_owned(),
        region: "us-east-1".to_owned(),
        hub_account: any::HUB.to_owned(),
        check_seconds: 60,
        operators: vec!["ml-ops".to_owned()],
    }
}

/// Where the functions of an environment run.
pub(crate) fn site(environment: &Environment) -> Site {
    Site { environment: environment.name.to_string(), account: environment.account.to_string(), ..hub() }
}

/// The same policy with an environment in the place of the one of its name.
pub(crate) fn policy_with(environment: &Environment) -> Policy {
    let mut policy = any::policy();
    for place in &mut policy.environments {
        if place.name == environment.name {
            place.clone_from(environment);
        }
    }
    policy
}

/// What promote reads: this package, and nothing that closes a gate.
pub(crate) fn seen(package: Option<Package>) -> Snapshot {
    let gates = GateFacts { fleet: Some(Freezes::default()), ..GateFacts::default() };
    Snapshot { package, gates, ..Snapshot::default() }
}

/// Decides about a promotion.
pub(crate) fn promote(
    policy: &Policy,
    state: &State,
    trigger: &Trigger,
    package: Option<&Package>,
    now: Timestamp,
) -> Promote {
    let seen = seen(package.cloned());
    PromoteController::decide(&context(Some(policy), &hub(), now), state, trigger, &seen)
}

pub(crate) fn package(
    policy: &Policy,
    state: &State,
    change: &ModelPackageChanged,
    package: Option<&Package>,
    now: Timestamp,
) -> Promote {
    promote(policy, state, &Trigger::Package(change.clone()), package, now)
}

pub(crate) fn report(policy: &Policy, state: &State, report: &DeploymentFinished, now: Timestamp) -> Promote {
    promote(policy, state, &Trigger::Report(report.clone()), None, now)
}

pub(crate) fn check(policy: &Policy, state: &State, version: u64, now: Timestamp) -> Promote {
    promote(policy, state, &Trigger::Check { version }, None, now)
}

pub(crate) fn approval(policy: &Policy, state: &State, given: &ApprovalGiven, now: Timestamp) -> Promote {
    promote(policy, state, &Trigger::Approval(given.clone()), None, now)
}

pub(crate) fn hold(policy: &Policy, state: &State, placed: &HoldPlaced, now: Timestamp) -> Promote {
    promote(policy, state, &Trigger::Hold(placed.clone()), None, now)
}

pub(crate) fn release(policy: &Policy, state: &State, release: &HoldReleased, now: Timestamp) -> Promote {
    promote(policy, state, &Trigger::Release(release.clone()), None, now)
}

pub(crate) fn sweep(policy: &Policy, state: &State, now: Timestamp) -> Promote {
    promote(policy, state, &Trigger::Sweep, None, now)
}

/// Decides about a deployment.
pub(crate) fn deploy(
    policy: &Policy,
    site: &Site,
    state: &deploy::State,
    trigger: &deploy::Trigger,
    seen: &deploy::Snapshot,
    now: Timestamp,
) -> Deploy {
    DeployController::decide(&context(Some(policy), site, now), state, trigger, &Some(seen.clone()))
}

/// Decides about drift in staging.
pub(crate) fn respond(
    policy: &Policy,
    state: &respond::State,
    trigger: respond::Trigger,
    seen: &respond::Snapshot,
    now: Timestamp,
) -> Respond {
    let site = any::staging();
    RespondController::decide(&context(Some(policy), &site, now), state, &trigger, seen)
}

/// What deploy remembers of an endpoint that a version serves since a time, under a hold.
pub(crate) fn deployed(live_since: Option<Timestamp>, hold: Option<&Hold>) -> Arc<deploy::State> {
    let live = live_since.map(|at| deploy::Live {
        version: 1,
        package_arn: any::arn(1),
        config: "c".to_owned(),
        request_id: "r1".to_owned(),
        at,
        serving: None,
        unhealthy: None,
    });
    let holds = hold.map(|hold| ("staging".to_owned(), hold.clone())).into_iter().collect();
    Arc::new(deploy::State { live, holds, ..deploy::State::default() })
}

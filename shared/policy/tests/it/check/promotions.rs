//! Right decisions about a promotion.

use jiff::Timestamp;
use tidegate_events::{
    ApprovalGiven, ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested, HoldPlaced,
    HoldReleased, ModelPackageChanged, PackageStatus,
};
use tidegate_policy::check::{self, PromoteCause, Violation};
use tidegate_policy::decision::{Decision, Verdict};
use tidegate_policy::file::{Approvals, Policy};
use tidegate_policy::promote::{self, Action, EnvironmentStatus, Package, Promote, Promotion, State};
use tidegate_policy::reason::Reason;

use super::Judged;
use crate::any;
use tidegate_policy::step::Step;

pub(super) enum Cause {
    Package(ModelPackageChanged, Option<Package>),
    Report(DeploymentFinished),
    Approval(ApprovalGiven),
    Hold(HoldPlaced),
    Release(HoldReleased),
    Stranger,
    Time,
}

pub(super) struct Scene {
    pub(super) policy: Policy,
    pub(super) state: State,
    pub(super) cause: Cause,
    pub(super) decision: Promote,
    pub(super) now: Timestamp,
}

impl Judged for Scene {
    fn judge(&self) -> Vec<Violation> {
        let cause = match &self.cause {
            Cause::Package(change, package) => PromoteCause::Package { change, package: package.as_ref() },
            Cause::Report(report) => PromoteCause::Report(report),
            Cause::Approval(given) => PromoteCause::Approval(given),
            Cause::Hold(placed) => PromoteCause::Hold(placed),
            Cause::Release(released) => PromoteCause::Release(released),
            Cause::Stranger => PromoteCause::Stranger,
            Cause::Time => PromoteCause::Time,
        };
        check::promote(&self.policy, &self.state, &any::home(), cause, &self.decision, self.now)
    }
}

impl Scene {
    /// What is decided about the cause.
    pub(super) fn of(policy: Policy, state: State, cause: Cause, now: Timestamp) -> Self {
        let (p, s, home) = (&policy, &state, any::home());
        let decision = match &cause {
            Cause::Package(change, package) => {
                promote::decide_package(p, s, &home, change, package.as_ref(), now)
            }
            Cause::Report(report) => promote::decide_report(p, s, report, now),
            Cause::Approval(given) => promote::decide_approval(p, s, given, now),
            Cause::Hold(placed) => promote::decide_hold(p, s, placed),
            Cause::Release(released) => promote::decide_release(p, s, released, now),
            Cause::Stranger => Decision::of_stranger("123456789012", Reason::UnsupportedEvent),
            Cause::Time => promote::decide_sweep(p, s, now),
        };
        Self { policy, state, cause, decision, now }
    }

    pub(super) fn request(&mut self) -> &mut DeploymentRequested {
        let requests = self.decision.plan.iter_mut().find_map(|step| match step {
            Step::RequestDeployment { request } => Some(request),
            _ => None,
        });
        requests.unwrap()
    }

    pub(super) fn next(&mut self) -> &mut Promotion {
        self.decision.state.as_mut().unwrap().promotion.as_mut().unwrap()
    }

    pub(super) fn was(&mut self) -> &mut Promotion {
        self.state.promotion.as_mut().unwrap()
    }

    /// Changes the promotion before and after.
    pub(super) fn both(&mut self, change: fn(&mut Promotion)) {
        change(self.was());
        change(self.next());
    }

    pub(super) fn report(&mut self) -> &mut DeploymentFinished {
        let Cause::Report(report) = &mut self.cause else { unreachable!() };
        report
    }
}

pub(super) fn change(approval: ApprovalStatus, minutes: i64) -> ModelPackageChanged {
    ModelPackageChanged {
        arn: any::arn(7),
        group: Some("churn".to_owned()),
        version: Some(7),
        status: PackageStatus::Completed,
        approval,
        updated_fields: Some(vec!["ModelApprovalStatus".to_owned()]),
        last_modified: Some(any::at(minutes)),
        generated_by: None,
        stage: None,
        stage_status: None,
    }
}

pub(super) fn approved() -> Scene {
    let package = Package { approval: ApprovalStatus::Approved, status: PackageStatus::Completed };
    let cause = Cause::Package(change(ApprovalStatus::Approved, 0), Some(package));
    let scene = Scene::of(any::policy(), State::default(), cause, any::at(0));
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Deploy, 2));
    scene
}

/// Staging was asked at minute 0.
pub(super) fn in_staging() -> State {
    approved().decision.state.unwrap()
}

pub(super) fn answered(outcome: DeploymentOutcome) -> Scene {
    let state = in_staging();
    let Some(EnvironmentStatus::Requested { request_id, .. }) =
        state.promotion.as_ref().unwrap().environments.get("staging")
    else {
        unreachable!()
    };
    let report = DeploymentFinished {
        request_id: request_id.clone(),
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        environment_account: "444455556666".to_owned(),
        version: 7,
        package_arn: any::arn(7),
        outcome,
        reason: "r".to_owned(),
        detail: "d".to_owned(),
        requested_config: None,
        running_config: None,
        finished_at: any::at(10),
    };
    Scene::of(any::policy(), state, Cause::Report(report), any::at(10))
}

pub(super) fn soaking() -> Scene {
    let scene = answered(DeploymentOutcome::Succeeded);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Wait, 2));
    scene
}

pub(super) fn failed() -> Scene {
    let scene = answered(DeploymentOutcome::RolledBackSilently);
    assert_eq!(scene.decision.verdict, Verdict::Stop);
    scene
}

/// The soak in staging is over.
pub(super) fn on_to_production() -> Scene {
    let scene = Scene::of(any::policy(), soaking().decision.state.unwrap(), Cause::Time, any::at(40));
    assert_eq!(scene.decision.verdict, Verdict::Deploy);
    scene
}

pub(super) fn asked_again() -> Scene {
    let scene = Scene::of(any::policy(), in_staging(), Cause::Time, any::at(61));
    assert_eq!(scene.decision.reason.code(), "no_report");
    scene
}

pub(super) fn complete() -> Scene {
    let state = on_to_production().decision.state.unwrap();
    let mut report = soaking();
    let Some(EnvironmentStatus::Requested { request_id, .. }) =
        state.promotion.as_ref().unwrap().environments.get("production")
    else {
        unreachable!()
    };
    let report = DeploymentFinished {
        request_id: request_id.clone(),
        environment: "production".to_owned(),
        environment_account: "777788889999".to_owned(),
        ..report.report().clone()
    };
    let scene = Scene::of(any::policy(), state, Cause::Report(report), any::at(50));
    assert_eq!(scene.decision.verdict, Verdict::Complete);
    scene
}

pub(super) fn rejected() -> Scene {
    let cause = Cause::Package(change(ApprovalStatus::Rejected, 5), None);
    let scene = Scene::of(any::policy(), in_staging(), cause, any::at(5));
    assert_eq!(scene.decision.verdict, Verdict::Stop);
    scene
}

pub(super) fn guarded() -> Policy {
    let mut policy = any::policy();
    policy.environments[1].gates.approvals = Some(Approvals { required: 2, not_author: false });
    policy
}

/// Two people must agree before production.
pub(super) fn waits_for_people() -> Scene {
    let scene = Scene::of(guarded(), soaking().decision.state.unwrap(), Cause::Time, any::at(40));
    assert_eq!(scene.decision.reason.code(), "approval_required");
    scene
}

pub(super) fn agreed(state: State, by: &str) -> Scene {
    let given = ApprovalGiven {
        model: "churn".to_owned(),
        environment: "production".to_owned(),
        version: 7,
        by: by.to_owned(),
        at: any::at(41),
        comment: None,
    };
    Scene::of(guarded(), state, Cause::Approval(given), any::at(42))
}

pub(super) fn one_agreed() -> Scene {
    agreed(waits_for_people().decision.state.unwrap(), "ana")
}

pub(super) fn both_agreed() -> Scene {
    let scene = agreed(one_agreed().decision.state.unwrap(), "Bo");
    assert_eq!(scene.decision.verdict, Verdict::Deploy);
    scene
}

pub(super) fn held() -> Scene {
    let placed = HoldPlaced {
        model: "churn".to_owned(),
        environment: Some("production".to_owned()),
        by: "ana".to_owned(),
        reason: "r".to_owned(),
        at: any::at(20),
    };
    Scene::of(any::policy(), soaking().decision.state.unwrap(), Cause::Hold(placed), any::at(20))
}

pub(super) fn released() -> Scene {
    let release = HoldReleased {
        model: "churn".to_owned(),
        environment: Some("production".to_owned()),
        by: "ana".to_owned(),
        at: any::at(50),
    };
    let scene =
        Scene::of(any::policy(), held().decision.state.unwrap(), Cause::Release(release), any::at(50));
    assert_eq!(scene.decision.verdict, Verdict::Deploy);
    scene
}

/// Two people must agree before staging already.
pub(super) fn begun_and_waiting() -> Scene {
    let mut policy = any::policy();
    policy.environments[0].gates.approvals = Some(Approvals { required: 2, not_author: false });
    let Scene { state, cause, now, .. } = approved();
    let scene = Scene::of(policy, state, cause, now);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Wait, 1));
    scene
}

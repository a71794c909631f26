//! Right decisions about a promotion.

use tidegate_events::{
    ApprovalGiven, ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested,
    EndpointHealth, EndpointHealthChanged, HoldPlaced, HoldReleased, ModelPackageChanged, PackageStatus,
    PromotionForced, RollbackRequested,
};
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::{Approvals, Policy};
use tidegate_policy::promote::{
    EnvironmentStatus, Package, PromoteController, Promotion, Snapshot, State, Trigger, VerifiedVersion,
    VersionDetails, VersionFacts,
};
use tidegate_policy::step::Step;

use crate::any;
use crate::decide::{self, Decided};

pub(crate) type Scene = Decided<PromoteController>;

fn decided(policy: Policy, state: State, trigger: Trigger, seen: Option<Package>, minutes: i64) -> Scene {
    Decided::by(policy, decide::hub(), state, trigger, decide::seen(seen), any::at(minutes))
}

impl Scene {
    pub(super) fn policy(&mut self) -> &mut Policy {
        self.policy.as_mut().unwrap()
    }

    pub(crate) fn request(&mut self) -> &mut DeploymentRequested {
        let requests = self.decision.plan.iter_mut().find_map(|step| match step {
            Step::RequestDeployment { request } => Some(request),
            _ => None,
        });
        requests.unwrap()
    }

    /// Gives production another gate.
    pub(super) fn gate(&mut self, name: &str, value: serde_json::Value) {
        let environment = &mut self.policy().environments[1];
        let mut gates = serde_json::to_value(&environment.gates).unwrap();
        gates[name] = value;
        environment.gates = serde_json::from_value(gates).unwrap();
        let version = self.policy().version();
        self.request().policy_version = version;
    }

    /// The version has these metrics.
    pub(super) fn metrics(&mut self, text: &str) {
        let details = VersionDetails { statistics: Some("s3://b/k".to_owned()), ..VersionDetails::default() };
        let (arn, metrics) = (any::arn(7), Some(Ok(text.to_owned())));
        self.seen.gates.version = Some(VersionFacts { arn, details: Ok(Some(details)), metrics });
    }

    /// The promotion in the state that follows.
    pub(super) fn promotion(&mut self) -> &mut Promotion {
        self.next().promotion.as_mut().unwrap()
    }

    /// The promotion as it was.
    pub(super) fn was(&mut self) -> &mut Promotion {
        self.state.promotion.as_mut().unwrap()
    }

    /// Changes the promotion before and after.
    pub(super) fn both(&mut self, change: fn(&mut Promotion)) {
        change(self.was());
        change(self.promotion());
    }

    pub(super) fn report(&mut self) -> &mut DeploymentFinished {
        let Trigger::Report(report) = &mut self.trigger else { unreachable!() };
        report
    }
}

pub(crate) fn change(approval: ApprovalStatus, minutes: i64) -> ModelPackageChanged {
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

pub(crate) fn approved() -> Scene {
    let package = Package {
        approval: ApprovalStatus::Approved,
        status: PackageStatus::Completed,
        artifacts: Some("a".to_owned()),
    };
    let trigger = Trigger::Package(change(ApprovalStatus::Approved, 0));
    let scene = decided(any::policy(), State::default(), trigger, Some(package), 0);
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
        failed_by: None,
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
    decided(any::policy(), state, Trigger::Report(report), None, 10)
}

/// Version 7 runs in staging after version 6, and a person sends staging back.
pub(super) fn went_back() -> Scene {
    let mut state = answered(DeploymentOutcome::Succeeded).after();
    let package = Package {
        approval: ApprovalStatus::Approved,
        status: PackageStatus::Completed,
        artifacts: Some("a".to_owned()),
    };
    let before = VerifiedVersion {
        version: 6,
        package_arn: any::arn(6),
        artifacts: Some("a".to_owned()),
        at: any::at(-600),
    };
    state.verified.get_mut("staging").unwrap().push(before);
    let asked = RollbackRequested {
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        to: None,
        by: "ana".to_owned(),
        reason: "slow".to_owned(),
        at: any::at(20),
    };
    let ways_back = [(any::arn(6), package)].into();
    let seen = Snapshot { ways_back, ..Snapshot::default() };
    let scene = Decided::by(any::policy(), decide::hub(), state, Trigger::Rollback(asked), seen, any::at(20));
    assert_eq!(scene.decision.verdict, Verdict::RollBack);
    scene
}

/// A person forces version 7 into production during its soak in staging.
pub(super) fn forced() -> Scene {
    let state = answered(DeploymentOutcome::Succeeded).after();
    let forced = PromotionForced {
        model: "churn".to_owned(),
        environment: "production".to_owned(),
        version: 7,
        by: "ana".to_owned(),
        reason: "outage".to_owned(),
        at: any::at(11),
    };
    let scene = decided(any::policy(), state, Trigger::Force(forced), None, 11);
    assert_eq!(scene.decision.verdict, Verdict::Deploy);
    scene
}

pub(super) fn soaking() -> Scene {
    let scene = answered(DeploymentOutcome::Succeeded);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Wait, 2));
    scene
}

/// The endpoint in staging fails while the version soaks there.
pub(super) fn soak_broken() -> Scene {
    let changed = EndpointHealthChanged {
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        environment_account: "444455556666".to_owned(),
        version: 7,
        package_arn: any::arn(7),
        request_id: "r".to_owned(),
        health: EndpointHealth::Failed,
        reason: "live_failed".to_owned(),
        detail: "d".to_owned(),
        since: any::at(20),
        observed_at: any::at(20),
    };
    let state = soaking().decision.state.unwrap();
    let scene = decided(any::policy(), state, Trigger::Health(changed), None, 20);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Stop, 2));
    scene
}

pub(super) fn failed() -> Scene {
    let scene = answered(DeploymentOutcome::RolledBackSilently);
    assert_eq!(scene.decision.verdict, Verdict::Stop);
    scene
}

/// The soak in staging is over.
pub(super) fn on_to_production() -> Scene {
    let scene = decided(any::policy(), soaking().decision.state.unwrap(), Trigger::Sweep, None, 40);
    assert_eq!(scene.decision.verdict, Verdict::Deploy);
    scene
}

pub(super) fn asked_again() -> Scene {
    let scene = decided(any::policy(), in_staging(), Trigger::Sweep, None, 61);
    assert_eq!(scene.decision.reason.code(), "no_report");
    scene
}

pub(super) fn rejected() -> Scene {
    let trigger = Trigger::Package(change(ApprovalStatus::Rejected, 5));
    let scene = decided(any::policy(), in_staging(), trigger, None, 5);
    assert_eq!(scene.decision.verdict, Verdict::Stop);
    scene
}

pub(super) fn guarded() -> Policy {
    let mut policy = any::policy();
    policy.environments[1].gates.approvals =
        Some(Approvals { required: 2, groups: Vec::new(), not_author: false });
    policy
}

/// Two people must agree before production.
pub(super) fn waits_for_people() -> Scene {
    let scene = decided(guarded(), soaking().decision.state.unwrap(), Trigger::Sweep, None, 40);
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
    decided(guarded(), state, Trigger::Approval(given), None, 42)
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
    decided(any::policy(), soaking().decision.state.unwrap(), Trigger::Hold(placed), None, 20)
}

pub(super) fn released() -> Scene {
    let release = HoldReleased {
        model: "churn".to_owned(),
        environment: Some("production".to_owned()),
        by: "ana".to_owned(),
        at: any::at(50),
    };
    let scene = decided(any::policy(), held().decision.state.unwrap(), Trigger::Release(release), None, 50);
    assert_eq!(scene.decision.verdict, Verdict::Deploy);
    scene
}

/// Two people must agree before staging already.
pub(super) fn begun_and_waiting() -> Scene {
    let mut policy = any::policy();
    policy.environments[0].gates.approvals =
        Some(Approvals { required: 2, groups: Vec::new(), not_author: false });
    let Scene { state, trigger, seen, .. } = approved();
    let scene = decided(policy, state, trigger, seen.package, 0);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Wait, 1));
    scene
}

//! A promotion under events in any order: no environment is skipped, and a person's last word stands.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_events::{
    ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested, ModelPackageChanged,
    PackageStatus,
};
use tidegate_policy::controller::Controller;
use tidegate_policy::decision::Verdict;
use tidegate_policy::promote::{EnvironmentStatus, Package, Promote, PromoteController, State};
use tidegate_policy::reason::Reason;

use super::invariants::promotions;
use super::{any, decide};
use tidegate_policy::step::Step;

/// What can happen next.
#[derive(Debug, Clone)]
enum Happens {
    /// A person approves or rejects a version; the event is told now or with a later one.
    Says { version: u64, approve: bool },
    /// One of the events told so far arrives, again or for the first time.
    Arrives(prop::sample::Index),
    /// An environment answers one of the requests so far.
    Answers { request: prop::sample::Index, well: bool },
    /// A soak is said to be over.
    SoakEnds(u64),
    /// A sweep looks.
    Sweep,
    /// Time passes.
    Minutes(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (1..4_u64, prop::bool::weighted(0.8)).prop_map(|(version, approve)| Happens::Says { version, approve }),
        4 => any::<prop::sample::Index>().prop_map(Happens::Arrives),
        4 => (any::<prop::sample::Index>(), prop::bool::weighted(0.8))
            .prop_map(|(request, well)| Happens::Answers { request, well }),
        2 => (1..4_u64).prop_map(Happens::SoakEnds),
        1 => Just(Happens::Sweep),
        2 => (1..90_i64).prop_map(Happens::Minutes),
    ]
}

#[derive(Default)]
struct Life {
    state: State,
    minutes: i64,
    told: Vec<ModelPackageChanged>,
    registry: BTreeMap<u64, ApprovalStatus>,
    requests: Vec<DeploymentRequested>,
    reports: Vec<DeploymentFinished>,
}

impl Life {
    fn now(&self) -> Timestamp {
        any::at(self.minutes)
    }

    fn follow(&mut self, decision: Promote) -> Result<(), TestCaseError> {
        let before = self.state.clone();
        self.state = decision.state.unwrap_or_else(|| before.clone());
        for step in decision.plan {
            let Step::RequestDeployment { request } = step else { continue };
            let promotion = self.state.promotion.as_ref().expect("a request has a promotion");
            prop_assert!(!promotion.stopped);
            prop_assert_eq!(promotion.version, request.version);
            if request.environment == "production" {
                let Some(EnvironmentStatus::Succeeded { at }) = promotion.environments.get("staging") else {
                    return Err(TestCaseError::fail(format!("staging was skipped: {promotion:?}")));
                };
                prop_assert!(self.now().duration_since(*at) >= SignedDuration::from_mins(30), "soak_ended");
                // The very package, in this promotion, and not one of the same version before.
                let id = self.requests.iter().rfind(|r| r.environment == "staging").map(|r| &r.request_id);
                prop_assert!(
                    self.reports
                        .iter()
                        .any(|r| Some(&r.request_id) == id && r.outcome == DeploymentOutcome::Succeeded)
                );
            }
            self.requests.push(request);
        }
        Ok(())
    }

    fn live(&mut self, event: Happens) -> Result<(), TestCaseError> {
        let policy = any::policy();
        let now = self.now();
        match event {
            Happens::Minutes(minutes) => self.minutes += minutes,
            Happens::Says { version, approve } => {
                self.minutes += 1;
                let approval = if approve { ApprovalStatus::Approved } else { ApprovalStatus::Rejected };
                if self.registry.insert(version, approval.clone()).as_ref() == Some(&approval) {
                    return Ok(());
                }
                self.told.push(ModelPackageChanged {
                    arn: any::arn(version),
                    group: Some("churn".to_owned()),
                    version: Some(version),
                    status: PackageStatus::Completed,
                    approval,
                    updated_fields: Some(vec!["ModelApprovalStatus".to_owned()]),
                    last_modified: Some(self.now()),
                    generated_by: None,
                    stage: None,
                    stage_status: None,
                });
            }
            Happens::Arrives(which) if !self.told.is_empty() => {
                let change = which.get(&self.told).clone();
                let approval = self.registry.get(&change.version.unwrap_or_default()).cloned().unwrap();
                let package = Package { approval, status: PackageStatus::Completed, artifacts: None };
                let decision = decide::package(&policy, &self.state, &change, Some(&package), now);
                self.follow(decision)?;
            }
            Happens::Answers { request, well } if !self.requests.is_empty() => {
                let request = request.get(&self.requests).clone();
                let report = DeploymentFinished {
                    failed_by: None,
                    request_id: request.request_id.clone(),
                    model: request.model.clone(),
                    environment: request.environment.clone(),
                    environment_account: request.environment_account.clone(),
                    version: request.version,
                    package_arn: request.package_arn.clone(),
                    outcome: if well { DeploymentOutcome::Succeeded } else { DeploymentOutcome::Failed },
                    reason: "r".to_owned(),
                    detail: "d".to_owned(),
                    requested_config: None,
                    running_config: None,
                    finished_at: now,
                };
                self.reports.push(report.clone());
                self.follow(decide::report(&policy, &self.state, &report, now))?;
            }
            Happens::SoakEnds(version) => {
                self.follow(decide::check(&policy, &self.state, version, now))?;
            }
            Happens::Sweep => self.follow(decide::sweep(&policy, &self.state, now))?,
            Happens::Arrives(_) | Happens::Answers { .. } => {}
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, ..ProptestConfig::default() })]

    #[test]
    fn no_environment_is_skipped_and_the_last_word_stands(events in vec(happens(), 0..60)) {
        let mut life = Life::default();
        for event in events {
            life.live(event)?;
        }
        // Now everything that was told arrives once more, oldest last: what a person said last stands.
        for change in life.told.clone().into_iter().rev() {
            let approval = life.registry.get(&change.version.unwrap_or_default()).cloned().unwrap();
            let package = Package { approval, status: PackageStatus::Completed, artifacts: None };
            let policy = any::policy();
            let now = life.now();
            let decision =
                decide::package(&policy, &life.state, &change, Some(&package), now);
            life.follow(decision)?;
        }
        let still = |change: &&ModelPackageChanged| {
            change.approval == ApprovalStatus::Approved
                && life.registry.get(&change.version.unwrap_or_default()) == Some(&ApprovalStatus::Approved)
        };
        if let Some(last) = life.told.iter().rfind(still) {
            let promotion = life.state.promotion.as_ref().expect("an approval that stands is promoted");
            if !promotion.stopped {
                prop_assert_eq!(Some(promotion.version), last.version);
            }
        }
    }
}

#[test]
fn an_approval_that_is_taken_back_stops_the_promotion() {
    let change = |approval: ApprovalStatus, minutes: i64| ModelPackageChanged {
        arn: any::arn(1),
        version: Some(1),
        ..promotions::change(approval, minutes)
    };
    let policy = any::policy();
    let package =
        Package { approval: ApprovalStatus::Approved, status: PackageStatus::Completed, artifacts: None };
    let approved = change(ApprovalStatus::Approved, 0);
    let begun = decide::package(&policy, &State::default(), &approved, Some(&package), any::at(0));
    let state = begun.state.unwrap();
    let told = |minutes: i64| {
        let pending = change(ApprovalStatus::PendingManualApproval, minutes);
        let decision = decide::package(&policy, &state, &pending, None, any::at(9));
        (decision.verdict, decision.reason.code())
    };
    assert_eq!(told(5), (Verdict::Stop, "approval_withdrawn"));
    assert_eq!(told(0), (Verdict::Ignore, "awaiting_approval"));
}

#[test]
fn an_approval_is_read_again_right_before_the_request() {
    let mut scene = crate::invariants::approved();
    let version = scene.request().version;
    let approved = scene.request().artifacts.clone().unwrap();
    let (hub, policy) = (decide::hub(), any::policy());
    let cx = decide::context(Some(&policy), &hub, any::at(1));
    let reason = |package: Option<Package>| {
        let step = &scene.decision.plan[0];
        assert!(PromoteController::requires_recheck(step));
        PromoteController::precondition(&cx, &scene.state, step, &package)
    };
    let package = |approval| Some(Package { approval, status: PackageStatus::Completed, artifacts: None });
    assert_eq!(reason(package(ApprovalStatus::Approved)), None);
    assert_eq!(reason(None), Some(Reason::PackageMissing { arn: any::arn(version) }));
    let withdrawn = Reason::ApprovalWithdrawn { version, status: "Rejected".to_owned() };
    assert_eq!(reason(package(ApprovalStatus::Rejected)), Some(withdrawn));
    // Another image or another archive under the approved version.
    let status = (ApprovalStatus::Approved, PackageStatus::Completed);
    let of = |artifacts: &str| {
        Some(Package {
            approval: status.0.clone(),
            status: status.1.clone(),
            artifacts: Some(artifacts.to_owned()),
        })
    };
    assert_eq!(reason(of(&approved)), None);
    assert_eq!(reason(of("another")), Some(Reason::ArtifactChanged { arn: any::arn(version) }));
}

//! Deny beats allow, and worse evidence never makes a decision riskier.

use jiff::Timestamp;
use proptest::prelude::*;
use tidegate_events::{ApprovalStatus, DeploymentFinished, DeploymentOutcome, EndpointStatus, PackageStatus};
use tidegate_policy::artifacts::Container;
use tidegate_policy::decision::Verdict;
use tidegate_policy::deploy::{
    self, ComponentStatus, DeployedImage, Probe, RunningContainer, RunningModel, Snapshot,
};
use tidegate_policy::file::Policy;
use tidegate_policy::promote::{Package, State};
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{self, Observation};
use tidegate_policy::{scale, train};

use super::any::{self, Look};
use super::decide;

/// How much a verdict risks. Nothing is done; people are told, or capacity comes back; the way to the next environment is
/// opened; AWS is told to train, to deploy or to take capacity away.
fn risk(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ignore
        | Verdict::Skip
        | Verdict::Wait
        | Verdict::Stop
        | Verdict::Failed
        | Verdict::FailedToStart
        | Verdict::VerificationFailed
        | Verdict::RolledBackSilently
        | Verdict::RolledBackByAlarm
        | Verdict::Reject
        | Verdict::Suppress
        | Verdict::NoChange => 0,
        Verdict::Alert | Verdict::ScaleFromZero => 1,
        Verdict::Succeeded | Verdict::Complete => 2,
        Verdict::Accept
        | Verdict::Start
        | Verdict::Deploy
        | Verdict::RollBack
        | Verdict::Apply
        | Verdict::Retrain
        | Verdict::ScaleToZero => 3,
    }
}

/// Something that speaks against a deployment.
#[derive(Debug, Clone)]
enum Worse {
    Approval(Option<ApprovalStatus>),
    Endpoint(EndpointStatus),
    Component(ComponentStatus),
    Probe(Option<Probe>),
    Image,
    Package,
    RolledBack,
}

fn worse() -> BoxedStrategy<Worse> {
    prop_oneof![
        Just(Worse::Approval(None)),
        Just(Worse::Approval(Some(ApprovalStatus::Rejected))),
        Just(Worse::Approval(Some(ApprovalStatus::PendingManualApproval))),
        Just(Worse::Approval(Some(ApprovalStatus::Unknown("Maybe".to_owned())))),
        Just(Worse::Endpoint(EndpointStatus::Updating)),
        Just(Worse::Endpoint(EndpointStatus::RollingBack)),
        Just(Worse::Endpoint(EndpointStatus::Failed)),
        Just(Worse::Endpoint(EndpointStatus::UpdateRollbackFailed)),
        Just(Worse::Endpoint(EndpointStatus::Unknown("Dreaming".to_owned()))),
        Just(Worse::Component(ComponentStatus::Updating)),
        Just(Worse::Component(ComponentStatus::Failed)),
        Just(Worse::Component(ComponentStatus::Unknown("Dreaming".to_owned()))),
        Just(Worse::Probe(None)),
        Just(Worse::Probe(Some(Probe::Silent))),
        Just(Worse::Probe(Some(Probe::Failed("500".to_owned())))),
        Just(Worse::Image),
        Just(Worse::Package),
        Just(Worse::RolledBack),
    ]
    .boxed()
}

/// What is seen, and worse.
fn made_worse(seen: &Snapshot, worse: &Worse) -> Snapshot {
    let mut seen = seen.clone();
    match worse.clone() {
        Worse::Approval(approval) => seen.approval = approval,
        Worse::Endpoint(status) => {
            if let Some(endpoint) = &mut seen.endpoint {
                endpoint.status = status;
            }
        }
        Worse::Component(status) => {
            if let Some(component) = &mut seen.component {
                component.status = status;
            }
        }
        Worse::Probe(probe) => seen.probe = probe,
        Worse::Image => {
            seen.containers = vec![Container { image: Some("i:1".to_owned()), ..Container::default() }];
            if let Some(endpoint) = &mut seen.endpoint {
                endpoint.images = vec![DeployedImage { specified: "i:2".to_owned(), resolved: None }];
            }
        }
        Worse::Package => {
            let package = Some("arn:aws:sagemaker:us-east-1:111122223333:model-package/other/1".to_owned());
            let container = RunningContainer { package, ..RunningContainer::default() };
            seen.model = Some(RunningModel { containers: vec![container] });
        }
        Worse::RolledBack => {
            if let Some(endpoint) = &mut seen.endpoint {
                endpoint.last_modified = Some(Timestamp::MAX);
            }
        }
    }
    seen
}

fn converged(policy: &Policy, look: &Look, seen: &Snapshot, now: Timestamp) -> deploy::Deploy {
    deploy::converge(&look.site, policy, &look.environment, &look.state, seen, now)
}

fn drift() -> Observation {
    Observation::Drift {
        source: "s".to_owned(),
        at: None,
        alarm: None,
        reason: Reason::DriftObserved { metric: "psi".to_owned() },
        numbers: None,
        feed_is_broken: false,
    }
}

/// The same report with another outcome.
fn with(report: &DeploymentFinished, outcome: DeploymentOutcome) -> DeploymentFinished {
    DeploymentFinished { outcome, ..report.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn worse_evidence_never_makes_a_deployment_riskier(
        (policy, look) in any::look(), first in worse(), second in worse(), now in any::time(),
    ) {
        // With `recreateFailed`, what failed before it ever served is deleted, and what only changes is not.
        let mut look = look;
        look.environment.endpoint.recreate_failed = false;
        let once = made_worse(&look.seen, &first);
        let twice = made_worse(&once, &second);
        let risks = [&look.seen, &once, &twice].map(|seen| risk(converged(&policy, &look, seen, now).verdict));
        // A configuration that runs and is said to have changed since is where it should be, as before.
        prop_assert!(risks[0] >= risks[1] && risks[1] >= risks[2], "{:?} by {:?} and {:?}", risks, first, second);
    }

    #[test]
    fn one_denial_is_enough_to_deploy_nothing(
        (policy, look) in any::look(), denied in worse(), held in any::hold(), now in any::time(),
    ) {
        // Whatever else speaks for it.
        let denies = matches!(denied, Worse::Approval(_));
        let decision = converged(&policy, &look, &made_worse(&look.seen, &denied), now);
        prop_assert!(!denies || risk(decision.verdict) == 0, "{:?}", decision);
        let mut look = look;
        look.state.holds.insert("*".to_owned(), held);
        let decision = converged(&policy, &look, &look.seen, now);
        prop_assert!(decision.verdict != Verdict::Apply, "{:?}", decision);
    }

    #[test]
    fn a_version_that_is_denied_anywhere_is_requested_nowhere(
        policy in any::policies(), state in any::orderly_state(), change in any::change(), report in any::report(),
        status in any::package(), version in 1..4_u64, now in any::time(),
    ) {
        // The event says approved; the registry does not.
        if let Some(package) = status.filter(|p| p.approval != ApprovalStatus::Approved || p.status != PackageStatus::Completed) {
            let decision = decide::package(&policy, &state, &change, Some(&package), now);
            // People may be told that the version still serves somewhere.
            prop_assert!(risk(decision.verdict) <= 1);
        }
        // It was stopped: nothing but another approval of a person moves it.
        let mut stopped = state.clone();
        if let Some(promotion) = &mut stopped.promotion {
            promotion.stopped = true;
        }
        for decision in [
            decide::report(&policy, &stopped, &report, now),
            decide::check(&policy, &stopped, version, now),
            decide::sweep(&policy, &stopped, now),
        ] {
            prop_assert_eq!(risk(decision.verdict), 0);
        }
    }

    #[test]
    fn a_failure_stands_whatever_is_reported_after_it(
        policy in any::policies(), state in any::orderly_state(), report in any::report(), now in any::time(),
    ) {
        let report = any::answering(&policy, &state, &report);
        let well = decide::report(&policy, &state, &with(&report, DeploymentOutcome::Succeeded), now);
        let badly = decide::report(&policy, &state, &with(&report, DeploymentOutcome::Failed), now);
        prop_assert!(risk(badly.verdict) <= risk(well.verdict));
        if badly.verdict == Verdict::Stop {
            let failed: State = badly.state.unwrap();
            for outcome in DeploymentOutcome::ALL.iter().copied() {
                let after = decide::report(&policy, &failed, &with(&report, outcome), now);
                prop_assert_eq!(risk(after.verdict), 0);
                prop_assert!(after.state.is_none_or(|after| after == failed));
            }
        }
    }

    #[test]
    fn a_registry_that_says_less_never_promotes_more(
        policy in any::policies(), state in any::orderly_state(), change in any::change(), package in any::package(),
        now in any::time(),
    ) {
        let decide = |package: Option<&Package>| {
            risk(decide::package(&policy, &state, &change, package, now).verdict)
        };
        let good = Package { approval: ApprovalStatus::Approved, status: PackageStatus::Completed, artifacts: None };
        prop_assert!(decide(None) <= decide(package.as_ref()));
        prop_assert!(decide(package.as_ref()) <= decide(Some(&good)));
    }

    #[test]
    fn every_objection_keeps_drift_from_retraining(
        policy in any::policies(), state in any::respond_state(), more in any::time(), hold in any::hold(),
        now in any::time(),
    ) {
        let environment = any::environment(&policy, "staging");
        let decide = |state: &respond::State, observation: &Observation, hold: Option<&tidegate_policy::hold::Hold>| {
            respond::decide(&policy, &environment, state, observation, "m", (None, hold), now).verdict
        };
        let freely = risk(decide(&state, &drift(), None));
        prop_assert!(risk(decide(&state, &drift(), Some(&hold))) <= freely.min(1));
        let mut tired = respond::State { attempts: state.attempts + 1, ..state.clone() };
        prop_assert!(risk(decide(&tired, &drift(), None)) <= freely);
        tired = state.clone();
        tired.retrainings.push(more);
        tired.retrainings.sort();
        prop_assert!(risk(decide(&tired, &drift(), None)) <= freely.max(1));
        let too_little = Observation::Inconclusive(Reason::InsufficientData { source: "s".to_owned() });
        prop_assert_eq!(risk(decide(&state, &too_little, None)), 0);
    }

    #[test]
    fn every_objection_keeps_capacity_where_it_is(
        environment in any::scaled(), state in any::scale_state(), seen in any::scale_seen(), now in any::time(),
    ) {
        let decide = |seen: &scale::Snapshot| risk(scale::on_tick(&environment, &state, seen, now).verdict);
        // After the last moment of all times nothing can be waited for.
        prop_assume!(now < Timestamp::MAX);
        let freely = decide(&seen);
        let asked = seen.invocations.map(|counts| scale::Invocations { in_window: 1, ..counts });
        for worse in [
            scale::Snapshot { deploying: true, ..seen.clone() },
            scale::Snapshot { live_since: None, ..seen.clone() },
            scale::Snapshot { live_since: Some(now), copies_since: Some(now), ..seen.clone() },
            scale::Snapshot { invocations: None, ..seen.clone() },
            scale::Snapshot { invocations: asked, ..seen.clone() },
        ] {
            prop_assert!(decide(&worse) <= freely.max(1), "{:?}", worse);
            prop_assert!(decide(&worse) < 3, "{:?}", worse);
        }
    }

    #[test]
    fn every_objection_keeps_the_pipeline_from_starting(
        policy in any::policies(), state in any::train_state(), push in any::push(), request in any::retraining(),
        seen in any::train_seen(), held in any::hold(), now in any::time(),
    ) {
        let path = "p".to_owned();
        let missing = train::Snapshot { definition: train::Definition::Missing { path }, ..seen.clone() };
        prop_assert_eq!(risk(train::decide_commit(&policy, &state, &push, &missing, now).verdict), 0);
        let mut running = seen.clone();
        running.running.push("arn:x".to_owned());
        let held = train::Snapshot { hold: Some(held), ..seen.clone() };
        let gone = train::Snapshot { pipeline: None, ..seen };
        for worse in [running, held, gone] {
            prop_assert_eq!(risk(train::decide_retraining(&policy, &state, &request, &worse, now).verdict), 0);
        }
    }
}

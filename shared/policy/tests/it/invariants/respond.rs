//! Answers to drift that must not be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate_events::{
    AlarmChanged, AlarmMetric, AlarmState, DriftObserved, DriftVerdict, RetrainingFinished, RetrainingOutcome,
};
use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::{CheckMeaning, DriftResponse, Policy};
use tidegate_policy::hold::Hold;
use tidegate_policy::reason::Reason;
use tidegate_policy::respond::{
    LastEnd, MonitorReport, RespondController, Snapshot, State, Trigger, Violation,
};
use tidegate_policy::step::Step;

use super::{Break, broken};
use crate::any;
use crate::decide::{self, Decided};

type Scene = Decided<RespondController>;

impl Scene {
    fn request(&mut self) -> &mut tidegate_events::RetrainingRequested {
        let Step::RequestRetraining { request } = &mut self.decision.plan[0] else { unreachable!() };
        request
    }

    fn policy(&mut self) -> &mut Policy {
        self.policy.as_mut().unwrap()
    }
}

fn decided(state: State, trigger: Trigger) -> Scene {
    Decided::by(any::policy(), any::staging(), state, trigger, Snapshot::default(), any::at(30 * 1_440))
}

fn drift() -> Trigger {
    Trigger::Alarm(AlarmChanged {
        alarm: "churn-accuracy".to_owned(),
        state: AlarmState::Alarm,
        previous: None,
        reason: None,
        changed_at: Some(any::at(10)),
        metrics: vec![AlarmMetric {
            namespace: "aws/sagemaker/Endpoints/data-metrics".to_owned(),
            name: "feature_baseline_drift".to_owned(),
            dimensions: [].into(),
        }],
        muted: false,
        observed: None,
        threshold: None,
    })
}

/// What another source says.
fn job(verdict: DriftVerdict, minutes: i64) -> Trigger {
    Trigger::Observed(DriftObserved {
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        endpoint: None,
        verdict,
        metric: Some("psi".to_owned()),
        observed: None,
        threshold: None,
        source: "job".to_owned(),
        observed_at: any::at(minutes),
    })
}

/// One retraining, two days ago, that brought no improvement.
fn before() -> State {
    let source = |name: &str, day: i64| (name.to_owned(), any::at(day * 1_440));
    State {
        retrainings: vec![any::at(28 * 1_440)],
        attempts: 1,
        drifting: [source("alarm churn-accuracy", 1), source("job on psi", 1)].into(),
        last_report_at: [source("alarm churn-accuracy", 0), source("job on psi", 1)].into(),
        ..State::default()
    }
}

fn of_check(check: &str) -> Option<MonitorReport> {
    let violation = Violation { check: check.to_owned(), subject: Some("age".to_owned()) };
    Some(MonitorReport::Read(vec![violation]))
}

/// A retraining for a monitoring report.
fn retrains_for_a_report() -> Scene {
    let trigger = Trigger::Report { bucket: "b".to_owned(), key: any::REPORT_KEY.to_owned() };
    let seen = Snapshot { report: of_check("baseline_drift_check"), ..Snapshot::default() };
    let scene =
        Decided::by(any::policy(), any::staging(), State::default(), trigger, seen, any::at(30 * 1_440));
    assert_eq!(scene.decision.verdict, Verdict::Retrain);
    scene
}

fn retrains() -> Scene {
    let scene = decided(before(), drift());
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Retrain, 2));
    scene
}

fn alerts() -> Scene {
    let scene = decided(State { attempts: 2, ..before() }, drift());
    assert_eq!(scene.decision.verdict, Verdict::Alert);
    scene
}

fn breaks() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    let mut all = vec![
        on(I::ActsOnUnknown, "the reason is too little data", retrains, |s| {
            s.decision.reason = Reason::InsufficientData { source: "job".to_owned() };
        }),
        on(I::ActsWhileHeld, "a hold stands", retrains, |s| {
            let hold = Hold { at: any::at(0), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
            s.seen.deployed = decide::deployed(None, Some(&hold));
        }),
        on(I::NotificationMissing, "an alert to nobody", alerts, |s| s.decision.plan.clear()),
        on(I::OutOfScope, "another model", retrains, |s| s.request().model = "other".to_owned()),
        on(I::OutOfScope, "another environment", retrains, |s| {
            s.request().environment = "production".to_owned()
        }),
        on(I::OutOfScope, "another account", retrains, |s| {
            s.request().environment_account = "123456789012".to_owned();
        }),
        on(I::OutOfScope, "a look at another alarm", retrains, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[1] else { unreachable!() };
            check.subject = "other".to_owned();
        }),
        on(I::OutOfScope, "a look from another environment", retrains, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[1] else { unreachable!() };
            check.environment = "production".to_owned();
        }),
    ];
    all.extend(governor());
    all.push(on(I::BrokenFeed, "the alarm counts missing values", retrains, |s| {
        let Trigger::Alarm(alarm) = &mut s.trigger else { unreachable!() };
        alarm.metrics[0].name = "feature_non_null_age".to_owned();
    }));
    all.extend(reports());
    all
}

fn reports() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, by| Break { invariant, how, scene: retrains_for_a_report, by };
    vec![
        on(I::NoDrift, "a check in a pipeline wrote the report", |s| {
            let key = "churn-staging/train/z8m4/Check/output/violations/constraint_violations.json";
            s.trigger = Trigger::Report { bucket: "b".to_owned(), key: key.to_owned() };
        }),
        on(I::NoDrift, "the date in the key does not exist", |s| {
            let key = any::REPORT_KEY.replace("03/03", "02/30");
            s.trigger = Trigger::Report { bucket: "b".to_owned(), key };
        }),
        on(I::BrokenFeed, "a column is missing", |s| s.seen.report = of_check("missing_column_check")),
        on(I::BrokenFeed, "nobody knows the check", |s| s.seen.report = of_check("quantum_check")),
        on(I::BrokenFeed, "there is no violation", |s| s.seen.report = Some(MonitorReport::Read(Vec::new()))),
        on(I::BrokenFeed, "the policy says to alert", |s| {
            s.policy().drift.as_mut().unwrap().checks.baseline_drift = Some(CheckMeaning::Alert);
        }),
        on(I::BrokenFeed, "the policy ignores the feature", |s| {
            s.policy().drift.as_mut().unwrap().ignore_features.push("age".to_owned());
        }),
    ]
}

fn governor() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::NoDrift, "the source failed", retrains, |s| {
            s.trigger = job(DriftVerdict::SourceFailed, 0);
        }),
        on(I::NoDrift, "the drift is over", retrains, |s| {
            s.trigger = job(DriftVerdict::NoDrift, 2 * 1_440);
        }),
        on(I::NoDrift, "the source has said something newer", retrains, |s| {
            s.state.last_report_at.insert("alarm churn-accuracy".to_owned(), any::at(20));
        }),
        on(I::OutOfScope, "the policy says to alert", retrains, |s| {
            s.policy().drift.as_mut().unwrap().response = DriftResponse::Alert;
        }),
        on(I::OutOfScope, "the policy says nothing", retrains, |s| s.policy().drift = None),
        on(I::CooldownIgnored, "an hour after the last", retrains, |s| {
            s.state.retrainings.push(any::at(30 * 1_440 - 60));
            s.next().retrainings.push(any::at(30 * 1_440 - 60));
        }),
        on(I::CooldownIgnored, "the last is in the future", retrains, |s| {
            s.state.retrainings.push(any::at(31 * 1_440));
            s.next().retrainings.push(any::at(31 * 1_440));
        }),
        on(I::BudgetOverspent, "four in the month", retrains, |s| {
            let four: Vec<Timestamp> = (10..14).map(|day| any::at(day * 1_440)).collect();
            s.state.retrainings.clone_from(&four);
            s.next().retrainings.extend(four);
        }),
        on(I::BudgetOverspent, "two at once", retrains, |s| {
            let mut other = s.decision.plan[0].clone();
            let Step::RequestRetraining { request } = &mut other else { unreachable!() };
            request.request_id.push('2');
            s.decision.plan.push(other);
        }),
        on(I::CooldownIgnored, "one failed ten minutes ago", retrains, |s| {
            s.state.last_end = Some(LastEnd {
                requested_at: any::at(30 * 1_440 - 30),
                at: any::at(30 * 1_440 - 10),
                outcome: RetrainingOutcome::Failed,
            });
        }),
        on(I::AttemptsExceeded, "as many failures as people allow", retrains, |s| {
            s.state.failed = (10..14).map(|day| any::at(day * 1_440)).collect();
        }),
        on(I::NoDrift, "the end of a retraining requests the next one", retrains, |s| {
            s.trigger = Trigger::Finished(RetrainingFinished {
                request_id: "r".to_owned(),
                model: "churn".to_owned(),
                environment: "staging".to_owned(),
                environment_account: "444455556666".to_owned(),
                requested_at: any::at(0),
                outcome: RetrainingOutcome::Failed,
                reason: "execution_failed".to_owned(),
                detail: "d".to_owned(),
                execution_arn: None,
                finished_at: any::at(1),
            });
        }),
        on(I::AttemptsExceeded, "a third attempt", retrains, |s| {
            s.state.attempts = 2;
            s.next().attempts = 3;
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    broken(&breaks())
}

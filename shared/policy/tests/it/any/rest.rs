//! What respond, scale and train see.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use tidegate_events::{
    AlarmChanged, AlarmMetric, AlarmState, CommitPushed, EndpointHealth, EndpointHealthChanged,
    ExecutionStatus, PipelineExecutionChanged, RefChange, RefKind, RetrainingFinished, RetrainingOutcome,
    RetrainingRequested,
};
use tidegate_policy::endpoint::EndpointKind;
use tidegate_policy::file::{Environment, Policy, ToZero};
use tidegate_policy::{promote, respond, scale, train};

use super::{arn, environment, hold, name, policy, serve, text, time};

pub(crate) fn alarm() -> BoxedStrategy<AlarmChanged> {
    let state = || {
        prop_oneof![
            4 => Just(AlarmState::Alarm),
            1 => Just(AlarmState::Ok),
            1 => Just(AlarmState::InsufficientData),
            1 => text().prop_map(AlarmState::Unknown),
        ]
    };
    let number = || option::of(any::<f64>());
    (
        text(),
        state(),
        option::of(state()),
        option::of(time()),
        vec(metric(), 0..3),
        any::<bool>(),
        number(),
        number(),
    )
        .prop_map(|(alarm, state, previous, changed_at, metrics, muted, observed, threshold)| AlarmChanged {
            alarm,
            state,
            previous,
            reason: None,
            changed_at,
            metrics,
            muted,
            observed,
            threshold,
        })
        .boxed()
}

pub(crate) fn metric() -> BoxedStrategy<AlarmMetric> {
    (
        prop_oneof![Just("aws/sagemaker/Endpoints/data-metrics"), Just("AWS/SageMaker")],
        prop_oneof![Just(scale::NO_CAPACITY_METRIC), Just("Invocations"), Just("feature_non_null_age")],
        prop_oneof![Just("churn"), Just("other")],
    )
        .prop_map(|(namespace, name, component)| AlarmMetric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: [("InferenceComponentName".to_owned(), component.to_owned())].into(),
        })
        .boxed()
}

/// The key of a report that a monitoring schedule wrote.
pub(crate) const REPORT_KEY: &str =
    "reports/churn-staging/churn-staging-dq/2026/03/03/07/constraint_violations.json";

/// The source of the report with that key.
pub(crate) const REPORTS: &str = "reports reports/churn-staging/churn-staging-dq";

/// A violation: of a check that means drift, of one that does not, or of an unknown one.
pub(crate) fn violation() -> BoxedStrategy<respond::Violation> {
    let check = prop_oneof![
        Just("baseline_drift_check"),
        Just("LessThanThreshold"),
        Just("missing_column_check"),
        Just("data_type_check"),
        Just("quantum_check"),
    ];
    let subject = option::of(prop_oneof![Just("age"), Just("customer_id")].prop_map(str::to_owned));
    (check, subject)
        .prop_map(|(check, subject)| respond::Violation { check: check.to_owned(), subject })
        .boxed()
}

/// What a read of a report returns.
pub(crate) fn monitor_report() -> BoxedStrategy<respond::MonitorReport> {
    prop_oneof![
        5 => vec(violation(), 0..4).prop_map(respond::MonitorReport::Read),
        1 => Just(respond::MonitorReport::Unreadable("it is gone".to_owned())),
    ]
    .boxed()
}

/// A state of respond's: what was requested, oldest first.
pub(crate) fn respond_state() -> BoxedStrategy<respond::State> {
    let source = || prop_oneof![Just("s"), Just("t"), Just(REPORTS)].prop_map(str::to_owned);
    let sources = || btree_map(source(), time(), 0..3);
    let end = (time(), time(), outcome()).prop_map(|(requested_at, at, outcome)| respond::LastEnd {
        requested_at,
        at,
        outcome,
    });
    let heard = (sources(), sources(), sources());
    (vec(time(), 0..6), 0..4_u32, heard, vec(time(), 0..2), option::of(end))
        .prop_map(|(mut requested, attempts, (drifting, last_report_at, broken_feeds), failed, last_end)| {
            requested.sort();
            respond::State {
                retrainings: requested,
                attempts,
                drifting,
                last_report_at,
                failed,
                last_end,
                broken_feeds,
            }
        })
        .boxed()
}

fn outcome() -> impl Strategy<Value = RetrainingOutcome> {
    prop_oneof![
        Just(RetrainingOutcome::Succeeded),
        Just(RetrainingOutcome::NoVersion),
        Just(RetrainingOutcome::FailedAfterTraining),
        Just(RetrainingOutcome::Failed),
        Just(RetrainingOutcome::NotStarted),
    ]
}

/// The end of a retraining, often of one that the state contains.
pub(crate) fn finished() -> BoxedStrategy<RetrainingFinished> {
    (outcome(), time(), time())
        .prop_map(|(outcome, requested_at, finished_at)| RetrainingFinished {
            request_id: "churn-staging-1".to_owned(),
            model: "churn".to_owned(),
            environment: "staging".to_owned(),
            environment_account: "444455556666".to_owned(),
            requested_at,
            outcome,
            reason: "execution_failed".to_owned(),
            detail: "d".to_owned(),
            execution_arn: None,
            finished_at,
        })
        .boxed()
}

fn execution_status() -> impl Strategy<Value = ExecutionStatus> {
    prop_oneof![
        4 => Just(ExecutionStatus::Failed),
        2 => Just(ExecutionStatus::Succeeded),
        1 => Just(ExecutionStatus::Stopped),
        1 => Just(ExecutionStatus::CompletedWithFailures),
        1 => Just(ExecutionStatus::Executing),
        1 => text().prop_map(ExecutionStatus::Unknown),
    ]
}

/// The display names of executions: few, so that they meet.
fn execution_name() -> impl Strategy<Value = String> {
    prop_oneof![Just("commit-aaaa-1"), Just("retrain-1")].prop_map(str::to_owned)
}

/// The end of an execution.
pub(crate) fn ended() -> BoxedStrategy<PipelineExecutionChanged> {
    (execution_status(), option::of(execution_name()), option::of(time()))
        .prop_map(|(status, display_name, ended)| PipelineExecutionChanged {
            execution_arn: "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-train/execution/e"
                .to_owned(),
            pipeline: "churn-train".to_owned(),
            status,
            previous: None,
            display_name,
            started: None,
            ended,
        })
        .boxed()
}

fn execution() -> impl Strategy<Value = train::Execution> {
    let request = (text(), time()).prop_map(|(id, at)| train::Request {
        id,
        environment: "staging".to_owned(),
        environment_account: "444455556666".to_owned(),
        at,
    });
    let end = (prop_oneof![Just("Failed"), Just("Succeeded")], option::of(time()))
        .prop_map(|(status, at)| train::End { status: status.to_owned(), at });
    (execution_name(), text(), option::of(request), option::of(text()), option::of(end)).prop_map(
        |(name, token, request, definition, end)| train::Execution {
            name,
            token,
            at: super::at(0),
            description: "d".to_owned(),
            request,
            definition,
            authors: BTreeSet::new(),
            packages: Vec::new(),
            end,
        },
    )
}

fn described() -> impl Strategy<Value = train::DescribedExecution> {
    let step = (text(), prop_oneof![Just("Failed"), Just("Succeeded")], option::of(text()), any::<bool>());
    let step = (step, option::of(text())).prop_map(|((name, status, failure, trains), package)| {
        train::ExecutedStep { name, status: status.to_owned(), failure, trains, package }
    });
    let definition = prop_oneof![Just("{\"Steps\":[]}".to_owned()), text()];
    (execution_status(), option::of(text()), option::of(time()), option::of(definition), vec(step, 0..3))
        .prop_map(|(status, failure, last_modified, definition, steps)| train::DescribedExecution {
            status,
            failure,
            last_modified,
            version: Some(3),
            definition,
            steps,
        })
}

pub(crate) fn scale_state() -> BoxedStrategy<scale::State> {
    let refused = prop_oneof![3 => Just(None), 1 => time().prop_map(Some)];
    let deferred = (any::<bool>(), time(), time(), any::<bool>())
        .prop_map(|(down, since, last, pending)| scale::Deferred { down, since, last, pending });
    let deferred = option::weighted(0.2, deferred);
    (option::of(time()), option::of(time()), option::of(text()), refused, deferred)
        .prop_map(|(zero_since, scaled_up_at, last_reason, rejected_at, deferred)| scale::State {
            zero_since,
            scaled_up_at,
            last_reason,
            rejected_at,
            deferred,
            ..scale::State::default()
        })
        .boxed()
}

pub(crate) fn scale_seen() -> BoxedStrategy<scale::Snapshot> {
    let counts = (0..3_u64, 0..3_u64)
        .prop_map(|(in_window, since_deployment)| scale::Invocations { in_window, since_deployment });
    let limits = (0..3_u32, 0..3_u32)
        .prop_map(|(min, more)| tidegate_policy::deploy::ScalableTarget { min, max: min + more });
    (
        option::weighted(0.8, time()),
        prop::bool::weighted(0.2),
        option::weighted(0.8, counts),
        option::of(limits),
    )
        .prop_map(|(live_since, deploying, invocations, limits)| scale::Snapshot {
            live_since,
            copies_since: live_since,
            deploying,
            not_serving: None,
            invocations,
            limits,
        })
        .boxed()
}

pub(crate) fn scaled() -> BoxedStrategy<Environment> {
    let kinds = prop_oneof![
        3 => Just(EndpointKind::InferenceComponent),
        1 => Just(EndpointKind::RealTime),
        1 => Just(EndpointKind::Serverless),
        1 => Just(EndpointKind::Async),
    ];
    // Short enough for the times above, or as in the typical policy.
    let spans = prop_oneof![2 => Just(("30m", "1h")), 1 => Just(("2h", "24h"))];
    (kinds, prop::bool::weighted(0.8), spans)
        .prop_map(|(kind, wanted, (idle, grace))| {
            let mut environment = environment(&policy(), "production");
            serve(&mut environment, kind);
            let span = |text: &str| text.to_owned().try_into().unwrap();
            environment.scale.to_zero = wanted.then(|| ToZero { idle: span(idle), grace: span(grace) });
            environment
        })
        .boxed()
}

fn commit() -> BoxedStrategy<String> {
    prop_oneof![Just("aaaa"), Just("bbbb"), Just("cccc")].prop_map(str::to_owned).boxed()
}

pub(crate) fn push() -> BoxedStrategy<CommitPushed> {
    let kind = prop_oneof![
        6 => Just(RefKind::Branch), 1 => Just(RefKind::Tag), 1 => text().prop_map(RefKind::Other),
    ];
    let change = prop_oneof![
        6 => Just(RefChange::Updated), 1 => Just(RefChange::Deleted), 1 => text().prop_map(RefChange::Other),
    ];
    let branch = prop_oneof![4 => Just("main".to_owned()), 1 => text()];
    (kind, change, branch, option::of(commit()), option::of(commit()))
        .prop_map(|(ref_kind, change, branch, commit, old_commit)| CommitPushed {
            repository: "codecommit:churn-model".to_owned(),
            ref_kind,
            full_ref: format!("refs/heads/{branch}"),
            branch,
            change,
            commit,
            old_commit,
            actor: None,
            changed_paths: None,
        })
        .boxed()
}

pub(crate) fn train_state() -> BoxedStrategy<train::State> {
    let branch = prop_oneof![Just("refs/heads/main".to_owned()), text()].boxed();
    let pushed =
        (option::of(commit()), text()).prop_map(|(before, token)| train::Pushed { before, token, by: None });
    let (commits, refused) =
        (btree_map(branch.clone(), commit(), 0..3), btree_map(branch.clone(), commit(), 0..2));
    (commits, refused, btree_map(branch, pushed, 0..2), option::of(text()), vec(execution(), 0..3))
        .prop_map(|(commits, refused, pushes, definition, executions)| train::State {
            commits,
            last_start: None,
            rejected_commits: refused,
            pushes,
            definition_digest: definition,
            executions,
        })
        .boxed()
}

pub(crate) fn train_seen() -> BoxedStrategy<train::Snapshot> {
    let json = || prop_oneof![Just("{\"Steps\": []}".to_owned()), Just("{\"Steps\":[1]}".to_owned()), text()];
    let definition = prop_oneof![
        Just(train::Definition::Kept),
        json().prop_map(|text| train::Definition::File { path: "p".to_owned(), text }),
        Just(train::Definition::Missing { path: "p".to_owned() }),
    ];
    let pipeline = option::of(json().prop_map(|definition| train::Pipeline {
        arn: String::new(),
        definition,
        role: None,
    }));
    let hold = prop_oneof![3 => Just(None), 1 => hold().prop_map(Some)];
    let tags = prop_oneof![6 => Just(Some("churn")), 1 => Just(Some("upsell")), 1 => Just(None)];
    (definition, pipeline, vec(text(), 0..2), option::of(commit()), hold, option::of(described()), tags)
        .prop_map(|(definition, pipeline, running, head, hold, execution, tags)| train::Snapshot {
            definition,
            pipeline,
            running,
            head,
            execution,
            job_roles: None,
            pipeline_roles: None,
            hold,
            pipeline_tags: tags.map(|model| tidegate_policy::owner::tags(model, None).into_iter().collect()),
        })
        .boxed()
}

pub(crate) fn retraining() -> BoxedStrategy<RetrainingRequested> {
    let accounts = prop_oneof![4 => Just("444455556666"), 1 => Just("777788889999")];
    (text(), name(), accounts, time())
        .prop_map(|(request_id, environment, account, requested_at)| RetrainingRequested {
            request_id,
            model: "churn".to_owned(),
            environment,
            environment_account: account.to_owned(),
            cause: "drift".to_owned(),
            detail: "d".to_owned(),
            requested_at,
        })
        .boxed()
}

/// What became of a live version, and since when.
pub(crate) fn health() -> BoxedStrategy<(EndpointHealth, Timestamp)> {
    let health = prop_oneof![
        1 => Just(EndpointHealth::Healthy),
        2 => Just(EndpointHealth::Failed),
        1 => Just(EndpointHealth::Gone),
        1 => Just(EndpointHealth::Changed),
    ];
    (health, time()).boxed()
}

/// A report about the last environment in which the promoted version succeeded, or about the first one.
pub(crate) fn health_of(
    policy: &Policy,
    state: &promote::State,
    health: EndpointHealth,
    since: Timestamp,
) -> EndpointHealthChanged {
    let promotion = state.promotion.as_ref();
    let succeeded = |environment: &&Environment| {
        let status = promotion.and_then(|promotion| promotion.environments.get(environment.name.as_str()));
        matches!(status, Some(promote::EnvironmentStatus::Succeeded { .. }))
    };
    let last = policy.environments.iter().rev().find(succeeded);
    let environment = last.unwrap_or(&policy.environments[0]);
    let version = promotion.map_or(1, |promotion| promotion.version);
    EndpointHealthChanged {
        model: policy.model.to_string(),
        environment: environment.name.to_string(),
        environment_account: environment.account.to_string(),
        version,
        package_arn: arn(version),
        request_id: "r1".to_owned(),
        health,
        reason: "live_failed".to_owned(),
        detail: "d".to_owned(),
        since,
        observed_at: since,
    }
}

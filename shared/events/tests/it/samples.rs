//! Every sample event of the repository is parsed to its kind, and no sample is untested.

use std::collections::BTreeSet;

use crate::common::{files, folder, sample};
use tidegate_events::{
    AlarmChanged, AlarmState, ApprovalStatus, Body, CommitPushed, EndpointStatus, Event, EventError,
    ExecutionStatus, ModelPackageChanged, PackageStatus, RefChange, RefKind, Tick, parse, parse_value,
};

/// The kind of each sample, by the beginning of its path. The first match counts.
const KINDS: &[(&str, &str)] = &[
    ("application-autoscaling/", "other"),
    ("cloudtrail/", "other"),
    ("cloudwatch/alarm.", "alarm_changed"),
    ("cloudwatch/alarm-", "other"),
    ("codecommit/", "commit_pushed"),
    ("command/", "command"),
    ("contract/approval-given.json", "approval_given"),
    ("contract/commit-pushed.json", "commit_pushed"),
    ("contract/decision-recorded.json", "other"),
    ("contract/deployment-finished.json", "deployment_finished"),
    ("contract/deployment-waiting.json", "deployment_waiting"),
    ("contract/deployment-requested.json", "deployment_requested"),
    ("contract/drift-observed.json", "drift_observed"),
    ("contract/endpoint-health-changed.json", "endpoint_health_changed"),
    ("contract/freeze-lifted.json", "freeze_lifted"),
    ("contract/freeze-placed.json", "freeze_placed"),
    ("contract/gate-reported.json", "gate_reported"),
    ("contract/hold-placed.json", "hold_placed"),
    ("contract/hold-released.json", "hold_released"),
    ("contract/promotion-forced.json", "promotion_forced"),
    ("contract/rollback-requested.json", "rollback_requested"),
    ("contract/retraining-requested.json", "retraining_requested"),
    ("contract/retraining-finished.json", "retraining_finished"),
    ("delivery/archive-replay.json", "model_package_changed"),
    // These files are wrappers around events. The reader of a queue unwraps them first.
    ("delivery/", "not an event"),
    ("github/eventbridge.ping.json", "other"),
    ("github/eventbridge.", "commit_pushed"),
    // The bodies and requests of webhooks are not parsed by this crate.
    ("github/", "not an event"),
    ("gitlab/", "not an event"),
    ("health/", "health_event"),
    ("s3/", "object_created"),
    ("sagemaker/endpoint-config.", "other"),
    ("sagemaker/endpoint-deployment.", "endpoint_deployment_changed"),
    ("sagemaker/endpoint.", "endpoint_changed"),
    ("sagemaker/model-package.", "model_package_changed"),
    ("sagemaker/pipeline-execution.", "pipeline_execution_changed"),
    ("sagemaker/", "other"),
    ("schedule/scheduled-event.", "tick"),
    ("schedule/reconcile.json", "scheduled"),
    ("schedule/scheduled-check.", "scheduled"),
    ("schedule/scheduler-custom-input.json", "not an event"),
    ("ssm/", "other"),
];

const FOLDERS: &[&str] = &[
    "application-autoscaling",
    "cloudtrail",
    "cloudwatch",
    "codecommit",
    "command",
    "contract",
    "delivery",
    "github",
    "gitlab",
    "health",
    "s3",
    "sagemaker",
    "schedule",
    "ssm",
];

fn event(file: &str) -> Event {
    parse_value(sample(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

macro_rules! body {
    ($file:expr, $kind:ident) => {
        match event($file).body {
            Body::$kind(body) => body,
            other => panic!("{} is {other:?}", $file),
        }
    };
}

#[test]
fn every_sample_is_parsed_to_its_kind() {
    let mut seen = BTreeSet::new();
    for file in FOLDERS.iter().flat_map(|name| files(name)) {
        if file.ends_with(".schema.json") {
            continue;
        }
        let (prefix, kind) = KINDS.iter().find(|(prefix, _)| file.starts_with(prefix)).expect(&file);
        seen.insert(*prefix);
        let bytes = std::fs::read(folder().join(&file)).expect("the sample can be read");
        match parse(&bytes) {
            Ok(event) => assert_eq!(event.body.word(), *kind, "{file}"),
            Err(error) => assert_eq!("not an event", *kind, "{file}: {error}"),
        }
    }
    let unused: Vec<_> = KINDS.iter().filter(|(prefix, _)| !seen.contains(prefix)).collect();
    assert!(unused.is_empty(), "no sample for {unused:?}");
}

#[test]
fn the_index_lists_every_sample_and_nothing_else() {
    let index = sample("INDEX.json");
    let listed: Vec<String> =
        index.as_array().unwrap().iter().map(|row| row["file"].as_str().unwrap().to_owned()).collect();
    let listed_once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), listed_once.len(), "a file is listed twice");
    let more = ["cloudwatch-logs", "monitor", "monitor/reports", "monitor/broken"];
    let there: BTreeSet<String> = FOLDERS.iter().chain(&more).flat_map(|name| files(name)).collect();
    assert_eq!(listed_once, there);
    for row in index.as_array().unwrap() {
        let provenance = row["provenance"].as_array().unwrap();
        let documented = provenance.iter().any(|word| word == "documented");
        assert!(!provenance.is_empty() && row["note"].is_string(), "{row}");
        assert!(!documented || row["page"].as_str().unwrap().starts_with("https://"), "{row}");
    }
}

#[test]
fn all_fields_of_an_approved_package_are_parsed() {
    let package = body!("sagemaker/model-package.approved.json", ModelPackageChanged);
    assert_eq!(
        package,
        ModelPackageChanged {
            arn: "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7".to_owned(),
            group: Some("churn".to_owned()),
            version: Some(7),
            status: PackageStatus::Completed,
            approval: ApprovalStatus::Approved,
            updated_fields: Some(vec!["ModelApprovalStatus".to_owned(), "ApprovalDescription".to_owned()]),
            last_modified: Some("2026-03-02T09:10:02Z".parse().unwrap()),
            generated_by: Some(
                "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-train/execution/k3v9x2p7q1ab"
                    .to_owned()
            ),
            stage: None,
            stage_status: None,
        }
    );
}

/// GitHub's webhook through EventBridge: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas-furls.html>.
#[test]
fn a_push_of_github_is_parsed_like_one_of_codecommit() {
    let push = |name: &str| body!(&format!("github/eventbridge.push.{name}.json"), CommitPushed);
    let main = push("branch-main");
    assert_eq!(
        main,
        CommitPushed {
            repository: "github:example-ml/churn-model".to_owned(),
            ref_kind: RefKind::Branch,
            branch: "main".to_owned(),
            full_ref: "refs/heads/main".to_owned(),
            change: RefChange::Updated,
            commit: Some("9f1d3c5b7a8e6042c1d4f3a2b5968770e1f2a3c4".to_owned()),
            old_commit: Some("0b4c1f6a7d2e9835a1c04e7fb96d2853e7f0a1b2".to_owned()),
            actor: main.actor.clone(),
            changed_paths: None,
        }
    );
    let created = push("branch-created");
    assert_eq!((created.change, created.old_commit), (RefChange::Created, None));
    assert!(created.commit.is_some());
    let deleted = push("branch-deleted");
    assert_eq!((deleted.change, deleted.commit), (RefChange::Deleted, None));
    assert!(deleted.old_commit.is_some());
    assert_eq!(push("branch-forced").change, RefChange::Updated);
    assert_eq!(push("tag-created").ref_kind, RefKind::Tag);
}

#[test]
fn the_same_push_has_one_key_whoever_sends_it() {
    let by_webhook = event("github/eventbridge.push.branch-main.json");
    let mut by_workflow = sample("contract/commit-pushed.json");
    for (name, value) in [
        ("repository", "github:example-ml/churn-model"),
        ("branch", "main"),
        ("full_ref", "refs/heads/main"),
        ("ref_kind", "branch"),
        ("change", "updated"),
        ("commit", "9f1d3c5b7a8e6042c1d4f3a2b5968770e1f2a3c4"),
        ("old_commit", "0b4c1f6a7d2e9835a1c04e7fb96d2853e7f0a1b2"),
    ] {
        by_workflow["detail"][name] = value.into();
    }
    assert_eq!(by_webhook.idempotency_key(), parse_value(by_workflow).unwrap().idempotency_key());
}

#[test]
fn a_push_of_github_without_a_field_names_it() {
    for field in ["ref", "before", "after", "repository"] {
        let mut push = sample("github/eventbridge.push.branch-main.json");
        push["detail"].as_object_mut().unwrap().remove(field);
        let error = parse_value(push).unwrap_err().to_string();
        assert!(error.contains(&format!("`detail.{field}")), "{error}");
    }
}

#[test]
fn packages_with_fewer_fields_are_parsed() {
    let minimal = body!("sagemaker/model-package.approved.minimal-observed.json", ModelPackageChanged);
    assert_eq!((minimal.group.as_deref(), minimal.version), (Some("churn"), Some(7)));
    assert_eq!(minimal.status, PackageStatus::Unknown(String::new()));
    assert_eq!(minimal.updated_fields, None);
    assert_eq!(event("sagemaker/model-package.approved.minimal-observed.json").envelope.resources.len(), 0);

    let single = body!("sagemaker/model-package.unversioned.json", ModelPackageChanged);
    assert_eq!((single.group, single.version, single.approval), (None, None, ApprovalStatus::Absent));

    let staged = body!("sagemaker/model-package.lifecycle-stage-change.json", ModelPackageChanged);
    assert_eq!(staged.stage.as_deref(), Some("Production"));
    assert_eq!(staged.stage_status.as_deref(), Some("PendingApproval"));
}

#[test]
fn both_spellings_of_a_status_are_equal() {
    let files = ["endpoint.in-service.json", "endpoint.in-service.api-casing.json"];
    let statuses = files.map(|file| body!(&format!("sagemaker/{file}"), EndpointChanged).status);
    assert_eq!(statuses, [EndpointStatus::InService, EndpointStatus::InService]);
    assert_eq!(EndpointStatus::read("UPDATE_ROLLBACK_FAILED").to_string(), "UpdateRollbackFailed");
    assert_eq!(EndpointStatus::read("MELTING"), EndpointStatus::Unknown("MELTING".to_owned()));
    let gone = body!("sagemaker/endpoint.deleted.json", EndpointChanged);
    assert_eq!(gone.status, EndpointStatus::Deleted);
}

#[test]
fn a_silent_rollback_is_visible_in_the_configuration() {
    let back = body!("sagemaker/endpoint.in-service.after-canary-rollback.json", EndpointChanged);
    assert_eq!((back.status, back.config.as_deref()), (EndpointStatus::InService, Some("churn-prod-6")));
    assert!(back.failure_reason.unwrap().contains("churn-prod-rollback"));
    let baking = body!("sagemaker/endpoint-deployment.canary-baking.json", EndpointChanged);
    assert!(baking.deployment);
    assert_eq!(baking.pending_config.as_deref(), Some("churn-prod-7"));
    let nulls = body!("sagemaker/endpoint.in-service.nulls-observed.json", EndpointChanged);
    assert_eq!(nulls.failure_reason, None);
}

#[test]
fn an_epoch_string_in_the_envelope_is_parsed_as_the_time() {
    let odd = event("sagemaker/endpoint.in-service.envelope-time-epoch-string.json").envelope;
    assert_eq!(odd.time, event("sagemaker/endpoint.in-service.json").envelope.time);
    let replay = event("delivery/archive-replay.json").envelope;
    assert_eq!(replay.replay_name.as_deref(), Some("backfill-2026-03-05"));
}

#[test]
fn the_name_of_a_pipeline_is_read_from_its_arn() {
    let run = body!("sagemaker/pipeline-execution.failed.json", PipelineExecutionChanged);
    assert_eq!(run.pipeline, "churn-train");
    assert_eq!((run.status, run.previous), (ExecutionStatus::Failed, Some(ExecutionStatus::Executing)));
    assert!(run.started < run.ended);
    let begun = body!("sagemaker/pipeline-execution.executing.json", PipelineExecutionChanged);
    assert_eq!((begun.previous, begun.ended), (None, None));
    let lower = body!("sagemaker/pipeline-execution.succeeded.lowercased-arn.json", PipelineExecutionChanged);
    assert_eq!(lower.pipeline, "churntrain");
}

#[test]
fn pushes_from_codecommit_are_parsed() {
    let push: CommitPushed =
        body!("codecommit/reference-updated.branch-push.feature-with-slash.json", CommitPushed);
    assert_eq!(push.repository, "codecommit:churn-model");
    assert_eq!((push.ref_kind, push.branch.as_str()), (RefKind::Branch, "feature/new-features"));
    assert_eq!(push.full_ref, "refs/heads/feature/new-features");
    let tag = body!("codecommit/reference-created.tag.json", CommitPushed);
    assert_eq!((tag.ref_kind, tag.change, tag.old_commit), (RefKind::Tag, RefChange::Created, None));
    let gone = body!("codecommit/reference-deleted.branch.json", CommitPushed);
    assert_eq!((gone.change, gone.commit), (RefChange::Deleted, None));
    assert!(gone.old_commit.is_some());
    let anonymous = body!("codecommit/reference-updated.doc-minimal-no-caller.json", CommitPushed);
    assert_eq!(anonymous.actor, None);
}

#[test]
fn alarms_are_parsed_with_and_without_values() {
    let alarm: AlarmChanged = body!("cloudwatch/alarm.drift.alarm.json", AlarmChanged);
    assert_eq!((alarm.state, alarm.previous), (AlarmState::Alarm, Some(AlarmState::Ok)));
    assert_eq!((alarm.observed, alarm.threshold, alarm.muted), (Some(0.3174), Some(0.1), false));
    assert_eq!(alarm.changed_at, Some("2026-03-03T08:15:04.707Z".parse().unwrap()));
    assert_eq!(alarm.metrics[0].namespace, "aws/sagemaker/Endpoints/data-metrics");
    assert_eq!(alarm.metrics[0].dimensions["Endpoint"], "churn-staging");

    let direct = body!("cloudwatch/alarm.drift.lambda-direct-action.json", AlarmChanged);
    assert_eq!((direct.alarm, direct.observed), (alarm.alarm, alarm.observed));

    for (file, observed, threshold) in [
        ("alarm.drift.metric-math.json", Some(0.3174), Some(0.1)),
        ("alarm.anomaly-detection.json", Some(0.0), None),
        ("alarm.composite.alarm.json", None, None),
        ("alarm.drift.insufficient-data.json", None, Some(0.1)),
        ("alarm.invocations-idle.alarm.missing-data-breaching.json", None, Some(1.0)),
        ("alarm.drift.alarm.set-alarm-state-test.json", None, None),
    ] {
        let alarm = body!(&format!("cloudwatch/{file}"), AlarmChanged);
        assert_eq!((alarm.observed, alarm.threshold), (observed, threshold), "{file}");
    }
    assert_eq!(body!("cloudwatch/alarm.drift.metric-math.json", AlarmChanged).metrics.len(), 3);
    assert!(body!("cloudwatch/alarm.drift.alarm.muted.json", AlarmChanged).muted);
    assert!(body!("cloudwatch/alarm.composite.suppressed.json", AlarmChanged).muted);
}

#[test]
fn objects_and_scheduled_events_are_parsed() {
    let object = body!("s3/object-created.key-with-special-chars.json", ObjectCreated);
    assert_eq!(object.key, "reports/churn staging/été+1/constraint_violations.json");
    assert_eq!((object.size, object.version_id), (Some(912), None));
    for file in ["schedule/scheduled-event.rule.json", "schedule/scheduled-event.scheduler-default.json"] {
        assert_eq!(body!(file, Tick), Tick { scheduled_at: Some("2026-03-02T19:00:00Z".parse().unwrap()) });
    }
}

#[test]
fn a_payload_that_is_not_an_event_is_an_error() {
    for file in ["schedule/scheduler-custom-input.json", "delivery/eventbridge-dlq-sqs-event.json"] {
        let error = parse_value(sample(file)).unwrap_err();
        assert_eq!(error, EventError::MissingField { field: "detail-type".to_owned() }, "{file}");
    }
}

//! Which functions an event reaches, and where the hub is.

use serde_json::{Value, json};
use tidegate_policy::file::parse;
use tidegate_replay::input::Source;
use tidegate_replay::replay::{Options, ReplayError, replay};

use crate::fleet::run;

fn sample(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn commit() -> Value {
    sample(include_str!("../../../../events/codecommit/reference-updated.branch-push.json"))
}

fn churn() -> Options {
    let text = include_str!("../../../../events/policies/churn.yaml");
    let mut options = Options::new(vec![parse("churn", text).unwrap()]);
    options.threads = 1;
    options
}

fn decisions(options: &Options, events: &[Value]) -> Vec<String> {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let (shown, _) = run(&lines.join("\n"), options);
    shown.iter().map(|line| line.split("  ").skip(1).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_person_asks_in_an_environment_and_the_hub_trains() {
    let mut asked = sample(include_str!("../../../../events/contract/retraining-requested.json"));
    asked["account"] = json!("777788889999");
    asked["detail"]["environment"] = json!("production");
    asked["detail"]["environment_account"] = json!("777788889999");
    asked["detail"]["request_id"] = json!("by-hand");
    let options = Options { hub_account: Some("111122223333".to_owned()), ..churn() };
    assert_eq!(decisions(&options, &[asked]), ["churn hub train start retraining_requested"]);
}

/// The pipeline was there before the stream began.
#[test]
fn a_pipeline_that_keeps_its_definition_is_started() {
    let text = include_str!("../../../../events/policies/churn.yaml");
    let keeping = text.replace("definition: { file: pipeline.json }", "definition: { keep: true }");
    assert_ne!(text, keeping);
    let options = Options::new(vec![parse("churn", &keeping).unwrap()]);
    assert_eq!(decisions(&options, &[commit()]), ["churn hub train start commit"]);
}

#[test]
fn an_execution_that_is_told_of_after_its_end_is_not_running() {
    let run = sample(include_str!("../../../../events/sagemaker/pipeline-execution.succeeded.json"));
    let told = |status: &str, time: &str| {
        let mut run = run.clone();
        run["detail"]["pipelineArn"] = json!("arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-train");
        run["detail"]["pipelineExecutionArn"] =
            json!("arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-train/execution/abc");
        run["detail"]["currentPipelineExecutionStatus"] = json!(status);
        run["time"] = json!(time);
        run
    };
    let mut asked = sample(include_str!("../../../../events/contract/retraining-requested.json"));
    asked["detail"]["request_id"] = json!("by-hand");
    asked["account"] = asked["detail"]["environment_account"].clone();
    asked["time"] = json!("2026-03-02T10:00:00Z");
    asked["detail"]["requested_at"] = asked["time"].clone();
    let stream = |late: &str| {
        [
            told("Executing", "2026-03-02T08:00:00Z"),
            told("Succeeded", "2026-03-02T09:00:00Z"),
            told("Executing", late),
            asked.clone(),
        ]
    };
    let late = decisions(&churn(), &stream("2026-03-02T09:05:00Z"));
    let start = "churn hub train start retraining_requested".to_owned();
    assert!(late.contains(&start), "{late:?}");
    let lost = decisions(&churn(), &[told("Executing", "2026-03-01T08:00:00Z"), asked]);
    assert!(lost.contains(&start), "{lost:?}");
}

#[test]
fn a_hub_that_is_seen_too_late_is_an_error_that_says_what_to_do() {
    let metric = json!({"metric_name": "Invocations", "namespace": "AWS/SageMaker", "account_id": "777788889999",
        "region": "us-east-1", "timestamp": 1_772_442_600_000_i64, "value": {"sum": 1},
        "dimensions": {"InferenceComponentName": "churn"}});
    let mut text = format!("{metric}\n").repeat(11_000);
    text.push_str(&commit().to_string());
    let one = |text: &str| {
        let text: Box<dyn std::io::BufRead + Send> = Box::new(std::io::Cursor::new(text.to_owned()));
        vec![Box::new(std::iter::once(Ok(Source { name: "e".to_owned(), text }))) as _]
    };
    let error = replay(one(&text), &churn(), |_| Ok(())).unwrap_err();
    assert!(matches!(&error, ReplayError::Hub { .. }), "{error}");
    assert!(error.to_string().contains("--hub-account 111122223333"), "{error}");
    let said = Options { hub_account: Some("111122223333".to_owned()), ..churn() };
    assert!(replay(one(&text), &said, |_| Ok(())).is_ok());
}

/// Nobody told that the alarm is over, and nobody told that it is not.
#[test]
fn after_the_last_event_no_alarm_is_checked_again() {
    let alarm = sample(include_str!("../../../../events/cloudwatch/alarm.drift.alarm.json"));
    let decided = decisions(&churn(), &[alarm]);
    let of_respond: Vec<&String> = decided.iter().filter(|line| line.contains(" respond ")).collect();
    assert_eq!(of_respond, ["churn staging respond retrain drift_alarm"]);
}

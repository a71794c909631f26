use serde_json::{Value, json};

use super::{HUB, Life, definition};

const EXECUTION: &str = "SageMaker Model Building Pipeline Execution Status Change";
const STEP: &str = "SageMaker Model Building Pipeline Execution Step Status Change";
const TRAINING: &str = "SageMaker Training Job State Change";
const PACKAGE: &str = "SageMaker Model Package State Change";

fn with(path: &str) -> Life {
    let mut life = Life::new();
    let request = json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "RoleArn": "arn:r",
                         "PipelineDefinition": definition(path)});
    life.call_in(HUB, "sagemaker", "CreatePipeline", request).unwrap();
    life
}

fn start(life: &mut Life, token: &str, more: Value) -> String {
    let mut request = json!({"PipelineName": "churn-train", "ClientRequestToken": token});
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let answer = life.call_in(HUB, "sagemaker", "StartPipelineExecution", request).unwrap();
    answer["PipelineExecutionArn"].as_str().unwrap().to_owned()
}

fn describe(life: &mut Life, arn: &str) -> Value {
    life.call_in(HUB, "sagemaker", "DescribePipelineExecution", json!({"PipelineExecutionArn": arn})).unwrap()
}

#[test]
fn a_pipeline_trains_evaluates_and_registers() {
    let mut life = with("v2/a_abalone_register.json");
    let began = life.now;
    let arn = start(&mut life, "one", json!({"PipelineExecutionDisplayName": "push-9f1d"}));
    life.settle();
    let succeeded = life.details(STEP, "/stepName");
    let statuses = life.details(STEP, "/currentStepStatus");
    let ends: Vec<&str> = succeeded
        .iter()
        .zip(&statuses)
        .filter(|(_, status)| *status == "Succeeded")
        .map(|(name, _)| name.as_str())
        .collect();
    let order = [
        "PreprocessAbaloneData",
        "TrainAbaloneModel",
        "EvaluateAbaloneModel",
        "CheckMseAbaloneEvaluation",
        "RegisterAbaloneModel-RegisterModel",
    ];
    assert_eq!(ends, order);
    assert_eq!(life.details(EXECUTION, "/currentPipelineExecutionStatus"), ["Executing", "Succeeded"]);
    assert_eq!(
        life.details(TRAINING, "/SecondaryStatus"),
        ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    );
    // Two processing jobs, one training job, and three short waits.
    assert_eq!(life.now.duration_since(began).as_secs(), 300 + 600 + 300 + 3 * 3);
    let package = life.events(PACKAGE)[0];
    assert_eq!(package.detail["ModelPackageVersion"], 1);
    assert_eq!(package.detail["ModelApprovalStatus"], "PendingManualApproval");
    assert_eq!(package.detail["MetadataProperties"]["GeneratedBy"], arn.as_str());
    assert!(
        package.detail["CreationTime"].is_i64() && package.detail.get("UpdatedModelPackageFields").is_none()
    );
    let model = package.detail.pointer("/InferenceSpecification/Containers/0/ModelDataUrl").unwrap();
    let model = model.as_str().unwrap();
    assert!(model.starts_with("s3://sagemaker-us-east-1-111122223333/AbaloneTrain/pipelines-"), "{model}");
    assert!(model.ends_with("/output/model.tar.gz"), "{model}");
}

#[test]
fn one_token_starts_one_execution() {
    let mut life = with("v2/g_tiny_processing.json");
    let first = start(&mut life, "one", json!({}));
    life.settle();
    assert_eq!(start(&mut life, "one", json!({})), first);
    assert_ne!(start(&mut life, "two", json!({})), first);
    life.settle();
    assert_eq!(life.world.snapshot().executions_of(HUB, "churn-train").len(), 2);
}

#[test]
fn a_failed_training_job_fails_the_pipeline_and_nothing_after_it_starts() {
    let mut life = with("v2/a_abalone_register.json");
    let reason = "CapacityError: Unable to provision requested ML compute capacity.";
    life.mischief(
        json!({"kind": "fail_training", "account": null, "pipeline": "churn-train", "reason": reason}),
    );
    let arn = start(&mut life, "one", json!({}));
    life.settle();
    let described = describe(&mut life, &arn);
    assert_eq!(described["PipelineExecutionStatus"], "Failed");
    assert_eq!(described["FailureReason"], "Step failure: One or multiple steps failed.");
    assert_eq!(life.details(STEP, "/failureReason"), [reason]);
    assert_eq!(life.details(TRAINING, "/FailureReason"), [reason]);
    assert!(!life.details(STEP, "/stepName").contains(&"EvaluateAbaloneModel".to_owned()));
    assert!(life.events(PACKAGE).is_empty());
    // It is used up: the next one succeeds.
    let again = start(&mut life, "two", json!({}));
    life.settle();
    assert_eq!(describe(&mut life, &again)["PipelineExecutionStatus"], "Succeeded");
}

#[test]
fn a_report_that_is_not_good_enough_ends_in_the_fail_step_and_lies_on_s3() {
    let mut life = with("v2/a_abalone_register.json");
    let content = json!({"regression_metrics": {"mse": {"value": 5.0}}});
    life.mischief(
        json!({"kind": "property_file", "account": HUB, "pipeline": null, "file": "EvaluationReport",
                         "content": content}),
    );
    let parameters = json!({"PipelineParameters": [{"Name": "MseThreshold", "Value": "4.5"}]});
    start(&mut life, "one", parameters);
    life.settle();
    assert_eq!(life.details(STEP, "/failureReason"), ["Execution failed due to MSE > 4.5"]);
    assert!(life.events(PACKAGE).is_empty());
    let uri = life.told.iter().find_map(|told| match told {
        crate::Emission::Object(object) => Some(object.uri.as_str()),
        _ => None,
    });
    assert!(uri.unwrap().ends_with("/output/evaluation/evaluation.json"), "{uri:?}");
}

#[test]
fn a_stopped_execution_stops_its_job_and_ends_stopped() {
    let mut life = with("v2/a_abalone_register.json");
    let arn = start(&mut life, "one", json!({}));
    life.pass(400);
    let stop = json!({"PipelineExecutionArn": arn, "ClientRequestToken": "stop"});
    life.call_in(HUB, "sagemaker", "StopPipelineExecution", stop.clone()).unwrap();
    life.settle();
    assert_eq!(
        life.details(EXECUTION, "/currentPipelineExecutionStatus"),
        ["Executing", "Stopping", "Stopped"]
    );
    assert_eq!(life.details(TRAINING, "/TrainingJobStatus").last().unwrap(), "Stopped");
    let again = life.call_in(HUB, "sagemaker", "StopPipelineExecution", stop).unwrap_err();
    assert_eq!(again.code, "ConflictException");
}

#[test]
fn a_failure_that_was_provided_for_is_not_the_end() {
    let mut life = with("v3/v3_m_foreach_cleanup_triggers.json");
    life.mischief(json!({"kind": "fail_processing", "account": null, "pipeline": null, "step": "Shard",
                         "reason": "AlgorithmError: exit code 1"}));
    let arn = start(&mut life, "one", json!({}));
    life.settle();
    assert_eq!(describe(&mut life, &arn)["PipelineExecutionStatus"], "CompletedWithFailures");
    let snapshot = life.world.snapshot();
    let steps = &snapshot.executions_of(HUB, "churn-train")[0].steps;
    let status = |name: &str| steps.iter().find(|(step, _)| step == name).unwrap().1.clone();
    assert_eq!(
        (status("Shard"), status("NotifyOnFailure"), status("Cleanup")),
        ("Failed".into(), "Succeeded".into(), "Succeeded".into())
    );
    // Without the failure nobody is notified.
    start(&mut life, "two", json!({}));
    life.settle();
    let snapshot = life.world.snapshot();
    let run = snapshot.executions_of(HUB, "churn-train")[1];
    assert_eq!(run.status, "Succeeded");
    assert!(run.steps.contains(&("NotifyOnFailure".to_owned(), "Skipped".to_owned())));
}

#[test]
fn no_more_steps_run_at_once_than_allowed() {
    let mut life = with("v2/k_big_over_100k.json");
    start(&mut life, "one", json!({"ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}));
    life.settle();
    let (mut running, mut most) = (0_i32, 0);
    for status in life.details(STEP, "/currentStepStatus") {
        match status.as_str() {
            "Starting" => running += 1,
            "Succeeded" => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 2));
}

#[test]
fn spot_training_that_may_wait_less_than_it_runs_fails_when_it_starts() {
    let mut life = with("broken/h20_spot_max_wait_below_runtime.json");
    start(&mut life, "one", json!({}));
    life.settle();
    assert!(life.details(STEP, "/failureReason")[0].contains("MaxWaitTimeInSeconds"));
}

#[test]
fn every_definition_runs_to_its_end() {
    for path in [
        "v2/b_spot_checkpoint_fastfile.json",
        "v2/d_fail_callback_lambda_emr.json",
        "v2/e_transform_quality_clarify.json",
        "v2/f_vpc_kms_isolation.json",
        "v3/v3_a_abalone_register.json",
        "v3/v3_f_vpc_kms_isolation.json",
    ] {
        let mut life = with(path);
        let arn = start(&mut life, "one", json!({}));
        life.settle();
        assert_eq!(describe(&mut life, &arn)["PipelineExecutionStatus"], "Succeeded", "{path}");
    }
}

#[test]
fn the_same_calls_give_the_same_life() {
    let live = || {
        let mut life = with("v2/a_abalone_register.json");
        start(&mut life, "one", json!({}));
        life.settle();
        serde_json::to_string(&life.told).unwrap()
    };
    assert_eq!(live(), live());
}

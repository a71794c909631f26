use serde_json::{Value, json};

use super::{HUB, TestWorld, definition};
use crate::Fault;
use crate::services::sagemaker::models::Encryption;

const EXECUTION: &str = "SageMaker Model Building Pipeline Execution Status Change";
const STEP: &str = "SageMaker Model Building Pipeline Execution Step Status Change";
const TRAINING: &str = "SageMaker Training Job State Change";
const PACKAGE: &str = "SageMaker Model Package State Change";

fn with(path: &str) -> TestWorld {
    let mut aws = TestWorld::new();
    let request = json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "RoleArn": "arn:r",
                         "PipelineDefinition": definition(path)});
    aws.call_in(HUB, "sagemaker", "CreatePipeline", request).unwrap();
    aws
}

fn start(aws: &mut TestWorld, token: &str, more: Value) -> String {
    let mut request = json!({"PipelineName": "churn-train", "ClientRequestToken": token});
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let answer = aws.call_in(HUB, "sagemaker", "StartPipelineExecution", request).unwrap();
    answer["PipelineExecutionArn"].as_str().unwrap().to_owned()
}

fn describe(aws: &mut TestWorld, arn: &str) -> Value {
    aws.call_in(HUB, "sagemaker", "DescribePipelineExecution", json!({"PipelineExecutionArn": arn})).unwrap()
}

#[test]
fn a_pipeline_trains_evaluates_and_registers() {
    let mut aws = with("v2/a_abalone_register.json");
    let began = aws.now;
    let arn = start(&mut aws, "one", json!({"PipelineExecutionDisplayName": "push-9f1d"}));
    aws.run_until_idle();
    let succeeded = aws.details(STEP, "/stepName");
    let statuses = aws.details(STEP, "/currentStepStatus");
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
    assert_eq!(aws.details(EXECUTION, "/currentPipelineExecutionStatus"), ["Executing", "Succeeded"]);
    assert_eq!(
        aws.details(TRAINING, "/SecondaryStatus"),
        ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    );
    // Two processing jobs, one training job, and three short waits.
    assert_eq!(aws.now.duration_since(began).as_secs(), 300 + 600 + 300 + 3 * 3);
    let package = aws.events(PACKAGE)[0];
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

/// Without a key in its output, SageMaker encrypts a model with a key that no other account can use.
#[test]
fn a_model_has_the_key_of_its_training_job() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let plain = definition("v2/a_abalone_register.json");
    let with_key = plain.replace("\"S3OutputPath\"", &format!("\"KmsKeyId\": \"{key}\", \"S3OutputPath\""));
    for (text, expected) in
        [(plain, Encryption::AwsManagedKey), (with_key, Encryption::CustomerKey(key.to_owned()))]
    {
        let mut aws = TestWorld::new();
        let request = json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "PipelineDefinition": text,
                             "RoleArn": "pipeline"});
        aws.call_in(HUB, "sagemaker", "CreatePipeline", request).unwrap();
        start(&mut aws, "one", json!({}));
        aws.run_until_idle();
        let package = aws.events(PACKAGE)[0].detail["ModelPackageArn"].clone();
        let model = json!({"PrimaryContainer": {"ModelPackageName": package}});
        let artifacts = aws.world.artifacts(&TestWorld::place(), &model);
        let [artifact] = artifacts.as_slice() else { panic!("{} artifacts", artifacts.len()) };
        assert_eq!((artifact.account.as_str(), &artifact.encryption), (HUB, &expected));
    }
}

#[test]
fn a_step_fails_that_the_pipelines_role_may_not_run() {
    let mut aws = TestWorld::new();
    let request = json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "RoleArn": "pipeline",
                         "PipelineDefinition": definition("v2/g_tiny_processing.json")});
    aws.call_in(HUB, "sagemaker", "CreatePipeline", request).unwrap();
    let caller = crate::Caller::root(HUB, super::REGION);
    let (step, ..) = aws.world.pipeline_steps(&caller, "churn-train").remove(0);
    aws.world.set_step_refusal("pipeline", &step, Some("it may not".to_owned()));
    let arn = start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    assert_eq!(describe(&mut aws, &arn)["PipelineExecutionStatus"], "Failed");
    assert_eq!(aws.details(STEP, "/failureReason"), ["it may not"]);
}

#[test]
fn one_token_starts_one_execution() {
    let mut aws = with("v2/g_tiny_processing.json");
    let first = start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    assert_eq!(start(&mut aws, "one", json!({})), first);
    assert_ne!(start(&mut aws, "two", json!({})), first);
    aws.run_until_idle();
    assert_eq!(aws.world.snapshot().executions_of(HUB, "churn-train").len(), 2);
}

#[test]
fn a_failed_training_job_fails_the_pipeline_and_nothing_after_it_starts() {
    let mut aws = with("v2/a_abalone_register.json");
    let reason = "CapacityError: Unable to provision requested ML compute capacity.";
    aws.inject_fault(
        json!({"kind": "fail_training", "account": null, "pipeline": "churn-train", "reason": reason}),
    );
    let arn = start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    let described = describe(&mut aws, &arn);
    assert_eq!(described["PipelineExecutionStatus"], "Failed");
    assert_eq!(described["FailureReason"], "Step failure: One or multiple steps failed.");
    assert_eq!(aws.details(STEP, "/failureReason"), [reason]);
    assert_eq!(aws.details(TRAINING, "/FailureReason"), [reason]);
    assert!(!aws.details(STEP, "/stepName").contains(&"EvaluateAbaloneModel".to_owned()));
    assert!(aws.events(PACKAGE).is_empty());
    // It is used up: the next one succeeds.
    let again = start(&mut aws, "two", json!({}));
    aws.run_until_idle();
    assert_eq!(describe(&mut aws, &again)["PipelineExecutionStatus"], "Succeeded");
}

#[test]
fn a_report_below_the_threshold_ends_in_the_fail_step_and_is_stored_on_s3() {
    let mut aws = with("v2/a_abalone_register.json");
    let content = json!({"regression_metrics": {"mse": {"value": 5.0}}});
    aws.inject_fault(
        json!({"kind": "property_file", "account": HUB, "pipeline": null, "file": "EvaluationReport",
                         "content": content}),
    );
    let parameters = json!({"PipelineParameters": [{"Name": "MseThreshold", "Value": "4.5"}]});
    start(&mut aws, "one", parameters);
    aws.run_until_idle();
    assert_eq!(aws.details(STEP, "/failureReason"), ["Execution failed due to MSE > 4.5"]);
    assert!(aws.events(PACKAGE).is_empty());
    let uri = aws.emissions.iter().find_map(|told| match told {
        crate::Emission::Object(object) => Some(object.uri.as_str()),
        _ => None,
    });
    assert!(uri.unwrap().ends_with("/output/evaluation/evaluation.json"), "{uri:?}");
}

#[test]
fn a_stopped_execution_stops_its_job_and_ends_stopped() {
    let mut aws = with("v2/a_abalone_register.json");
    let arn = start(&mut aws, "one", json!({}));
    aws.wait(400);
    let stop = json!({"PipelineExecutionArn": arn, "ClientRequestToken": "stop"});
    aws.call_in(HUB, "sagemaker", "StopPipelineExecution", stop.clone()).unwrap();
    aws.run_until_idle();
    assert_eq!(
        aws.details(EXECUTION, "/currentPipelineExecutionStatus"),
        ["Executing", "Stopping", "Stopped"]
    );
    assert_eq!(aws.details(TRAINING, "/TrainingJobStatus").last().unwrap(), "Stopped");
    let again = aws.call_in(HUB, "sagemaker", "StopPipelineExecution", stop).unwrap_err();
    assert_eq!(again.code, "ConflictException");
}

#[test]
fn a_failure_with_a_follow_up_step_does_not_end_the_execution() {
    let mut aws = with("v3/v3_m_foreach_cleanup_triggers.json");
    aws.inject_fault(json!({"kind": "fail_processing", "account": null, "pipeline": null, "step": "Shard",
                         "reason": "AlgorithmError: exit code 1"}));
    let arn = start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    assert_eq!(describe(&mut aws, &arn)["PipelineExecutionStatus"], "CompletedWithFailures");
    let snapshot = aws.world.snapshot();
    let steps = &snapshot.executions_of(HUB, "churn-train")[0].steps;
    let status = |name: &str| steps.iter().find(|(step, _)| step == name).unwrap().1.clone();
    assert_eq!(
        (status("Shard"), status("NotifyOnFailure"), status("Cleanup")),
        ("Failed".into(), "Succeeded".into(), "Succeeded".into())
    );
    // Without the failure nobody is notified.
    start(&mut aws, "two", json!({}));
    aws.run_until_idle();
    let snapshot = aws.world.snapshot();
    let run = snapshot.executions_of(HUB, "churn-train")[1];
    assert_eq!(run.status, "Succeeded");
    assert!(run.steps.contains(&("NotifyOnFailure".to_owned(), "Skipped".to_owned())));
}

#[test]
fn an_execution_runs_the_version_that_its_start_names() {
    let mut aws = with("v2/g_tiny_processing.json");
    let newer = json!({"PipelineName": "churn-train", "PipelineDefinition": definition("v2/a_abalone_register.json")});
    let updated = aws.call_in(HUB, "sagemaker", "UpdatePipeline", newer).unwrap();
    assert_eq!(updated["PipelineVersionId"], 2);
    let listed = aws
        .call_in(HUB, "sagemaker", "ListPipelineVersions", json!({"PipelineName": "churn-train"}))
        .unwrap();
    let ids: Vec<&Value> = listed["PipelineVersionSummaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["PipelineVersionId"])
        .collect();
    assert_eq!(ids, [&json!(2), &json!(1)]);
    let arn = start(&mut aws, "one", json!({"PipelineVersionId": 1}));
    assert_eq!(describe(&mut aws, &arn)["PipelineVersionId"], 1);
    let ran = json!({"PipelineExecutionArn": arn});
    let ran = aws.call_in(HUB, "sagemaker", "DescribePipelineDefinitionForExecution", ran).unwrap();
    assert_eq!(ran["PipelineDefinition"], definition("v2/g_tiny_processing.json"));
    let absent = json!({"PipelineName": "churn-train", "PipelineVersionId": 3, "ClientRequestToken": "two"});
    let error = aws.call_in(HUB, "sagemaker", "StartPipelineExecution", absent).unwrap_err();
    assert_eq!(error.code, "ResourceNotFound");
    let other = json!({"PipelineName": "churn-train", "PipelineVersionId": 2, "ClientRequestToken": "one"});
    let error = aws.call_in(HUB, "sagemaker", "StartPipelineExecution", other).unwrap_err();
    assert_eq!(error.code, "ConflictException");
}

#[test]
fn a_failed_execution_is_retried_under_its_own_arn() {
    let mut aws = with("v2/a_abalone_register.json");
    let reason = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML \
                  instance type.";
    aws.world.inject_fault(Fault::FailTraining { account: None, pipeline: None, reason: reason.to_owned() });
    let arn = start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    assert_eq!(describe(&mut aws, &arn)["PipelineExecutionStatus"], "Failed");
    let retry = json!({"PipelineExecutionArn": arn, "ClientRequestToken": "again"});
    let retried = aws.call_in(HUB, "sagemaker", "RetryPipelineExecution", retry.clone()).unwrap();
    assert_eq!(retried["PipelineExecutionArn"], arn.as_str());
    aws.run_until_idle();
    let statuses = aws.details(EXECUTION, "/currentPipelineExecutionStatus");
    assert_eq!(statuses, ["Executing", "Failed", "Executing", "Succeeded"]);
    let error = aws.call_in(HUB, "sagemaker", "RetryPipelineExecution", retry).unwrap_err();
    assert_eq!(error.code, "ConflictException");
}

#[test]
fn a_definition_has_at_most_a_mebibyte_of_characters() {
    let mut aws = TestWorld::new();
    let mut create = |length: usize| {
        let text = definition("v2/k_big_over_100k.json");
        let text = format!("{text}{}", " ".repeat(length - text.chars().count()));
        let request = json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "RoleArn": "arn:r",
                             "PipelineDefinition": text});
        aws.call_in(HUB, "sagemaker", "CreatePipeline", request).map(|_| ())
    };
    assert_eq!(create(1_048_577).unwrap_err().code, "ValidationException");
    create(1_048_576).unwrap();
}

#[test]
fn a_step_fails_whose_role_the_pipelines_role_may_not_pass() {
    let mut aws = TestWorld::new();
    let role = "arn:aws:iam::111122223333:role/pipeline";
    let request = json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "RoleArn": role,
                         "PipelineDefinition": definition("v2/g_tiny_processing.json")});
    aws.call_in(HUB, "sagemaker", "CreatePipeline", request).unwrap();
    let arn = start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    assert_eq!(describe(&mut aws, &arn)["PipelineExecutionStatus"], "Failed");
    let reason = "ClientError: the pipeline execution role does not have sufficient permissions to the job.";
    assert_eq!(aws.details(STEP, "/failureReason"), [reason]);
    let of_steps =
        "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-20260101T000000";
    aws.world.set_passable(role, of_steps, true);
    let arn = start(&mut aws, "two", json!({}));
    aws.run_until_idle();
    assert_eq!(describe(&mut aws, &arn)["PipelineExecutionStatus"], "Succeeded");
}

#[test]
fn a_pipeline_gets_only_a_role_of_its_account_and_an_update_may_change_it() {
    let mut aws = TestWorld::new();
    let request = |role: &str| {
        json!({"PipelineName": "churn-train", "ClientRequestToken": "create", "RoleArn": role,
               "PipelineDefinition": definition("v2/g_tiny_processing.json")})
    };
    let foreign = request("arn:aws:iam::444455556666:role/pipeline");
    let error = aws.call_in(HUB, "sagemaker", "CreatePipeline", foreign.clone()).unwrap_err().to_string();
    assert!(error.starts_with("AccessDeniedException: Cross-account pass role"), "{error}");
    aws.call_in(HUB, "sagemaker", "CreatePipeline", request("arn:aws:iam::111122223333:role/one")).unwrap();
    let update = |role: &str| json!({"PipelineName": "churn-train", "RoleArn": role});
    let foreign = update("arn:aws:iam::444455556666:role/pipeline");
    assert!(aws.call_in(HUB, "sagemaker", "UpdatePipeline", foreign).is_err());
    let two = "arn:aws:iam::111122223333:role/two";
    aws.call_in(HUB, "sagemaker", "UpdatePipeline", update(two)).unwrap();
    let describe = json!({"PipelineName": "churn-train"});
    assert_eq!(aws.call_in(HUB, "sagemaker", "DescribePipeline", describe).unwrap()["RoleArn"], two);
}

#[test]
fn no_more_steps_run_at_once_than_allowed() {
    let mut aws = with("v2/k_big_over_100k.json");
    start(&mut aws, "one", json!({"ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}));
    aws.run_until_idle();
    let (mut running, mut most) = (0_i32, 0);
    for status in aws.details(STEP, "/currentStepStatus") {
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
fn spot_training_whose_wait_time_is_below_its_run_time_fails_at_its_start() {
    let mut aws = with("broken/h20_spot_max_wait_below_runtime.json");
    start(&mut aws, "one", json!({}));
    aws.run_until_idle();
    assert!(aws.details(STEP, "/failureReason")[0].contains("MaxWaitTimeInSeconds"));
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
        let mut aws = with(path);
        let arn = start(&mut aws, "one", json!({}));
        aws.run_until_idle();
        assert_eq!(describe(&mut aws, &arn)["PipelineExecutionStatus"], "Succeeded", "{path}");
    }
}

#[test]
fn the_same_calls_have_the_same_results() {
    let live = || {
        let mut aws = with("v2/a_abalone_register.json");
        start(&mut aws, "one", json!({}));
        aws.run_until_idle();
        serde_json::to_string(&aws.emissions).unwrap()
    };
    assert_eq!(live(), live());
}

//! The role of a pipeline and of its steps.

use serde_json::{Value, json};
use tidegate_policy::file::{Policy, parse};
use tidegate_scenarios::Published;

use super::stage::{CHURN, HUB, Stage, reconcile, said};

const ABALONE: &str = include_str!("../../../../events/pipelines/v2/a_abalone_register.json");
const TEAM: &str = "arn:aws:iam::111122223333:role/churn-pipeline";

fn policy(definition: &str, more: &str) -> Policy {
    let text = CHURN.replacen("{ file: pipeline.json }", &format!("{definition}{more}"), 1);
    parse("churn.yaml", &text).unwrap()
}

fn pipeline(stage: &Stage) -> Value {
    let describe = json!({"PipelineName": "churn-train"});
    stage.account(HUB).ask("sagemaker", "DescribePipeline", &describe).unwrap()
}

fn train(stage: &Stage, text: &str) -> String {
    said(&stage.run(&stage.hub, "train", &stage.push(text)[0]))
}

/// How the executions ended.
fn ended(stage: &Stage) -> Vec<String> {
    stage.pass(86_400);
    stage.cloud.with_world(|world, _| {
        world.snapshot().executions_of(HUB, "churn-train").iter().map(|run| run.status.clone()).collect()
    })
}

#[test]
fn a_pipeline_runs_with_the_role_of_the_policy() {
    let stage = Stage::with(&[policy("{ file: pipeline.json }", "")]);
    let text =
        ABALONE.replace("role/service-role/AmazonSageMaker-ExecutionRole-20260101T000000", "role/pipeline");
    assert_eq!(train(&stage, &text), "start commit");
    assert_eq!(pipeline(&stage)["RoleArn"], "arn:aws:iam::111122223333:role/pipeline");
    // The same definition again: only the role of the policy is new.
    let named = policy("{ file: pipeline.json }", &format!("\n  executionRole: {TEAM}"));
    stage.hub.ledger.put_policy(std::sync::Arc::new(named));
    assert_eq!(train(&stage, &format!("{text}\n")), "start commit");
    assert_eq!(pipeline(&stage)["RoleArn"], TEAM);
    assert_eq!(train(&stage, &format!("{text}\n\n")), "start commit");
    let updates = stage.cloud.with_world(|world, _| {
        world.calls().iter().filter(|call| call.operation == "UpdatePipeline").count()
    });
    assert_eq!(updates, 1, "the pipeline has the role already");
    let other = policy("{ file: pipeline.json }", "\n  executionRole: arn:aws:iam::111122223333:role/other");
    stage.hub.ledger.put_policy(std::sync::Arc::new(other));
    assert_eq!(train(&stage, &text), "reject pipeline_role_not_passable");
    assert_eq!(stage.executions("churn-train"), 3);
}

#[test]
fn a_definition_of_another_role_runs_when_its_steps_get_the_role_of_the_pipeline() {
    let foreign = ABALONE.replace("AmazonSageMaker-ExecutionRole-20260101T000000", "data-scientist");
    let stage = Stage::with(&[policy("{ file: pipeline.json }", "")]);
    assert_eq!(train(&stage, &foreign), "reject roles_not_passable");
    let rewritten = policy("{ file: pipeline.json, role: pipeline }", "");
    stage.hub.ledger.put_policy(std::sync::Arc::new(rewritten));
    assert_eq!(train(&stage, &format!("{foreign}\n")), "start commit");
    let installed = pipeline(&stage)["PipelineDefinition"].as_str().unwrap().to_owned();
    assert!(!installed.contains("data-scientist") && installed.contains("role/pipeline"), "{installed}");
    let records = stage.hub.ledger.all_decisions();
    let record = records.iter().find(|record| record.reason == "commit").unwrap();
    let evidence = serde_json::to_string(&record.evidence).unwrap();
    assert!(evidence.contains("step_role") && evidence.contains("data-scientist"), "{evidence}");
    assert_eq!(ended(&stage), ["Succeeded"]);
    stage.run(&stage.hub, "train", &reconcile(stage.now()));
    let told = stage.account(HUB).alerts();
    assert!(told.iter().all(|alert| !alert.message.contains("another definition")), "{told:?}");
    // A retraining runs what is installed.
    let detail = json!({"schema": 1, "request_id": "r1", "model": "churn", "environment": "production",
        "environment_account": "777788889999", "cause": "drift", "detail": "d", "requested_at": stage.now()});
    let asked = Published { at: stage.now(), detail_type: "Retraining Requested".to_owned(), detail };
    let asked = stage.own("777788889999", &asked);
    assert_eq!(said(&stage.run(&stage.hub, "train", &asked)), "start retraining_requested");
    assert_eq!(ended(&stage), ["Succeeded", "Succeeded"]);
}

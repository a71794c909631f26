//! One permission less in the templates: the station that needs it fails loudly, and the loop stops there.

use std::path::Path;

use serde_json::{Value, json};
use tidegate_sandbox::{CloudConfig, HUB, STAGING, workspace};

use crate::model::Model;
use crate::stage::{Stage, Wanted, is_tidegates, text};
use crate::tale::play;

const VOLE: Model = Model::plain("vole");

/// Copies a template without the lines that allow an action.
fn without(action: &str, template: &str, folder: &Path) {
    let text = std::fs::read_to_string(workspace().join("infra").join(template)).expect("it is there");
    let line = format!("- {action}");
    let kept: Vec<&str> = text.lines().filter(|l| l.trim() != line).collect();
    assert!(kept.len() < text.lines().count(), "{template} does not allow {action}");
    std::fs::write(folder.join(template), kept.join("\n")).expect("the copy can be written");
}

fn refused(stage: &Stage, operation: &str) -> usize {
    let refused = |call: &tidegate_world::ApiCall| {
        is_tidegates(call) && call.operation == operation && call.outcome.starts_with("AccessDenied")
    };
    stage.world().calls().iter().filter(|call| refused(call)).count()
}

fn assert_denied(letter: &Value, action: &str) {
    let error = &letter["responsePayload"];
    assert_eq!(text(error, "errorType"), "Denied", "{letter}");
    assert!(text(error, "errorMessage").contains(action), "{letter}");
}

#[test]
fn a_role_that_lacks_a_permission_stops_the_loop_at_its_station() {
    play(async {
        let templates = tempfile::tempdir().expect("a folder");
        without("sagemaker:StartPipelineExecution", "hub.yaml", templates.path());
        without("sagemaker:CreateEndpoint", "environment.yaml", templates.path());
        let templates = Some(templates.path().to_owned());
        let mut stage = Stage::with(CloudConfig { templates, ..CloudConfig::default() }).await;
        stage.introduce(&VOLE).await;

        stage.push(&VOLE, "nobody may start its pipeline");
        assert_denied(&stage.dead_letter(HUB, "train").await, "sagemaker:StartPipelineExecution");
        assert_eq!(refused(&stage, "StartPipelineExecution"), 3);
        assert_eq!(stage.snapshot().executions, []);

        // A person starts it instead, and approves what comes of it.
        let start = json!({ "PipelineName": VOLE.pipeline(), "ClientRequestToken": "p".repeat(32) });
        stage.ask(HUB, "StartPipelineExecution", &start);
        let package = stage.registered(&VOLE, 1).await;
        stage.approve(&package);
        assert_denied(&stage.dead_letter(STAGING, "deploy").await, "sagemaker:CreateEndpoint");
        assert_eq!(refused(&stage, "CreateEndpoint"), 3);
        stage.rest().await;
        assert_eq!(stage.snapshot().endpoints, []);
        let on = Wanted {
            model: VOLE.name,
            account: HUB,
            function: "promote",
            decision: "deploy",
            reason: "previous_succeeded",
        };
        assert!(!stage.has_heard(on), "production was asked\n{}", stage.history());
    });
}

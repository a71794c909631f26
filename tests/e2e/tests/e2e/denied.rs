//! One permission less in the templates: the station that needs it fails loudly, and the loop stops there.

use std::path::Path;

use serde_json::{Value, json};
use tidegate_sandbox::{CloudConfig, HUB, STAGING, workspace};

use crate::model::Model;
use crate::shared_run::block_on;
use crate::test_cloud::{TestCloud, Wanted, is_tidegates, text};

const VOLE: Model = Model::plain("vole");

/// Copies a template without the lines that allow an action.
fn without(action: &str, template: &str, folder: &Path) {
    let text = std::fs::read_to_string(workspace().join("infra").join(template)).expect("it is there");
    let line = format!("- {action}");
    let kept: Vec<&str> = text.lines().filter(|l| l.trim() != line).collect();
    assert!(kept.len() < text.lines().count(), "{template} does not allow {action}");
    std::fs::write(folder.join(template), kept.join("\n")).expect("the copy can be written");
}

fn refused(test: &TestCloud, operation: &str) -> usize {
    let refused = |call: &tidegate_world::ApiCall| {
        is_tidegates(call) && call.operation == operation && call.outcome.starts_with("AccessDenied")
    };
    test.world().calls().iter().filter(|call| refused(call)).count()
}

fn assert_denied(letter: &Value, action: &str) {
    let error = &letter["responsePayload"];
    assert_eq!(text(error, "errorType"), "Denied", "{letter}");
    assert!(text(error, "errorMessage").contains(action), "{letter}");
}

#[test]
fn a_role_without_a_permission_stops_the_loop_at_that_step() {
    block_on(async {
        let templates = tempfile::tempdir().expect("a folder");
        without("sagemaker:StartPipelineExecution", "hub.yaml", templates.path());
        without("sagemaker:CreateEndpoint", "environment.yaml", templates.path());
        let templates = Some(templates.path().to_owned());
        let mut test = TestCloud::with(CloudConfig { templates, ..CloudConfig::default() }).await;
        test.introduce(&VOLE).await;

        test.push(&VOLE, "nobody may start its pipeline");
        assert_denied(&test.dead_letter(HUB, "train").await, "sagemaker:StartPipelineExecution");
        assert_eq!(refused(&test, "StartPipelineExecution"), 3);
        assert_eq!(test.snapshot().executions, []);

        // A person starts it instead, and approves what comes of it.
        let start = json!({ "PipelineName": VOLE.pipeline(), "ClientRequestToken": "p".repeat(32) });
        test.ask(HUB, "StartPipelineExecution", &start);
        let package = test.registered(&VOLE, 1).await;
        test.approve(&package);
        assert_denied(&test.dead_letter(STAGING, "deploy").await, "sagemaker:CreateEndpoint");
        assert_eq!(refused(&test, "CreateEndpoint"), 3);
        test.wait_until_idle().await;
        assert_eq!(test.snapshot().endpoints, []);
        let on = Wanted {
            model: VOLE.name,
            account: HUB,
            function: "promote",
            decision: "deploy",
            reason: "previous_succeeded",
        };
        assert!(!test.has_decision(on), "production was asked\n{}", test.history());
    });
}

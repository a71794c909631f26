//! Which action of a plan explains which call.

use serde_json::Value;

use super::facts::text;

/// The operations that change something, as functions call them.
pub(super) fn changes(operation: &str) -> bool {
    const CHANGES: [&str; 6] = ["Create", "Update", "Start", "Register", "Put", "Delete"];
    CHANGES.iter().any(|begins| operation.starts_with(begins))
}

/// Whether an action is why a call was made.
pub(super) fn explains(action: &Value, operation: &str, request: &Value) -> bool {
    let kind = text(action, "/action");
    let equal = |pairs: &[(&str, &str)]| {
        pairs.iter().all(|(wanted, asked)| {
            let (wanted, asked) = (action.pointer(wanted), request.pointer(asked));
            wanted.is_some() && wanted == asked
        })
    };
    match operation {
        "CreatePipeline" | "UpdatePipeline" => {
            kind == "upsert_pipeline" && equal(&[("/pipeline", "/PipelineName")])
        }
        "StartPipelineExecution" => {
            let same = [
                ("/pipeline", "/PipelineName"),
                ("/token", "/ClientRequestToken"),
                ("/display_name", "/PipelineExecutionDisplayName"),
            ];
            kind == "start_execution" && equal(&same)
        }
        "UpdateModelPackage" => {
            let same = [
                ("/package_arn", "/ModelPackageArn"),
                ("/stage", "/ModelLifeCycle/Stage"),
                ("/status", "/ModelLifeCycle/StageStatus"),
            ];
            kind == "update_model_life_cycle" && request.get("ModelApprovalStatus").is_none() && equal(&same)
        }
        "CreateModel" => {
            let same = [("/name", "/ModelName"), ("/package_arn", "/Containers/0/ModelPackageName")];
            kind == "create_model" && equal(&same)
        }
        "CreateEndpointConfig" => {
            kind == "create_endpoint_config" && equal(&[("/name", "/EndpointConfigName")])
        }
        "CreateEndpoint" => {
            let same = [("/name", "/EndpointName"), ("/config", "/EndpointConfigName")];
            kind == "create_endpoint" && equal(&same)
        }
        "UpdateEndpoint" => {
            let same = [("/name", "/EndpointName"), ("/config", "/EndpointConfigName")];
            kind == "update_endpoint" && equal(&same)
        }
        "CreateInferenceComponent" | "UpdateInferenceComponent" => {
            let same = [
                ("/component/name", "/InferenceComponentName"),
                ("/component/model", "/Specification/ModelName"),
            ];
            matches!(kind, "create_component" | "update_component") && equal(&same)
        }
        "RegisterScalableTarget" => {
            let resource = format!("inference-component/{}", text(action, "/component"));
            kind == "set_capacity_limits"
                && resource == text(request, "/ResourceId")
                && equal(&[("/min", "/MinCapacity"), ("/max", "/MaxCapacity")])
        }
        "PutScalingPolicy" => {
            let resource = format!("inference-component/{}", text(action, "/component"));
            kind == "ensure_scale_from_zero_alarm" && resource == text(request, "/ResourceId")
        }
        "UpdateInferenceComponentRuntimeConfig" => {
            let same =
                [("/component", "/InferenceComponentName"), ("/copies", "/DesiredRuntimeConfig/CopyCount")];
            kind == "set_copy_count" && equal(&same)
        }
        _ => false,
    }
}

/// The part of an action that is published, and under which detail-type.
pub(super) fn publishes(action: &Value) -> Option<(&'static str, &Value)> {
    let (detail_type, field) = match text(action, "/action") {
        "request_deployment" => ("Deployment Requested", "request"),
        "report_deployment" => ("Deployment Finished", "finished"),
        "answer_waiting" => ("Deployment Waiting", "waiting"),
        "report_health" => ("Endpoint Health Changed", "changed"),
        "request_retraining" => ("Retraining Requested", "request"),
        "report_retraining" => ("Retraining Finished", "finished"),
        _ => return None,
    };
    Some((detail_type, action.get(field)?))
}

/// What is published, as the plan has it: without the version of its shape.
pub(super) fn without_schema(detail: &Value) -> Value {
    let mut detail = detail.clone();
    if let Some(detail) = detail.as_object_mut() {
        detail.remove("schema");
    }
    detail
}

//! Recognizes what no function handles, so that a message can explain what it is and which event is wanted.

use serde_json::{Map, Value};

const WEBHOOK_REQUEST: &str = "a request to a webhook, not an event: send its push as `Commit Pushed` (events/README.md shows \
                               how), or for GitHub use the inbound webhook of EventBridge";
const GITHUB_BODY: &str = "the body of a GitHub webhook: the inbound webhook of EventBridge sends it as the detail of the event \
                           `push` from `github.com`; any other sender sends `Commit Pushed` (events/README.md shows how)";
const GITLAB_BODY: &str = "the body of a GitLab webhook: EventBridge has no inbound webhook for GitLab, so send the push as \
                           `Commit Pushed` (events/README.md shows how)";

/// Describes an event that no function handles, and names the event that is wanted instead, if its kind is known.
#[must_use]
pub fn hint_of_event(source: &str, detail_type: &str) -> Option<&'static str> {
    let ends = |ending: &str| detail_type.ends_with(ending);
    Some(match source {
        "github.com" => "of GitHub's events only `push` starts a training",
        "aws.codebuild" | "aws.codepipeline" => {
            "a build or a delivery pipeline starts no training; send `Commit Pushed` from it (events/README.md shows how)"
        }
        "aws.codeconnections" | "aws.codestar-connections" => {
            "a connection reports no pushes; send `Commit Pushed` (events/README.md shows how), or for GitHub use the inbound \
             webhook of EventBridge"
        }
        "aws.codecommit" => "only `CodeCommit Repository State Change` starts a training",
        "aws.cloudwatch" => {
            "it is not the change of an alarm's state; drift is read from `CloudWatch Alarm State Change`"
        }
        "aws.application-autoscaling" => {
            "scaling is observed by the alarm on missing capacity and by the sweep"
        }
        "aws.sagemaker"
            if ends("Monitoring Schedule State Change") || ends("Processing Job State Change") =>
        {
            "drift is read from the report that a monitoring schedule writes (`Object Created`), from its alarm, or from \
             `Drift Observed`"
        }
        "aws.sagemaker"
            if ends("Training Job State Change") || ends("Pipeline Execution Step Status Change") =>
        {
            "the pipeline's execution is observed by its own event, and the model by `SageMaker Model Package State Change`"
        }
        "aws.sagemaker" if ends("Endpoint Config State Change") || ends("SageMaker Model State Change") => {
            "a deployment is observed by `SageMaker Endpoint State Change`"
        }
        _ if detail_type == "AWS API Call via CloudTrail" => {
            "a call of an API is not its result; the result has an event of its own, such as `SageMaker Model Package State Change`"
        }
        _ => return None,
    })
}

/// Describes the JSON, if it is known not to be an event.
#[must_use]
pub fn name_of_foreign(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(map) => of_object(map),
        Value::Array(list) => of_list(list.first()?),
        _ => None,
    }
}

fn of_object(map: &Map<String, Value>) -> Option<&'static str> {
    let has = |names: &[&str]| names.iter().all(|name| map.contains_key(*name));
    let any = |ending: &str| map.keys().any(|name| name.ends_with(ending));
    Some(if has(&["$schema"]) {
        "a JSON Schema: it says what an event may hold and is none itself"
    } else if has(&["headers", "body"]) {
        WEBHOOK_REQUEST
    } else if has(&["secret", "x-hub-signature-256"]) {
        "a test vector for the signature of webhooks"
    } else if has(&["repository", "sender"]) {
        GITHUB_BODY
    } else if has(&["object_kind"]) {
        GITLAB_BODY
    } else if has(&["Version", "Steps"]) {
        "a pipeline definition: a commit that has it starts the pipeline"
    } else if has(&["zen", "hook_id"]) {
        "the ping of a GitHub webhook that was just made: there is nothing to do"
    } else if has(&["violations"]) {
        "a report of Model Monitor: the event is the `Object Created` that tells of it"
    } else if has(&["captureData"]) {
        "a captured request of an endpoint"
    } else if has(&["groundTruthData"]) || has(&["SageMakerInferenceId"]) {
        "data for Model Monitor"
    } else if has(&["features"]) || has(&["dataset"]) || any("_constraints") || any("_metrics") {
        "a baseline or statistics of Model Monitor"
    } else {
        return None;
    })
}

fn of_list(first: &Value) -> Option<&'static str> {
    let map = first.as_object()?;
    if map.contains_key("file") {
        Some("an index of sample files")
    } else if map.contains_key("prefix") {
        Some("a manifest of captured data")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_hint_names_the_event_that_is_wanted() {
        for (source, detail_type, wanted) in [
            ("github.com", "pull_request", "`push`"),
            ("aws.codebuild", "CodeBuild Build State Change", "`Commit Pushed`"),
            ("aws.sagemaker", "SageMaker Monitoring Schedule State Change", "`Object Created`"),
            ("aws.sagemaker", "SageMaker Processing Job State Change", "`Drift Observed`"),
            ("aws.sagemaker", "SageMaker Model State Change", "`SageMaker Endpoint State Change`"),
            ("aws.cloudwatch", "CloudWatch Alarm Configuration Change", "`CloudWatch Alarm State Change`"),
            ("aws.sagemaker", "AWS API Call via CloudTrail", "`SageMaker Model Package State Change`"),
        ] {
            let hint = hint_of_event(source, detail_type).unwrap();
            assert!(hint.contains(wanted), "{source} {detail_type}: {hint}");
        }
        assert_eq!(hint_of_event("aws.ec2", "EC2 Instance State-change Notification"), None);
    }

    #[test]
    fn a_webhook_that_is_not_an_event_is_named_with_the_way_to_send_it() {
        for body in [
            json!({"repository": {}, "sender": {}}),
            json!({"object_kind": "push"}),
            json!({"headers": {}, "body": ""}),
        ] {
            let what = name_of_foreign(&body).unwrap();
            assert!(what.contains("`Commit Pushed` (events/README.md shows how)"), "{what}");
        }
    }
}

//! Which permissions a call needs: actions and resources of the Service Authorization Reference.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account::{AccountRegion, parse_arn};
use crate::error::ApiError;
use crate::json::{list, text};

/// Stands for the caller's account, which is not known before the caller is.
pub(crate) const OWN_ACCOUNT: &str = "{account}";

/// An action and the ARN (or `*`) it is done to.
pub(crate) type Permission = (String, String);

/// The member that names a resource, and the resource's type.
type Named = (&'static str, &'static str);

const PIPELINE: Named = ("PipelineName", "pipeline");
const GROUP: Named = ("ModelPackageGroupName", "model-package-group");
const MODEL: Named = ("ModelName", "model");
const CONFIG: Named = ("EndpointConfigName", "endpoint-config");
const ENDPOINT: Named = ("EndpointName", "endpoint");
const COMPONENT: Named = ("InferenceComponentName", "inference-component");

/// Whether a permission matters to a caller of this account: creating a model is authorised on the model package as
/// well, but only when that lies in another account.
pub(crate) fn matters((action, resource): &Permission, account: &str) -> bool {
    let package = parse_arn(resource)
        .filter(|(_, kind, _)| action == "sagemaker:CreateModel" && *kind == "model-package");
    package.is_none_or(|(place, ..)| place.account != account)
}

/// The resources a SageMaker operation is authorised on; none means `*`.
fn resources(operation: &str) -> &'static [Named] {
    match operation {
        "CreatePipeline"
        | "UpdatePipeline"
        | "DescribePipeline"
        | "DeletePipeline"
        | "StartPipelineExecution"
        | "ListPipelineVersions"
        | "ListPipelineExecutions" => &[PIPELINE],
        "StopPipelineExecution"
        | "RetryPipelineExecution"
        | "DescribePipelineExecution"
        | "DescribePipelineDefinitionForExecution"
        | "ListPipelineExecutionSteps" => &[("PipelineExecutionArn", "pipeline")],
        "CreateModelPackageGroup"
        | "DescribeModelPackageGroup"
        | "PutModelPackageGroupPolicy"
        | "GetModelPackageGroupPolicy"
        | "CreateModelPackage" => &[GROUP],
        "DescribeModelPackage" => &[("ModelPackageName", "model-package")],
        "UpdateModelPackage" => &[("ModelPackageArn", "model-package")],
        "CreateModel" | "DescribeModel" | "DeleteModel" => &[MODEL],
        "CreateEndpointConfig" | "DescribeEndpointConfig" | "DeleteEndpointConfig" => &[CONFIG],
        "CreateEndpoint" | "UpdateEndpoint" => &[ENDPOINT, CONFIG],
        "DescribeEndpoint" | "DeleteEndpoint" | "UpdateEndpointWeightsAndCapacities" => &[ENDPOINT],
        "InvokeEndpoint" | "InvokeEndpointAsync" => &[ENDPOINT],
        "CreateInferenceComponent" => &[ENDPOINT, COMPONENT],
        "UpdateInferenceComponent"
        | "UpdateInferenceComponentRuntimeConfig"
        | "DescribeInferenceComponent"
        | "DeleteInferenceComponent" => &[COMPONENT],
        "DescribeTrainingJob" => &[("TrainingJobName", "training-job")],
        "DescribeProcessingJob" => &[("ProcessingJobName", "processing-job")],
        "AddTags" | "ListTags" => &[("ResourceArn", "")],
        _ => &[],
    }
}

/// The condition keys of a call: the approval that it gives to a model package.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html>
pub(crate) fn context(operation: &str, request: &Value) -> BTreeMap<String, String> {
    let approves = matches!(operation, "CreateModelPackage" | "UpdateModelPackage");
    let approval = text(request, "ModelApprovalStatus").filter(|_| approves);
    approval
        .map(|status| ("sagemaker:ModelApprovalStatus".to_owned(), status.to_owned()))
        .into_iter()
        .collect()
}

/// Everything a caller must be allowed for this call.
pub(crate) fn needed(service: &str, operation: &str, request: &Value, region: &str) -> Vec<Permission> {
    match service {
        "application-autoscaling" => autoscaling(operation, request, region),
        "codecommit" => {
            let name = text(request, "repositoryName").unwrap_or("*");
            let arn = format!("arn:aws:codecommit:{region}:{OWN_ACCOUNT}:{name}");
            vec![(format!("codecommit:{operation}"), arn)]
        }
        _ => sagemaker(operation, request, region),
    }
}

/// A scalable target's id is not known to its caller: policies can only name all of them.
///
/// Before it registers a target, Application Auto Scaling tries with the caller's rights what scaling will need, and the
/// calls to CloudWatch without a name, so that only a permission for every alarm admits them:
/// <https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html> and, for the
/// actions on endpoints, <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html>.
/// Assumption: for a component, the actions on endpoints are replaced by those on components.
fn autoscaling(operation: &str, request: &Value, region: &str) -> Vec<Permission> {
    let action = format!("application-autoscaling:{operation}");
    if operation.starts_with("Describe") {
        return vec![(action, "*".to_owned())];
    }
    let target = format!("arn:aws:application-autoscaling:{region}:{OWN_ACCOUNT}:scalable-target/*");
    let mut needed = vec![(action, target)];
    if operation == "RegisterScalableTarget" {
        let alarms = ["PutMetricAlarm", "DescribeAlarms", "DeleteAlarms"];
        needed.extend(alarms.map(|action| (format!("cloudwatch:{action}"), "*".to_owned())));
        let here = AccountRegion::new(OWN_ACCOUNT, region);
        let mut parts = text(request, "ResourceId").unwrap_or_default().split('/');
        let (kind, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let probed: &[&str] = match kind {
            "endpoint" => {
                needed.push(("sagemaker:DescribeEndpointConfig".to_owned(), "*".to_owned()));
                &["DescribeEndpoint", "UpdateEndpointWeightsAndCapacities"]
            }
            _ => &["DescribeInferenceComponent", "UpdateInferenceComponentRuntimeConfig"],
        };
        needed.extend(probed.iter().map(|action| (format!("sagemaker:{action}"), here.arn(kind, name))));
    }
    needed
}

/// The refusal of a caller that lacks a permission. Application Auto Scaling names what it tried in vain in a
/// ValidationException (assumption: with these words).
pub(crate) fn refusal(service: &str, principal: &str, (action, resource): (&str, &str)) -> ApiError {
    if service == "application-autoscaling" && !action.starts_with(service) {
        let message = format!(
            "The caller is missing a permission: User: {principal} is not authorized to perform: {action} on resource: \
             {resource}"
        );
        return ApiError::new("ValidationException", message);
    }
    let because = format!("because no identity-based policy allows the {action} action");
    ApiError::denied(principal, action, resource, &because)
}

fn sagemaker(operation: &str, request: &Value, region: &str) -> Vec<Permission> {
    let here = AccountRegion::new(OWN_ACCOUNT, region);
    let action = format!("sagemaker:{operation}");
    let mut needed: Vec<Permission> = Vec::new();
    for (member, kind) in resources(operation) {
        let name = text(request, member).unwrap_or("*");
        // A resource given by ARN may lie in another account.
        let arn = if parse_arn(name).is_some() { name.to_owned() } else { here.arn(kind, name) };
        needed.push((action.clone(), arn));
    }
    if operation == "ListModelPackages"
        && let Some(group) = text(request, "ModelPackageGroupName")
    {
        let (place, group) = match parse_arn(group) {
            Some((place, _, name)) => (place, name),
            None => (here.clone(), group),
        };
        needed.push((action.clone(), place.arn("model-package", &format!("{group}/*"))));
    }
    if operation == "InvokeEndpoint"
        && let Some(component) = text(request, "InferenceComponentName")
    {
        needed.push((action.clone(), here.arn("inference-component", component)));
    }
    if needed.is_empty() {
        needed.push((action, "*".to_owned()));
    }
    needed.extend(dependent(operation, request, &needed));
    needed
}

/// What the role of the models must be allowed besides the caller: "Ensure that your IAM execution role has permission to
/// perform the cloudwatch:DescribeAlarms action on the auto-rollback alarms you specify."
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html>
pub(crate) fn needed_by_model_role(service: &str, operation: &str, request: &Value) -> Vec<Permission> {
    if service == "sagemaker" { rollback_alarms(operation, request) } else { Vec::new() }
}

/// Reading the alarms that roll an update back. Composite alarms are only in the answer if all alarms may be read.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
fn rollback_alarms(operation: &str, request: &Value) -> Vec<Permission> {
    let guarded = matches!(operation, "CreateEndpoint" | "UpdateEndpoint");
    let deployment = request.get("DeploymentConfig").filter(|_| guarded);
    let rollback = deployment.and_then(|deployment| deployment.get("AutoRollbackConfiguration"));
    let alarms = rollback.map(|rollback| list(rollback, "Alarms")).unwrap_or_default();
    if alarms.is_empty() {
        return Vec::new();
    }
    vec![("cloudwatch:DescribeAlarms".to_owned(), "*".to_owned())]
}

/// Permissions that a request needs because of what is in it.
fn dependent(operation: &str, request: &Value, needed: &[Permission]) -> Vec<Permission> {
    let mut more = Vec::new();
    if operation.starts_with("Create") && !list(request, "Tags").is_empty() {
        let own = needed
            .iter()
            .map(|(_, arn)| arn)
            .find(|arn| operation != "CreateInferenceComponent" || arn.contains(":inference-component/"));
        more.extend(own.map(|arn| ("sagemaker:AddTags".to_owned(), arn.clone())));
    }
    let role = match operation {
        "CreateModel" | "CreateEndpointConfig" => text(request, "ExecutionRoleArn"),
        "CreatePipeline" | "UpdatePipeline" => text(request, "RoleArn"),
        _ => None,
    };
    more.extend(role.map(|role| ("iam:PassRole".to_owned(), role.to_owned())));
    more.extend(rollback_alarms(operation, request));
    if operation == "CreateModel" {
        // Another account's package is used under that account's policy, and under one's own.
        let packages = crate::services::sagemaker::models::containers(request);
        let packages = packages.iter().filter_map(|c| text(c, "ModelPackageName"));
        let foreign = packages.filter(|package| parse_arn(package).is_some());
        more.extend(foreign.map(|package| ("sagemaker:CreateModel".to_owned(), package.to_owned())));
    }
    more
}

#[cfg(test)]
mod tests {
    use super::{matters, needed};
    use serde_json::json;

    fn of(operation: &str, request: serde_json::Value) -> Vec<String> {
        let needed = needed("sagemaker", operation, &request, "us-east-1");
        needed.into_iter().map(|(action, arn)| format!("{action} {arn}")).collect()
    }

    #[test]
    fn an_update_needs_the_endpoint_and_the_configuration() {
        let asked = of("UpdateEndpoint", json!({"EndpointName": "Churn", "EndpointConfigName": "churn-7"}));
        let prefix = "sagemaker:UpdateEndpoint arn:aws:sagemaker:us-east-1:{account}:";
        assert_eq!(asked, [format!("{prefix}endpoint/churn"), format!("{prefix}endpoint-config/churn-7")]);
    }

    #[test]
    fn a_guarded_update_needs_to_read_alarms() {
        let request = json!({"EndpointName": "churn", "EndpointConfigName": "churn-7", "DeploymentConfig": {
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "churn-5xx"}]}}});
        assert!(of("UpdateEndpoint", request.clone()).contains(&"cloudwatch:DescribeAlarms *".to_owned()));
        assert_eq!(super::needed_by_model_role("sagemaker", "UpdateEndpoint", &request).len(), 1);
        let plain = json!({"EndpointName": "churn", "EndpointConfigName": "churn-7"});
        assert!(super::needed_by_model_role("sagemaker", "UpdateEndpoint", &plain).is_empty());
    }

    #[test]
    fn a_role_is_passed_and_tags_are_added() {
        let asked = of(
            "CreateModel",
            json!({"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::444455556666:role/r",
                   "Tags": [{"Key": "a", "Value": "b"}],
                   "PrimaryContainer": {"ModelPackageName":
                       "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7"}}),
        );
        assert_eq!(
            asked,
            [
                "sagemaker:CreateModel arn:aws:sagemaker:us-east-1:{account}:model/m",
                "sagemaker:AddTags arn:aws:sagemaker:us-east-1:{account}:model/m",
                "iam:PassRole arn:aws:iam::444455556666:role/r",
                "sagemaker:CreateModel arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7",
            ]
        );
    }

    #[test]
    fn a_model_of_a_package_in_the_same_account_needs_no_permission_for_the_package() {
        let arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7".to_owned();
        let create = ("sagemaker:CreateModel".to_owned(), arn.clone());
        assert!(!matters(&create, "111122223333"));
        assert!(matters(&create, "444455556666"));
        assert!(matters(&("sagemaker:DescribeModelPackage".to_owned(), arn), "111122223333"));
    }

    #[test]
    fn lists_are_authorised_on_everything() {
        assert_eq!(of("ListEndpoints", json!({})), ["sagemaker:ListEndpoints *"]);
    }
}

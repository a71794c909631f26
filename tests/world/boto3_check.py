"""Calls every operation the world offers through boto3: the happy path, and the main error.

usage: python boto3_check.py http://127.0.0.1:PORT

Exits non-zero and says what did not match. Needs boto3 and a world that was started with --botocore-data.
"""

import json
import pathlib
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HUB, STAGING, STRANGER, REGION = "111122223333", "444455556666", "777788889999", "us-east-1"
ROLE = f"arn:aws:iam::{HUB}:role/churn-sagemaker-execution"
STAGING_ROLE = f"arn:aws:iam::{STAGING}:role/churn-sagemaker-execution"
IMAGE = f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:1.7-1"
DEFINITIONS = pathlib.Path(__file__).resolve().parents[2] / "events" / "pipelines"

seen = set()


def expect(condition, message):
    if not condition:
        sys.exit(f"MISMATCH: {message}")


class Service:
    """A client that remembers which operations were called well and which badly."""

    def __init__(self, url, name, account):
        self.name = name
        self.client = boto3.client(
            name,
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    def ok(self, operation, **request):
        seen.add((self.name, operation, "ok"))
        try:
            return getattr(self.client, operation)(**request)
        except ClientError as error:
            sys.exit(f"MISMATCH: {self.name} {operation} {request}: {error}")

    def fails(self, operation, code, part="", **request):
        seen.add((self.name, operation, "error"))
        try:
            answer = getattr(self.client, operation)(**request)
        except ClientError as error:
            got = error.response["Error"]
            expect(got["Code"] == code, f"{operation}: wanted {code}, got {got}")
            expect(part in got["Message"], f"{operation}: wanted {part!r} in {got['Message']!r}")
            return error.response
        sys.exit(f"MISMATCH: {operation} {request} should have failed with {code}, but answered {answer}")


def unknown_member(url):
    """boto3 itself would not send this."""
    body = json.dumps({"EndpointName": "x", "Colour": "red"}).encode()
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={HUB}/20260101/{REGION}/sagemaker/aws4_request",
               "X-Amz-Target": "SageMaker.DescribeEndpoint"}
    try:
        urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers))
    except urllib.error.HTTPError as error:
        answer = json.load(error)
        expect(answer["__type"] == "SerializationException" and "Colour" in answer["message"], answer)
        return
    sys.exit("MISMATCH: an unknown member was accepted")


def until(what, done, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        found = done()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"MISMATCH: {what} did not happen within {seconds} s")


class Control:
    def __init__(self, url):
        self.url = url

    def post(self, path, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_world/{path}", data=data, method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/_world/{path}") as answer:
            return json.load(answer)


def pipelines(sm, control):
    text = (DEFINITIONS / "v2" / "a_abalone_register.json").read_text()
    made = {"PipelineName": "churn-train", "PipelineDefinition": text, "RoleArn": ROLE}
    arn = sm.ok("create_pipeline", ClientRequestToken="c" * 32, **made)["PipelineArn"]
    again = sm.ok("create_pipeline", ClientRequestToken="c" * 32, **made)["PipelineArn"]
    expect(arn == again, "the same token must give the same pipeline")
    sm.fails("create_pipeline", "ValidationException", "Pipeline names must be unique within an AWS account and region",
             ClientRequestToken="d" * 32, **made)
    sm.fails("create_pipeline", "ValidationException", "at 'pipelineName' failed to satisfy constraint",
             ClientRequestToken="d" * 32, **{**made, "PipelineName": "under_score"})
    for file in sorted((DEFINITIONS / "broken").glob("h0*.json")):
        sm.fails("update_pipeline", "ValidationException", "Unable to parse pipeline definition",
                 PipelineName="churn-train", PipelineDefinition=file.read_text())
    for file in sorted(DEFINITIONS.glob("v[23]/*.json")):
        body = file.read_text()
        if len(body) < 102_400:
            sm.ok("update_pipeline", PipelineName="churn-train", PipelineDefinition=body)
    sm.ok("update_pipeline", PipelineName="churn-train", PipelineDefinition=text, PipelineDescription="two")
    sm.fails("update_pipeline", "ResourceNotFound", "does not exist", PipelineName="nope", PipelineDefinition=text)
    described = sm.ok("describe_pipeline", PipelineName="churn-train")
    expect(described["PipelineDefinition"] == text and described["PipelineDescription"] == "two", described)
    sm.fails("describe_pipeline", "ResourceNotFound", "does not exist", PipelineName="nope")
    listed = sm.ok("list_pipelines", PipelineNamePrefix="churn")["PipelineSummaries"]
    expect([p["PipelineName"] for p in listed] == ["churn-train"], listed)
    sm.fails("list_pipelines", "ValidationException", "enum value set", SortBy="Colour")

    start = {"PipelineName": "churn-train", "ClientRequestToken": "s" * 40,
             "PipelineExecutionDisplayName": "push-9f1d3c5b7a8e",
             "PipelineParameters": [{"Name": "MseThreshold", "Value": "4.5"}]}
    run = sm.ok("start_pipeline_execution", **start)["PipelineExecutionArn"]
    expect(run == sm.ok("start_pipeline_execution", **start)["PipelineExecutionArn"], "one token, one execution")
    sm.fails("start_pipeline_execution", "ValidationException", "not declared", PipelineName="churn-train",
             ClientRequestToken="t" * 40, PipelineParameters=[{"Name": "Nope", "Value": "1"}])
    sm.fails("start_pipeline_execution", "ResourceNotFound", "", PipelineName="nope", ClientRequestToken="t" * 40)
    sm.fails("start_pipeline_execution", "ValidationException", "length greater than or equal to 32",
             PipelineName="churn-train", ClientRequestToken="short")
    sm.fails("delete_pipeline", "ConflictException", "running", PipelineName="churn-train", ClientRequestToken="x" * 32)
    until("the pipeline succeeds", lambda: sm.ok("describe_pipeline_execution", PipelineExecutionArn=run)
          ["PipelineExecutionStatus"] == "Succeeded")
    sm.fails("describe_pipeline_execution", "ResourceNotFound", "", PipelineExecutionArn=run[:-12] + "0" * 12)
    steps = sm.ok("list_pipeline_execution_steps", PipelineExecutionArn=run, SortOrder="Ascending")
    steps = {s["StepName"]: s for s in steps["PipelineExecutionSteps"]}
    expect(all(s["StepStatus"] == "Succeeded" for s in steps.values()) and len(steps) == 5, steps)
    sm.fails("list_pipeline_execution_steps", "ResourceNotFound", "", PipelineExecutionArn=run[:-12] + "0" * 12)
    runs = sm.ok("list_pipeline_executions", PipelineName="churn-train")["PipelineExecutionSummaries"]
    expect([r["PipelineExecutionArn"] for r in runs] == [run], runs)
    sm.fails("list_pipeline_executions", "ResourceNotFound", "", PipelineName="nope")

    job = steps["TrainAbaloneModel"]["Metadata"]["TrainingJob"]["Arn"]
    tags = sm.ok("list_tags", ResourceArn=job)
    expect(tags["Tags"] == [], tags)
    jobs = {e["detail"]["TrainingJobName"] for e in control.get("emissions")
            if e.get("detail_type") == "SageMaker Training Job State Change"}
    training = sm.ok("describe_training_job", TrainingJobName=next(iter(jobs)))
    expect(training["TrainingJobStatus"] == "Completed" and training["ModelArtifacts"]["S3ModelArtifacts"], training)
    sm.fails("describe_training_job", "ValidationException", "Requested resource not found.", TrainingJobName="nope")
    names = {e["detail"]["ProcessingJobName"] for e in control.get("emissions")
             if e.get("detail_type") == "SageMaker Processing Job State Change"}
    done = sm.ok("describe_processing_job", ProcessingJobName=sorted(names)[0])
    expect(done["ProcessingJobStatus"] == "Completed", done)
    sm.fails("describe_processing_job", "ValidationException", "Could not find requested job", ProcessingJobName="nope")

    # Trouble: a training job that fails, a condition that does not hold, a stop.
    control.post("faults", {"kind": "fail_training", "pipeline": "churn-train", "reason": "CapacityError: none"})
    failed = sm.ok("start_pipeline_execution", PipelineName="churn-train", ClientRequestToken="u" * 40)
    failed = failed["PipelineExecutionArn"]
    got = until("the pipeline fails", lambda: [d for d in [sm.ok(
        "describe_pipeline_execution", PipelineExecutionArn=failed)] if d["PipelineExecutionStatus"] == "Failed"])
    expect(got[0]["FailureReason"], got)
    control.post("faults", {"kind": "property_file", "file": "EvaluationReport",
                              "content": {"regression_metrics": {"mse": {"value": 9.5}}}})
    worse = sm.ok("start_pipeline_execution", PipelineName="churn-train", ClientRequestToken="v" * 40)
    worse = worse["PipelineExecutionArn"]
    until("the condition does not hold", lambda: sm.ok("describe_pipeline_execution", PipelineExecutionArn=worse)
          ["PipelineExecutionStatus"] == "Failed")
    steps = sm.ok("list_pipeline_execution_steps", PipelineExecutionArn=worse)["PipelineExecutionSteps"]
    expect([s["FailureReason"] for s in steps if s["StepName"] == "AbaloneMseFail"]
           == ["Execution failed due to MSE > 6.0"], steps)
    control.post("faults", {"kind": "clear"})
    stopped = sm.ok("start_pipeline_execution", PipelineName="churn-train", ClientRequestToken="w" * 40)
    stopped = stopped["PipelineExecutionArn"]
    time.sleep(0.5)
    sm.ok("stop_pipeline_execution", PipelineExecutionArn=stopped, ClientRequestToken="y" * 40)
    until("the pipeline stops", lambda: sm.ok("describe_pipeline_execution", PipelineExecutionArn=stopped)
          ["PipelineExecutionStatus"] == "Stopped")
    sm.fails("stop_pipeline_execution", "ConflictException", "", PipelineExecutionArn=stopped,
             ClientRequestToken="y" * 40)
    sm.ok("add_tags", ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}])
    expect(sm.ok("list_tags", ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}], "tags")
    sm.fails("add_tags", "ValidationException", "does not exist", ResourceArn=arn + "x",
             Tags=[{"Key": "team", "Value": "ml"}])
    sm.fails("list_tags", "ValidationException", "does not exist", ResourceArn=arn + "x")
    made = {"PipelineName": "gone", "PipelineDefinition": text, "RoleArn": ROLE}
    sm.ok("create_pipeline", ClientRequestToken="e" * 32, **made)
    sm.ok("delete_pipeline", PipelineName="gone", ClientRequestToken="f" * 32)
    sm.fails("delete_pipeline", "ResourceNotFound", "", PipelineName="gone", ClientRequestToken="f" * 32)
    return run


def registry(hub, staging, stranger, run):
    packages = hub.ok("list_model_packages", ModelPackageGroupName="AbaloneModelPackageGroup")
    package = packages["ModelPackageSummaryList"][0]
    expect(package["ModelApprovalStatus"] == "PendingManualApproval" and package["ModelPackageVersion"] == 1, package)
    arn = package["ModelPackageArn"]
    hub.fails("list_model_packages", "ValidationException", "does not exist", ModelPackageGroupName="nope")
    described = hub.ok("describe_model_package", ModelPackageName=arn)
    expect(described["MetadataProperties"]["GeneratedBy"] == run, described)
    expect(described["CustomerMetadataProperties"]["git_commit"] == "4f2c9d1", described)
    hub.fails("describe_model_package", "ValidationException", "does not exist", ModelPackageName=arn[:-1] + "99")
    staging.fails("describe_model_package", "AccessDeniedException", "not authorized", ModelPackageName=arn)
    group = "AbaloneModelPackageGroup"
    hub.fails("get_model_package_group_policy", "ValidationException", "Cannot find", ModelPackageGroupName=group)
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
        "Resource": f"arn:aws:sagemaker:{REGION}:{HUB}:model-package/{group}/*"}]}
    hub.ok("put_model_package_group_policy", ModelPackageGroupName=group, ResourcePolicy=json.dumps(policy))
    hub.fails("put_model_package_group_policy", "ValidationException", "does not exist", ModelPackageGroupName="nope",
              ResourcePolicy=json.dumps(policy))
    got = hub.ok("get_model_package_group_policy", ModelPackageGroupName=group)
    expect(json.loads(got["ResourcePolicy"]) == policy, got)
    staging.ok("describe_model_package", ModelPackageName=arn)
    stranger.fails("describe_model_package", "AccessDeniedException", "not authorized", ModelPackageName=arn)
    staging.fails("update_model_package", "AccessDeniedException", "", ModelPackageArn=arn,
                  ModelApprovalStatus="Approved")
    model = {"ModelName": "churn-1", "ExecutionRoleArn": STAGING_ROLE, "PrimaryContainer": {"ModelPackageName": arn}}
    staging.fails("create_model", "ValidationException", "must be Approved", **model)
    hub.ok("update_model_package", ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good",
           ModelLifeCycle={"Stage": "Staging", "StageStatus": "Approved"},
           CustomerMetadataProperties={"deployed.staging": "churn-staging"})
    hub.fails("update_model_package", "ValidationException", "enum value set", ModelPackageArn=arn,
              ModelApprovalStatus="Fine")
    described = hub.ok("describe_model_package", ModelPackageName=arn)
    expect(described["ModelLifeCycle"]["Stage"] == "Staging" and described["ApprovalDescription"] == "good", described)
    hub.ok("create_model_package_group", ModelPackageGroupName="churn", ModelPackageGroupDescription="Churn")
    hub.fails("create_model_package_group", "ValidationException", "already exists", ModelPackageGroupName="churn")
    expect(hub.ok("describe_model_package_group", ModelPackageGroupName="churn")
           ["ModelPackageGroupDescription"] == "Churn", "group")
    hub.fails("describe_model_package_group", "ValidationException", "does not exist", ModelPackageGroupName="nope")
    made = hub.ok("create_model_package", ModelPackageGroupName="churn", InferenceSpecification={
        "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://b/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]})
    expect(made["ModelPackageArn"].endswith("model-package/churn/1"), made)
    hub.fails("create_model_package", "ValidationException", "does not exist", ModelPackageGroupName="nope")
    staging.ok("create_model", **model)


def variant(**more):
    return {"VariantName": "AllTraffic", "ModelName": "churn-1", "InitialInstanceCount": 2,
            "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0, **more}


def hosting(sm, runtime, control):
    for name in ("churn-2", "churn-3"):
        sm.ok("create_model", ModelName=name, ExecutionRoleArn=STAGING_ROLE, PrimaryContainer={"Image": IMAGE},
              Tags=[{"Key": "model", "Value": "churn"}])
    sm.fails("create_model", "ValidationException", "Cannot create already existing model", ModelName="churn-2",
             ExecutionRoleArn=STAGING_ROLE, PrimaryContainer={"Image": IMAGE})
    sm.ok("describe_model", ModelName="churn-2")
    sm.fails("describe_model", "ValidationException", "Could not find model", ModelName="nope")
    expect(len(sm.ok("list_models", NameContains="churn", MaxResults=2)["Models"]) == 2, "models")
    sm.fails("list_models", "ValidationException", "less than or equal to 100", MaxResults=101)
    sm.ok("delete_model", ModelName="churn-3")
    sm.fails("delete_model", "ValidationException", "Could not find model", ModelName="churn-3")

    sm.ok("create_endpoint_config", EndpointConfigName="churn-c1", ProductionVariants=[variant()])
    sm.ok("create_endpoint_config", EndpointConfigName="churn-c2", ProductionVariants=[variant(ModelName="churn-2")])
    sm.fails("create_endpoint_config", "ValidationException", "Cannot create already existing endpoint configuration",
             EndpointConfigName="churn-c1", ProductionVariants=[variant()])
    sm.fails("create_endpoint_config", "ValidationException", "Could not find model", EndpointConfigName="x",
             ProductionVariants=[variant(ModelName="nope")])
    sm.fails("create_endpoint_config", "ValidationException", "", EndpointConfigName="x",
             ProductionVariants=[variant(InitialInstanceCount=0)])
    sm.fails("create_endpoint_config", "ValidationException", "inference component", EndpointConfigName="x",
             ProductionVariants=[variant(ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 0,
                                                                 "MaxInstanceCount": 2})])
    serverless = {"VariantName": "AllTraffic", "ModelName": "churn-2",
                  "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
    sm.ok("create_endpoint_config", EndpointConfigName="churn-less", ProductionVariants=[serverless])
    sm.fails("create_endpoint_config", "ValidationException", "serverless", EndpointConfigName="x",
             ProductionVariants=[serverless], DataCaptureConfig={
                 "InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://b/c",
                 "CaptureOptions": [{"CaptureMode": "Input"}]})
    sm.ok("describe_endpoint_config", EndpointConfigName="churn-c1")
    sm.fails("describe_endpoint_config", "ValidationException", "Could not find endpoint configuration",
             EndpointConfigName="nope")
    sm.ok("list_endpoint_configs", NameContains="churn")
    sm.fails("list_endpoint_configs", "ValidationException", "Invalid pagination", NextToken="nope")

    def status(name="churn"):
        return sm.ok("describe_endpoint", EndpointName=name)

    def settled(name="churn"):
        return until(f"{name} is in service", lambda: [d for d in [status(name)]
                                                      if d["EndpointStatus"] not in ("Creating", "Updating")])[0]

    sm.ok("create_endpoint", EndpointName="churn", EndpointConfigName="churn-c1",
          Tags=[{"Key": "model", "Value": "churn"}])
    sm.fails("create_endpoint", "ValidationException", "Cannot create already existing endpoint", EndpointName="churn",
             EndpointConfigName="churn-c1")
    sm.fails("update_endpoint", "ValidationException", "Cannot update in-progress endpoint", EndpointName="churn",
             EndpointConfigName="churn-c2")
    expect(status()["EndpointStatus"] == "Creating", "status")
    expect(settled()["EndpointStatus"] == "InService", "creation")
    sm.fails("describe_endpoint", "ValidationException", "Could not find endpoint", EndpointName="nope")
    expect(len(sm.ok("list_endpoints", StatusEquals="InService")["Endpoints"]) == 1, "endpoints")
    sm.fails("list_endpoints", "ValidationException", "enum value set", StatusEquals="IN_SERVICE")
    invoked = runtime.ok("invoke_endpoint", EndpointName="churn", Body=b"1,2", ContentType="text/csv")
    expect(invoked["InvokedProductionVariant"] == "AllTraffic" and invoked["Body"].read(), invoked)
    runtime.fails("invoke_endpoint", "ValidationError", "not found", EndpointName="nope", Body=b"1")
    control.post("faults", {"kind": "container_error", "target": "churn", "status": 500, "message": "boom"})
    got = runtime.fails("invoke_endpoint", "ModelError", "boom", EndpointName="churn", Body=b"1")
    expect(got["OriginalStatusCode"] == 500, got)
    control.post("faults", {"kind": "clear"})

    canary = {"BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 600,
                                        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1}},
        "TerminationWaitInSeconds": 600, "MaximumExecutionTimeoutInSeconds": 3600},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "churn-5xx"}]}}
    sm.fails("update_endpoint", "ValidationException", "already in use", EndpointName="churn",
             EndpointConfigName="churn-c1")
    sm.fails("update_endpoint", "ValidationException", "serverless", EndpointName="churn",
             EndpointConfigName="churn-less")
    control.post("faults", {"kind": "roll_back_update", "endpoint": "churn"})
    sm.ok("update_endpoint", EndpointName="churn", EndpointConfigName="churn-c2", DeploymentConfig=canary)
    until("a canary bakes", lambda: any(
        s.get("Status") == "Baking" for v in status().get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
        for s in v.get("VariantStatus", [])))
    after = settled()
    expect((after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "churn-c1"), after)
    sm.ok("update_endpoint", EndpointName="churn", EndpointConfigName="churn-c2", DeploymentConfig=canary)
    after = settled()
    expect((after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "churn-c2"), after)
    sm.ok("update_endpoint", EndpointName="churn", EndpointConfigName="churn-c1", DeploymentConfig=canary)
    control.post("alarm-state", {"account": STAGING, "region": REGION, "alarm_name": "churn-5xx", "state": "ALARM"})
    after = settled()
    expect(after["EndpointConfigName"] == "churn-c2" and "churn-5xx" in after["FailureReason"], after)
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    sm.ok("update_endpoint_weights_and_capacities", EndpointName="churn", DesiredWeightsAndCapacities=wanted)
    expect(settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 3, "capacity")
    sm.fails("update_endpoint_weights_and_capacities", "ValidationException", "at least 1", EndpointName="churn",
             DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}])
    sm.ok("delete_endpoint_config", EndpointConfigName="churn-less")
    sm.fails("delete_endpoint_config", "ValidationException", "Could not find endpoint configuration",
             EndpointConfigName="churn-less")
    sm.ok("create_endpoint_config", EndpointConfigName="queue-c1", ProductionVariants=[variant()],
          AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://answers/out/"}})
    sm.ok("create_endpoint", EndpointName="queue", EndpointConfigName="queue-c1")
    expect(settled("queue")["EndpointStatus"] == "InService", "an asynchronous endpoint")
    runtime.fails("invoke_endpoint", "ValidationError", "InvokeEndpointAsync", EndpointName="queue", Body=b"1")
    asked = runtime.ok("invoke_endpoint_async", EndpointName="queue", ContentType="text/csv", Body=b"1")
    expect(asked["OutputLocation"].startswith("s3://answers/out/"), asked)
    runtime.fails("invoke_endpoint_async", "ValidationError", "InvokeEndpoint", EndpointName="churn", Body=b"1")
    sm.ok("delete_endpoint", EndpointName="queue")
    control.post("faults", {"kind": "fail_endpoint_creation", "endpoint": "bad", "reason": "no capacity"})
    sm.ok("create_endpoint", EndpointName="bad", EndpointConfigName="churn-c1")
    expect(settled("bad")["FailureReason"] == "no capacity", "creation failure")
    sm.ok("delete_endpoint", EndpointName="bad")
    until("the endpoint is gone", lambda: not [e for e in sm.ok("list_endpoints")["Endpoints"]
                                               if e["EndpointName"] == "bad"])
    sm.fails("delete_endpoint", "ValidationException", "Could not find endpoint", EndpointName="bad")


def components(sm, runtime, scaling, control):
    scaled = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
              "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}}
    sm.ok("create_endpoint_config", EndpointConfigName="shared-c1", ProductionVariants=[scaled], ExecutionRoleArn=STAGING_ROLE)
    sm.ok("create_endpoint", EndpointName="shared", EndpointConfigName="shared-c1")
    specification = {"ModelName": "churn-2", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 512,
                                                                             "NumberOfCpuCoresRequired": 1}}
    made = {"InferenceComponentName": "churn-ic", "EndpointName": "shared", "VariantName": "AllTraffic",
            "Specification": specification, "RuntimeConfig": {"CopyCount": 1}}
    sm.fails("create_inference_component", "ValidationException", "InService", **made)
    until("the endpoint is in service",
          lambda: sm.ok("describe_endpoint", EndpointName="shared")["EndpointStatus"] == "InService")
    sm.ok("create_inference_component", **made)
    sm.fails("create_inference_component", "ValidationException", "already existing", **made)

    def settled():
        return until("the component settles", lambda: [c for c in [
            sm.ok("describe_inference_component", InferenceComponentName="churn-ic")]
            if c["InferenceComponentStatus"] in ("InService", "Failed")])[0]

    sm.fails("update_inference_component", "ValidationException", "while it is in state",
             InferenceComponentName="churn-ic", Specification=specification)
    expect(settled()["RuntimeConfig"]["CurrentCopyCount"] == 1, "copies")
    sm.fails("describe_inference_component", "ValidationException", "Could not find", InferenceComponentName="nope")
    listed = sm.ok("list_inference_components", EndpointNameEquals="shared")["InferenceComponents"]
    expect([c["InferenceComponentName"] for c in listed] == ["churn-ic"], listed)
    sm.fails("list_inference_components", "ValidationException", "enum value set", StatusEquals="Fine")
    runtime.ok("invoke_endpoint", EndpointName="shared", InferenceComponentName="churn-ic", Body=b"1")
    sm.ok("update_inference_component", InferenceComponentName="churn-ic",
          Specification={**specification, "ModelName": "churn-1"})
    expect(settled()["Specification"]["ModelName"] == "churn-1", "update")
    control.post("faults", {"kind": "fail_component_update", "component": "churn-ic", "reason": "no",
                              "failed": False})
    sm.ok("update_inference_component", InferenceComponentName="churn-ic", Specification=specification)
    expect(settled()["Specification"]["ModelName"] == "churn-1", "rollback")

    target = {"ServiceNamespace": "sagemaker", "ResourceId": "inference-component/churn-ic",
              "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"}
    step = {"PolicyName": "wake", "PolicyType": "StepScaling", **target, "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity", "MetricAggregationType": "Maximum", "Cooldown": 60,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}}
    scaling.fails("put_scaling_policy", "ObjectNotFoundException", "No scalable target", **step)
    scaling.ok("register_scalable_target", MinCapacity=0, MaxCapacity=2, **target)
    scaling.fails("register_scalable_target", "ValidationException", "Maximum capacity", MinCapacity=3, MaxCapacity=2,
                  **target)
    classic = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/churn/variant/AllTraffic",
               "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    scaling.fails("register_scalable_target", "ValidationException", "Minimum capacity", MinCapacity=0, MaxCapacity=2,
                  **classic)
    scaling.ok("register_scalable_target", MinCapacity=4, MaxCapacity=5, **classic)
    until("raising the minimum scales out", lambda: sm.ok("describe_endpoint", EndpointName="churn")
          ["ProductionVariants"][0]["CurrentInstanceCount"] == 4)
    targets = scaling.ok("describe_scalable_targets", ServiceNamespace="sagemaker")["ScalableTargets"]
    expect(len(targets) == 2, targets)
    scaling.fails("describe_scalable_targets", "ValidationException", "enum value set", ServiceNamespace="nope")
    tracking = scaling.ok("put_scaling_policy", PolicyName="track", PolicyType="TargetTrackingScaling", **target,
                          TargetTrackingScalingPolicyConfiguration={
                              "TargetValue": 5.0, "PredefinedMetricSpecification": {
                                  "PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}})
    expect(len(tracking["Alarms"]) == 2, tracking)
    policy = scaling.ok("put_scaling_policy", **step)["PolicyARN"]
    policies = scaling.ok("describe_scaling_policies", ServiceNamespace="sagemaker")["ScalingPolicies"]
    expect({p["PolicyName"] for p in policies} == {"wake", "track"}, policies)
    scaling.fails("describe_scaling_policies", "ValidationException", "not be null", ResourceId="x")

    sm.ok("update_inference_component_runtime_config", InferenceComponentName="churn-ic",
          DesiredRuntimeConfig={"CopyCount": 0})
    sm.fails("update_inference_component_runtime_config", "ValidationException", "Could not find",
             InferenceComponentName="nope", DesiredRuntimeConfig={"CopyCount": 0})
    expect(settled()["RuntimeConfig"]["CurrentCopyCount"] == 0, "to zero")
    instances = lambda: sm.ok("describe_endpoint", EndpointName="shared")["ProductionVariants"][0]["CurrentInstanceCount"]
    until("instances follow copies", lambda: instances() == 0, 60)
    runtime.fails("invoke_endpoint", "ValidationError", "no capacity", EndpointName="shared",
                  InferenceComponentName="churn-ic", Body=b"1")
    until("the failure is counted", lambda: [m for m in control.get("emissions") if m["kind"] == "metric"
                                             and m["name"] == "NoCapacityInvocationFailures"])
    control.post("alarm-action", {"account": STAGING, "region": REGION, "action_arn": policy, "alarm_name": "wake"})
    until("an alarm wakes it", lambda: settled()["RuntimeConfig"]["CurrentCopyCount"] == 1)
    scaling.ok("delete_scaling_policy", PolicyName="wake", **target)
    scaling.fails("delete_scaling_policy", "ObjectNotFoundException", "No scaling policy", PolicyName="wake", **target)
    scaling.ok("deregister_scalable_target", **target)
    scaling.fails("deregister_scalable_target", "ObjectNotFoundException", "No scalable target", **target)
    sm.ok("delete_inference_component", InferenceComponentName="churn-ic")
    until("the component is gone", lambda: not sm.ok("list_inference_components")["InferenceComponents"])
    sm.fails("delete_inference_component", "ValidationException", "Could not find", InferenceComponentName="churn-ic")
    sm.ok("delete_endpoint", EndpointName="shared")


def repositories(cc, control, folder):
    here = {"account": HUB, "region": REGION}
    control.post("repository", {**here, "name": "churn-model", "path": f"{folder}/churn-model.git"})
    push = {**here, "repository": "churn-model", "branch": "main"}
    first = control.post("commit", {**push, "message": "one", "files": {"train.py": "1\n", "a/b.txt": "b"}})["commit"]
    second = control.post("commit", {**push, "message": "two", "files": {"train.py": "2\n", "a/b.txt": None}})["commit"]
    repo = {"repositoryName": "churn-model"}
    expect(cc.ok("get_branch", **repo, branchName="main")["branch"]["commitId"] == second, "branch")
    cc.fails("get_branch", "BranchDoesNotExistException", "", **repo, branchName="nope")
    expect(cc.ok("get_file", **repo, filePath="train.py")["fileContent"] == b"2\n", "file at the default branch")
    expect(cc.ok("get_file", **repo, filePath="train.py", commitSpecifier=first)["fileContent"] == b"1\n", "file")
    expect(cc.ok("get_file", **repo, filePath="train.py", commitSpecifier="main")["commitId"] == second, "file")
    cc.fails("get_file", "FileDoesNotExistException", "", **repo, filePath="a/b.txt")
    cc.fails("get_file", "CommitDoesNotExistException", "", **repo, filePath="train.py", commitSpecifier="0" * 40)
    cc.fails("get_file", "RepositoryDoesNotExistException", "", repositoryName="nope", filePath="train.py")
    expect(cc.ok("get_commit", **repo, commitId=second)["commit"]["parents"] == [first], "commit")
    cc.fails("get_commit", "CommitIdDoesNotExistException", "", **repo, commitId="0" * 40)
    expect(cc.ok("get_repository", **repo)["repositoryMetadata"]["defaultBranch"] == "main", "repository")
    cc.fails("get_repository", "RepositoryDoesNotExistException", "", repositoryName="nope")
    changed = cc.ok("get_differences", **repo, beforeCommitSpecifier=first, afterCommitSpecifier=second)["differences"]
    expect({d["changeType"] for d in changed} == {"M", "D"}, changed)
    cc.fails("get_differences", "CommitDoesNotExistException", "", **repo, afterCommitSpecifier="nope")
    events = until("pushes are told", lambda: [e for e in control.get("emissions")
                                               if e.get("source") == "aws.codecommit"][1:])
    expect(events[0]["detail"]["oldCommitId"] == first, events)


def main():
    url = sys.argv[1]
    control = Control(url)
    hub, staging, stranger = (Service(url, "sagemaker", account) for account in (HUB, STAGING, STRANGER))
    runtime = Service(url, "sagemaker-runtime", STAGING)
    scaling = Service(url, "application-autoscaling", STAGING)
    with tempfile.TemporaryDirectory() as folder:
        repositories(Service(url, "codecommit", HUB), control, folder)
    run = pipelines(hub, control)
    registry(hub, staging, stranger, run)
    hosting(staging, runtime, control)
    components(staging, runtime, scaling, control)
    unknown_member(url)
    denied = Service(url, "sagemaker", "AKIAIOSFODNN7EXAMPLE")
    denied.fails("list_models", "UnrecognizedClientException")
    half = {(s, o) for s, o, _ in seen} - {(s, o) for s, o, how in seen if how == "error"}
    expect(not half, f"without an error path: {sorted(half)}")
    print(f"{len({(s, o) for s, o, _ in seen})} operations answered boto3 as expected, "
          f"{len(control.get('calls'))} calls in the log")


if __name__ == "__main__":
    main()

//! The parts of the local cloud that make a day bad: do they do what AWS does?

use std::process::Command;

use tidegate_sandbox::{python_environment, workspace};

fn python(script: &str) -> String {
    let python = python_environment(&|_| ()).unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(python);
    command.args(["-B", "-c", script]).current_dir(workspace()).env("PYTHONPATH", "tests/sandbox/cloud");
    let output = command.output().expect("Python runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_retry_is_the_same_request() {
    let script = r#"
import os, time
os.environ.update(LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.01", LAMBDA_ASYNC_RETRY_MAX_SECONDS="0.02")
from ministack.services import lambda_svc
import chaos, lambdas
attempts = []

def dispatch(func, config, event, request_id, started):
    attempts.append((event["number"], request_id))
    return {"error": True, "body": {"errorType": "Runtime.ExitError"}}

lambda_svc._execute_function_dispatch = dispatch
lambdas.mend_request_id()
function = {"config": {"FunctionName": "f", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:f"}}
for number in (1, 2):
    lambda_svc.invoke_async_with_retry(function, {"number": number})
deadline = time.time() + 20
while len(attempts) < 6 and time.time() < deadline:
    time.sleep(0.01)
of = {number: [identity for each, identity in attempts if each == number] for number in (1, 2)}
assert all(len(ids) == 3 and len(set(ids)) == 1 for ids in of.values()), attempts
assert of[1] != of[2], attempts
assert chaos.day.report()["retries"] == 4, chaos.day.report()
print("checked")
"#;
    assert_eq!(python(script).trim(), "checked");
}

#[test]
fn an_sdk_reads_every_refusal_as_throttling() {
    let script = r#"
import botocore.session
from botocore.parsers import create_parser
from botocore.retries.standard import ThrottledRetryableChecker
import refusals

session = botocore.session.get_session()
throttled = set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES) | {"Throttled"}
calls = [
    ("dynamodb", "dynamodb", "GetItem", "json"),
    ("dynamodb", "dynamodb", "PutItem", "json"),
    ("events", "events", "ListRules", "json"),
    ("monitoring", "cloudwatch", "GetMetricData", "smithy-rpc-v2-cbor"),
    ("scheduler", "scheduler", "CreateSchedule", "rest-json"),
    ("s3", "s3", "GetObject", "rest-xml"),
    ("sns", "sns", "Publish", "query"),
    ("ssm", "ssm", "GetParameter", "json"),
]
for signed_as, name, operation, protocol in calls:
    shape = session.get_service_model(name).operation_model(operation).output_shape
    sent = {"content-type": "application/x-amz-json-1.0"}
    if protocol == "smithy-rpc-v2-cbor":
        sent = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    for way in refusals.ways(signed_as, operation):
        status, headers, body = way(sent, b"{}")
        answer = {"status_code": status, "headers": headers, "body": body}
        parsed = create_parser(protocol).parse(answer, shape)
        assert status >= 400 and parsed["Error"]["Code"] in throttled, (name, parsed)

# Two that an SDK does not try again by itself, because only some of the request was throttled.
shape = session.get_service_model("dynamodb").operation_model("TransactWriteItems").output_shape
body = b'{"TransactItems": [{}, {}, {}]}'
said = [way({}, body) for way in refusals.ways("dynamodb", "TransactWriteItems")]
parsed = [create_parser("json").parse({"status_code": s, "headers": h, "body": b}, shape) for s, h, b in said]
codes = {each["Error"]["Code"] for each in parsed}
assert codes == {"ThrottlingException", "ProvisionedThroughputExceededException", "TransactionCanceledException"}, codes
status, _, body = refusals._entries({}, b'{"Entries": [{}, {}]}')
assert status == 200 and b'"FailedEntryCount": 2' in body and body.count(b"ThrottlingException") == 2, body

key = "AWS4-HMAC-SHA256 Credential={}/20260302/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
of = lambda key_id: refusals.caller({"authorization": key.format(key_id), "x-amz-target": "DynamoDB_20120810.GetItem"})
assert of("ASIAEXAMPLE") == ("dynamodb", "GetItem")
assert of("111122223333") is None and refusals.caller({}) is None
print("checked")
"#;
    assert_eq!(python(script).trim(), "checked");
}

#[test]
fn a_plan_of_a_bad_day_is_checked() {
    let script = r#"
import chaos
assert chaos.plan_of({"seed": 7, "kills": 3}) == chaos.Plan(seed=7, kills=3)
for wrong in ({"kill": 1}, {"kills": "many"}, {"kills": True}):
    try:
        chaos.plan_of(wrong)
    except ValueError as error:
        assert "kill" in str(error), error
    else:
        raise AssertionError(wrong)
day = chaos.Day()
day.begin(chaos.Plan(seed=7, throttle_percent=20, copies=3))
drawn = [day.refuses("s3") for _ in range(1000)]
assert 150 < sum(drawn) < 250, sum(drawn)
assert len(day.further_copies()) == 2
day.begin(chaos.Plan(seed=7, throttle_percent=20))
assert [day.refuses("s3") for _ in range(1000)] == drawn
day.begin(chaos.Plan())
assert not any(day.refuses("s3") for _ in range(1000)) and day.further_copies() == []
assert day.report()["calls"] == {"s3": 3000}, day.report()
print("checked")
"#;
    assert_eq!(python(script).trim(), "checked");
}

"""How AWS says that there are too many calls: each service in its own protocol, code and status.

The codes are those of the API references' common errors and of the services' models. What a refused call asked for has
not been done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import cbor2

Answer = tuple[int, dict[str, str], bytes]

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")


def caller(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The service that a function calls, and the operation as far as the headers tell it; None for other callers.

    Functions have the credentials of a session, whose key begins with ASIA; tests and the world are root users here.
    """
    found = _CREDENTIAL.search(headers.get("authorization", ""))
    if found is None or not found["key"].startswith("ASIA"):
        return None
    return found["service"], headers.get("x-amz-target", "").rpartition(".")[2]


def ways(service: str, operation: str) -> list[Callable[[Mapping[str, str], bytes], Answer]]:
    """In which ways a service may refuse an operation."""
    if (service, operation) == ("dynamodb", "TransactWriteItems"):
        return [_json("ThrottlingException"), _json("ProvisionedThroughputExceededException"), _cancelled]
    if (service, operation) == ("events", "PutEvents"):
        return [_json("ThrottlingException"), _entries]
    return {
        "dynamodb": [_json("ThrottlingException"), _json("ProvisionedThroughputExceededException")],
        "monitoring": [_cloudwatch],
        "s3": [_s3],
        "scheduler": [_rest],
        "sns": [_sns],
    }.get(service, [_json("ThrottlingException")])


def _json(code: str) -> Callable[[Mapping[str, str], bytes], Answer]:
    """A refusal in awsJson."""

    def refuse(headers: Mapping[str, str], _body: bytes) -> Answer:
        return _json_answer(400, headers, {"__type": code, "message": "Rate exceeded"})

    return refuse


def _json_answer(status: int, headers: Mapping[str, str], answer: Any) -> Answer:
    return status, {"content-type": headers.get("content-type", "")}, json.dumps(answer).encode()


def _cancelled(headers: Mapping[str, str], body: bytes) -> Answer:
    """A transaction is cancelled with a reason for each item. The SDK does not try such a one again."""
    items = len(json.loads(body)["TransactItems"])
    reasons = [{"Code": "None"} for _ in range(items)]
    reasons[0] = {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity of your table."}
    codes = ", ".join(reason["Code"] for reason in reasons)
    answer = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        "CancellationReasons": reasons,
    }
    return _json_answer(400, headers, answer)


def _entries(headers: Mapping[str, str], body: bytes) -> Answer:
    """Each entry is refused by itself, with status 200. The SDK does not look at that."""
    entries = len(json.loads(body)["Entries"])
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "The request was denied due to request throttling."}
    return _json_answer(200, headers, {"FailedEntryCount": entries, "Entries": [refused] * entries})


def _cloudwatch(headers: Mapping[str, str], _body: bytes) -> Answer:
    answer = {"__type": "com.amazonaws.cloudwatch#ThrottlingException", "message": "Rate exceeded"}
    if headers.get("smithy-protocol") != "rpc-v2-cbor":
        return _json_answer(400, headers, answer)
    return 400, {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, cbor2.dumps(answer)


def _rest(_headers: Mapping[str, str], _body: bytes) -> Answer:
    named = {"content-type": "application/json", "x-amzn-errortype": "ThrottlingException"}
    return 429, named, json.dumps({"Message": "Rate exceeded"}).encode()


def _s3(_headers: Mapping[str, str], _body: bytes) -> Answer:
    error = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    return 503, {"content-type": "application/xml"}, error.encode()


def _sns(_headers: Mapping[str, str], _body: bytes) -> Answer:
    error = "<Type>Sender</Type><Code>Throttled</Code><Message>Rate exceeded</Message>"
    answer = f"<ErrorResponse><Error>{error}</Error><RequestId>refused</RequestId></ErrorResponse>"
    return 429, {"content-type": "text/xml"}, answer.encode()

"""The private paths under /_tidegate/, through which tests and the world speak as AWS itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from ministack import app as ministack_app
from ministack.services import cloudwatch

import alarms
import chaos
import delivery
import function_urls
import permissions
import refusals

PREFIX = "/_tidegate/"
Answer = tuple[int, Any]


class BadRequest(Exception):
    """The request lacks something or has it in the wrong form."""


async def app(scope: Mapping[str, Any], receive: Callable[[], Awaitable[dict]], send: Callable) -> None:
    """The ASGI application: our doors, and the emulator for everything else."""
    if scope["type"] != "http":
        await ministack_app.app(scope, receive, send)
    elif scope["path"].startswith(PREFIX):
        status, answer = _answer(scope["method"], scope["path"].removeprefix(PREFIX), await _body(receive))
        await _send(send, status, {"content-type": "application/json"}, json.dumps(answer).encode())
    elif scope["path"].startswith(function_urls.PREFIX):
        headers, body = _headers(scope), await _body(receive)
        await _send(send, *await function_urls.serve(scope["method"], scope["path"], headers, body))
    elif refuse := _refusal(scope):
        headers, body = _headers(scope), await _body(receive)
        await _send(send, *refuse(headers, body))
    else:
        await ministack_app.app(scope, receive, send)


def _refusal(scope: Mapping[str, Any]) -> Callable[[Mapping[str, str], bytes], refusals.Answer] | None:
    """How this call is refused, if it is a function's and the day is bad."""
    call = refusals.caller(_headers(scope))
    if call is None or not chaos.day.refuses(call[0]):
        return None
    return chaos.day.choice(refusals.ways(*call))


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _send(send: Callable, status: int, headers: Mapping[str, str], body: bytes) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Callable[[], Awaitable[dict]]) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _answer(method: str, door: str, body: bytes) -> Answer:
    handler = _DOORS.get((method, door))
    if handler is None:
        return 404, {"message": f"no such door: {method} {PREFIX}{door}"}
    try:
        return handler(_Request.parse(body) if method == "POST" else _Request({}))
    except BadRequest as error:
        return 400, {"message": str(error)}
    except permissions.UnknownCaller as error:
        return 403, {"message": str(error)}


class _Request:
    """A JSON object whose members are asked for by name."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = members

    @classmethod
    def parse(cls, body: bytes) -> _Request:
        try:
            members = json.loads(body)
        except ValueError as error:
            raise BadRequest(f"the body is not JSON: {error}") from error
        if not isinstance(members, dict):
            raise BadRequest("the body is not a JSON object")
        return cls(members)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.members.get(name, default)
        if not isinstance(value, str):
            raise BadRequest(f"`{name}` has to be a string")
        return value

    def objects(self, name: str) -> list[dict[str, Any]]:
        value = self.members.get(name)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise BadRequest(f"`{name}` has to be a list of objects")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.members.get(name) or {}
        if not isinstance(value, dict):
            raise BadRequest(f"`{name}` has to be an object")
        return value


def _health(_request: _Request) -> Answer:
    auth = "enforced" if ministack_app.AUTH else "off"
    return 200, {"status": "ready", "ministack": ministack_app._version(), "auth": auth}


def _events(request: _Request) -> Answer:
    """Put each entry on the account's default bus, or the bus it names; the answer has the shape of PutEvents.

    The policy of the bus is not asked: AWS's services, and EventBridge when it delivers an event once more, need none.
    """
    account, region = request.text("account"), request.text("region", "us-east-1")
    results = [_put(account, region, entry) for entry in request.objects("entries")]
    return 200, {
        "FailedEntryCount": sum(result["FailedEntryCount"] for result in results),
        "Entries": [entry for result in results for entry in result["Entries"]],
    }


def _put(account: str, region: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("Source", "DetailType", "Detail"):
        if name not in entry:
            raise BadRequest(f"an entry lacks `{name}`")
    detail = entry["Detail"]
    aws_entry = {
        "Source": entry["Source"],
        "DetailType": entry["DetailType"],
        "Detail": detail if isinstance(detail, str) else json.dumps(detail),
        "Resources": entry.get("Resources") or [],
        "EventBusName": entry.get("EventBusName") or "default",
    }
    at = cloudwatch._parse_ts(entry["Time"]) if entry.get("Time") is not None else None
    return delivery.put_as_aws(account, region, aws_entry, at)


def _function_url(request: _Request) -> Answer:
    """The function URL of a function."""
    return 200, {"url": function_urls.url_of(request.text("account"), request.text("function"))}


def _metrics(request: _Request) -> Answer:
    data = request.objects("data")
    for datum in data:
        if "MetricName" not in datum or "Value" not in datum:
            raise BadRequest("a datum lacks `MetricName` or `Value`")
    account, region = request.text("account"), request.text("region", "us-east-1")
    alarms.put_metrics(account, region, request.text("namespace"), data)
    return 200, {"stored": len(data)}


def _authorize(request: _Request) -> Answer:
    if role := request.members.get("role"):
        account = str(role).split(":")[4]
        source = {"aws:SourceAccount": account}
        # A test asks about roles of other services as well.
        untrusted = permissions.trust_refusal(str(role), "sagemaker.amazonaws.com", source)
        if untrusted and not request.members.get("any_service"):
            return 200, asdict(permissions.Verdict(account, str(role), False, untrusted))
        verdict = permissions.authorize_role(
            str(role),
            request.text("action"),
            request.text("resource", "*"),
            request.text("region", "us-east-1"),
            request.mapping("context"),
        )
        return 200, asdict(verdict)
    token = request.text("session_token", "") or None
    verdict = permissions.authorize_key(
        request.text("access_key_id"),
        token,
        request.text("action"),
        request.text("resource", "*"),
        request.text("region", "us-east-1"),
        request.mapping("context"),
        request.mapping("resource_tags"),
    )
    return 200, asdict(verdict)


def _permissions(_request: _Request) -> Answer:
    return 200, permissions.evaluated()


def _plan_day(request: _Request) -> Answer:
    """Make the rest of the day as bad as asked; an empty plan ends it."""
    try:
        chaos.day.begin(chaos.plan_of(request.members))
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return 200, {}


def _report_day(_request: _Request) -> Answer:
    return 200, chaos.day.report()


_DOORS: dict[tuple[str, str], Callable[[_Request], Answer]] = {
    ("GET", "health"): _health,
    ("POST", "events"): _events,
    ("POST", "function-url"): _function_url,
    ("POST", "metrics"): _metrics,
    ("POST", "authorize"): _authorize,
    ("GET", "permissions"): _permissions,
    ("POST", "chaos"): _plan_day,
    ("GET", "chaos"): _report_day,
}

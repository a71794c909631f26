"""What Lambda does with an invocation, brought closer to AWS.

Every function named `mend_*` is for ministack 1.5.33 and says what that version does instead.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextvars import ContextVar

from ministack.core.responses import get_region
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners

import chaos
import permissions

# The identity of the asynchronous invocation that is being carried out.
_request_id: ContextVar[str | None] = ContextVar("tidegate_request_id", default=None)


def mend_all() -> None:
    """Apply every mend of this file."""
    mend_exit_error()
    mend_request_id()
    mend_failure_destination()
    mend_function_role()


def mend_exit_error() -> None:
    """ministack 1.5.33 calls it Runtime.Unknown when a process ends before it asks for its first event.

    AWS calls it Runtime.ExitError, as it does when the process ends during an invocation.
    """
    execute = lambda_svc._execute_function_provided_warm

    def with_aws_name(func, event, request_id):
        result = execute(func, event, request_id)
        body = result.get("body")
        if result.get("error") and str(body.get("errorMessage", "")).startswith("bootstrap exited during init"):
            body["errorType"] = "Runtime.ExitError"
        return result

    lambda_svc._execute_function_provided_warm = with_aws_name


def mend_request_id() -> None:
    """ministack 1.5.33 gives every attempt of an asynchronous invocation a request id of its own.

    In AWS a retry is the same request: it has the first attempt's id. A function can tell by it that what an attempt
    left behind is its own. The invocations that wait or run are counted for `chaos`.
    """
    retry, dispatch = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function_dispatch

    def as_one_request(func, event):
        request_id = str(uuid.uuid4())
        chaos.day.taken(request_id)
        token = _request_id.set(request_id)
        try:
            retry(func, event)
        finally:
            _request_id.reset(token)

    def with_its_id(func, config, event, request_id, started):
        request_id = _request_id.get() or request_id
        chaos.day.attempted(request_id)
        result = dispatch(func, config, event, request_id, started)
        chaos.day.answered(request_id, failed=bool(result.get("error") or result.get("throttle")))
        return result

    lambda_svc.invoke_async_with_retry = as_one_request
    lambda_svc._execute_function_dispatch = with_its_id


def with_request_id(request_id: str, execute: Callable) -> Callable:
    """The same execution as the invocation with this id."""

    def invoke(*arguments):
        token = _request_id.set(request_id)
        try:
            return execute(*arguments)
        finally:
            _request_id.reset(token)

    return invoke


def mend_failure_destination() -> None:
    """ministack 1.5.33 writes to a function's failure queue as itself; AWS does it with the function's own role."""
    route = lambda_svc._route_async_failure

    def with_function_role(target_arn, func_name, event, result):
        function = lambda_svc._functions.get(func_name) or {}
        role = function.get("config", {}).get("Role", "")
        action = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}.get(target_arn.split(":")[2])
        if role and action:
            verdict = permissions.authorize_role(role, action, target_arn, get_region(), {})
            if not verdict.allowed:
                eventbridge.logger.error("%s may not write to %s: %s", func_name, target_arn, verdict.reason)
                return
        route(target_arn, func_name, event, result)
        chaos.day.given_up(_request_id.get())

    lambda_svc._route_async_failure = with_function_role


def mend_function_role() -> None:
    """ministack 1.5.33 makes a function with any role; Lambda has to be able to assume it.

    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create = handler["create"]

    def with_trust(logical_id, props, *arguments, **keywords):
        if permissions.trust_refusal(str(props.get("Role", "")), "lambda.amazonaws.com", {}):
            raise ValueError("The role defined for the function cannot be assumed by Lambda.")
        return create(logical_id, props, *arguments, **keywords)

    handler["create"] = with_trust

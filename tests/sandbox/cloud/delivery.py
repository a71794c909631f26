"""What EventBridge and Scheduler do with a target, brought closer to AWS.

Every function named `mend_*` is for ministack 1.5.33 and says what that version does instead.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import cbor2
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge, lambda_svc, scheduler, sqs

import buses
import chaos
import permissions

_event_time: ContextVar[float | None] = ContextVar("tidegate_event_time", default=None)


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target of a rule or a schedule."""

    target: Mapping[str, Any]
    source: Mapping[str, Any]
    event: Mapping[str, Any]

    @property
    def source_arn(self) -> str:
        """The ARN of the rule or schedule."""
        return str(self.source.get("Arn", ""))

    @property
    def by_schedule(self) -> bool:
        """Whether EventBridge Scheduler delivers, and not a rule."""
        return self.source_arn.startswith("arn:aws:scheduler:")

    @property
    def service(self) -> str:
        """The service principal that delivers."""
        return "scheduler.amazonaws.com" if self.by_schedule else "events.amazonaws.com"


_delivery: ContextVar[Delivery | None] = ContextVar("tidegate_delivery", default=None)


def mend_all(tick_seconds: float) -> None:
    """Apply every mend of this file."""
    mend_event_time()
    mend_target_context()
    mend_lambda_target()
    mend_bus_target()
    mend_scheduler(tick_seconds)
    mend_cloudwatch_cbor()


def put_as_aws(account: str, region: str, entry: Mapping[str, Any], at: float | None = None) -> dict[str, Any]:
    """Put one event on the account's default bus as AWS itself does, `aws.*` sources included."""
    with request_scope(account, region):
        eventbridge._ensure_default_bus()
        token = _event_time.set(at)
        try:
            _status, _headers, body = eventbridge._put_events({"Entries": [dict(entry)]}, allow_aws_source=True)
        finally:
            _event_time.reset(token)
    return json.loads(body)


def mend_event_time() -> None:
    """ministack 1.5.33 stamps every event with the present and ignores the entry's Time; `put_as_aws` can set it."""
    now = eventbridge._now_ts

    def event_time() -> float:
        at = _event_time.get()
        return now() if at is None else at

    eventbridge._now_ts = event_time


def mend_target_context() -> None:
    """ministack 1.5.33 hands its dispatchers the target's ARN only, and a schedule's input as it was written.

    Remember the target's role, queue and rule, and fill in the `<aws.scheduler.…>` attributes of a schedule's input.
    """
    invoke_target = eventbridge._invoke_target

    def with_context(target, event, rule, view=None):
        target = _fill_context_attributes(target, event, rule)
        token = _delivery.set(Delivery(target, rule, event))
        try:
            invoke_target(target, event, rule, view)
        finally:
            _delivery.reset(token)

    eventbridge._invoke_target = with_context


def mend_lambda_target() -> None:
    """ministack 1.5.33 calls a target function once and forgets the outcome; AWS invokes it asynchronously.

    The event goes through the emulator's own asynchronous path, which retries and feeds the on-failure destination.
    A function that is missing, or that the rule or schedule may not invoke, costs the event its target at once: it
    goes to the target's dead-letter queue.
    """

    def deliver(arn: str, payload: str) -> None:
        delivery = _delivery.get()
        function, config, _name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            _dead_letter(delivery, payload, "NO_RESOURCE", f"Function not found: {arn}")
            return
        refusal = _invoke_refusal(delivery, arn)
        if refusal:
            _dead_letter(delivery, payload, "NO_PERMISSIONS", refusal)
            return
        # The live record and not a copy, so that a retry after a deployment runs the new code, as it does in AWS.
        unqualified = config is function.get("config")
        record = function if unqualified else lambda_svc._execution_record_for_config(function, config)
        event = json.loads(payload)
        lambda_svc.invoke_async_with_retry(record, event)
        for late in chaos.day.further_copies():
            arguments = (lambda_svc.invoke_async_with_retry, record, _told_again(event))
            threading.Timer(late, copy_context().run, arguments).start()

    eventbridge._dispatch_to_lambda = deliver


def _told_again(event: dict[str, Any]) -> dict[str, Any]:
    """A further copy of an event: AWS's services tell it again under another id; a bus delivers the same twice."""
    if str(event.get("source", "")).startswith("aws."):
        return {**event, "id": str(uuid.uuid4())}
    return event


def mend_bus_target() -> None:
    """ministack 1.5.33 drops a rule's target bus when it is in another account.

    As in AWS the rule's role has to allow events:PutEvents on the bus, and a bus of another account has to admit the
    sender by its own policy. The event then goes on inside the other account and keeps its origin's `account`.
    """
    dispatch = eventbridge._dispatch_to_event_bus

    def deliver(spec, event, rule, event_path, target_input_payload=None):
        delivery = _delivery.get() or Delivery({}, rule, event)
        refusal = _put_refusal(delivery, str(spec))
        if refusal is None:
            with request_scope(spec.account_id, spec.region):
                refusal = _bus_refusal(delivery, spec)
                if refusal is None:
                    dispatch(spec, event, rule, event_path, target_input_payload)
                    return
        code, message = refusal
        view = eventbridge._pattern_event_view(event)
        _dead_letter(delivery, json.dumps(view.event_with_detail()), code, message)

    eventbridge._dispatch_to_event_bus = deliver


def mend_scheduler(tick_seconds: float) -> None:
    """ministack 1.5.33 looks at schedules every 10 s, names each in the group `default`, and lets any role be passed.

    Schedules and rule schedules are looked at every `tick_seconds`; the schedule's ARN carries its group; and who
    creates one needs iam:PassRole on the role the schedule will use.
    """
    scheduler._SCHEDULE_TICK_INTERVAL = tick_seconds
    eventbridge._SCHEDULER_TICK_INTERVAL = tick_seconds
    _mend_schedule_arn()
    _mend_schedule_pass_role()


def mend_cloudwatch_cbor() -> None:
    """ministack 1.5.33 enforces nothing on a CloudWatch request in CBOR, which newer SDKs send, the Rust one too.

    It finds neither the action (which is in the path) nor the alarm's name (which is in the body).
    """
    extract_action, extract_arn = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def action(service, method, path, headers, body, query_params):
        if service == "monitoring" and _is_cbor(headers):
            return f"cloudwatch:{path.rpartition('/operation/')[2]}"
        return extract_action(service, method, path, headers, body, query_params)

    def arn(service, method, path, headers, body, query_params, region, account_id):
        if service == "monitoring" and _is_cbor(headers):
            name = (cbor2.loads(body) if body else {}).get("AlarmName")
            return f"arn:aws:cloudwatch:{region}:{account_id}:alarm:{name}" if name else "*"
        return extract_arn(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, arn


def _is_cbor(headers: Mapping[str, str]) -> bool:
    return "cbor" in headers.get("content-type", "") or "cbor" in headers.get("smithy-protocol", "")


def _fill_context_attributes(
    target: Mapping[str, Any], event: Mapping[str, Any], schedule: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The target with the context attributes of EventBridge Scheduler put into its input."""
    text = target.get("Input") or ""
    if event.get("Source") != "aws.scheduler" or "<aws.scheduler." not in text:
        return target
    at = scheduler._at_time_epoch(schedule.get("ScheduleExpression", "")) or event["Time"]
    attributes = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": event["EventId"],
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return {**target, "Input": text}


def _mend_schedule_arn() -> None:
    extract = iam_actions.extract_resource_arn

    def with_group(service, method, path, headers, body, query_params, region, account_id):
        arn = extract(service, method, path, headers, body, query_params, region, account_id)
        if service != "scheduler" or ":schedule/default/" not in arn:
            return arn
        named = (query_params or {}).get("groupName") or json.loads(body or b"{}").get("GroupName") or "default"
        group = named[0] if isinstance(named, list) else named
        return arn.replace(":schedule/default/", f":schedule/{group}/")

    iam_actions.extract_resource_arn = with_group


def _mend_schedule_pass_role() -> None:
    create = scheduler._create_schedule

    def with_pass_role(name, body):
        caller = iam_evaluator.caller_arn()
        role = (body.get("Target") or {}).get("RoleArn", "")
        if app.AUTH and ":assumed-role/" in caller and role:
            caller_role = f"arn:aws:iam::{get_account_id()}:role/{caller.split('/')[1]}"
            context = {"iam:PassedToService": "scheduler.amazonaws.com"}
            if not permissions.authorize_role(caller_role, "iam:PassRole", role, get_region(), context).allowed:
                message = f"User: {caller} is not authorized to perform: iam:PassRole on resource: {role}"
                return scheduler._error(403, "AccessDeniedException", message)
            group = f"arn:aws:scheduler:{get_region()}:{get_account_id()}:schedule-group/{body.get('GroupName')}"
            source = {"aws:SourceArn": group, "aws:SourceAccount": get_account_id()}
            if permissions.trust_refusal(role, "scheduler.amazonaws.com", source):
                # https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
                message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
                return scheduler._error(400, "ValidationException", message)
        return create(name, body)

    scheduler._create_schedule = with_pass_role


def _invoke_refusal(delivery: Delivery | None, function_arn: str) -> str | None:
    """Why this rule or schedule may not invoke the function, or None."""
    if not app.AUTH or delivery is None:
        return None
    role = delivery.target.get("RoleArn")
    if role:
        untrusted = permissions.trust_refusal(role, delivery.service, _trust_context(delivery))
        if untrusted:
            return untrusted
        verdict = permissions.authorize_role(role, "lambda:InvokeFunction", function_arn, get_region(), {})
        return None if verdict.allowed else f"{verdict.principal_arn} may not invoke {function_arn}"
    found = lambda_svc.function_policy_for_arn(function_arn)
    if found and _service_may(delivery, "lambda:InvokeFunction", function_arn, found[0]):
        return None
    return f"the policy of {function_arn} does not admit {delivery.source_arn}"


def _put_refusal(delivery: Delivery, bus_arn: str) -> tuple[str, str] | None:
    """Why the rule's role may not put this event on the bus, or None. A rule without a role is judged by the bus."""
    role = delivery.target.get("RoleArn")
    if not role:
        return None
    untrusted = permissions.trust_refusal(role, delivery.service, _trust_context(delivery))
    if untrusted:
        return "NO_PERMISSIONS", untrusted
    verdict = permissions.authorize_role(role, "events:PutEvents", bus_arn, get_region(), _event_context(delivery))
    return None if verdict.allowed else ("NO_PERMISSIONS", f"{verdict.principal_arn} may not put events on {bus_arn}")


def _bus_refusal(delivery: Delivery, spec: Any) -> tuple[str, str] | None:
    """Why the bus does not take the event, or None. Runs inside the bus's account."""
    bus = spec.resource.removeprefix(buses.BUS)
    if bus not in eventbridge._event_buses:
        return "NO_RESOURCE", f"Event bus not found: {spec}"
    sender, sender_region = delivery.source_arn.split(":")[4], delivery.source_arn.split(":")[3]
    role = delivery.target.get("RoleArn")
    principal = buses.role_session(role) if role else f"arn:aws:iam::{sender}:root"
    request = buses.put_context(principal, sender, str(spec), spec.region, _event_context(delivery))
    policy = eventbridge._event_bus_policies.get(bus)
    decision = iam_evaluator.evaluate_resource_policy(policy, request).decision
    is_own = (sender, sender_region) == (spec.account_id, spec.region)
    if decision == "Allow" or (is_own and decision != "Deny"):
        return None
    return "NO_PERMISSIONS", f"the policy of {spec} does not admit {principal}"


def _event_context(delivery: Delivery) -> dict[str, str]:
    """The condition keys AWS documents for events:PutEvents, as they are when a bus delivers to a bus."""
    return {
        "events:source": str(delivery.event.get("Source", "")),
        "events:detail-type": str(delivery.event.get("DetailType", "")),
        "events:eventbusinvocation": "true",
        "aws:sourcearn": delivery.source_arn,
    }


def _trust_context(delivery: Delivery) -> dict[str, str]:
    """What a role's trust policy can ask about the rule or the schedule that wants to use the role.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html and
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html, where the source
    of a schedule is its group.
    """
    arn = delivery.source_arn
    if delivery.by_schedule:
        arn = arn.replace(":schedule/", ":schedule-group/").rpartition("/")[0]
    return {"aws:SourceArn": arn, "aws:SourceAccount": arn.split(":")[4]}


def _service_may(delivery: Delivery, action: str, resource: str, policy: str | dict) -> bool:
    """Whether a resource's own policy admits the service that delivers, for this rule or schedule."""
    account = delivery.source_arn.split(":")[4]
    request = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:sourcearn": delivery.source_arn, "aws:sourceaccount": account},
    )
    return iam_evaluator.evaluate_resource_policy(policy, request, service=delivery.service).decision == "Allow"


def _dead_letter(delivery: Delivery | None, payload: str, code: str, message: str) -> None:
    """Send an event that could not reach its target to the target's dead-letter queue.

    ministack 1.5.33 does not model the dead-letter queue of a target: it drops the event.
    """
    queue_arn = ((delivery.target if delivery else {}).get("DeadLetterConfig") or {}).get("Arn")
    eventbridge.logger.warning("%s: %s; dead-letter queue: %s", code, message, queue_arn)
    if delivery is None or not queue_arn or not _may_dead_letter(delivery, queue_arn):
        return
    try:
        spec = parse_arn(queue_arn)
    except ArnParseError:
        eventbridge.logger.error("not a queue ARN: %s", queue_arn)
        return
    eventbridge._dispatch_to_sqs(spec, payload)
    attributes = {
        "RULE_ARN": delivery.source_arn,
        "TARGET_ARN": str(delivery.target.get("Arn", "")),
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
        "RETRY_ATTEMPTS": "0",
    }
    queue = sqs._queue_by_arn(queue_arn)
    if queue:
        queue["messages"][-1]["message_attributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }


def _may_dead_letter(delivery: Delivery, queue_arn: str) -> bool:
    if not app.AUTH:
        return True
    if delivery.by_schedule:
        role = str(delivery.target.get("RoleArn", ""))
        return permissions.authorize_role(role, "sqs:SendMessage", queue_arn, get_region(), {}).allowed
    found = sqs.queue_policy_for_arn(queue_arn)
    if found and found[0] and _service_may(delivery, "sqs:SendMessage", queue_arn, found[0]):
        return True
    eventbridge.logger.error("the policy of %s does not admit %s: the event is lost", queue_arn, delivery.source_arn)
    return False

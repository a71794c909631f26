"""What EventBridge checks about a bus: when a rule gets it as a target, when an event is put on it, and its policy.

Every function named `mend_*` is for ministack 1.5.33 and says what that version does instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import error_response_json, get_account_id, get_region, request_scope
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

BUS = "event-bus/"

# The stack that owns each statement of a bus policy in an account and region.
_statement_owners: dict[tuple[str, str, str], str] = {}


def mend_all() -> None:
    """Apply every mend of this file."""
    mend_put_targets()
    mend_put_events()
    mend_bus_policy_resource()


def mend_put_targets() -> None:
    """ministack 1.5.33 accepts any bus as a target.

    EventBridge looks for the bus, and for a bus in another account or region also whether its policy admits the role of
    the target, when the target is put:
    https://github.com/aws/aws-cdk/pull/3323 (`ensureXEnvTargetEventBus` in aws-events/lib/rule.ts) and
    https://github.com/ministryofjustice/modernisation-platform-environments/pull/19002 (AccessDeniedException).
    Assumption: conditions on the event itself (`events:*`) do not matter then, because there is no event yet.
    """
    put_targets = eventbridge._put_targets
    rule = provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"]
    create = rule["create"]

    def put(data):
        for target in data.get("Targets", []):
            refusal = target_refusal(target)
            if refusal:
                return error_response_json(*refusal, 400)
        return put_targets(data)

    def create_rule(logical_id, props, stack_name):
        for target in props.get("Targets") or []:
            refusal = target_refusal(target)
            if refusal:
                raise ValueError(f"{refusal[1]} (Service: EventBridge, Error Code: {refusal[0]})")
        return create(logical_id, props, stack_name)

    eventbridge._put_targets = put
    rule["create"] = create_rule


def mend_put_events() -> None:
    """ministack 1.5.33 does not ask the policy of a bus about its own account's callers.

    A Deny statement of the bus holds for everybody, the root user of the account included:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    put_events = eventbridge._put_events

    def put(data, allow_aws_source=False):
        if app.AUTH and not allow_aws_source:
            for entry in data.get("Entries", []):
                refusal = _entry_refusal(entry)
                if refusal:
                    return error_response_json("AccessDeniedException", refusal, 400)
        return put_events(data, allow_aws_source=allow_aws_source)

    eventbridge._put_events = put


def mend_bus_policy_resource() -> None:
    """ministack 1.5.33 keeps bus policies but has no AWS::Events::EventBusPolicy to make one from a template.

    The id of a statement is the resource's physical id, which CloudFormation wants to be unique in an account and region,
    whatever the bus: https://github.com/aws/aws-cdk/issues/29627, https://github.com/aws/aws-cdk/pull/38655.
    A policy has at most 10,240 characters: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    """

    def create(_logical_id, props, stack_name):
        bus, statement = props.get("EventBusName") or "default", dict(props["Statement"])
        sid = props["StatementId"]
        owner = _statement_owners.setdefault((get_account_id(), get_region(), sid), stack_name)
        if owner != stack_name:
            raise ValueError(f"{sid} already exists in stack {owner}")
        return _put_statement(bus, sid, statement), {}

    def delete(_physical_id, props):
        bus, sid = props.get("EventBusName") or "default", props["StatementId"]
        _statement_owners.pop((get_account_id(), get_region(), sid), None)
        policy = eventbridge._event_bus_policies.get(bus)
        if policy:
            kept = [statement for statement in policy["Statement"] if statement.get("Sid") != sid]
            eventbridge._event_bus_policies[bus] = {**policy, "Statement": kept}

    def update(physical_id, old_props, new_props, stack_name):
        delete(physical_id, old_props)
        return create(physical_id, new_props, stack_name)

    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
        "create": create,
        "update": update,
        "delete": delete,
    }


def _put_statement(bus: str, sid: str, statement: dict[str, Any]) -> str:
    if bus != "default" and bus not in eventbridge._event_buses:
        raise ValueError(f"Event bus {bus} does not exist. (Service: EventBridge, Error Code: ResourceNotFoundException)")
    policy = eventbridge._event_bus_policies.get(bus) or {"Version": "2012-10-17", "Statement": []}
    others = [kept for kept in policy["Statement"] if kept.get("Sid") != sid]
    changed = {**policy, "Statement": [*others, {**statement, "Sid": sid}]}
    if len(json.dumps(changed, separators=(",", ":"))) > 10_240:
        raise ValueError(
            "The size of the resource-based policy exceeds 10240 characters. "
            "(Service: EventBridge, Error Code: PolicyLengthExceededException)"
        )
    eventbridge._event_bus_policies[bus] = changed
    return sid


def target_refusal(target: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why a rule of this account may not have this target, as code and message, or None."""
    arn, role = str(target.get("Arn", "")), str(target.get("RoleArn") or "")
    try:
        spec = parse_arn(arn)
    except ArnParseError:
        return None
    if spec.service != "events" or not spec.resource.startswith(BUS):
        return None
    bus = spec.resource.removeprefix(BUS)
    is_own = (spec.account_id, spec.region) == (get_account_id(), get_region())
    with request_scope(spec.account_id, spec.region):
        exists = bus == "default" or bus in eventbridge._event_buses
        policy = eventbridge._event_bus_policies.get(bus)
    if exists and (is_own or not app.AUTH or _admits_role(policy, role, spec)):
        return None
    # A bus of another account that does not exist looks like one that does not admit.
    if is_own:
        return "ResourceNotFoundException", f"Event bus {bus} does not exist."
    message = f"User: {role} is not authorized to perform: events:PutEvents on resource: {arn}"
    return "AccessDeniedException", message


def _admits_role(policy: Mapping[str, Any] | None, role: str, spec: Any) -> bool:
    """Whether the policy of a bus admits a role, apart from conditions on the event."""
    statements = [_without_event_conditions(statement) for statement in (policy or {}).get("Statement", [])]
    account, region = role.split(":")[4], spec.region
    request = put_context(role_session(role), account, str(spec), region, {})
    return iam_evaluator.evaluate_resource_policy({"Statement": statements}, request).decision == "Allow"


def _without_event_conditions(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement as it holds for some event: an Allow whatever the event, a Deny only if it is about all events."""
    conditions = statement.get("Condition") or {}
    about_event = any(key.lower().startswith("events:") for keys in conditions.values() for key in keys)
    if about_event and statement.get("Effect") == "Deny":
        return {**statement, "Action": "events:None"}
    kept = {
        operator: {key: value for key, value in keys.items() if not key.lower().startswith("events:")}
        for operator, keys in conditions.items()
    }
    return {**statement, "Condition": kept}


def role_session(role: str) -> str:
    """The ARN of a session in which EventBridge uses a role."""
    return f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{role.rsplit('/', 1)[-1]}/events"


def put_context(
    principal: str, account: str, bus_arn: str, region: str, context: Mapping[str, Any]
) -> iam_evaluator.EvalContext:
    """The request to put an event on a bus, for the evaluation of a policy."""
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole" if ":assumed-role/" in principal else "Root",
        principal_account=account,
        action="events:PutEvents",
        resource_arn=bus_arn,
        region=region,
        service_context=dict(context),
    )


def _entry_refusal(entry: Mapping[str, Any]) -> str | None:
    """Why the caller may not put this entry on the bus: the bus's policy denies it."""
    name = str(entry.get("EventBusName") or "default")
    bus = name.rpartition(BUS)[2]
    policy = eventbridge._event_bus_policies.get(bus)
    if not policy:
        return None
    caller = iam_evaluator.caller_arn()
    arn = f"arn:aws:events:{get_region()}:{get_account_id()}:{BUS}{bus}"
    context = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
    request = put_context(caller, get_account_id(), arn, get_region(), context)
    if iam_evaluator.evaluate_resource_policy(policy, request).decision != "Deny":
        return None
    return (
        f"User: {caller} is not authorized to perform: events:PutEvents on resource: {arn} "
        "with an explicit deny in a resource-based policy"
    )

"""What CloudFormation makes of a template, brought closer to AWS.

Every function named `mend_*` is for ministack 1.5.33 and says what that version does instead.
"""

from __future__ import annotations

import json

from ministack.core.responses import get_account_id
from ministack.services import eventbridge, sns
from ministack.services.cloudformation import provisioners


def mend_all() -> None:
    """Apply every mend of this file."""
    mend_bus_policy_resource()
    mend_default_topic_policy()


def mend_bus_policy_resource() -> None:
    """ministack 1.5.33 keeps bus policies but has no AWS::Events::EventBusPolicy to make one from a template."""

    def create(_logical_id, props, _stack_name):
        bus, statement = props.get("EventBusName") or "default", dict(props["Statement"])
        policy = eventbridge._event_bus_policies.get(bus) or {"Version": "2012-10-17", "Statement": []}
        statement["Sid"] = props["StatementId"]
        others = [kept for kept in policy["Statement"] if kept.get("Sid") != statement["Sid"]]
        eventbridge._event_bus_policies[bus] = {**policy, "Statement": [*others, statement]}
        return f"{bus}|{statement['Sid']}", {}

    def delete(_physical_id, props):
        bus, sid = props.get("EventBusName") or "default", props["StatementId"]
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


def mend_default_topic_policy() -> None:
    """ministack 1.5.33 gives a topic made by CloudFormation a default policy that admits everybody.

    The policy AWS makes (and that ministack makes for the CreateTopic call) carries the condition AWS:SourceOwner,
    which is for services that publish on the account's behalf and absent when a principal calls Publish. So it grants
    a role nothing, and Publish needs a statement in the role's own policy; without one AWS answers AuthorizationError.
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    create = handler["create"]

    def with_condition(*arguments, **keywords):
        physical_id, attributes = create(*arguments, **keywords)
        topic = sns._topics[physical_id]["attributes"]
        policy = json.loads(topic["Policy"])
        for statement in policy["Statement"]:
            if statement["Sid"] == "__default_statement_ID":
                statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": get_account_id()}}
        topic["Policy"] = json.dumps(policy)
        return physical_id, attributes

    handler["create"] = with_condition

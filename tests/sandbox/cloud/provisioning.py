"""What CloudFormation makes of a template, brought closer to AWS.

Every function named `mend_*` is for ministack 1.5.33 and says what that version does instead.
"""

from __future__ import annotations

import json

from ministack.core.responses import get_account_id
from ministack.services import dynamodb, sns
from ministack.services.cloudformation import provisioners


def mend_all() -> None:
    """Apply every mend of this file."""
    mend_default_topic_policy()
    mend_existing_table()


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


def mend_existing_table() -> None:
    """ministack 1.5.33 takes a table that exists over into a new stack.

    CloudFormation refuses a table whose name is taken:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-table.html (TableName).
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = handler["create"]

    def with_check(logical_id, props, *arguments, **keywords):
        name = props.get("TableName")
        if name and name in dynamodb._tables:
            raise ValueError(f"Resource of type 'AWS::DynamoDB::Table' with identifier '{name}' already exists.")
        return create(logical_id, props, *arguments, **keywords)

    handler["create"] = with_check

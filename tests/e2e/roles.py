#!/usr/bin/env python3
"""IAM in the local cloud, which speaks a protocol of its own that only boto3 knows.

    roles.py granted URL ACCOUNT...            every permission of every role, as JSON
    roles.py courier URL ACCOUNT NAME BUS_ARN  makes a role that may put events on one bus; prints its ARN
    roles.py person URL ACCOUNT NAME POLICY    makes a role for people of the account, with a policy; prints its ARN
    roles.py job URL ACCOUNT NAME POLICY       makes a role for SageMaker, with a policy; prints its ARN
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3

REGION = "us-east-1"


def main() -> None:
    """Do as the first argument says."""
    verb, url, *rest = sys.argv[1:]
    if verb == "granted":
        print(json.dumps([one for account in rest for one in granted(iam_of(url, account), account)]))
    elif verb == "courier":
        account, name, bus_arn = rest
        print(courier(iam_of(url, account), name, bus_arn))
    elif verb == "person":
        account, name, policy = rest
        print(person(iam_of(url, account), account, name, policy))
    elif verb == "job":
        account, name, policy = rest
        print(job(iam_of(url, account), name, policy))
    else:
        sys.exit(__doc__)


def iam_of(url: str, account: str) -> Any:
    """IAM as the root of an account."""
    return boto3.client(
        "iam", endpoint_url=url, region_name=REGION, aws_access_key_id=account, aws_secret_access_key="none"
    )


def granted(iam: Any, account: str) -> Iterator[dict[str, str]]:
    """Each action on each resource of each statement of the roles' own policies that allows something."""
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                if statement["Effect"] != "Allow":
                    continue
                for action in as_list(statement["Action"]):
                    for resource in as_list(statement["Resource"]):
                        yield {
                            "account": account,
                            "role": name,
                            "sid": statement.get("Sid", ""),
                            "action": action,
                            "resource": resource,
                        }


def courier(iam: Any, name: str, bus_arn: str) -> str:
    """A role that a rule can use to reach a bus of another account."""
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
    put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn}
    iam.put_role_policy(RoleName=name, PolicyName="put", PolicyDocument=document(put))
    return role["Arn"]


def person(iam: Any, account: str, name: str, policy: str) -> str:
    """A role that whoever has a key of the account may assume."""
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    return role["Arn"]


def job(iam: Any, name: str, policy: str) -> str:
    """A role that SageMaker assumes for a pipeline or a model."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    return role["Arn"]


def document(statement: dict[str, Any]) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def as_list(value: Any) -> list[Any]:
    """A policy may leave the list away where there is one."""
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    main()

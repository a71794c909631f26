#!/usr/bin/env python3
"""What is left in an account of the local cloud whose name begins with a prefix: stacks, tables, buckets, buses, roles.

    leftovers.py URL ACCOUNT PREFIX
"""

from __future__ import annotations

import sys

import boto3
from botocore.config import Config


def main() -> None:
    """Print a line for each."""
    url, account, prefix = sys.argv[1:]

    def client(service: str):
        path_style = Config(s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "none"}
        return boto3.client(service, endpoint_url=url, region_name="us-east-1", config=path_style, **keys)

    stacks = client("cloudformation").describe_stacks()["Stacks"]
    found = [("stack", stack["StackName"]) for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    found += [("table", name) for name in client("dynamodb").list_tables()["TableNames"]]
    found += [("bus", bus["Name"]) for bus in client("events").list_event_buses()["EventBuses"]]
    found += [("role", role["RoleName"]) for role in client("iam").list_roles()["Roles"]]
    found += [("queue", queue.rsplit("/", 1)[-1]) for queue in client("sqs").list_queues().get("QueueUrls", [])]
    found += [("log group", group["logGroupName"].removeprefix("/aws/lambda/"))
              for group in client("logs").describe_log_groups()["logGroups"]]
    for kind, name in found:
        if name.startswith(prefix):
            print(kind, name)


if __name__ == "__main__":
    main()

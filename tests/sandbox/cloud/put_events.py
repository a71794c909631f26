#!/usr/bin/env python3
"""Put events on buses of the local cloud in sessions of roles, each request signed as AWS wants it.

The one argument is a JSON list of {"account", "role", "entry"}. What became of each entry goes to standard output as a JSON
list: null if the bus took it, else the error.
"""

from __future__ import annotations

import argparse
import json

import boto3
from botocore.exceptions import ClientError

from clients import LocalCloud


def main() -> None:
    """Put every entry, and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("entries", type=json.loads)
    options = parser.parse_args()
    sessions: dict[tuple[str, str], object] = {}
    outcomes = []
    for asked in options.entries:
        key = (asked["account"], asked["role"])
        if key not in sessions:
            sessions[key] = _events(options.url, options.region, *key)
        outcomes.append(_put(sessions[key], asked["entry"]))
    print(json.dumps(outcomes))


def _events(url: str, region: str, account: str, role: str):
    """A client of EventBridge in a session of a role."""
    sts = LocalCloud(url, account, region).client("sts")
    arn = f"arn:aws:iam::{account}:role/{role}"
    session = sts.assume_role(RoleArn=arn, RoleSessionName="somebody")["Credentials"]
    return boto3.client(
        "events",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def _put(events, entry: dict) -> str | None:
    try:
        result = events.put_events(Entries=[entry])
    except ClientError as error:
        return str(error)
    return json.dumps(result["Entries"]) if result["FailedEntryCount"] else None


if __name__ == "__main__":
    main()

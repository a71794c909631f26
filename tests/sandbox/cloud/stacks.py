#!/usr/bin/env python3
"""Deploy one of Tidegate's SAM templates into the local cloud, with zips that are already built.

The template is deployed as it is: only each `CodeUri: ../functions/<name>` becomes the zip's place in S3, which is
what `sam package` does. The outputs go to standard output as one JSON object; what failed goes to standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CODE_URI = re.compile(r"^(?P<indent>\s*CodeUri:\s*)\.\./functions/(?P<name>[\w-]+)/?\s*$", re.MULTILINE)
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
POLL_SECONDS = 0.1


class DeployError(Exception):
    """The stack could not be deployed; the message says why."""


class LocalCloud:
    """boto3 clients of one account of the local cloud. The access key id is the account."""

    def __init__(self, url: str, account: str, region: str) -> None:
        """Prepare a session; nothing is called yet."""
        if not re.fullmatch(r"\d{12}", account):
            raise DeployError(f"an account has 12 digits, not {account!r}")
        self.account = account
        self._session = boto3.session.Session(
            aws_access_key_id=account, aws_secret_access_key="test", region_name=region
        )
        self._settings: dict[str, Any] = {
            "endpoint_url": url,
            "config": Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
        }

    def client(self, service: str) -> Any:
        """A client of one service."""
        return self._session.client(service, **self._settings)


def main() -> None:
    """Deploy, and print the outputs."""
    options = _options()
    cloud = LocalCloud(options.url, options.account, options.region)
    try:
        template = place_code(cloud, options.template.read_text(encoding="utf-8"), options.zips)
        outputs = deploy(cloud, options.stack, template, parameters(options.parameter))
    except (DeployError, ClientError, OSError) as error:
        sys.exit(f"{options.stack}: {error}")
    print(json.dumps(outputs, sort_keys=True))


def parameters(given: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` arguments as a mapping."""
    pairs = dict(each.partition("=")[::2] for each in given)
    for each in given:
        if "=" not in each:
            raise DeployError(f"a parameter is KEY=VALUE, not {each!r}")
    return pairs


def place_code(cloud: LocalCloud, template: str, zips: Path) -> str:
    """Upload the zip of every function that the template names and point the template at it."""
    bucket = f"tidegate-code-{cloud.account}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=bucket)

    def replacement(match: re.Match[str]) -> str:
        archive = zips / f"{match['name']}.zip"
        if not archive.is_file():
            raise DeployError(f"there is no {archive}")
        code = archive.read_bytes()
        # The digest in the key makes CloudFormation notice new code.
        key = f"{match['name']}-{hashlib.sha256(code).hexdigest()[:16]}.zip"
        s3.put_object(Bucket=bucket, Key=key, Body=code)
        return f"{match['indent']}s3://{bucket}/{key}"

    return CODE_URI.sub(replacement, template)


def deploy(cloud: LocalCloud, stack: str, template: str, given: Mapping[str, str]) -> dict[str, str]:
    """Create or update the stack, wait for it, and return its outputs."""
    cloudformation = cloud.client("cloudformation")
    request = {
        "StackName": stack,
        "TemplateBody": template,
        "Capabilities": CAPABILITIES,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    }
    if _describe(cloudformation, stack) is None:
        cloudformation.create_stack(**request)
    elif not _update(cloudformation, request):
        return _outputs(_describe(cloudformation, stack))
    description = _wait(cloudformation, stack)
    if description["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(_failures(cloudformation, stack, description))
    return _outputs(description)


def _update(cloudformation: Any, request: Mapping[str, Any]) -> bool:
    """Start an update; False when there is nothing to update."""
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _wait(cloudformation: Any, stack: str) -> dict[str, Any]:
    """Poll until the stack rests. The local cloud needs seconds, so boto3's waiters (30 s apart) are too slow."""
    while True:
        description = _describe(cloudformation, stack)
        if description is None:
            raise DeployError("the stack is gone")
        if not description["StackStatus"].endswith("_IN_PROGRESS"):
            return description
        time.sleep(POLL_SECONDS)


def _failures(cloudformation: Any, stack: str, description: Mapping[str, Any]) -> str:
    """The status, its reason, and every event that failed, oldest first."""
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    reason = description.get("StackStatusReason", "")
    return "\n".join([f"{description['StackStatus']} {reason}".strip(), *failed])


def _outputs(description: Mapping[str, Any] | None) -> dict[str, str]:
    outputs = (description or {}).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="where the local cloud listens")
    parser.add_argument("--account", required=True, help="12 digits")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--template", required=True, type=Path)
    parser.add_argument("--zips", required=True, type=Path, help="directory with <function>.zip")
    parser.add_argument("--parameter", nargs="*", default=[], action="extend", metavar="KEY=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()

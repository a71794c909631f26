#!/usr/bin/env python3
"""Requests to the function URL that takes the commands of people, each forged in one way.

    forged_commands.py URL FUNCTION_URL HUB OTHER_ACCOUNT MODEL

Prints a JSON list of {"name", "status", "body"}, in the order of the attempts. The first and the second are not forged.
"""

from __future__ import annotations

import datetime
import json
import sys
import urllib.error
import urllib.request
import uuid
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"


def main() -> None:
    """Send every request, and print the answers."""
    url, door, hub, other, model = sys.argv[1:]
    people = session(url, hub, "people")
    answers = []

    def attempt(name: str, request: tuple[bytes, dict[str, str]]) -> None:
        status, body = send(door, *request)
        answers.append({"name": name, "status": status, "body": body})

    genuine = signed(door, people, command(model))
    attempt("genuine", genuine)
    attempt("replayed", genuine)
    attempt("another caller's name in the body", signed(door, people, command(model, by="sso:111122223333:Risk/ana")))
    attempt("another time in the body", signed(door, people, command(model, at="2020-01-01T00:00:00Z")))
    body, headers = signed(door, people, approval(model, 1, "production"))
    attempt("another version after signing", (body.replace(b'"version": 1', b'"version": 2'), headers))
    attempt("another environment after signing", (body.replace(b"production", b"staging"), headers))
    hashless = {name: value for name, value in headers.items() if name.lower() != "x-amz-content-sha256"}
    attempt("another body without its hash", (body.replace(b"production", b"staging"), hashless))
    attempt("a stale signature", signed(door, people, command(model), age=600))
    attempt("a stale command with a new signature", signed(door, people, command(model, age=600)))
    attempt("a command from the future", signed(door, people, command(model, age=-600)))
    attempt("unsigned", (json.dumps(command(model)).encode(), {"content-type": "application/json"}))
    attempt("signed for another service", signed(door, people, command(model), service="sts"))
    attempt("signed for another region", signed(door, people, command(model), region="eu-west-1"))
    wrong = Credentials(people.access_key, "not-the-secret", people.token)
    attempt("signed with another secret", signed(door, wrong, command(model)))
    stolen = Credentials(people.access_key, people.secret_key, "another-token")
    attempt("with another session token", signed(door, stolen, command(model)))
    attempt("a role without the policy", signed(door, session(url, hub, "no-policy"), command(model)))
    attempt("a role of another account", signed(door, session(url, other, "everything"), command(model)))
    attempt("the root user", signed(door, Credentials(hub, "test"), command(model)))
    look_alike = session(url, hub, "AWSReservedSSO_ModelRisk_Test_0123456789abcdef")
    attempt("a look-alike permission set", signed(door, look_alike, approval(model, 1, "production")))
    print(json.dumps(answers))


def session(url: str, account: str, role: str) -> Credentials:
    """The credentials of a session of a role."""
    sts = boto3.client(
        "sts", endpoint_url=url, region_name=REGION, aws_access_key_id=account, aws_secret_access_key="test"
    )
    arn = f"arn:aws:iam::{account}:role/{role}"
    found = sts.assume_role(RoleArn=arn, RoleSessionName="ana@example.com")["Credentials"]
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def command(model: str, age: float = 0, **more: Any) -> dict[str, Any]:
    """A hold on an environment, sent so many seconds ago."""
    return body_of("hold", age, model=model, environment="staging", reason="a test", **more)


def approval(model: str, version: int, environment: str) -> dict[str, Any]:
    """An approval of a version."""
    return body_of("approve", 0, model=model, version=version, environment=environment)


def body_of(word: str, age: float, **fields: Any) -> dict[str, Any]:
    """The body of a request."""
    sent = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
    return {"schema": 1, "command": word, "request_id": str(uuid.uuid4()), "sent_at": sent.isoformat(), **fields}


def signed(
    door: str, credentials: Credentials, body: dict[str, Any], age: float = 0, service: str = "lambda", region: str = REGION
) -> tuple[bytes, dict[str, str]]:
    """The bytes and the headers of a request that was signed so many seconds ago."""
    data = json.dumps(body).encode()
    request = AWSRequest(method="POST", url=door, data=data, headers={"content-type": "application/json"})
    auth = SigV4Auth(credentials, service, region)
    if age:
        at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
        auth = Dated(credentials, service, region, at)
    auth.add_auth(request)
    return data, dict(request.headers.items())


class Dated(SigV4Auth):
    """Signs at another time than now."""

    def __init__(self, credentials: Credentials, service: str, region: str, at: datetime.datetime) -> None:
        """Remember the time."""
        super().__init__(credentials, service, region)
        self.at = at

    def add_auth(self, request: AWSRequest) -> None:
        """As the base class does, with the time of this object."""
        request.context["timestamp"] = self.at.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        text = self.string_to_sign(request, canonical)
        self._inject_signature_to_request(request, self.signature(text, request))


def send(door: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """The status and the body of the answer."""
    request = urllib.request.Request(door, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


if __name__ == "__main__":
    main()

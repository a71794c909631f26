"""Who may do what: the emulator's IAM evaluator, asked for roles and remembered.

Everything here was written for ministack 1.5.33.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ministack import app
from ministack.core import iam_evaluator as iam
from ministack.core.responses import request_scope


@dataclass(frozen=True, order=True)
class Check:
    """One authorisation that was evaluated for a role."""

    account: str
    role: str
    action: str
    resource: str
    allowed: bool


@dataclass(frozen=True)
class Verdict:
    """The answer to one question, and why."""

    account: str
    principal_arn: str
    allowed: bool
    reason: str


class UnknownCaller(Exception):
    """The access key belongs to nobody, is expired, or came with the wrong session token."""


_checks: set[Check] = set()
_checks_lock = threading.Lock()


def evaluated() -> list[dict[str, Any]]:
    """Every authorisation evaluated so far, each once, in a stable order."""
    with _checks_lock:
        return [asdict(check) for check in sorted(_checks)]


def remember(account: str, role: str, action: str, resource: str, allowed: bool) -> None:
    """Keep one authorisation for `evaluated`."""
    with _checks_lock:
        _checks.add(Check(account, role, action, resource, allowed))


def watch_enforcement() -> None:
    """Remember what the emulator enforces by itself.

    ministack 1.5.33 looks `enforce` up in its module at every request, so replacing the attribute is enough.
    Only roles are remembered: a root key (the deployer, a test) is allowed everything and would be noise.
    """
    enforce = iam.enforce

    def watched(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        credential = iam.resolve_credential(access_key_id or "")
        if isinstance(credential, iam.ResolvedCredential) and credential.principal_type == "AssumedRole":
            role = _role_name(credential.principal_arn)
            remember(credential.account_id, role, iam_action, resource_arn, denied is None)
        return denied

    iam.enforce = watched


def authorize_key(
    access_key_id: str,
    session_token: str | None,
    action: str,
    resource: str,
    region: str,
    context: Mapping[str, Any],
    resource_tags: Mapping[str, Mapping[str, str]],
) -> Verdict:
    """Answer for the owner of an access key, as the emulator would for a service it has itself.

    A 12-digit key is the root of that account. Any other key has to be a session that the emulator made; its token
    is checked when one is given. `{account}` in the resource stands for the caller's account, and `resource_tags` has the
    tags of the resource in each account.
    """
    account = access_key_id if iam.is_root_access_key(access_key_id) else _session_account(access_key_id)
    with request_scope(account, region):
        credential = iam.resolve_credential(access_key_id, account)
        if isinstance(credential, iam.CredentialResolutionError):
            raise UnknownCaller(credential.message)
        if credential.session_token and session_token is not None and session_token != credential.session_token:
            raise UnknownCaller("the session token does not belong to the access key")
        resource = resource.replace("{account}", account)
        tags = resource_tags.get(account, {})
        context = {**context, **{f"aws:ResourceTag/{key}": value for key, value in tags.items()}}
        principal = iam.resolve_principal(access_key_id, account, credential)
        if isinstance(principal, iam.AuthError):
            raise UnknownCaller(principal.message)
        if principal.policies is None:
            return Verdict(account, principal.arn, True, "root of the account")
        return _decide(principal, action, resource, region, context)


def authorize_role(role_arn: str, action: str, resource: str, region: str, context: Mapping[str, Any]) -> Verdict:
    """Answer for a role that an AWS service assumes: a rule's, a schedule's, a function's execution role."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    with request_scope(account, region):
        from ministack.services import iam as iam_service

        principal = iam.PrincipalInfo(
            arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
            type="AssumedRole",
            account=account,
            policies=iam._gather_role_policies(name, account),
            limits=iam._permissions_boundary(iam_service._roles, name, account),
        )
        return _decide(principal, action, resource, region, context)


def trust_refusal(role_arn: str, service: str, source: Mapping[str, str]) -> str | None:
    """Why a service may not use a role, by the role's trust policy, or None. `source` has the condition keys."""
    if not app.AUTH:
        return None
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    from ministack.services import iam as iam_service

    role = iam_service._roles.get_scoped(account, None, name)
    if role is None:
        return f"the role {role_arn} does not exist"
    document = json.loads(role.get("AssumeRolePolicyDocument") or "{}")
    request = iam.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        service_context={key.lower(): value for key, value in source.items()},
    )
    for statement in document.get("Statement", []):
        named = iam._service_principal_matches(statement.get("Principal"), service)
        if named and statement.get("Effect") == "Allow" and iam._conditions_met(statement.get("Condition") or {}, request):
            return None
    return f"the trust policy of {role_arn} does not let {service} assume it for {source.get('aws:SourceArn', 'the account')}"


def mend_principal_arn() -> None:
    """ministack 1.5.33 has the session's ARN for aws:PrincipalArn.

    In AWS it is the ARN of the role, with its path:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    resolve = iam._resolve_condition_key

    def with_role(key, request):
        value = resolve(key, request)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        account, name = value.split(":")[4], _role_name(value)
        from ministack.services import iam as iam_service

        role = iam_service._roles.get_scoped(account, None, name) or {}
        return role.get("Arn") or f"arn:aws:iam::{account}:role/{name}"

    iam._resolve_condition_key = with_role


def _decide(
    principal: iam.PrincipalInfo, action: str, resource: str, region: str, context: Mapping[str, Any]
) -> Verdict:
    """Evaluate the principal's policies; with enforcement off everything is allowed and nothing remembered."""
    if not app.AUTH:
        return Verdict(principal.account, principal.arn, True, "enforcement is off")
    request = iam.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context={key.lower(): value for key, value in context.items()},
        principal_keys=principal.keys,
    )
    result = iam.evaluate(request, principal.policies or [], *principal.limits)
    allowed = result.decision == "Allow"
    remember(principal.account, _role_name(principal.arn), action, resource, allowed)
    statement = f" ({result.matched_sid})" if result.matched_sid else ""
    return Verdict(principal.account, principal.arn, allowed, f"{result.reason}{statement}")


def _session_account(access_key_id: str) -> str:
    from ministack.services import sts

    session = sts._sessions.get(access_key_id)
    if session is None:
        raise UnknownCaller("The security token included in the request is invalid.")
    return str(session["Arn"]).split(":")[4]


def _role_name(principal_arn: str) -> str:
    return iam._role_name_from_assumed_arn(principal_arn)

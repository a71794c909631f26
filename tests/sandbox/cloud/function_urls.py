"""Function URLs with the authorization type AWS_IAM, brought closer to AWS.

ministack 1.5.33 lets any request in that has an Authorization header, whatever the signature, and does not tell the function
who the caller is. Everything here was written for that version. Each rule says where it comes from: documented, observed (by
others, published), or assumed.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core import iam_evaluator as iam
from ministack.core import sigv4
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import request_scope
from ministack.services import lambda_svc, sts
from ministack.services.cloudformation import provisioners

import lambdas
import permissions

PREFIX = "/_aws/lambda-url/"
Answer = tuple[int, dict[str, str], bytes]
# Observed since October 2025: https://github.com/aws/aws-cdk/issues/36129
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
# Documented for most services: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Caller:
    """Who signed a request."""

    account: str
    arn: str
    unique_id: str
    access_key: str
    principal: iam.PrincipalInfo


class Refused(Exception):
    """Lambda refuses the request before it invokes the function."""

    def __init__(self, message: str, kind: str = "AccessDeniedException") -> None:
        super().__init__(message)
        self.kind = kind


def url_of(account: str, function: str) -> str | None:
    """The function URL of a function in the local cloud, or None."""
    for (owner, _region, name), config in lambda_svc._function_urls.all_items():
        if (owner, name) == (account, function):
            return _here(config["FunctionUrl"])
    return None


def _here(url: str) -> str:
    return f"{os.environ['AWS_ENDPOINT_URL']}{PREFIX}{lambda_svc._function_url_id(url)}/"


def mend_urls() -> None:
    """A function URL of AWS has a host of its own. Here it is a path on the one port, so that no name must be resolved."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Url"]

    def wrapped(make: Callable) -> Callable:
        def with_path(*arguments, **keywords):
            physical_id, attributes = make(*arguments, **keywords)
            return physical_id, {**attributes, "FunctionUrl": _here(attributes["FunctionUrl"])}

        return with_path

    for step in ("create", "update"):
        if step in handler:
            handler[step] = wrapped(handler[step])


async def serve(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Answer a request to a function URL."""
    url_id, _, rest = path.removeprefix(PREFIX).partition("/")
    request_id = str(uuid.uuid4())
    resolved = lambda_svc.resolve_function_url(url_id)
    if resolved is None:
        return _forbidden(request_id, Refused("Forbidden"))
    account, region, name, qualifier, config = resolved
    event = lambda_svc._build_function_url_event(url_id, account, region, method, "/" + rest, dict(headers), body, {})
    # Documented: the id of the invocation. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    event["requestContext"]["requestId"] = request_id
    if config.get("AuthType") == "AWS_IAM" and app.AUTH:
        try:
            caller = authenticate(method, path, headers, body, region)
            authorize(caller, account, region, name)
        except Refused as refused:
            return _forbidden(request_id, refused)
        event["requestContext"]["authorizer"] = {"iam": _iam(caller)}
    reference = f"{name}:{qualifier}" if qualifier else name
    record, of_function, _ = lambda_svc._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    record = lambda_svc._execution_record_for_config(record, of_function)
    invoke = lambdas.with_request_id(request_id, lambda_svc._execute_function_with_config_scope)
    result = await run_reentrant(invoke, record, event, thread_name="tidegate-url")
    if result.get("error"):
        # Documented: an error of the function is 502. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
        return 502, {"content-type": "application/json", "x-amzn-requestid": request_id}, b"Internal Server Error"
    answer, _ = lambda_svc.lambda_execute_result_to_api_proxy_response(result)
    status, answered, payload = lambda_svc._function_url_proxy_response(answer, {})
    return status, {**{key.lower(): str(value) for key, value in answered.items()}, "x-amzn-requestid": request_id}, payload


def _iam(caller: Caller) -> dict[str, Any]:
    """Documented: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads"""
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.unique_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.unique_id,
    }


def _forbidden(request_id: str, refused: Refused) -> Answer:
    headers = {"content-type": "application/json", "x-amzn-requestid": request_id, "x-amzn-errortype": refused.kind}
    return 403, headers, json.dumps({"Message": str(refused)}).encode()


def authenticate(method: str, path: str, headers: Mapping[str, str], body: bytes, region: str) -> Caller:
    """Who signed the request, by Signature Version 4.

    Documented: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        raise Refused("Forbidden")
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise Refused(signature[1], signature[0])
    if (signature.service, signature.region) != ("lambda", region):
        raise Refused(f"Credential should be scoped to a valid region and to service lambda, not {signature.region}/"
                      f"{signature.service}", "SignatureDoesNotMatch")
    signed = signature.signed_headers.split(";")
    # Documented: the host, and every header x-amz-*, must be signed.
    unsigned = [name for name in headers if (name == "host" or name.startswith("x-amz-")) and name not in signed]
    if unsigned:
        raise Refused(f"These headers must be signed: {', '.join(unsigned)}", "SignatureDoesNotMatch")
    signed_at = sigv4._amz_datetime(signature.amz_date)
    now = datetime.datetime.now(datetime.timezone.utc)
    if signed_at is None or abs(now - signed_at) > SKEW:
        raise Refused(f"Signature expired or not yet current: {signature.amz_date}", "InvalidSignatureException")
    credential = _credential(signature.access_key_id, headers.get("x-amz-security-token"), region)
    # Documented: the signature has the hash of the body. Only S3 accepts an unsigned one.
    digest = hashlib.sha256(body).hexdigest()
    if not hmac.compare_digest(headers.get("x-amz-content-sha256") or digest, digest):
        raise Refused("The body does not match its signed hash", "SignatureDoesNotMatch")
    failure = sigv4.header_signature_failure(signature, credential.secret_access_key, method, path, {}, headers, body)
    if failure:
        raise Refused(failure[1], failure[0])
    principal = iam.resolve_principal(signature.access_key_id, credential.account_id, credential)
    if isinstance(principal, iam.AuthError):
        raise Refused(principal.message, principal.code)
    return Caller(credential.account_id, credential.principal_arn, credential.principal_id, signature.access_key_id, principal)


def _credential(access_key: str, token: str | None, region: str) -> iam.ResolvedCredential:
    """The credential of an access key, in whichever account it is."""
    session = sts._sessions.get(access_key)
    account = access_key if len(access_key) == 12 and access_key.isdigit() else None
    account = account or (session and str(session["Arn"]).split(":")[4]) or _account_of_key(access_key)
    if account is None:
        raise Refused("The security token included in the request is invalid.", "UnrecognizedClientException")
    with request_scope(account, region):
        credential = iam.resolve_credential(access_key, account, token)
    if isinstance(credential, iam.CredentialResolutionError):
        raise Refused(credential.message, credential.code)
    return credential


def _account_of_key(access_key: str) -> str | None:
    from ministack.services import iam as iam_service

    for (account, _region, key), _record in iam_service._access_keys.all_items():
        if key == access_key:
            return account
    return None


def authorize(caller: Caller, account: str, region: str, name: str) -> None:
    """Both permissions are needed since October 2025.

    Documented: in the account of the function, the policy of the caller or that of the function suffices; from another
    account both are needed. https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    resource = f"arn:aws:lambda:{region}:{account}:function:{name}"
    for action, context in (
        ("lambda:InvokeFunctionUrl", {"lambda:functionurlauthtype": "AWS_IAM"}),
        ("lambda:InvokeFunction", {"lambda:invokedviafunctionurl": "true"}),
    ):
        if not _allowed(caller, account, region, name, action, resource, context):
            raise Refused(FORBIDDEN)


def _allowed(
    caller: Caller, account: str, region: str, name: str, action: str, resource: str, context: Mapping[str, Any]
) -> bool:
    principal = caller.principal
    request = iam.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context=dict(context),
        principal_keys=principal.keys,
    )
    with request_scope(account, region):
        policy = (lambda_svc._functions.get(name) or {}).get("policy")
        of_function = iam.evaluate_resource_policy(policy, request).decision
    if principal.policies is None:
        of_caller = "Allow"
    else:
        of_caller = iam.evaluate(request, principal.policies, *principal.limits).decision
    permissions.remember(principal.account, permissions._role_name(principal.arn), action, resource, of_caller == "Allow")
    decisions = {of_caller, of_function}
    if "Deny" in decisions:
        return False
    return decisions == {"Allow"} if caller.account != account else "Allow" in decisions

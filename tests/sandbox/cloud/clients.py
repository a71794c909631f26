"""boto3 clients of the local cloud."""

from __future__ import annotations

import re
from typing import Any

import boto3
from botocore.config import Config


class LocalCloud:
    """boto3 clients of one account of the local cloud. The access key id is the account."""

    def __init__(self, url: str, account: str, region: str) -> None:
        """Prepare a session; nothing is called yet."""
        if not re.fullmatch(r"\d{12}", account):
            raise ValueError(f"an account has 12 digits, not {account!r}")
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

"""The options that both providers share, and what they want read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import msgspec

_ACCOUNT = re.compile(r"arn:aws[a-z-]*:[a-z]{2,32}:[a-z0-9-]{0,32}:(\d{12}):")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose store it is, how to get there, and where key and URL stand in the text: the options of both providers."""

    region: Annotated[str | None, msgspec.Meta(description="The region; else the ARN's, else the SDK's own.")] = None
    profile_name: Annotated[str | None, msgspec.Meta(description="The profile of the AWS config files.")] = None
    role_arn: Annotated[str | None, msgspec.Meta(description="A role to assume with the login that is there.")] = None
    endpoint_url: Annotated[str | None, msgspec.Meta(description="The store's URL: private links, tests.")] = None
    ca_file: Annotated[str | None, msgspec.Meta(description="The certificates to trust, as a PEM file.")] = None
    agent: Annotated[
        str | None,
        msgspec.Meta(
            description="Read through the Secrets Manager Agent or the Lambda extension here, as http://localhost:2773."
        ),
    ] = None
    key_field: Annotated[str | None, msgspec.Meta(description="Where the key is in JSON, as a JSON pointer.")] = None
    url_field: Annotated[str | None, msgspec.Meta(description="Where the URL is in JSON, as a JSON pointer.")] = None

    def mistake(self) -> str:
        """Say which option can't be right, before anything is sent."""
        if self.ca_file and not os.path.isfile(self.ca_file):
            return "the file that `ca_file` names is not there"
        agent = urlsplit(self.agent or "http://localhost")
        if agent.scheme != "http" or agent.hostname not in ("localhost", "127.0.0.1", "::1"):
            return "`agent` takes a URL of this machine, as http://localhost:2773: no agent is elsewhere"
        return ""


@dataclass(frozen=True)
class Request:
    """What to ask for: as an operation of the SDK, and as a path and a query of the agent."""

    kind: str
    name: str
    service: Literal["secretsmanager", "ssm"]
    operation: str
    params: dict[str, Any]
    path: str
    query: dict[str, str]

    def region(self) -> str | None:
        """Give the region that an ARN names."""
        arn = re.match(r"arn:[a-z-]+:[a-z]+:([a-z0-9-]+):", self.name)
        return arn[1] if arn else None

    def place(self, region: str | None, owner: str | None = None) -> str:
        """Name the place as far as it is known."""
        where = f" in {region}" if region else ""
        return f"{self.kind} '{self.name}'{where}" + (f" of account {owner}" if owner else "")


def owner_of(text: str | None) -> str | None:
    """Give the account of the first ARN in a text."""
    arn = _ACCOUNT.search(text or "")
    return arn[1] if arn else None

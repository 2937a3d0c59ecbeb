"""
What Google Secret Manager keeps, and how it answers: the part of the double that knows no protocol.

It knows what a reader needs: versions, aliases, states, regional names, expire
times, checksums, refusals. It knows no IAM policy, no replication, no paging.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from google.cloud.secretmanager_v1.types import resources, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

PROJECT_NUMBER = "123456789012"
SECRET = r"projects/[^/:]+(?:/locations/[^/:]+)?/secrets/[^/:]+"
State = resources.SecretVersion.State


class Refusal(Exception):
    """
    An error as the store answers it.

    Args:
        status: The name of a gRPC status.
        message: Google's words.
        reason: The reason of the error's details, as in "SERVICE_DISABLED".
    """

    def __init__(self, status: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason


class Call(NamedTuple):
    """What a client asked, with the bearer token it sent."""

    method: str
    name: str
    token: str | None


@dataclass
class _Version:
    number: int
    data: bytes
    state: int = State.ENABLED


@dataclass
class _Kept:
    secret: resources.Secret
    versions: list[_Version] = field(default_factory=list)


class Store:
    """
    The secrets, and what the next callers are told.

    Attributes:
        calls: What was asked, in order.
        refusals: One for each of the next calls.
        authorize: Raises a Refusal for tokens that it does not take.
        hurt: Checksums are sent that don't fit.
        held: Calls wait until it is set.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refusals: list[Refusal] = []
        self.authorize: Callable[[str | None], None] = lambda _: None
        self.hurt = False
        self.held = threading.Event()
        self.held.set()
        self._kept: dict[str, _Kept] = {}

    def put(self, name: str, data: bytes, *, expires_at: datetime | None = None, alias: str = "") -> int:
        """Add a version to a secret, which is made at its first; give the version's number."""
        kept = self._kept.setdefault(name, _Kept(resources.Secret(name=_numbered(name), expire_time=expires_at)))
        kept.versions.append(_Version(len(kept.versions) + 1, data))
        if alias:
            kept.secret.version_aliases[alias] = len(kept.versions)
        return len(kept.versions)

    def remove(self, name: str) -> None:
        """Delete a secret with all its versions, which is done at once."""
        del self._kept[name]

    def mark(self, name: str, number: int, state: int) -> None:
        """Disable, enable or destroy a version."""
        self._kept[name].versions[number - 1].state = state

    def answer(self, method: str, name: str, token: str | None) -> Any:
        """
        Answer one call.

        Raises:
            Refusal: What the store says instead.
        """
        self.calls.append(Call(method, name, token))
        self.held.wait(30)
        self.authorize(token)
        if self.refusals:
            raise self.refusals.pop(0)
        if method == "GetSecret":
            return self._secret(name).secret
        parent, version = self._version(name)
        if method == "GetSecretVersion":
            return resources.SecretVersion(name=f"{_numbered(parent)}/versions/{version.number}", state=version.state)
        return self._access(parent, version)

    def _secret(self, name: str) -> _Kept:
        if name not in self._kept:
            raise Refusal("NOT_FOUND", f"Secret [{_numbered(name)}] not found or has no versions.")
        return self._kept[name]

    def _version(self, name: str) -> tuple[str, _Version]:
        match = re.fullmatch(rf"({SECRET})/versions/([^/:]+)", name)
        if match is None:
            raise Refusal("INVALID_ARGUMENT", f"The provided Secret Version ID [{name}] does not match the format.")
        parent, wanted = match.groups()
        kept = self._secret(parent)
        number = len(kept.versions) if wanted == "latest" else kept.secret.version_aliases.get(wanted, wanted)
        found = [version for version in kept.versions if str(version.number) == str(number)]
        if not found:
            raise Refusal("NOT_FOUND", f"Secret Version [{_numbered(name)}] not found.")
        return parent, found[0]

    def _access(self, parent: str, version: _Version) -> service.AccessSecretVersionResponse:
        name = f"{_numbered(parent)}/versions/{version.number}"
        if version.state != State.ENABLED:
            raise Refusal("FAILED_PRECONDITION", f"Secret Version [{name}] is in {State(version.state).name} state.")
        checksum = crc32c(version.data) + self.hurt
        payload = resources.SecretPayload(data=version.data, data_crc32c=checksum)
        return service.AccessSecretVersionResponse(name=name, payload=payload)


def crc32c(data: bytes) -> int:
    """Compute the Castagnoli checksum, a bit at a time."""
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = (checksum >> 1) ^ (0x82F63B78 * (checksum & 1))
    return checksum ^ 0xFFFFFFFF


def _numbered(name: str) -> str:
    """Put the project's number in its name's place, as the service does in every answer."""
    return re.sub(r"^projects/[^/]+", f"projects/{PROJECT_NUMBER}", name)

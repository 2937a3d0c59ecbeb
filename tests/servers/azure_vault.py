"""
Azure Key Vault's double: secrets with versions behind the 401 challenge, for tokens that Entra's double signed.

    with Entra(tls) as entra, Vault(entra, tls) as vault:
        vault.put("lamini", "test-key-1")
        ...

It knows what a reader needs. It knows no writing, listing, backup, purge or
claims challenge.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from azure_entra import TENANT, Entra
from azure_http import JsonServer, Reply, Request

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

RESOURCE = "https://vault.azure.net"


@dataclass
class Version:
    """One version of a secret."""

    value: str
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    enabled: bool = True
    not_before: datetime | None = None
    expires_at: datetime | None = None
    content_type: str | None = None
    created: int = field(default_factory=lambda: int(time.time()))
    tags: dict[str, str] | None = None

    def bundle(self, address: str) -> dict[str, Any]:
        """Give what the service answers; what is not set is left out."""
        attributes = {
            "enabled": self.enabled,
            "nbf": self.not_before and int(self.not_before.timestamp()),
            "exp": self.expires_at and int(self.expires_at.timestamp()),
            "created": self.created,
            "updated": self.created,
            "recoveryLevel": "Purgeable",
        }
        bundle = {
            "value": self.value,
            "contentType": self.content_type,
            "id": f"{address}/{self.name}",
            "attributes": _present(attributes),
            "tags": self.tags,
        }
        return _present(bundle)


class Vault(JsonServer):
    """
    A vault's secrets.

    Args:
        entra: Whose tokens are taken.
        tls: For https; the SDK takes nothing else.

    Attributes:
        tenant: Where a client has to log in.
        resource: What a client has to log in for.
        denials: The inner error code that an application gets instead of secrets.
    """

    def __init__(self, entra: Entra, tls: ssl.SSLContext) -> None:
        super().__init__(tls)
        self.tenant = TENANT
        self.resource = RESOURCE
        self.denials: dict[str, str] = {}
        self._entra = entra
        self._secrets: dict[str, list[Version]] = {}

    def put(self, secret: str, value: str, **attributes: Any) -> Version:
        """Add a version, which is now the newest."""
        version = Version(value, **attributes)
        self._secrets.setdefault(secret, []).append(version)
        return version

    def delete(self, secret: str) -> None:
        """Delete a secret; as with soft delete, readers are told that there is none."""
        del self._secrets[secret]

    @property
    def authorized(self) -> list[bool]:
        """Whether each request came with a token."""
        return ["authorization" in request.headers for request in self.requests]

    def reply(self, request: Request) -> Reply:
        """Ask for a login before anything else, prepared replies included."""
        if self._known(request):
            return super().reply(request)
        self.requests.append(request)
        return self.challenge()

    def answer(self, request: Request) -> Reply:
        application = self._entra.claims(request.headers["authorization"][7:], self.resource)["appid"]
        if application in self.denials:
            inner = self.denials[application]
            return refusal(403, "Forbidden", "Caller is not authorized to perform action on resource.", inner)
        _, kind, secret, name = (*request.path.rstrip("/").split("/"), "")[:4]
        versions = self._secrets.get(secret, []) if kind == "secrets" else []
        version = next((held for held in reversed(versions) if name in {"", held.name}), None)
        if version is None:
            return refusal(404, "SecretNotFound", f"A secret with (name/id) {secret} was not found in this key vault.")
        if not version.enabled:
            message = "Operation get is not allowed on a disabled secret."
            return refusal(403, "Forbidden", message, "SecretDisabled")
        return Reply(200, version.bundle(f"https://{request.headers['host']}/secrets/{secret}"))

    def challenge(self) -> Reply:
        """Give the answer to who has no token, or none that is taken."""
        where = f'Bearer authorization="{self._entra.authority}/{self.tenant}", resource="{self.resource}"'
        refused = refusal(401, "Unauthorized", "Request is missing a Bearer or PoP token.")
        return refused._replace(headers={"WWW-Authenticate": where})

    def _known(self, request: Request) -> bool:
        token = request.headers.get("authorization", "")[7:]
        try:
            return bool(self._entra.claims(token, self.resource)["tid"] == self.tenant)
        except jwt.PyJWTError:
            return False


def refusal(status: int, code: str, message: str, inner: str | None = None) -> Reply:
    """Give an error as Key Vault words it."""
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return Reply(status, {"error": error})


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}

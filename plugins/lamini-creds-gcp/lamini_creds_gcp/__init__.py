"""The provider `gcp`: a key and its URL in Google Secret Manager."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from google.api_core import retry

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, hookimpl, parse_payload
from lamini_creds_gcp._client import Client, LoginRequest, connected, left
from lamini_creds_gcp._failures import PASSING, guarded, judged, no_login

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import msgspec

    from lamini_creds import Context, Secret

T = TypeVar("T")

_NAME = re.compile(r"projects/[a-z0-9.:-]+(/locations/[a-z0-9-]+)?/secrets/[\w-]{1,255}/versions/[\w-]{1,63}", re.ASCII)
_LOCATION = re.compile(r"/locations/([a-z0-9-]+)/")


@dataclass(frozen=True)
class GcpProvider:
    """A secret in Google Secret Manager, read with the machine's own Google login."""

    secret: Annotated[
        str,
        msgspec.Meta(description="The secret's name, or projects/*[/locations/*]/secrets/*; may hold {profile}."),
    ]
    project: Annotated[str | None, msgspec.Meta(description="The project; by default the login's own.")] = None
    version: Annotated[str | int, msgspec.Meta(description="A version's number, an alias, or `latest`.")] = "latest"
    key_field: Annotated[str | None, msgspec.Meta(description="Where the key is in JSON: a JSON pointer.")] = None
    url_field: Annotated[str | None, msgspec.Meta(description="Where the URL is in JSON: a JSON pointer.")] = None
    url_secret: Annotated[str | None, msgspec.Meta(description="A second secret, which holds the URL.")] = None
    read_expiry: Annotated[
        bool, msgspec.Meta(description="Read the expire time: one more call, and one more permission.")
    ] = False
    impersonate: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^[^@/\s]+@[^@/\s]+$")] | None,
        msgspec.Meta(description="The service account to act as, by its address."),
    ] = None
    endpoint: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|localhost):\d+)$")] | None,
        msgspec.Meta(description="Another host than Google's; http:// only on this machine, and for `rest`."),
    ] = None
    ca_file: Annotated[str | None, msgspec.Meta(description="The CA of the endpoint's certificate, in PEM.")] = None
    transport: Annotated[
        Literal["rest", "grpc"], msgspec.Meta(description="How to speak to the endpoint; gRPC suits no forks.")
    ] = "rest"
    _clients: dict[tuple[int, str], Client] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the URL's own where one is named."""
        key = self._read(self.secret, context)
        url = self._read(self.url_secret, context) if self.url_secret else None
        return parse_payload(
            key.data,
            profile=context.profile,
            source=key.source,
            key_field=self.key_field,
            url_field=self.url_field,
            version=key.version,
            expires_at=self._expiry(key.source, context) if self.read_expiry else None,
            url_data=url.data if url else None,
            url_source=url.source if url else "",
        )

    def _read(self, secret: str, context: Context) -> _Found:
        secret = secret.replace("{profile}", context.profile)
        client = self._client(secret, context)
        name = self._name(secret, self.project or client.project)
        take = partial(_found, name.partition("/versions/")[0])
        return self._asked(client.service.access_secret_version, name, take, context)

    def _expiry(self, source: str, context: Context) -> datetime | None:
        """Ask for the secret itself: the answer with the payload does not say when it ends."""
        service = self._client(source, context).service
        return self._asked(service.get_secret, source, _ends, context)

    def _name(self, secret: str, project: str | None) -> str:
        """Complete the name of the version from options and login."""
        if "/" not in secret and not project:
            raise ProviderInvalid("no project is named", place=secret, remedy="Set the option `project`.")
        name = secret if "/" in secret else f"projects/{project}/secrets/{secret}"
        name = name if "/versions/" in name else f"{name}/versions/{self.version}"
        if not _NAME.fullmatch(name):
            raise ProviderInvalid("is no secret's name", place=name, remedy="It has letters, digits, '-' and '_'.")
        return name

    def _client(self, secret: str, context: Context) -> Client:
        """Give the client that this process keeps for the secret's region, its login refreshed."""
        if self.ca_file and not os.path.isfile(self.ca_file):
            raise ProviderInvalid("there is no such file", place=self.ca_file, remedy="Mend the option `ca_file`.")
        slot = _slot(secret)
        client = guarded(partial(self._login, slot, LoginRequest(context)), no_login, secret)
        if isinstance(client, ProviderError):
            self._clients.pop(slot, None)
            raise client
        return client

    def _login(self, slot: tuple[int, str], request: LoginRequest) -> Client:
        process, region = slot
        forked = any(other != process for other, _ in self._clients)
        client = self._clients.get(slot) or connected(
            request,
            impersonate=self.impersonate,
            endpoint=self.endpoint or (f"secretmanager.{region}.rep.googleapis.com" if region else None),
            ca_file=self.ca_file,
            transport="rest" if forked else self.transport,  # gRPC's threads don't survive a fork
        )
        if not client.credentials.valid:
            client.credentials.refresh(request)
        return self._clients.setdefault(slot, client)

    def _asked(
        self, method: Callable[..., Any], name: str, take: Callable[[Any], T | ProviderError], context: Context
    ) -> T:
        """Ask, and again after passing failures: half of the time for new attempts, all of it for answers."""
        passing = retry.if_exception_type(*PASSING)
        again = retry.Retry(passing, initial=0.2, maximum=1.0, timeout=left(context) / 2)
        attempt = again(lambda: method(name=name, retry=None, timeout=left(context)))
        answer = guarded(lambda: take(attempt()), judged, name)
        if isinstance(answer, ProviderDenied):
            self._clients.pop(_slot(name), None)  # another login may be there the next time
        if isinstance(answer, ProviderError):
            raise answer
        return answer


class _Found:
    """A version's payload; no dataclass, whose repr would show it."""

    __slots__ = ("data", "source", "version")

    def __init__(self, data: bytes, source: str, version: str) -> None:
        self.data = data
        self.source = source
        self.version = version


def _slot(name: str) -> tuple[int, str]:
    """Tell clients apart by process and region."""
    location = _LOCATION.search(name)
    return os.getpid(), location[1] if location else ""


def _found(source: str, reply: Any) -> _Found | ProviderError:
    payload = reply.payload
    if "data_crc32c" in payload and payload.data_crc32c != _crc32c(payload.data):
        return ProviderInvalid("the payload does not fit its checksum", place=source, remedy="Ask again.")
    return _Found(payload.data, source, reply.name.rpartition("/")[2])


def _ends(reply: Any) -> datetime | None:
    return reply.expire_time or None


def _crc32c(data: bytes) -> int:
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82F63B78 if checksum & 1 else 0)
    return checksum ^ 0xFFFFFFFF


@hookimpl
def lamini_creds_register_provider() -> type[GcpProvider]:
    """Offer the provider `gcp`."""
    return GcpProvider

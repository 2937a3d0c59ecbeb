"""The provider `gcp`: a key and its URL in Google Secret Manager."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar

import google_crc32c
import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.credentials import Credentials
from google.auth.impersonated_credentials import Credentials as ImpersonatedCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient

from lamini_creds import ProviderInvalid, Secret, hookimpl, parse_payload, quiet_logs
from lamini_creds_gcp._errors import judged, passes
from lamini_creds_gcp._login import LoginRequest, ask_gcloud, default_login, end_in_time, seconds_left

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from lamini_creds import Context

T = TypeVar("T")

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_ENDPOINT = r"^((https://)?[A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|localhost):\d+)$"
_NAME = re.compile(r"projects/[a-z0-9.:-]+(/locations/[a-z0-9-]+)?/secrets/[\w-]{1,255}/versions/[\w-]{1,63}", re.ASCII)
_REGION = re.compile(r"/locations/([a-z0-9-]+)/")


@dataclass(frozen=True)
class GcpProvider:
    """A secret in Google Secret Manager, read with the machine's own Google login."""

    secret: Annotated[
        str,
        msgspec.Meta(description="The secret's name, or projects/*[/locations/*]/secrets/*; may hold {profile}."),
    ]
    project: Annotated[str | None, msgspec.Meta(description="The project; by default the login's own.")] = None
    version: Annotated[str | int, msgspec.Meta(description="A number, an alias, or `latest`; for `secret`.")] = "latest"
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
        Annotated[str, msgspec.Meta(pattern=_ENDPOINT)] | None,
        msgspec.Meta(description="Another host than Google's; http:// only on this machine, and for `rest`."),
    ] = None
    ca_file: Annotated[str | None, msgspec.Meta(description="The CA of the endpoint's certificate, in PEM.")] = None
    transport: Annotated[
        Literal["rest", "grpc"], msgspec.Meta(description="How to speak to the endpoint; gRPC suits no forks.")
    ] = "rest"
    _clients: dict[tuple[int, str | None], _Client] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the URL's own where one is named."""
        if self.transport == "grpc" and (self.endpoint or "").startswith("http://"):
            raise ProviderInvalid("gRPC has no http://", place=self.secret, remedy='Set transport = "rest".')
        held = self._read(self.secret, context, version=self.version, expiry=self.read_expiry)
        url_held = self._read(self.url_secret, context) if self.url_secret else Secret()
        return parse_payload(
            held.key or "",
            profile=context.profile,
            source=held.source,
            key_field=self.key_field,
            url_field=self.url_field,
            version=held.version,
            expires_at=held.expires_at,
            url_data=url_held.key,
            url_source=url_held.source,
        )

    def _read(self, secret: str, context: Context, *, version: str | int = "latest", expiry: bool = False) -> Secret:
        """Give the whole text of a version, as a Secret because that does not show it."""
        secret = secret.replace("{profile}", context.profile)
        client = self._asked(partial(self._client, self._host(secret), context), secret, context)
        name = _name(secret, client.project, version)
        return self._asked(partial(_access, client, name, context, expiry=expiry), name, context)

    def _host(self, secret: str) -> str | None:
        """Give the endpoint, or the one of the secret's region; None is Google's own."""
        region = _REGION.search(secret)
        regional = f"secretmanager.{region[1]}.rep.googleapis.com" if region else None
        return self.endpoint.removeprefix("https://") if self.endpoint else regional

    def _asked(self, ask: Callable[[], T], place: str, context: Context) -> T:
        """Ask, and again for two seconds; what the SDK raises may hold the secret, so nothing of it is chained."""
        again = Retry(passes, initial=0.2, maximum=0.5, timeout=min(2.0, seconds_left(context) / 2))
        try:
            with quiet_logs("google", "grpc", "requests", "urllib3"):
                return again(ask)()
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody else sees it
            problem = judged(error, place, self._host(place), self.ca_file)
        if not isinstance(problem, ProviderInvalid):
            self._clients.clear()  # another login may be there the next time
        raise problem

    def _client(self, host: str | None, context: Context) -> _Client:
        """Give the client that this process keeps for a host, its login refreshed here, where time is kept."""
        slot = os.getpid(), host
        client = self._clients.get(slot) or self._connected(host, context)
        if not client.credentials.valid:
            client.credentials.refresh(LoginRequest(context))
        return self._clients.setdefault(slot, client)

    def _connected(self, host: str | None, context: Context) -> _Client:
        """Find the machine's login and make a client with it; nothing is sent to the store yet."""
        credentials, project = default_login(_SCOPES, LoginRequest(context))
        project = self.project or project
        if not project and not all("/" in name for name in (self.secret, self.url_secret or "/")):
            project = ask_gcloud(context, "config", "get", "project")
        if self.impersonate:
            credentials = ImpersonatedCredentials(credentials, self.impersonate, _SCOPES)
        elif hasattr(credentials, "with_always_use_jwt_access"):
            credentials = credentials.with_always_use_jwt_access(always_use_jwt_access=True)  # as the client will
        service = SecretManagerServiceClient(
            credentials=_Held(credentials),
            transport=self._rest if self.transport == "rest" else self._grpc,
            client_options={"api_endpoint": host},
        )
        return _Client(service, credentials, project)

    def _rest(self, **options: Any) -> Any:
        transport: Any = SecretManagerServiceClient.get_transport_class("rest")(**options)
        session = transport._session  # no option leads there
        session.hooks["response"] = [end_in_time]
        session._refresh_status_codes = ()  # it would take its own time for it
        session.get_redirect_target = lambda _: None  # a redirect is no answer
        if self.ca_file:  # REQUESTS_CA_BUNDLE goes before the session's own `verify`
            session.request = partial(session.request, verify=self.ca_file)
        return transport

    def _grpc(self, **options: Any) -> Any:
        if self.ca_file:
            with open(self.ca_file, "rb") as file:
                options["ssl_channel_credentials"] = grpc.ssl_channel_credentials(file.read())
        return SecretManagerServiceClient.get_transport_class("grpc")(**options)


class _Held(Credentials):
    """
    The login as the client sees it, which is refreshed here alone.

    By itself google-auth starts a thread for each login, to look up where it may be used; a fork while that thread
    signs leaves a child in which nobody can ever sign again.
    """

    def __init__(self, login: Credentials) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth's
        self._login = login

    def before_request(self, _request: Any, _method: str, _url: str, headers: dict[str, str]) -> None:
        """Put the token into a request."""
        self._login.apply(headers)

    def refresh(self, _request: Any) -> None:
        """Leave it to `_client`."""


class _Client(NamedTuple):
    """A client, the login that it uses, and the project of short names."""

    service: SecretManagerServiceClient
    credentials: Credentials
    project: str | None


def _name(secret: str, project: str | None, version: str | int) -> str:
    """Complete the name of a version from options and login."""
    if "/" not in secret and not project:
        raise ProviderInvalid("no project is named", place=secret, remedy="Set the option `project`.")
    name = secret if "/" in secret else f"projects/{project}/secrets/{secret}"
    name = name if "/versions/" in name else f"{name}/versions/{version}"
    if not _NAME.fullmatch(name):
        raise ProviderInvalid("is no secret's name", place=name, remedy="It has letters, digits, '-' and '_'.")
    return name


def _access(client: _Client, name: str, context: Context, *, expiry: bool) -> Secret:
    """Read a version; a token that is no longer taken is replaced by a fresh one."""
    try:
        return _payload(client.service, name, context, expiry=expiry)
    except exceptions.Unauthorized:
        client.credentials.refresh(LoginRequest(context))
        return _payload(client.service, name, context, expiry=expiry)


def _payload(service: Any, name: str, context: Context, *, expiry: bool) -> Secret:
    """Make the calls: the answer with the payload does not say when the secret ends."""
    secret = name.partition("/versions/")[0]
    reply = service.access_secret_version(name=name, retry=None, timeout=seconds_left(context))
    payload = reply.payload
    if "data_crc32c" in payload and payload.data_crc32c != google_crc32c.value(payload.data):
        raise exceptions.DataLoss("the checksum does not fit")
    ends = service.get_secret(name=secret, retry=None, timeout=seconds_left(context)).expire_time if expiry else None
    return Secret(payload.data.decode(), source=secret, version=reply.name.rpartition("/")[2], expires_at=ends or None)


@hookimpl
def lamini_creds_register_provider() -> type[GcpProvider]:
    """Offer the provider `gcp`."""
    return GcpProvider

"""The SDK's client with its login, over REST or gRPC, none of it waiting for longer than the context allows."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import google.auth
import grpc
import requests
from google.auth.exceptions import RefreshError, TransportError
from google.auth.impersonated_credentials import Credentials as ImpersonatedCredentials
from google.auth.transport.requests import Request
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from lamini_creds import Context

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_LONGEST = 60.0


class Client(NamedTuple):
    """A client, the login that it uses, and the project that the login names."""

    service: SecretManagerServiceClient
    credentials: Credentials
    project: str | None


class LoginRequest(Request):
    """The HTTP client of logins: it ends with the time that is left."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._left = partial(left, context)
        self._begun = monotonic()

    def __call__(self, *args: Any, timeout: float = _LONGEST, **kwargs: Any) -> Any:
        """
        Send a request; where there is no time for another, fail so that google-auth sends none.

        Raises:
            RefreshError: Nobody answers, or nobody will in time.
        """
        options = {**kwargs, "timeout": min(timeout, self._left())}
        try:
            response = super().__call__(*args, **options)  # type: ignore[no-untyped-call]  # google-auth's
        except TransportError:
            raise RefreshError("out of reach") from None
        pause = monotonic() - self._begun + 1.0  # google-auth doubles its pauses
        if response.status >= requests.codes.server_error and pause > self._left():
            raise RefreshError("out of order")
        return response


def connected(
    request: LoginRequest, *, impersonate: str | None, endpoint: str | None, ca_file: str | None, transport: str
) -> Client:
    """Find the machine's login and make a client with it; nothing is sent to the endpoint yet."""
    credentials, project = google.auth.default(scopes=_SCOPES, request=request)
    if impersonate:
        credentials = ImpersonatedCredentials(credentials, impersonate, _SCOPES)
    elif hasattr(credentials, "with_always_use_jwt_access"):
        credentials = credentials.with_always_use_jwt_access(True)  # noqa: FBT003  # the client does, and asks nobody
    service = SecretManagerServiceClient(
        credentials=credentials,
        transport=partial(_rest if transport == "rest" else _grpc, ca_file),
        client_options={"api_endpoint": endpoint},
    )
    return Client(service, credentials, project)


def left(context: Context) -> float:
    """Give the seconds that are left, as the SDK takes them: some, and an end."""
    return min(_LONGEST, max(0.05, context.remaining()))


class _Adapter(HTTPAdapter):
    """Trusts one CA, whatever REQUESTS_CA_BUNDLE says."""

    def __init__(self, ca_file: str) -> None:
        super().__init__()
        self._ca_file = ca_file

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().send(*args, **{**kwargs, "verify": self._ca_file})


def _rest(ca_file: str | None, **options: Any) -> Any:
    transport: Any = SecretManagerServiceClient.get_transport_class("rest")(**options)
    if ca_file:
        transport._session.mount("https://", _Adapter(ca_file))  # no option leads there
    return transport


def _grpc(ca_file: str | None, **options: Any) -> Any:
    if ca_file:
        with open(ca_file, "rb") as file:
            options["ssl_channel_credentials"] = grpc.ssl_channel_credentials(file.read())
    return SecretManagerServiceClient.get_transport_class("grpc")(**options)

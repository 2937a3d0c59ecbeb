"""What keeps the SDK, its login included, within the time that the caller has."""

from __future__ import annotations

import functools
import re
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any

from azure.core.pipeline.transport import RequestsTransport

from lamini_creds import ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.core.credentials import AccessToken, TokenCredential

_LONGEST = 60.0
_ends = ContextVar("_ends", default=float("inf"))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit everything that goes through a Transport in this context."""
    token = _ends.set(monotonic() + min(seconds, _LONGEST))
    try:
        yield
    finally:
        _ends.reset(token)


def left() -> float:
    """Give the seconds that are left, or raise where there are none."""
    seconds = min(_ends.get() - monotonic(), _LONGEST)
    if seconds <= 0:
        raise ProviderUnavailable("there was no answer in time")
    return seconds


class Transport(RequestsTransport):  # type: ignore[misc]  # azure-core gives it lazily, without a type
    """Carries the requests of a client and of its login."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send one request, in the time that is left for all of them."""
        for limit in ("connection_timeout", "read_timeout"):
            options[limit] = min(options.get(limit, _LONGEST), left())
        return super().send(request, hooks={"response": _read_in_time}, **options)

    def sleep(self, duration: float) -> None:
        """Wait before another try as Retry-After asks, if there is time for it."""
        if duration >= left():
            raise ProviderUnavailable("the vault is busy and asks to wait longer than there is time")
        super().sleep(duration)


class Login:
    """
    A login made when a vault first asks for one, its failures told apart from the vault's.

    Args:
        make: Gives the credential.
    """

    def __init__(self, make: Callable[[], TokenCredential]) -> None:
        self._credential = functools.cache(make)

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Give a token; of what Entra says where there is none, only its code is repeated."""
        try:
            return self._credential().get_token(*scopes, **options)
        except Exception as error:  # noqa: BLE001  # a wrong variable is a ValueError, an absent file an OSError
            code = re.search(r"AADSTS\d{1,8}", str(error))
        raise ProviderUnavailable(
            "no login for the vault is to be had" + (f" ({code[0]})" if code else ""),
            remedy="Run `az login`, set AZURE_CLIENT_ID and its companions, or give this machine a managed identity.",
        )


def _read_in_time(response: Any, **_: object) -> None:
    """Have the body read piece by piece: a time limit for one read never ends a body that dribbles."""
    body = response.raw

    def stream(size: int, *, decode_content: bool) -> Iterator[bytes]:
        while piece := body.read1(size, decode_content=decode_content):
            left()
            yield piece

    body.stream = stream

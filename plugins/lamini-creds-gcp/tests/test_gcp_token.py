"""What becomes of a token that the store no longer takes, and of a body whose headers came late."""

from __future__ import annotations

import socket
from datetime import timedelta
from functools import partial
from http.client import HTTPResponse
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from faults import FaultProxy, Hang
from gcp_kit import KEY, failure, within
from lamini_creds_gcp import GcpProvider
from lamini_creds_gcp._login import end_in_time, in_time, seconds_left
from requests import ReadTimeout

from lamini_creds import Context, ProviderUnavailable

if TYPE_CHECKING:
    from gcp_login import LoginServer


def test_forgotten(provider: GcpProvider, login: LoginServer) -> None:
    """A token that the store no longer takes is replaced by a fresh one."""
    provider.provide(within())
    login.forget()

    assert KEY == provider.provide(within()).key
    assert 2 == sum(path.endswith("/token") for path in login.asked)


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "fails"])
def test_forgotten_without_login(
    provider: GcpProvider, login: LoginServer, metadata: FaultProxy, *, hangs: bool
) -> None:
    """Where there is no fresh one, it is UNAVAILABLE within the time."""
    provider.provide(within())
    login.forget()
    if hangs:
        metadata.faults = [Hang()]
    login.metadata_statuses = [503] * 50

    assert isinstance(failure(provider, 0.5), ProviderUnavailable)


def test_late_headers() -> None:
    """The time that headers took is none of the body's."""
    body = SimpleNamespace(close=bool, read1=bytes, _original_response=None)
    response = SimpleNamespace(raw=body, elapsed=timedelta(seconds=5))
    end_in_time(response, timeout=5)

    with pytest.raises(ReadTimeout):
        next(body.stream(1, decode_content=True))


def test_each_read() -> None:
    """Each read of a body ends with the time that is left for all of it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(600)
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome")
        answer = HTTPResponse(ours)
        answer.begin()
        pieces = in_time(answer, partial(answer.read1, 9), monotonic() + 5)

        assert (b"some", True) == (next(pieces), (ours.gettimeout() or 600) <= 5)


def test_no_deadline() -> None:
    """A request ends, though the caller would wait for ever."""
    assert 60 == seconds_left(Context())

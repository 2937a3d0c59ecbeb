"""The server of these tests finds fault with what it should."""

from __future__ import annotations

import socket

import pytest
from servers.recorder import Recorder

FAULTY = {
    "twice": b"GET / HTTP/1.1\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
    "control-character": b"GET / HTTP/1.1\r\nX-API-Key: a\x01\r\n\r\n",
    "lone-line-feed": b"GET / HTTP/1.1\r\nX-API-Key: a\nX-Other: b\r\n\r\n",
    "not-ascii": b"GET / HTTP/1.1\r\nX-API-Key: \xc3\xbc\r\n\r\n",
    "not-ascii-path": b"GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n",
}


def send(server: Recorder, request: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(request)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("request_", FAULTY.values(), ids=FAULTY)
def test_faults(request_: bytes) -> None:
    """A key's header that comes twice, a control character and a byte outside ASCII fail the test."""
    with pytest.raises(AssertionError), Recorder() as server:
        send(server, request_)


def test_raw_requests() -> None:
    """The request line, the headers and the body are kept as they came."""
    with Recorder() as server:
        send(
            server,
            b"POST //a/../b HTTP/1.1\r\nX-a: 1\r\nx-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        )

        assert b"POST //a/../b HTTP/1.1" == server.seen[0].line
        assert ((b"X-a", b"1"), (b"x-A", b"2")) == server.seen[0].headers[:2]
        assert b"abc" == server.seen[0].body

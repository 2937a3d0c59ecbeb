"""
An HTTP server on this machine that keeps each request as it came over the wire, and finds fault with bad headers.

    with Recorder() as server:
        client.get(f"{server.url}//evil.example/x")
    assert b"GET //evil.example/x HTTP/1.1" == server.seen[0].line

Leaving it fails the test if a header that carries a key came twice in one
request, or any line had a control character or a byte outside ASCII. With
`tls` that offers it, HTTP/2 is spoken too. As a proxy it answers requests for
other servers itself, and hands a CONNECT on to a port of this machine.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
from servers.faults import LoopServer, Pass, relay

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

_KEY_HEADERS = (b"authorization", b"x-api-key", b"api-key", b"proxy-authorization", b"cookie")
_BAD = re.compile(rb"[\x00-\x1f\x7f-\xff]")
_MOST = 65536


@dataclass(frozen=True)
class Seen:
    """One request: the line and the headers as they came, the body without its framing."""

    line: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.line.split(b" ")[1].decode()

    def get(self, name: str) -> str | None:
        """Give a header's value, by any case of its name."""
        found = [value for each, value in self.headers if each.lower() == name.lower().encode()]
        return found[0].decode("latin-1") if found else None

    def shows(self, text: str) -> bool:
        """Say whether a text stands anywhere in it."""
        return text.encode() in b"\n".join([self.line, self.body, *(b": ".join(header) for header in self.headers)])


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def wire(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Recorded", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Recorder(LoopServer):
    """
    Keeps what it is sent.

    Args:
        answer: Gives the reply to a request; an empty 200 by default.
        tls: Makes it an https server; the certificate's name is `localhost`.
        host: The address to listen at.
        routes: As a proxy: the port that stands for a `host:port`.

    Attributes:
        seen: The requests, in the order in which they came.
        connections: How many connections were made.
    """

    def __init__(
        self,
        answer: Callable[[Seen], Reply | Awaitable[Reply]] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        routes: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(tls=tls, host=host)
        self.answer = answer or (lambda _seen: Reply())
        self.seen: list[Seen] = []
        self.connections = 0
        self._routes = dict(routes or {})
        self._faults: list[str] = []
        self._scheme = "https" if tls else "http"

    @property
    def url(self) -> str:
        host = "localhost" if self._scheme == "https" else f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._scheme}://{host}:{self.port}"

    def got(self, name: str = "Authorization") -> list[str | None]:
        """Give one header of each request."""
        return [seen.get(name) for seen in self.seen]

    def __exit__(self, kind: object, *_: object) -> None:
        self.close()
        if kind is None:
            assert [] == self._faults

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        tls = writer.get_extra_info("ssl_object")
        if tls and tls.selected_alpn_protocol() == "h2":
            await self._handle_http2(reader, writer)
            return
        while not reader.at_eof():
            await self._handle_one(reader, writer)

    async def _handle_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rest = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        headers = tuple((name, value.strip(b" ")) for name, _, value in (each.partition(b":") for each in rest))
        body = await _body(reader, {name.lower(): value for name, value in headers})
        seen = self._keep(Seen(line, headers, body))
        port = self._routes.get(seen.path)
        if line.startswith(b"CONNECT ") and port is not None:
            other = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await relay(reader, writer, *other, Pass())
            return
        writer.write((await self._reply(seen)).wire())
        await writer.drain()

    async def _handle_http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        connection.initiate_connection()
        heads: dict[int, tuple[tuple[bytes, bytes], ...]] = {}
        while True:
            writer.write(connection.data_to_send())
            data = await reader.read(_MOST)
            if not data:
                return
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    heads[event.stream_id] = tuple((bytes(name), bytes(value)) for name, value in event.headers)
                elif isinstance(event, h2.events.StreamEnded):
                    reply = await self._reply(self._keep(_of_http2(heads.pop(event.stream_id))))
                    status = [(":status", str(reply.status)), *reply.headers.items()]
                    connection.send_headers(event.stream_id, status)
                    connection.send_data(event.stream_id, reply.body, end_stream=True)

    async def _reply(self, seen: Seen) -> Reply:
        reply = self.answer(seen)
        return reply if isinstance(reply, Reply) else await reply

    def _keep(self, seen: Seen) -> Seen:
        names = [name.lower() for name, _ in seen.headers]
        self._faults += [f"{name!r} came twice" for name in _KEY_HEADERS if names.count(name) > 1]
        for part in (seen.line, *(part for header in seen.headers for part in header)):
            if _BAD.search(part):
                self._faults.append(f"a bad character in {seen.line!r} or its headers")
        self.seen.append(seen)
        return seen


async def _body(reader: asyncio.StreamReader, headers: Mapping[bytes, bytes]) -> bytes:
    if headers.get(b"transfer-encoding", b"").lower() != b"chunked":
        return await reader.readexactly(int(headers.get(b"content-length", b"0")))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def _of_http2(head: tuple[tuple[bytes, bytes], ...]) -> Seen:
    """Write the head of an HTTP/2 request as one of HTTP/1.1 would be."""
    pseudo = dict(head)
    line = b" ".join([pseudo[b":method"], pseudo[b":path"], b"HTTP/2"])
    return Seen(line, tuple(header for header in head if not header[0].startswith(b":")))

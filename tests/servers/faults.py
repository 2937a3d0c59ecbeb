"""
A TCP proxy on 127.0.0.1 that passes, or misbehaves as it is told: refuse, hang, cut, dribble, or answer itself.

    with FaultProxy(server.port) as proxy:
        proxy.faults = [Answer(503), Pass()]  # one a connection; the last one stays
        client.get(f"http://127.0.0.1:{proxy.port}/")

Bytes are passed raw, so TLS between client and server works through it; give
`tls` to end the client's TLS here, which `Answer` needs where the client wants
https, and `upstream_tls` where the server behind it wants TLS too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence

_CHUNK = 65536


@dataclass(frozen=True)
class Pass:
    """Hand every byte on."""


@dataclass(frozen=True)
class Refuse:
    """Reset the connection as soon as it stands; `refused_port` is for one that never stands."""


@dataclass(frozen=True)
class Hang:
    """Take the request and never answer; `after` bytes of the server's answer are handed on."""

    after: int = 0


@dataclass(frozen=True)
class Cut:
    """Hand this many bytes of the server's answer on, then reset the connection (or end it politely)."""

    after: int
    reset: bool = True


@dataclass(frozen=True)
class Dribble:
    """Hand `after` bytes of the server's answer on at once, then `size` bytes `every` so many seconds."""

    after: int = 0
    size: int = 1
    every: float = 0.1


@dataclass(frozen=True)
class Answer:
    """Answer each request with this, and ask nobody; `length` may claim more than there is."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None

    def wire(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Fault", f"Content-Length: {self.length or len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + self.body


Fault = Pass | Refuse | Hang | Cut | Dribble | Answer


class LoopServer:
    """An asyncio server in a daemon thread of its own, ended with all its connections by `close`."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, 0
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise TimeoutError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every connection and the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        raise NotImplementedError

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, self.host, 0, ssl=self._tls))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self.handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()


class FaultProxy(LoopServer):
    """
    Stands before a server, or in its place.

    Args:
        upstream: The server's port; None where every fault is one that asks nobody.
        tls: Ends the clients' TLS here.
        upstream_tls: Speaks TLS to the server.

    Attributes:
        faults: What to do, one a connection; the last one stays.
        connections: How many connections came.
    """

    def __init__(
        self,
        upstream: int | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        upstream_tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls=tls)
        self.faults: Sequence[Fault] = [Pass()]
        self.connections = 0
        self._upstream = upstream
        self._upstream_tls = upstream_tls

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        fault, *rest = self.faults
        self.faults = rest or [fault]
        if isinstance(fault, Refuse):
            _reset(writer)
        elif isinstance(fault, Hang) and not fault.after:
            await asyncio.Event().wait()
        elif isinstance(fault, Answer):
            await _read_request(reader)
            writer.write(fault.wire())
            await writer.drain()
        else:
            await self._relay(reader, writer, fault)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
        assert self._upstream is not None, "there is no server behind this proxy"
        server_reader, server_writer = await asyncio.open_connection(
            "127.0.0.1",
            self._upstream,
            ssl=self._upstream_tls,
            server_hostname="localhost" if self._upstream_tls else None,
        )
        await relay(reader, writer, server_reader, server_writer, fault)


async def relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    server_reader: asyncio.StreamReader,
    server_writer: asyncio.StreamWriter,
    fault: Fault,
) -> None:
    """Pass bytes both ways until either side ends; the fault concerns the server's."""
    asking = asyncio.create_task(_pump(reader, server_writer, Pass()))
    try:
        await _pump(server_reader, writer, fault)
    finally:
        asking.cancel()
        server_writer.transport.abort()
        await asyncio.gather(asking, server_writer.wait_closed(), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
    passed = 0
    after = getattr(fault, "after", None)
    while data := await reader.read(_CHUNK):
        head, rest = (data, b"") if after is None else (data[: max(0, after - passed)], data[max(0, after - passed) :])
        passed += len(head)
        writer.write(head)
        await writer.drain()
        if rest:
            await _misbehave(writer, rest, fault)
        if rest and isinstance(fault, Cut):
            return
    if isinstance(writer.transport, asyncio.Transport) and writer.can_write_eof():
        writer.write_eof()


async def _misbehave(writer: asyncio.StreamWriter, rest: bytes, fault: Fault) -> None:
    if isinstance(fault, Hang):
        await asyncio.Event().wait()
    elif isinstance(fault, Cut) and fault.reset:
        _reset(writer)
    elif isinstance(fault, Dribble):
        for start in range(0, len(rest), fault.size):
            writer.write(rest[start : start + fault.size])
            await writer.drain()
            await asyncio.sleep(fault.every)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset: a plain close would end it politely."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _read_request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((line[15:] for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b"0")
    await reader.readexactly(int(length))


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """Give a port that nobody listens on, and that nobody else can take."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]

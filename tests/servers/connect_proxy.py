"""
A CONNECT proxy on 127.0.0.1: production host names go to local ports, every other name is refused and recorded.

    with ConnectProxy({"secretsmanager.eu-west-1.amazonaws.com:443": server.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        ...
    assert not proxy.refused

With it an unchanged SDK uses its default endpoint with its default TLS checks,
and `refused` is what would have left the machine.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from faults import Fault, LoopServer, Pass, relay

if TYPE_CHECKING:
    from collections.abc import Mapping


class ConnectProxy(LoopServer):
    """
    Maps `host:port` to ports of this machine.

    Attributes:
        asked: Every `host:port` that a client wanted, in order.
        refused: Those that are not mapped.
        fault: What to do to the servers' answers.
    """

    def __init__(self, routes: Mapping[str, int], *, fault: Fault | None = None) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.fault: Fault = fault or Pass()
        self._routes = dict(routes)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ", 2)
        self.asked.append(target)
        port = self._routes.get(target) if method == "CONNECT" else None
        if port is None:
            self.refused.append(target)
            writer.write(b"HTTP/1.1 403 Unknown Host\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await relay(reader, writer, server_reader, server_writer, self.fault)

"""Interpreters of their own, bounded in time, and a store on loopback that counts its calls."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from support import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLUGIN = """
from dataclasses import dataclass
from http.client import HTTPConnection

from lamini_creds import Context, Secret, hookimpl

@dataclass(frozen=True)
class Provider:
    port: int

    def provide(self, context: Context) -> Secret:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=context.remaining())
        connection.request("GET", "/")
        return Secret(connection.getresponse().read().decode(), source="store")

@hookimpl
def lamini_creds_register_provider():
    return Provider
"""


class Store:
    """
    A store over HTTP, for processes that share nothing else.

    Attributes:
        port: Where it listens.
        calls: How many calls have come in.
        open: While it is cleared, calls wait; it is set at first.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.open = threading.Event()
        self.open.set()
        self._counting = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with store._counting:
                    store.calls += 1
                store.open.wait()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"test-key-1")

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def listening() -> Iterator[Store]:
    """Run a store."""
    store = Store()
    try:
        yield store
    finally:
        store.close()


class Elsewhere:
    """
    Programs in a directory of their own, with the plugin `acme` installed beside them.

    Args:
        root: An empty directory.
        monkeypatch: Takes the plugin off this process's path again.
        plugin: The plugin's code; by default it asks a `Store`.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, plugin: str = PLUGIN) -> None:
        module = install(root, monkeypatch, plugin)
        self.directory = root
        path = os.pathsep.join([str(root / f"site-{module}"), str(root), ROOT])
        self.environ = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "HOME": str(root)}

    def write(self, name: str, code: str) -> None:
        (self.directory / name).write_text(code)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments to its end, for a minute at most."""
        return subprocess.run(
            self.command(*arguments), env=self.environ, cwd=self.directory,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    @contextmanager
    def running(self, *arguments: str, listening: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Run Python beside the test; what it prints is kept in a file and shown if the test fails."""
        log = self.directory / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(*arguments), env=self.environ, cwd=self.directory, stdout=output, stderr=output,
                pass_fds=() if listening is None else (listening,),
            )  # fmt: skip
        try:
            yield process
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace"))
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(fact: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a fact that another process makes true."""
    ticker = threading.Event()
    for _ in range(int(seconds * 50)):
        if fact():
            return
        ticker.wait(0.02)
    raise AssertionError("it did not come about")

"""An HTTP server on 127.0.0.1, which the doubles of Google's services and of Lamini's login are made of."""

from __future__ import annotations

import http.server
import threading
from typing import Any, Self


class HttpServer:
    """
    Serves in a thread of its own.

    Args:
        handler: Answers the requests; it finds the server as its `double`.
    """

    def __init__(self, handler: type[Handler]) -> None:
        self._server = _Server(("127.0.0.1", 0), type("Handler", (handler,), {"double": self}))

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    double: Any
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a reply in one packet; in two, the second waits 40 ms for the first's acknowledgement

    def do_GET(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_POST = do_GET  # noqa: N815  # the base class's name

    def answer(self, body: bytes) -> None:
        """Answer one request."""
        raise NotImplementedError

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """Send a reply; it is JSON unless its headers say otherwise."""
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers, "Content_Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a log would show tokens."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # of a herd's connections none is to be dropped, and tried again after a second

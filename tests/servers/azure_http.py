"""A JSON server on 127.0.0.1, which the doubles of Azure's services are made of."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


class Request(NamedTuple):
    """What a client sent, from which port; a form's fields stand with those of the query."""

    method: str
    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    port: int


class Reply(NamedTuple):
    """What it gets; a body that is no text is sent as JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


class JsonServer:
    """
    Answers each request by `answer`, in a thread of its own.

    Args:
        tls: For https.

    Attributes:
        requests: What was asked, in order.
        replies: What is answered first, one a request, instead of what `answer` gives.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"double": self}))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        raise NotImplementedError

    def reply(self, request: Request) -> Reply:
        """Answer with what a test wants first, then as the service does."""
        self.requests.append(request)
        return self.replies.pop(0) if self.replies else self.answer(request)


class _Server(http.server.ThreadingHTTPServer):
    """Says nothing of clients that go away: some tests are about them."""

    request_queue_size = 128  # of a herd's connections none is to be dropped, and tried again after a second

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Translates between HTTP and the double."""

    double: JsonServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a reply in one packet; in two, the second waits 40 ms for the first's acknowledgement

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        where = urlsplit(self.path)
        fields = dict(parse_qsl(where.query)) | dict(parse_qsl(body))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.double.reply(Request(self.command, where.path, fields, headers, self.client_address[1])))

    do_POST = do_GET  # noqa: N815  # the base class's name

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""

    def _send(self, reply: Reply) -> None:
        plain = isinstance(reply.body, str)
        body = (reply.body if plain else json.dumps(reply.body, separators=(",", ":"))).encode()
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body)), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

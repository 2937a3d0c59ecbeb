"""
Lamini's own login, as its documentation uses it: Google's access token in the address, a key in the answer.

    with LaminiLogin(login.authorize) as lamini:
        lamini.key = "test-key-1"
        ... f"http://127.0.0.1:{lamini.port}{PATH}" ...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).parent))

from gcp_http import Handler, HttpServer
from gcp_store import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/data_studio/auth/verify_gcloud_token"


class Asked(NamedTuple):
    """What a client sent: the method, the path, the query's values, and the names of the headers in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: set[str]


class LaminiLogin(HttpServer):
    """
    Trades tokens for a key.

    Args:
        authorize: Raises a Refusal for tokens that it does not take.

    Attributes:
        asked: What was sent, in order.
        body: What whoever is let in gets: `{"token": KEY}`, unless a test wants it otherwise.
    """

    def __init__(self, authorize: Callable[[str | None], None]) -> None:
        self.asked: list[Asked] = []
        self.body = b"{}"
        self.authorize = authorize
        super().__init__(_Handler)

    def put(self, **answer: str | None) -> None:
        """Give these members in the answers from now on."""
        self.body = json.dumps(answer).encode()


class _Handler(Handler):
    double: LaminiLogin

    def answer(self, _body: bytes) -> None:
        path, _, query = self.path.partition("?")
        asked = Asked(self.command, path, parse_qs(query), {name.lower() for name in self.headers})
        self.double.asked.append(asked)
        if path != PATH:
            return self.send(404, b'{"detail": "Not Found"}')
        try:
            self.double.authorize(asked.query.get("token", [""])[0])
        except Refusal:
            return self.send(401, b'{"detail": "Unauthorized"}')
        return self.send(200, self.double.body)

"""But for the key a client does what it does without the adapter."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import urllib3
from auth.kit import KEY, Open, changing, source_of
from servers.recorder import Recorder, Reply, Seen

from lamini_creds.auth import httpx as our_httpx
from lamini_creds.auth import httpx2 as our_httpx2
from lamini_creds.auth.aiohttp import credential_middleware
from lamini_creds.auth.urllib3 import CredentialPoolManager

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "get": ("GET", "/v1/models?limit=1&name=a%20b", {}),
    "other-host-in-path": ("GET", "//evil.example/v1", {}),
    "post": ("POST", "/v1", {"content": b'{"a": 1}'}),
    "empty-post": ("POST", "/v1", {}),
    "delete": ("DELETE", "/v1/jobs/1", {}),
}


def but_for_the_key(seen: Seen) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    """Give a request without the key, and without what the boundary of a form makes different each time."""
    return seen.line, [header for header in seen.headers if header[0].lower() != b"authorization"], seen.body


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_the_request(opened: Open, request_: tuple[str, str, dict[str, Any]]) -> None:
    """Request line, headers and body are those of the client alone, the key apart."""
    method, path, body = request_
    with Recorder() as server:
        opened(None).send(server.url + path, method, **body)
        opened(source_of(server.url)).send(server.url + path, method, **body)
        alone, keyed = server.seen

        assert (but_for_the_key(alone), None) == (but_for_the_key(keyed), alone.get("Authorization"))
        assert (f"{method} {path} HTTP/1.1".encode(), f"Bearer {KEY}") == (keyed.line, keyed.get("Authorization"))


@pytest.mark.parametrize("source", [None, "adapter"], ids=["alone", "with"])
@pytest.mark.parametrize("status", [200, 204, 401, 403, 404, 503])
def test_the_response(opened: Open, status: int, source: str | None) -> None:
    """Status and body reach the caller as they came."""
    body = b"" if status == 204 else bytes(range(256))
    with Recorder(lambda _: Reply(status, body)) as server:
        assert (status, body) == opened(source and source_of(server.url)).send(f"{server.url}/")


def test_connections_are_kept(opened: Open, client: str) -> None:
    """Requests one after the other, rejected ones included, go over one connection."""
    with Recorder() as server:
        server.answer = lambda seen: Reply(401 if KEY in (seen.get("Authorization") or "") else 200, b"some body")
        sender = opened(changing(server.url, KEY, "test-key-2"))
        statuses = [sender.send(f"{server.url}/").status for _ in range(5)]

        assert ([200] * 5, 6) == (statuses, len(server.seen))
        assert server.connections == (6 if client == "urllib" else 1)


def test_a_time_out_is_the_clients(opened: Open) -> None:
    """A server that does not answer ends in the client's own time-out, soon."""

    async def never(_: Seen) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    with Recorder(never) as server:
        with pytest.raises(Exception, match=r"(?i)timed? ?out|^$"):
            opened(source_of(server.url), timeout=0.2).send(f"{server.url}/")

        assert server.seen


@pytest.mark.parametrize(("module", "adapter"), [(httpx, our_httpx), (httpx2, our_httpx2)], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_http2(module: Any, adapter: Any, header: str, tls: Callable[..., ssl.SSLContext], ca_file: str) -> None:
    """Over HTTP/2 a key is sent, rejected and renewed too."""
    with Recorder(tls=tls(http2=True)) as server:
        server.answer = lambda seen: Reply(200 if seen.get(header) == "test-key-2" else 401)
        auth = adapter.CredentialAuth(changing(server.url, KEY, "test-key-2"), header=header, scheme="")
        with module.Client(auth=auth, http2=True, verify=ssl.create_default_context(cafile=ca_file)) as client:
            response = client.get(f"{server.url}/v1")

        assert ("HTTP/2", 200) == (response.http_version, response.status_code)
        assert ([KEY, "test-key-2"], 1) == (server.got(header), server.connections)


def test_a_stream_is_read_by_the_caller() -> None:
    """A streamed response comes in parts, the rejected one before it does not."""
    with Recorder() as server:
        server.answer = lambda seen: Reply(200 if "2" in (seen.get("Authorization") or "") else 401, b"x" * 10_000)
        auth = our_httpx.CredentialAuth(changing(server.url, KEY, "test-key-2"))
        with httpx.Client(auth=auth) as client, client.stream("GET", server.url) as response:
            assert not response.is_stream_consumed
            assert 10_000 == sum(map(len, response.iter_bytes()))


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_the_history_of_httpx(header: str) -> None:
    """The hops of a redirect, and a rejected answer, stand in `history` once each, as answers to the key."""
    hops = {"/a": "/b", "/b": "/c", "/c": "/d"}
    with Recorder() as server:

        def answer(seen: Seen) -> Reply:
            if seen.path in hops:
                return Reply(307, headers={"Location": hops[seen.path]})
            return Reply(200 if seen.shows("test-key-2") else 401)

        server.answer = answer
        auth = our_httpx.CredentialAuth(changing(server.url, KEY, "test-key-2"), header=header)
        with httpx.Client(auth=auth, follow_redirects=True) as client:
            response = client.get(f"{server.url}/a")

        chain = [(each.request.url.path, each.status_code) for each in (*response.history, response)]
        assert [("/a", 307), ("/b", 307), ("/c", 307), ("/d", 401), ("/d", 200)] == chain
        assert all("test-key" in each.request.headers[header] for each in response.history)


def test_headers_that_come_twice_with_urllib3() -> None:
    """A header that was given twice arrives twice, beside the key."""
    headers = urllib3.HTTPHeaderDict([("X-Tag", "a"), ("X-Tag", "b")])
    with Recorder() as server, CredentialPoolManager(source_of(server.url)) as manager:
        manager.request("GET", server.url, headers=headers)

        assert [b"a", b"b"] == [value for name, value in server.seen[0].headers if name == b"X-Tag"]
        assert [f"Bearer {KEY}"] == server.got()


def test_a_rejected_answer_of_aiohttp_is_released() -> None:
    """A rejected answer holds no connection, however long it is: a session of one connection comes through."""

    async def ask(url: str) -> int:
        connector = aiohttp.TCPConnector(limit=1)
        middlewares = [credential_middleware(changing(url, KEY, "test-key-2"))]
        async with (
            aiohttp.ClientSession(
                connector=connector, middlewares=middlewares, timeout=aiohttp.ClientTimeout(5)
            ) as session,
            session.get(url) as response,
        ):
            return response.status

    with Recorder() as server:
        rejection = Reply(401, b"x" * 1_000_000)
        server.answer = lambda seen: rejection if seen.get("Authorization") == f"Bearer {KEY}" else Reply()

        assert 200 == asyncio.run(ask(server.url))


def test_retries_of_urllib3() -> None:
    """urllib3's own retries carry the key, and are as many as it was told."""
    with Recorder(lambda _: Reply(503)) as server:
        with CredentialPoolManager(source_of(server.url)) as manager:
            retries = urllib3.Retry(3, status_forcelist=[503], raise_on_status=False)
            status = manager.request("GET", server.url, retries=retries).status

        assert (503, [f"Bearer {KEY}"] * 4) == (status, server.got())


def test_a_retry_of_urllib3_that_is_rejected() -> None:
    """A key that is rejected when urllib3 retries is renewed once."""
    statuses = iter([503, 401, 401, 503, 200])
    with Recorder(lambda _: Reply(next(statuses))) as server:
        with CredentialPoolManager(changing(server.url, KEY, "test-key-2", "test-key-3")) as manager:
            retries = urllib3.Retry(3, status_forcelist=[503])
            status = manager.request("GET", server.url, retries=retries).status

        assert (401, ["Bearer test-key-1"] * 2 + ["Bearer test-key-2"]) == (status, server.got())


def test_a_retry_of_urllib3_follows_no_redirect_with_the_key() -> None:
    """Where urllib3's Retry is told to forward every header, the key is not among them."""
    with Recorder() as server, Recorder() as other:
        server.answer = lambda _: Reply(307, headers={"Location": f"{other.url}/b"})
        with CredentialPoolManager(source_of(server.url), header="X-API-Key") as manager:
            manager.request("GET", server.url, retries=urllib3.Retry(3, remove_headers_on_redirect=[]))

        assert ([KEY], [None]) == (server.got("X-API-Key"), other.got("X-API-Key"))


def test_instrumentation_may_set_the_headers_anew() -> None:
    """Whoever instruments httpx's transport copies the headers and sets them: the key stays."""

    class Traced(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            headers = httpx.Headers(request.headers)
            headers["traceparent"] = "00-1"
            request.headers = headers
            return super().handle_request(request)

    with Recorder() as server:
        auth = our_httpx.CredentialAuth(source_of(server.url), header="X-API-Key")
        with httpx.Client(auth=auth, transport=Traced()) as client:
            client.post(server.url, content=io.BytesIO(b"a body"))

        assert ([KEY], ["00-1"]) == (server.got("X-API-Key"), server.got("traceparent"))


def test_a_test_of_the_callers_sees_the_key() -> None:
    """A program's own test, with httpx's mock transport, finds the key among the headers; what prints them does not."""
    shown = []

    def look(request: httpx.Request) -> httpx.Response:
        headers = request.headers
        shown.append([headers["x-api-key"], dict(headers)["x-api-key"], dict(headers.items())["x-api-key"]])
        assert KEY in headers.values()
        assert ("x-api-key", KEY) in headers.multi_items()
        assert "X-API-KEY" in headers
        assert KEY not in repr(headers)
        return httpx.Response(200)

    auth = our_httpx.CredentialAuth(source_of("https://llm.example.com"), header="X-API-Key")
    with httpx.Client(auth=auth, transport=httpx.MockTransport(look)) as client:
        client.get("https://llm.example.com/v1")

    assert [[KEY, KEY, KEY]] == shown

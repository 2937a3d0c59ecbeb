"""Requests, answers and adapters are copied as without us; what has the key in it is not pickled, all else is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest
import requests
from auth.kit import KEY, source_of
from servers.recorder import Recorder, Reply

from lamini_creds.auth import httpx as our_httpx
from lamini_creds.auth import httpx2 as our_httpx2
from lamini_creds.auth import requests as our_requests
from lamini_creds.auth.urllib import CredentialHandler

Get = Callable[..., Any]
HEADERS = ["Authorization", "X-API-Key"]
ADAPTERS: list[Any] = [
    our_httpx.CredentialAuth,
    our_httpx2.CredentialAuth,
    our_requests.CredentialAuth,
    CredentialHandler,
]


def by_requests(url: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, auth=our_requests.CredentialAuth(**options))


def by_httpx(url: str, **options: Any) -> httpx.Response:
    with httpx.Client(auth=our_httpx.CredentialAuth(**options), follow_redirects=True) as client:
        return client.get(url)


def by_httpx2(url: str, **options: Any) -> httpx2.Response:
    with httpx2.Client(auth=our_httpx2.CredentialAuth(**options), follow_redirects=True) as client:
        return client.get(url)


GETS = [by_requests, by_httpx, by_httpx2]


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder(lambda seen: Reply(307, headers={"Location": "/b"}) if seen.path == "/a" else Reply(404)) as server:
        yield server


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("path", ["/", "/a"])
@pytest.mark.parametrize("get", GETS)
def test_an_answer_is_copied(server: Recorder, get: Get, header: str, path: str) -> None:
    """An answer and its request can be copied, shallow and deep; the key is in the copy of the request."""
    answer = get(server.url + path, source=source_of(server.url), header=header)
    copies = [copy.copy(answer), copy.deepcopy(answer)]
    sent = [copy.copy(answer.request), copy.deepcopy(answer.request), *(each.request for each in copies)]

    assert [404] * 2 == [each.status_code for each in copies]
    assert all(KEY in each.headers[header] for each in sent)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("path", ["/", "/a"])
@pytest.mark.parametrize("get", GETS)
def test_a_key_is_not_pickled(server: Recorder, get: Get, header: str, path: str) -> None:
    """An answer to the key, its request, copies of both and the error for its status are not pickled."""
    answer = get(server.url + path, source=source_of(server.url), header=header)
    with pytest.raises(Exception, match="404") as caught:
        answer.raise_for_status()

    for each in (answer, answer.request, copy.deepcopy(answer), copy.copy(answer.request), caught.value):
        with pytest.raises(TypeError, match=r"a request that carries a key is never pickled.*Hand on what is needed"):
            pickle.dumps(each)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("get", GETS)
def test_what_has_no_key_is_pickled(server: Recorder, get: Get, header: str) -> None:
    """An answer to a request without the key is pickled as without the adapter."""
    answer = get(server.url, source=source_of("http://llm.internal"), header=header)
    again = pickle.loads(pickle.dumps(answer))  # noqa: S301  # our own

    assert (404, answer.request.url) == (again.status_code, again.request.url)
    assert KEY.encode() not in pickle.dumps(answer)


def test_a_copy_of_a_request_follows_no_redirect_with_the_key() -> None:
    """A copy that requests sends loses the key on a redirect as the request does."""
    with Recorder() as server, Recorder() as other, requests.Session() as session:
        server.answer = lambda _: Reply(307, headers={"Location": other.url})
        session.trust_env = False
        auth = our_requests.CredentialAuth(source_of(server.url), header="X-API-Key")
        request = session.prepare_request(requests.Request("GET", server.url, auth=auth))
        for copied in (copy.copy(request), copy.deepcopy(request)):
            session.send(copied)

        assert ([KEY] * 2, [None] * 2) == (server.got("X-API-Key"), other.got("X-API-Key"))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_is_copied(adapter: Any) -> None:
    """A copy of an adapter, and one of what holds it, asks the same resolver."""
    source = source_of("http://llm.internal")
    made = adapter(source)

    assert [source] * 2 == [copied._guard._source for copied in (copy.copy(made), copy.deepcopy(made))]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_is_not_pickled(adapter: Any) -> None:
    """An adapter is made in each process; the message says so."""
    with pytest.raises(TypeError, match=r"an adapter is never pickled.*make one in the process that needs it"):
        pickle.dumps(adapter(source_of("http://llm.internal")))


def test_the_headers_of_httpx_are_whole() -> None:
    """Headers whose key is not copied count, compare and give it like any other, and can be without it."""
    request = httpx.Request("GET", "https://llm.example.com", headers={"a": "b"})
    sent = next(
        our_httpx.CredentialAuth(source_of("https://llm.example.com"), header="X-API-Key").sync_auth_flow(request)
    )
    headers, alike = sent.headers, httpx.Headers(sent.headers.raw)

    assert (len(alike), True, [KEY]) == (len(headers), headers == alike, headers.get_list("x-api-key"))
    assert (KEY, None, False) == (headers.pop("X-API-Key"), headers.get("x-api-key"), headers == alike)

"""What requests does of its own accord: it makes the next hop of a redirect, and lets one prepare a request by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import requests
from auth.kit import KEY, changing, source_of
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from servers.recorder import Recorder, Reply, Seen

from lamini_creds import PairingError
from lamini_creds.auth.requests import CredentialAuth

OWN = "http://own.example:8000"
STARTS = ["", "http:", "HTTP:", "https:", OWN, f"{OWN}%2f", f"{OWN}@", f"{OWN}\\", f"{OWN}:", f"{OWN}."]
SLASHES = [
    "",
    "/",
    "//",
    "///",
    "////",
    "/////",
    "\\\\",
    "/\\",
    "\t//",
    "/%2f",
    "//@",
    "//x@",
    "//own.example:8000@",
    "?",
]
HOSTS = ["evil.example", "evil.example:8000", "own.example:8000", "own.example:8000/", "own.example:8000@evil.example"]


class Leads(HTTPAdapter):
    """Answers the first request by leading to a location; keeps the origin of each request, as requests finds it."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location
        self.asked: list[tuple[object, str | None]] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        where = self.build_connection_pool_key_attributes(request, verify=True)[0]
        origin = where["scheme"], where["host"], where["port"]
        self.asked.append((origin, request.headers.get("X-API-Key")))
        response = requests.Response()
        response.status_code = 302 if len(self.asked) == 1 else 200
        response.headers["Location"] = self.location
        response.url, response.request, response._content = request.url or "", request, b""
        response.raw = None
        return response


def test_the_url_that_is_judged_is_the_one_that_is_sent() -> None:
    """Whatever a redirect is written like, the key goes where requests goes, or nowhere."""
    source, leaked, kept = source_of(OWN), [], 0
    for parts in product(STARTS, SLASHES, HOSTS):
        adapter = Leads("".join(parts))
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            try:
                session.get(f"{OWN}/a", auth=CredentialAuth(source, header="X-API-Key"))
            except (requests.RequestException, ValueError):
                continue
        *_, (origin, key) = adapter.asked
        leaked += [parts] if key and origin != ("http", "own.example", 8000) else []
        kept += key is not None

    assert ([], True) == (leaked, kept > 100)


def test_a_session_that_reads_redirects_in_its_own_way() -> None:
    """A session that follows a redirect to another place than was written takes no key there."""
    with Recorder() as server, Recorder() as other:

        class Session(requests.Session):
            def get_redirect_target(self, resp: requests.Response) -> str | None:
                return other.url if resp.is_redirect else None

        server.answer = lambda _: Reply(302, headers={"Location": "/b"})
        with Session() as session:
            session.trust_env = False
            session.get(server.url, auth=CredentialAuth(source_of(server.url), header="X-API-Key"))

        assert ([KEY], [None]) == (server.got("X-API-Key"), other.got("X-API-Key"))


def prepared(session: requests.Session, source: Any, url: str) -> requests.PreparedRequest:
    session.trust_env = False
    return session.prepare_request(requests.Request("GET", url, auth=CredentialAuth(source)))


def test_a_prepared_request_whose_url_is_changed() -> None:
    """A request that was prepared for the key's origin and is then sent elsewhere goes without the key."""
    with Recorder() as server, Recorder() as other, requests.Session() as session:
        request = prepared(session, source_of(server.url), server.url)
        for url in (other.url, server.url):
            request.url = url
            session.send(request)

        assert ([f"Bearer {KEY}"], [None]) == (server.got(), other.got())


def test_a_redirect_that_the_caller_follows() -> None:
    """`response.next` has the key if it goes to the key's origin, and loses it where it is sent elsewhere."""
    with Recorder() as server, Recorder() as other, requests.Session() as session:
        server.answer = lambda seen: Reply(302, headers={"Location": "/b"}) if seen.path == "/" else Reply()
        request = session.send(prepared(session, source_of(server.url), server.url), allow_redirects=False).next
        assert request is not None
        session.send(request)
        request.url = other.url
        session.send(request)

        assert ([f"Bearer {KEY}"] * 2, [None]) == (server.got(), other.got())


def test_a_request_that_was_led_on_and_rejected_is_sent_anew() -> None:
    """A request whose key was rejected behind a redirect has the new one when it is sent another time."""
    asked = "Bearer test-key-2"

    def guarded(seen: Seen) -> Reply:
        return Reply(200 if seen.get("Authorization") == asked else 401)

    with Recorder() as server, requests.Session() as session:
        server.answer = lambda seen: Reply(307, headers={"Location": "/b"}) if seen.path == "/" else guarded(seen)
        request = prepared(session, changing(server.url, KEY, "test-key-2"), server.url)
        first = session.send(request).status_code
        server.answer = guarded

        assert (200, 200, asked) == (first, session.send(request).status_code, server.got()[-1])


def test_the_rejected_answer_stands_in_history() -> None:
    """As with requests' own digest, the answer that rejected the key is in `history`, and its cookies count."""
    with Recorder() as server, requests.Session() as session:
        session.trust_env = False
        server.answer = lambda seen: Reply(
            401 if seen.get("Authorization") == f"Bearer {KEY}" else 200, headers={"Set-Cookie": "a=b"}
        )
        response = session.get(server.url, auth=CredentialAuth(changing(server.url, KEY, "test-key-2")))

        assert ([401], "b") == ([each.status_code for each in response.history], session.cookies["a"])


class Keeps(HTTPAdapter):
    """Keeps the last answer."""

    def send(self, *args: Any, **kw: Any) -> requests.Response:
        self.last = super().send(*args, **kw)
        return self.last


def test_an_answer_that_is_not_the_callers_is_closed() -> None:
    """Where a redirect elsewhere raises, the answer from there holds no connection."""
    with Recorder() as server, Recorder(lambda _: Reply(body=b"x" * 100)) as other, requests.Session() as session:
        server.answer = lambda _: Reply(302, headers={"Location": other.url})
        session.trust_env = False
        session.mount(other.url, adapter := Keeps())
        with pytest.raises(PairingError):
            session.get(server.url, auth=CredentialAuth(source_of(server.url), elsewhere="raise"), stream=True)

        assert (1, True) == (len(other.seen), adapter.last.raw.closed)


class Sorted(requests.PreparedRequest):
    """A request of the caller's own class."""

    def sorted(self) -> list[str]:
        return sorted(self.headers)


def test_a_request_of_the_callers_own_class() -> None:
    """A request stays of the class that it was of, and does what that can."""
    request = Sorted()
    request.prepare(method="GET", url=OWN, auth=CredentialAuth(source_of(OWN)))

    assert isinstance(request, Sorted)
    assert ["Authorization"] == request.sorted()


class Copies(AuthBase):
    """An auth that leaves the caller's request alone, and gives a copy to another one."""

    def __init__(self, auth: AuthBase) -> None:
        self._auth = auth

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        return self._auth(r.copy())


def test_an_auth_that_gives_back_a_copy() -> None:
    """A request that was made the one with the key only then loses it on a redirect as any other."""
    with Recorder() as server, Recorder() as other, requests.Session() as session:
        server.answer = lambda seen: Reply(307, headers={"Location": "/b" if seen.path == "/" else other.url})
        session.trust_env = False
        session.get(server.url, auth=Copies(CredentialAuth(source_of(server.url))))

        assert ([f"Bearer {KEY}"] * 2, [None]) == (server.got(), other.got())


class StandIn:
    """Stands for a request in an answer, as doubles of a server and caches have it."""

    __slots__ = ("headers", "url")

    def __init__(self, request: requests.PreparedRequest) -> None:
        self.headers, self.url = request.headers, request.url


class Stands(Leads):
    """Answers with a stand-in for the request."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kw: Any) -> requests.Response:
        response = super().send(request, *args, **kw)
        response.request = StandIn(request)  # type: ignore[assignment]
        return response


def test_an_answer_that_has_another_request_in_it() -> None:
    """An adapter that puts an object of its own in the request's place does no harm."""
    adapter = Stands("http://evil.example")
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", adapter)
        session.get(OWN, auth=CredentialAuth(source_of(OWN), header="X-API-Key"))

    assert [KEY, None] == [key for _, key in adapter.asked]

"""However a server redirects, no other server sees the key, and the key's own server sees it on every hop."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from auth.kit import KEY, Open, source_of
from servers.recorder import Recorder, Reply, Seen

from lamini_creds import PairingError, Service

STATUSES = [301, 302, 303, 307, 308]
HEADERS = {
    "Authorization": Service("demo", urls={"production": "http://localhost"}),
    "X-API-Key": Service("demo", urls={"production": "http://localhost"}, header="X-API-Key", scheme=""),
    "api-key": Service("demo", urls={"production": "http://localhost"}, header="api-key", scheme=""),
}


class Route:
    """Servers that redirect from one to the next, and what they ask for: the first one's key."""

    def __init__(self, header: str = "Authorization") -> None:
        self.header = header
        self.locations: dict[str, str] = {}
        self.status = 307

    def lead(self, *hops: str) -> str:
        """Lead from each hop to the next; give the first."""
        for hop, following in pairwise(hops):
            self.locations[hop] = following
        return hops[0]

    def answer(self, server: Recorder) -> Callable[[Seen], Reply]:
        def reply(seen: Seen) -> Reply:
            location = self.locations.get(f"{server.url}{seen.path}")
            return Reply(self.status, headers={"Location": location}) if location else Reply(body=b"here")

        return reply

    def recorder(self, tls: ssl.SSLContext | None = None) -> Recorder:
        server = Recorder(tls=tls)
        server.answer = self.answer(server)
        return server


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("status", STATUSES)
def test_another_server_sees_no_key(opened: Open, status: int, header: str) -> None:
    """A redirect to another port is followed without the key, under whatever header."""
    route = Route()
    route.status = status
    with route.recorder() as server, route.recorder() as other:
        start = route.lead(f"{server.url}/a", f"{other.url}/b")
        answer = opened(source_of(server.url, service=HEADERS[header])).send(start)

        assert (200, b"here") == answer
        assert [KEY] == [value and value.removeprefix("Bearer ") for value in server.got(header)]
        assert [False] == [seen.shows(KEY) for seen in other.seen]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_within_the_origin_keeps_the_key(opened: Open, status: int, header: str) -> None:
    """What a redirect within the origin leads to is asked with the key."""
    route = Route()
    route.status = status
    with route.recorder() as server:
        start = route.lead(f"{server.url}/a", f"{server.url}/b")
        answer = opened(source_of(server.url, service=HEADERS[header])).send(start)

        assert (200, b"here") == answer
        assert [("/a", True), ("/b", True)] == [(seen.path, seen.shows(KEY)) for seen in server.seen if seen.shows(KEY)]


@pytest.mark.parametrize("refusal", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("header", HEADERS)
def test_a_redirect_of_a_post_within_the_origin(opened: Open, client: str, header: str, refusal: int) -> None:
    """A POST that is led on within the origin is answered as one with the key, however a server misses a key."""
    if client == "urllib":
        pytest.skip("follows no redirect of a POST with its body")
    with Recorder() as server:

        def answer(seen: Seen) -> Reply:
            if seen.path == "/items":
                return Reply(307, headers={"Location": "/items/"})
            return Reply(201 if seen.shows(KEY) else refusal, seen.body)

        server.answer = answer
        answered = opened(source_of(server.url, service=HEADERS[header])).send(
            f"{server.url}/items", "POST", b"an item"
        )

        assert (201, b"an item") == answered


@pytest.mark.parametrize("header", HEADERS)
def test_away_and_back_again(opened: Open, header: str) -> None:
    """A chain that leaves the origin twice shows the key to its own server alone, which is asked with it at the end."""
    route = Route()
    with route.recorder() as server, route.recorder() as other, route.recorder() as third:
        start = route.lead(
            f"{server.url}/a",
            f"{other.url}/b",
            f"{third.url}/c",
            f"{server.url}/d",
            f"{other.url}/e",
            f"{server.url}/f",
        )
        answer = opened(source_of(server.url, service=HEADERS[header])).send(start)

        assert (200, b"here") == answer
        assert ("/f", True) == (server.seen[-1].path, server.seen[-1].shows(KEY))
        assert not any(seen.shows(KEY) for seen in other.seen + third.seen)


@pytest.mark.parametrize("header", HEADERS)
def test_the_answer_is_the_one_to_the_key(opened: Open, header: str) -> None:
    """Where a server leads those without a key to another place, the caller gets where the key leads."""

    def answer(seen: Seen) -> Reply:
        there = {"/a": "/b", "/b": "/data" if seen.shows(KEY) else "/login"}.get(seen.path)
        return Reply(302, headers={"Location": there}) if there else Reply(body=seen.path.encode())

    with Recorder(answer) as server:
        sent = opened(source_of(server.url, service=HEADERS[header])).send(f"{server.url}/a")

        assert ((200, b"/data"), True) == (sent, server.seen[-1].shows(KEY))


@pytest.mark.parametrize("header", HEADERS)
def test_another_scheme_sees_no_key(
    opened: Open, tls: Callable[..., ssl.SSLContext], ca_file: str, header: str
) -> None:
    """Neither a redirect from http to https nor one from https to http takes the key along."""
    route = Route()
    with route.recorder() as plain, route.recorder(tls()) as secure:
        for server, other in ((plain, secure), (secure, plain)):
            start = route.lead(f"{server.url}/{server.port}", f"{other.url}/away")
            answer = opened(source_of(server.url, service=HEADERS[header]), ca_file=ca_file).send(start)

            assert (200, b"here") == answer
            assert [False] == [seen.shows(KEY) for seen in other.seen if seen.path == "/away"]


@pytest.mark.parametrize("header", HEADERS)
def test_the_upgrade_to_https_of_the_same_host(
    opened: Open,
    client: str,
    monkeypatch: pytest.MonkeyPatch,
    tls: Callable[..., ssl.SSLContext],
    ca_file: str,
    header: str,
) -> None:
    """From port 80 to port 443 of one host, where the clients think the key may go along, it does not."""
    if client == "urllib3":
        pytest.skip("reads no proxies from the environment")
    with Recorder(tls=tls("llm.example.com")) as secure:
        upgrade = Reply(301, headers={"Location": "https://llm.example.com/a"})
        with Recorder(lambda _: upgrade, routes={"llm.example.com:443": secure.port}) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("https_proxy", proxy.url)
            source = source_of("http://llm.example.com", service=HEADERS[header])
            answer = opened(source, ca_file=ca_file, trust_env=True).send("http://llm.example.com/a")

            assert (200, [True], [False]) == (
                answer.status,
                [seen.shows(KEY) for seen in proxy.seen if seen.line.startswith(b"GET http://llm.example.com/a ")],
                [seen.shows(KEY) for seen in secure.seen],
            )


def test_the_body_goes_along_and_the_key_does_not(opened: Open, client: str) -> None:
    """A 307 takes the body of a POST to another origin, without the key."""
    if client == "urllib":
        pytest.skip("follows no redirect of a POST with its body")
    route = Route()
    with route.recorder() as server, route.recorder() as other:
        start = route.lead(f"{server.url}/a", f"{other.url}/b")
        opened(source_of(server.url)).send(start, "POST", b"a body")

        assert [(b"a body", True)] == [(seen.body, seen.shows(KEY)) for seen in server.seen]
        assert [(b"a body", False)] == [(seen.body, seen.shows(KEY)) for seen in other.seen]


def test_a_redirect_that_is_not_followed(opened: Open) -> None:
    """Where redirects are not followed nobody else is asked, and the redirect itself is the answer."""
    route = Route()
    with route.recorder() as server, route.recorder() as other:
        start = route.lead(f"{server.url}/a", f"{other.url}/b")
        answer = opened(source_of(server.url), follow=False, elsewhere="raise").send(start)

        assert (307, [f"Bearer {KEY}"], []) == (answer.status, server.got(), other.seen)


def test_a_redirect_elsewhere_may_raise(opened: Open) -> None:
    """With `elsewhere="raise"` a redirect to another origin raises, and the key is not sent there."""
    route = Route()
    with route.recorder() as server, route.recorder() as other:
        start = route.lead(f"{server.url}/a", f"{other.url}/b")
        with pytest.raises(PairingError, match=other.url):
            opened(source_of(server.url), elsewhere="raise").send(start)

        assert not any(seen.shows(KEY) for seen in other.seen)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
@pytest.mark.parametrize(
    "location",
    ["//{other}/x", "http:\\\\{other}/x", "/\\{other}/x", "http://{own}@{other}/x", "http://{own}\\@{other}/x",
     "http:///{other}/x", "http://{own}#@{other}/x", "\t//{other}/x", "http://{other}:80:{own}/x", "////{other}/x",
     "http:////{other}/x", "http:////{other}"],
)  # fmt: skip
def test_a_location_that_two_parsers_read_differently(opened: Open, location: str, header: str) -> None:
    """However oddly a redirect is written, the other server sees no key."""
    with Recorder() as server, Recorder() as other:
        written = location.format(own=server.url.partition("//")[2], other=other.url.partition("//")[2])
        server.answer = lambda seen: Reply(302, headers={"Location": written}) if seen.path == "/a" else Reply()
        with suppress(Exception):  # whether a client follows it is its own business
            opened(source_of(server.url, service=HEADERS[header])).send(f"{server.url}/a")

        assert server.seen[0].shows(KEY)
        assert not any(seen.shows(KEY) for seen in other.seen)


def test_a_loop_ends(opened: Open) -> None:
    """A redirect in circles ends as the client ends it, also where hops are sent again."""
    route = Route()
    with route.recorder() as server, route.recorder() as other:
        start = route.lead(f"{server.url}/a", f"{other.url}/b", f"{server.url}/a")
        try:
            status = opened(source_of(server.url, service=HEADERS["X-API-Key"])).send(start).status
        except Exception:  # most clients have an error for it
            status = 307

        assert 307 == status
        assert not any(seen.shows(KEY) for seen in other.seen)

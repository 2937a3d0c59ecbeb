"""~/.netrc, proxies, user names in URLs, cookies: none of them replaces the key, and none gets a copy of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from auth.kit import KEY, Open, changing, source_of
from servers.recorder import Recorder, Reply

KEYED = f"Bearer {KEY}"


@pytest.fixture
def netrc(tmp_path: Path) -> None:
    """Put passwords for this machine into ~/.netrc."""
    file = tmp_path / ".netrc"
    file.touch(mode=0o600)
    file.write_text("machine 127.0.0.1 login somebody password test-password-1\n")


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch, client: str) -> Callable[[Recorder], None]:
    """Send everything through one proxy; skip clients that don't look for one."""
    if client == "urllib3":
        pytest.skip("reads no proxies from the environment")

    def use(proxy: Recorder) -> None:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)

    return use


def test_netrc_does_not_replace_the_key(opened: Open, netrc: None) -> None:
    """What ~/.netrc has for the host is not sent in the key's place."""
    with Recorder() as server:
        opened(source_of(server.url), trust_env=True).send(f"{server.url}/")

        assert [KEYED] == server.got()


def test_netrc_does_not_replace_the_key_on_a_redirect(opened: Open, netrc: None) -> None:
    """Nor on the hops of a redirect within the origin."""
    with Recorder() as server:
        server.answer = lambda seen: Reply(307, headers={"Location": "/b"}) if seen.path == "/a" else Reply()
        opened(source_of(server.url), trust_env=True).send(f"{server.url}/a")

        assert [KEYED, KEYED] == server.got()


def test_netrc_does_not_replace_the_key_after_a_detour(opened: Open, netrc: None) -> None:
    """Nor when a redirect comes back from elsewhere, where it may be sent, as without us; the key is not."""
    with Recorder() as server, Recorder() as other:
        other.answer = lambda _: Reply(307, headers={"Location": f"{server.url}/b"})
        server.answer = lambda seen: Reply(307, headers={"Location": other.url}) if seen.path == "/a" else Reply()
        opened(source_of(server.url), trust_env=True).send(f"{server.url}/a")

        assert (KEYED, KEYED) == (server.got()[0], server.got()[-1])
        assert not any(seen.shows(KEY) for seen in other.seen)


def test_a_user_name_in_the_url(opened: Open, client: str) -> None:
    """User name and password in the URL neither replace the key nor keep it away from its origin."""
    if client in ("urllib", "urllib3"):
        pytest.skip("takes no user name in a URL")
    with Recorder() as server:
        opened(source_of(server.url)).send(server.url.replace("//", "//somebody:test-password-1@"))

        assert [KEYED] == server.got()


def test_a_user_name_that_looks_like_the_origin(opened: Open) -> None:
    """A URL that begins with the origin, as a user name, leads elsewhere: without the key."""
    with Recorder() as server, Recorder() as other:
        own, theirs = server.url.partition("//")[2], other.url.partition("//")[2]
        for url in (f"http://{own}@{theirs}/", f"http://{own}\\@{theirs}/", f"http://{theirs}\\@{own}/"):
            with suppress(Exception):  # whether a client takes such a URL is its own business
                opened(source_of(server.url)).send(url)

        assert not any(seen.shows(KEY) for seen in other.seen)


@pytest.mark.parametrize("elsewhere", ["without", "raise"])
def test_a_host_that_looks_like_the_origin_but_not_to_a_proxy(
    opened: Open, proxies: Callable[[Recorder], None], elsewhere: str
) -> None:
    """A request that a proxy reads as one to another host goes without the key, also where a redirect leads there."""
    ends = ("%2F", "%2f", "%3F", "%23", "%5C", "%40", "%2F.", "/", "?", "#", "\\")
    urls = [f"http://llm.internal{end}{host}/x" for end in ends for host in ("@evil.example", "evil.example")]
    with Recorder() as proxy:
        proxies(proxy)
        proxy.answer = lambda seen: (
            Reply(302, headers={"Location": urls[int(seen.path[-2:])]}) if "/a" in seen.path else Reply()
        )
        client = opened(source_of("http://llm.internal"), trust_env=True, elsewhere=elsewhere)
        for url in (*urls, *(f"http://llm.internal/a{number:02}" for number in range(len(urls)))):
            with suppress(Exception):  # whether a client takes such a URL is its own business
                client.send(url)

        asked = [urlsplit(seen.path).netloc.rpartition("@")[2] for seen in proxy.seen if seen.shows(KEY)]
        assert {"llm.internal"} == {*asked}


def test_cookies_hold_no_key(opened: Open) -> None:
    """Cookies come and go as without us, and the key is in none."""
    with Recorder() as server, Recorder() as other:
        server.answer = lambda _: Reply(307, headers={"Location": f"{other.url}/b", "Set-Cookie": "a=b; Path=/"})
        opened(source_of(server.url)).send(f"{server.url}/a")

        assert [(KEYED, False)] == [
            (seen.get("Authorization"), KEY in (seen.get("Cookie") or "")) for seen in server.seen
        ]
        assert not any(seen.shows(KEY) for seen in other.seen)


def test_a_cookie_is_sent_beside_the_key(opened: Open) -> None:
    """A cookie that the program sets arrives beside the key."""
    with Recorder() as server:
        opened(source_of(server.url), headers={"Cookie": "a=b"}).send(f"{server.url}/")

        assert ([KEYED], ["a=b"]) == (server.got(), server.got("Cookie"))


def test_a_proxy_for_https_sees_nothing_of_the_key(
    opened: Open,
    proxies: Callable[[Recorder], None],
    tls: Callable[..., ssl.SSLContext],
    ca_file: str,
) -> None:
    """A proxy is asked for a tunnel without the key, also for a request that is sent again."""
    keys = iter([401, 200])
    with ExitStack() as running:
        server = running.enter_context(Recorder(lambda _: Reply(next(keys)), tls=tls("llm.example.com")))
        proxy = running.enter_context(Recorder(routes={"llm.example.com:443": server.port}))
        proxies(proxy)
        source = changing("https://llm.example.com", KEY, "test-key-2")
        opened(source, ca_file=ca_file, trust_env=True).send("https://llm.example.com/v1")

        assert [KEYED, "Bearer test-key-2"] == server.got()
        assert [b"GET /v1 HTTP/1.1"] * 2 == [seen.line for seen in server.seen]
        assert all(seen.line.startswith(b"CONNECT llm.example.com:443 ") for seen in proxy.seen)
        assert not any(seen.shows("test-key") for seen in proxy.seen)


def test_a_proxy_for_http_passes_the_key_on(opened: Open, proxies: Callable[[Recorder], None]) -> None:
    """Through a proxy for http the key goes to its own origin only, however many others go the same way."""
    with Recorder() as proxy:
        proxies(proxy)
        client = opened(source_of("http://llm.example.com"), trust_env=True)
        for host in ("llm.example.com", "other.example.com", "llm.example.com:8080", "llm.example.com:80"):
            client.send(f"http://{host}/v1")

        assert [KEYED, None, None, KEYED] == proxy.got()

"""The key goes to its own origin and nowhere else, whatever the URL looks like."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from auth.kit import KEY, Open, source_of
from servers.recorder import Recorder

from lamini_creds import CredentialsNotFoundError, PairingError, Resolver, Service, reset


def test_the_key_goes_to_its_own_origin(opened: Open) -> None:
    """A request to the credential's origin carries the key, once."""
    with Recorder() as server:
        answer = opened(source_of(server.url)).send(f"{server.url}/v1/models")

        assert (200, [f"Bearer {KEY}"]) == (answer.status, server.got())


def test_another_port_is_another_origin(opened: Open) -> None:
    """A request to another port of the same host goes without the key."""
    with Recorder() as server, Recorder() as other:
        answer = opened(source_of(server.url)).send(f"{other.url}/")

        assert (200, [None]) == (answer.status, other.got())


def test_elsewhere_may_raise(opened: Open) -> None:
    """With `elsewhere="raise"` nothing is sent to another origin."""
    with Recorder() as server, Recorder() as other:
        with pytest.raises(PairingError, match=f"the key is for {server.url}, and the request goes to {other.url}"):
            opened(source_of(server.url), elsewhere="raise").send(f"{other.url}/")

        assert [] == other.seen


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every host name lead to this machine."""
    real = socket.getaddrinfo

    def local(host: object, port: object, *args: Any, **kw: Any) -> object:
        known = host in (None, "127.0.0.1", "::1", b"127.0.0.1")
        return real(host if known else "127.0.0.1", port, *args, **kw)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", local)


SAME = {
    "case": ("http://llm.example.com", "http://LLM.Example.COM"),
    "idn": ("http://xn--bcher-kva.example", "http://xn--bcher-kva.example"),
    "idn-case": ("http://xn--bcher-kva.example", "http://XN--bcher-kva.example"),
}
OTHER = {
    "subdomain": ("http://example.com", "http://llm.example.com"),
    "parent": ("http://llm.example.com", "http://example.com"),
    "suffix": ("http://llm.example.com", "http://llm.example.com.evil.example"),
    "prefix": ("http://llm.example.com", "http://evil-llm.example.com"),
    "trailing-dot": ("http://llm.example.com", "http://llm.example.com."),
    "name-of-the-address": ("http://127.0.0.1", "http://localhost"),
    "homoglyph": ("http://example.com", "http://ex\N{CYRILLIC SMALL LETTER A}mple.com"),
}


@pytest.mark.parametrize(("bound", "asked"), SAME.values(), ids=SAME)
def test_the_same_origin(opened: Open, names: None, bound: str, asked: str) -> None:
    """The same host in other letters is the same origin."""
    with Recorder() as server:
        opened(source_of(f"{bound}:{server.port}")).send(f"{asked}:{server.port}/v1")

        assert [f"Bearer {KEY}"] == server.got()


@pytest.mark.parametrize(("bound", "asked"), OTHER.values(), ids=OTHER)
def test_another_host(opened: Open, names: None, bound: str, asked: str) -> None:
    """A host that only looks like the key's own gets no key."""
    with Recorder() as server:
        with suppress(UnicodeError):  # the standard library sends such a name as it is
            opened(source_of(f"{bound}:{server.port}")).send(f"{asked}:{server.port}/v1")

        assert not any(seen.shows(KEY) for seen in server.seen)


def test_an_international_name(opened: Open, client: str, names: None) -> None:
    """A host name in its own letters is the origin that it is on the wire."""
    if client == "urllib":
        pytest.skip("sends such a name as it is; xn-- has to be written")
    with Recorder() as server:
        source = source_of(f"http://xn--bcher-kva.example:{server.port}")
        opened(source).send(f"http://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example:{server.port}/v1")

        assert ([f"Bearer {KEY}"], [f"xn--bcher-kva.example:{server.port}"]) == (server.got(), server.got("Host"))


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6(opened: Open) -> None:
    """An IPv6 address is an origin like any other, however it is written."""
    with Recorder(host="::1") as server, Recorder() as other:
        client = opened(source_of(server.url))
        client.send(f"{server.url}/v1")
        client.send(f"http://[0:0:0:0:0:0:0:1]:{server.port}/v1")
        client.send(f"{other.url}/v1")

        assert ([f"Bearer {KEY}"] * 2, [None]) == (server.got(), other.got())


def test_https(opened: Open, tls: Callable[..., ssl.SSLContext], ca_file: str) -> None:
    """The key goes to an https origin; one of http at the same port is another."""
    with Recorder(tls=tls()) as server, Recorder() as plain:
        client = opened(source_of(server.url), ca_file=ca_file)
        client.send(f"{server.url}/v1")
        client.send(f"http://localhost:{plain.port}/v1")

        assert ([f"Bearer {KEY}"], [None]) == (server.got(), plain.got())


@pytest.mark.parametrize(
    "path", ["//{other}/v1", "/..//{other}", "/http://{other}/v1", "/?//{other}", "/@{other}/", "/%2f%2f{other}"]
)
def test_a_path_that_looks_like_a_host(opened: Open, path: str) -> None:
    """A path with another host in it goes to the key's origin, with the key; the other host hears nothing."""
    with Recorder() as server, Recorder() as other:
        opened(source_of(server.url)).send(server.url + path.format(other=other.url.partition("//")[2]))

        assert ([f"Bearer {KEY}"], []) == (server.got(), other.seen)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_header_of_the_callers_own(opened: Open, name: str) -> None:
    """A header that the client has already gives way to the key at its origin, and stays as it is elsewhere."""
    with Recorder() as server, Recorder() as other:
        client = opened(source_of(server.url), headers={name: "Basic something"})
        client.send(server.url)
        client.send(other.url)

        assert ([f"Bearer {KEY}"], ["Basic something"]) == (server.got(), other.got())


def test_the_key_in_a_header_of_the_callers_own(opened: Open) -> None:
    """A client that was given the key as a plain header, too, does not send it elsewhere."""
    with Recorder() as server, Recorder() as other:
        source = source_of(server.url)
        client = opened(source, headers=source.resolve().headers())
        client.send(server.url)
        client.send(other.url)

        assert ([f"Bearer {KEY}"], [None]) == (server.got(), other.got())


@pytest.mark.parametrize(
    ("header", "scheme", "sent"),
    [("X-API-Key", None, KEY), ("api-key", "", KEY), (None, "Token", f"Token {KEY}"), ("X-Auth", "Key", f"Key {KEY}")],
)
def test_another_header(opened: Open, header: str | None, scheme: str | None, sent: str) -> None:
    """`header` and `scheme` say how the key is sent."""
    with Recorder() as server:
        opened(source_of(server.url), header=header, scheme=scheme).send(server.url)

        assert [sent] == server.got(header or "Authorization")


def test_the_header_of_the_service(opened: Open) -> None:
    """The service of the resolver says how its key is sent."""
    with Recorder() as server:
        service = Service("demo", header="X-API-Key", scheme="")
        opened(source_of(server.url, service=service)).send(server.url)

        assert ([KEY], [None]) == (server.got("X-API-Key"), server.got())


def test_the_process_wide_resolver(opened: Open, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a source the process-wide resolver is asked, at each request."""
    from auth.drivers import CLIENTS
    from auth.kit import Options

    with Recorder() as server:
        monkeypatch.setenv("LAMINI_API_KEY", KEY)
        monkeypatch.setenv("LAMINI_API_URL", server.url)
        reset()
        with CLIENTS[client](Options({"source": None})) as sender:
            sender.send(server.url)
            monkeypatch.setenv("LAMINI_API_KEY", "test-key-2")
            sender.send(server.url)
        reset()

        assert [f"Bearer {KEY}", "Bearer test-key-2"] == server.got()


def test_a_credential(opened: Open) -> None:
    """A credential is a source as well as a resolver is."""
    with Recorder() as server, Recorder() as other:
        client = opened(source_of(server.url).resolve())
        client.send(server.url)
        client.send(other.url)

        assert ([f"Bearer {KEY}"], [None]) == (server.got(), other.got())


def test_no_credential(opened: Open) -> None:
    """Where no key is found nothing is sent: the request raises what the resolver does."""
    with Recorder() as server:
        with pytest.raises(CredentialsNotFoundError):
            opened(Resolver({}, environ={}, home=Path("/nonexistent"))).send(server.url)

        assert [] == server.seen

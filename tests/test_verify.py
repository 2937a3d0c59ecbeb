"""Asking a server about a key: what its answer means, and that the key goes nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import trustme

from lamini_creds import CredentialError, ProviderDenied, ProviderInvalid, ProviderUnavailable, resolve_credentials
from lamini_creds._verify import verify
from lamini_creds.testing import assert_no_leak

KEY = "test-key-c4n4ry9f8e7d"
Answering = Callable[..., "Peer"]


class Peer:
    """Listens on a port of this machine, gives every connection one answer, and keeps what it was sent."""

    def __init__(self, answer: bytes, context: ssl.SSLContext | None = None, *, drips: bool | None = None) -> None:
        self.sent: list[bytes] = []
        self._drips, self._over = drips, threading.Event()
        self._answer, self._context = answer, context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with suppress(OSError), connection:
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if self._context:
            with self._context.wrap_socket(connection, server_side=True) as wrapped:
                self.sent.append(wrapped.recv(65536))
                wrapped.sendall(self._answer)
        else:
            self.sent.append(connection.recv(65536))
            connection.sendall(self._answer)
            while self._drips is not None and not self._over.wait(0.02):
                connection.sendall(b"X: y\r\n" if self._drips else b"")

    def stop(self) -> None:
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """Start peers; no proxy of the machine's is in between."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    started: list[Peer] = []

    def start(answer: str, context: ssl.SSLContext | None = None, *, drips: bool | None = None) -> Peer:
        started.append(Peer(answer.replace("\n", "\r\n").encode(), context, drips=drips))
        return started[-1]

    yield start
    for peer in started:
        peer.stop()


def status(code: str, headers: str = "") -> str:
    return f"HTTP/1.1 {code} x\nContent-Length: 0\nConnection: close\n{headers}\n"


def ask(url: str) -> CredentialError | None:
    try:
        verify(resolve_credentials(key=KEY, url=url))
    except CredentialError as error:
        assert_no_leak(KEY, error)
        return error
    return None


@pytest.mark.parametrize("code", ["200", "204"])
def test_a_key_that_is_taken(answering: Answering, code: str) -> None:
    """The server is asked for its version below the base path, as Lamini's clients ask."""
    peer = answering(status(code))

    assert ask(f"http://127.0.0.1:{peer.port}/base") is None
    assert [b"GET /base/v1/version HTTP/1.1"] == [sent.splitlines()[0] for sent in peer.sent]
    assert f"Authorization: Bearer {KEY}".encode() in peer.sent[0].splitlines()


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("401", ProviderDenied, "the server refuses this key (401)"),
        ("403", ProviderDenied, "the server refuses this key (403)"),
        ("404", ProviderInvalid, "the server does not know this address (404)"),
        ("429", ProviderUnavailable, "the server has trouble (429)"),
        ("500", ProviderUnavailable, "the server has trouble (500)"),
        ("503", ProviderUnavailable, "the server has trouble (503)"),
        ("304", ProviderInvalid, "the server sends us elsewhere (304); the key was not sent there"),
    ],
)
def test_what_an_answer_means(answering: Answering, code: str, kind: type[CredentialError], reason: str) -> None:
    """Each answer is told as what it says about the key, with the address that was asked."""
    peer = answering(status(code))
    error = ask(f"http://127.0.0.1:{peer.port}")

    assert (kind, reason) == (type(error), error and error.reason)
    assert error
    assert f"http://127.0.0.1:{peer.port}/v1/version" == error.place


@pytest.mark.parametrize("code", ["301", "302", "303", "307", "308"])
def test_no_redirect_is_followed(answering: Answering, code: str) -> None:
    """The key is not sent where the server points, be it the same machine."""
    other = answering(status("200"))
    peer = answering(status(code, f"Location: http://127.0.0.1:{other.port}/v1/version\n"))
    error = ask(f"http://127.0.0.1:{peer.port}")

    assert (ProviderInvalid, []) == (type(error), other.sent)


def test_no_proxy_sees_the_key_in_the_clear(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http goes to the server itself, whatever proxy the environment names."""
    proxy, peer = answering(status("200")), answering(status("200"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")

    assert ask(f"http://127.0.0.1:{peer.port}") is None
    assert (0, 1) == (len(proxy.sent), len(peer.sent))


def test_a_proxy_is_asked_to_connect(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over https a proxy is told where to connect, and not the key."""
    proxy = answering(status("502"))
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
    error = ask("https://lamini.example.com")

    assert isinstance(error, ProviderUnavailable)
    assert [[b"CONNECT", b"lamini.example.com:443"]] == [sent.split()[:2] for sent in proxy.sent]
    assert_no_leak(KEY, proxy.sent)


def test_an_untrusted_certificate(answering: Answering) -> None:
    """A server that can't prove who it is is not sent the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    peer = answering(status("200"), context)
    error = ask(f"https://127.0.0.1:{peer.port}")

    assert ("its certificate is not trusted", []) == (error and error.reason, peer.sent)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("SSH-2.0-x\n", "what answers there does not speak HTTP"), ("", "it ends the connection without an answer")],
    ids=["another protocol", "nothing"],
)
def test_something_else_answers(answering: Answering, answer: str, reason: str) -> None:
    """What is no HTTP is told as such."""
    peer = answering(answer)
    error = ask(f"http://127.0.0.1:{peer.port}")

    assert (ProviderUnavailable, reason) == (type(error), error and error.reason)


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_server_that_comes_to_no_end(answering: Answering, drips: bool) -> None:
    """A server that gives no answer is given up, and so is one that gives a header now and then."""
    peer = answering("HTTP/1.1 200 x\n" if drips else "", drips=drips)
    credential = resolve_credentials(key=KEY, url=f"http://127.0.0.1:{peer.port}")
    with pytest.raises(ProviderUnavailable) as caught:
        verify(credential, seconds=0.2)

    assert "no answer in time" == caught.value.reason
    assert_no_leak(KEY, caught.value)


def test_nobody_listens() -> None:
    """A port that nobody listens on is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = ask(f"http://127.0.0.1:{port}")

    assert "nothing listens there" == (error and error.reason)


def test_a_name_that_nobody_knows() -> None:
    """A host name that leads nowhere is told as such."""
    error = ask("https://nowhere.invalid")

    assert "its name is not known" == (error and error.reason)

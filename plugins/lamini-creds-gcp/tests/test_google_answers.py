"""The provider `google`: what Lamini's answers come to, and that token and key show nowhere."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from connect_proxy import ConnectProxy
from faults import Answer, Cut, Dribble, FaultProxy, Hang, Refuse, refused_port
from gcp_kit import KEY, LAMINI_HOST, PERSON, PROXY, failure, within
from gcp_lamini import PATH
from lamini_creds_gcp.google_account import GoogleProvider

from lamini_creds import (
    ProviderDenied,
    ProviderError,
    ProviderInvalid,
    ProviderUnavailable,
)
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from faults import Fault
    from gcp_lamini import LaminiLogin
    from gcp_login import LoginServer

TOKEN = "test-token-machine-0"
PAGE = f"<html><body>Sign in, {KEY}, {TOKEN}</body></html>".encode()


@pytest.fixture
def way(lamini: LaminiLogin) -> Iterator[FaultProxy]:
    with FaultProxy(lamini.port) as proxy:
        yield proxy


@pytest.fixture
def provider(way: FaultProxy) -> GoogleProvider:
    return GoogleProvider(f"http://127.0.0.1:{way.port}{PATH}")


@pytest.fixture
def production(lamini: LaminiLogin, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    """Let Lamini's own host lead to the double."""
    with FaultProxy(lamini.port, tls=tls) as front, ConnectProxy({f"{LAMINI_HOST}:443": front.port}) as proxy:
        for name in PROXY:
            monkeypatch.setenv(name, proxy.url)
        yield proxy


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(401, PAGE), ProviderDenied),
        (Answer(403, PAGE), ProviderDenied),
        (Answer(400, PAGE), ProviderInvalid),
        (Answer(404, PAGE), ProviderInvalid),
        (Answer(422, PAGE), ProviderInvalid),
        (Answer(408, PAGE), ProviderUnavailable),
        (Answer(429, PAGE, {"Retry-After": "600"}), ProviderUnavailable),
        (Answer(500, PAGE), ProviderUnavailable),
        (Answer(503, PAGE), ProviderUnavailable),
        (Answer(200, PAGE), ProviderInvalid),
        (Answer(200, b""), ProviderInvalid),
        (Answer(200, b"[]"), ProviderInvalid),
        (Answer(200, b"{}"), ProviderInvalid),
        (Answer(200, b'{"token": null}'), ProviderInvalid),
        (Answer(200, b'{"token": ["%s"]}' % KEY.encode()), ProviderInvalid),
        (Answer(200, b'"%s"' % KEY.encode()), ProviderInvalid),
        (Answer(200, b"\xff\xfe"), ProviderInvalid),
        (Answer(200, b'{"token": "%s' % KEY.encode(), length=1000), ProviderInvalid),
        (Answer(200, b'{"a": "' + b"a" * 100_000 + b'", "token": "%s"}' % KEY.encode()), ProviderInvalid),
        (Answer(200, b"", {"No Header": KEY}), ProviderInvalid),
    ],
    ids=lambda given: f"{given.status} {given.body[:14]!r}" if isinstance(given, Answer) else None,
)
def test_answers(
    provider: GoogleProvider, way: FaultProxy, caplog: pytest.LogCaptureFixture, answer: Answer, outcome: type
) -> None:
    """Each answer has its outcome, and shows neither itself nor the token, in the error or in a log."""
    way.faults = [answer]
    with caplog.at_level(logging.DEBUG), pytest.raises(ProviderError) as raised:
        provider.provide(within())

    assert outcome is type(raised.value)
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    for secret in (KEY, TOKEN):
        assert_no_leak(
            secret, raised.value, [vars(record) for record in caplog.records], frames_of=GoogleProvider.__module__
        )


@pytest.mark.parametrize("body", [PAGE, b"[]", b"{}", b'{"token": null}', b"\xff\xfe"])
def test_no_token(provider: GoogleProvider, way: FaultProxy, body: bytes) -> None:
    """An answer without a key is called one; nobody could store a field there."""
    way.faults = [Answer(200, body)]
    error = failure(provider, 5)

    assert isinstance(error, ProviderInvalid)
    assert ("answers without a key", True) == (error.reason, "`endpoint`" in error.remedy)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(provider: GoogleProvider, way: FaultProxy, status: int) -> None:
    """A redirect is INVALID, and the token does not go where it leads."""
    with FaultProxy() as elsewhere:
        elsewhere.faults = [Answer(200, b'{"token": "test-key-of-another"}')]
        way.faults = [Answer(status, b"", {"Location": f"http://127.0.0.1:{elsewhere.port}{PATH}?token={TOKEN}"})]
        error = failure(provider, 5)

        assert isinstance(error, ProviderInvalid)
        assert 0 == elsewhere.connections
    assert_no_leak(TOKEN, error)


@pytest.mark.parametrize("fault", [Refuse(), Hang(), Cut(20), Cut(0, reset=False)], ids=str)
def test_no_answer(provider: GoogleProvider, way: FaultProxy, fault: Fault) -> None:
    """A connection that is reset, hangs or is cut is UNAVAILABLE within the time, and shows no token."""
    way.faults = [fault]
    error = failure(provider, 0.3)

    assert isinstance(error, ProviderUnavailable)
    assert_no_leak(TOKEN, error, frames_of=GoogleProvider.__module__)


def test_dribble(provider: GoogleProvider, way: FaultProxy, lamini: LaminiLogin) -> None:
    """An answer that trickles in is UNAVAILABLE within the time."""
    lamini.put(token="a" * 1000)
    way.faults = [Dribble(after=500)]

    assert isinstance(failure(provider, 0.3), ProviderUnavailable)


def test_nobody_there() -> None:
    """A port where nobody listens is UNAVAILABLE."""
    with refused_port() as port:
        assert isinstance(failure(GoogleProvider(f"http://127.0.0.1:{port}/"), 2), ProviderUnavailable)


def test_log(
    provider: GoogleProvider, login: LoginServer, use_login: Callable[[object], None], caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at DEBUG, no record shows the key, the token, or a request of the login."""
    use_login(login.service_account())
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="google"):
        logging.getLogger("google").propagate = True
        provider.provide(within())

    assert any(record.name.startswith("google") for record in caplog.records)
    for secret in (KEY, "test-token-account-0", "POST /token"):
        assert_no_leak(secret, [vars(record) for record in caplog.records])


def test_production(
    production: ConnectProxy, lamini: LaminiLogin, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without options Lamini's own host is asked, over TLS with all its checks."""
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    GoogleProvider().provide(within())

    assert [f"{LAMINI_HOST}:443"] == production.asked
    assert [PATH] == [asked.path for asked in lamini.asked]


@pytest.mark.usefixtures("production")
def test_untrusted(lamini: LaminiLogin) -> None:
    """A server whose certificate nobody vouches for is UNAVAILABLE, and does not see the token."""
    error = failure(GoogleProvider(), 2)

    assert isinstance(error, ProviderUnavailable)
    assert "SSLCertVerificationError" in error.reason
    assert [] == lamini.asked


@pytest.mark.usefixtures("google_hosts")
def test_plain_http_past_proxies(
    provider: GoogleProvider, use_login: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in on this machine is asked without a proxy, which would see the token."""
    use_login(PERSON)
    with ConnectProxy({}) as proxy:
        for name, value in {"http_proxy": proxy.url, "no_proxy": "", "NO_PROXY": ""}.items():
            monkeypatch.setenv(name, value)

        assert KEY == provider.provide(within()).key
        assert [] == proxy.asked

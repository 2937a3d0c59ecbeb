"""What the provider makes of a network that is ill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trustme
from faults import Answer, Cut, Dribble, FaultProxy, Pass, refused_port
from gcp import RestServer
from gcp_kit import KEY, SECRET, failure, within
from lamini_creds_gcp import GcpProvider

from lamini_creds import ProviderUnavailable

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from faults import Fault
    from gcp_store import Store

RESET = Cut(0)  # not before the server's first word: ssl of Python 3.11 leaves a socket open that is reset earlier
PAGE = f"<html><body>Sign in, {KEY}</body></html>".encode()


@pytest.mark.parametrize("fault", [RESET, Cut(1500), Cut(1500, reset=False)], ids=str)
def test_no_answer(options: dict[str, Any], way: FaultProxy, fault: Fault) -> None:
    """Connections that are reset or cut are UNAVAILABLE within the time."""
    way.faults = [fault]

    assert isinstance(failure(GcpProvider(**options), 0.3), ProviderUnavailable)


def test_dribble(options: dict[str, Any], way: FaultProxy) -> None:
    """An answer that trickles in is UNAVAILABLE within the time, be it a piece of TLS or more."""
    way.faults = [Dribble(after=1500)]

    assert isinstance(failure(GcpProvider(**options), 0.3), ProviderUnavailable)


def test_dribbling_body(store: Store) -> None:
    """A body of which something comes all the time is UNAVAILABLE within the time."""
    store.put(SECRET, b"a" * 10_000)
    with RestServer(store) as server, FaultProxy(server.port) as way:
        way.faults = [Dribble(after=5000)]

        assert isinstance(
            failure(GcpProvider(SECRET, endpoint=f"http://127.0.0.1:{way.port}"), 0.3), ProviderUnavailable
        )


def test_slow_store(provider: GcpProvider, store: Store) -> None:
    """A store that takes the request and does not answer is UNAVAILABLE within the time."""
    store.held.clear()
    try:
        assert isinstance(failure(provider, 0.3), ProviderUnavailable)
    finally:
        store.held.set()


def test_nobody_there(options: dict[str, Any]) -> None:
    """A port where nobody listens is UNAVAILABLE, and is named."""
    with refused_port() as port:
        error = failure(GcpProvider(**{**options, "endpoint": f"localhost:{port}"}), 0.5)

    assert isinstance(error, ProviderUnavailable)
    assert (f"localhost:{port}", True) == (error.reason.partition(" gives ")[0], "`endpoint`" in error.remedy)


def test_no_such_host(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that has no address is UNAVAILABLE within the time."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,store.invalid")

    options: dict[str, Any] = {"endpoint": "store.invalid", "transport": transport}
    error = failure(GcpProvider(SECRET, **options), 1)

    assert isinstance(error, ProviderUnavailable)


def test_reset_once(options: dict[str, Any], way: FaultProxy) -> None:
    """A connection that is reset once is not noticed."""
    way.faults = [RESET, Pass()]

    assert KEY == GcpProvider(**options).provide(within()).key


def test_after_outage(options: dict[str, Any], way: FaultProxy) -> None:
    """When the store is back, the same provider reads it."""
    provider = GcpProvider(**options)
    way.faults = [RESET]
    with pytest.raises(ProviderUnavailable):
        provider.provide(within(0.5))
    way.faults = [Pass()]

    assert KEY == provider.provide(within(20)).key


@pytest.mark.parametrize("known", [False, True], ids=["nobody vouches", "no CA"])
def test_untrusted(options: dict[str, Any], tmp_path: Path, *, known: bool) -> None:
    """A server whose certificate nobody vouches for is UNAVAILABLE, as with a file that is no CA's: see `ca_file`."""
    (tmp_path / "junk.pem").write_text("junk")
    options["ca_file"] = str(tmp_path / "junk.pem") if known else None
    error = failure(GcpProvider(**options), 0.6)

    assert isinstance(error, ProviderUnavailable)
    assert "`ca_file`" in error.remedy


def test_other_bundle(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """The option `ca_file` goes before what the environment trusts."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    variable = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" if transport == "grpc" else "REQUESTS_CA_BUNDLE"
    monkeypatch.setenv(variable, str(tmp_path / "other.pem"))

    assert KEY == GcpProvider(**options).provide(within()).key


@pytest.mark.parametrize("status", [200, 403, 503])
def test_page_instead_of_grpc(tls: ssl.SSLContext, ca_file: str, status: int) -> None:
    """Over gRPC a web page is no answer at all: UNAVAILABLE."""
    with FaultProxy(tls=tls) as proxy:
        proxy.faults = [Answer(status, PAGE)]
        provider = GcpProvider(SECRET, endpoint=f"localhost:{proxy.port}", ca_file=ca_file, transport="grpc")

        assert isinstance(failure(provider, 0.3), ProviderUnavailable)

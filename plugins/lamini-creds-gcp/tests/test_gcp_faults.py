"""What the provider makes of a network that is ill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trustme
from faults import Answer, Cut, FaultProxy, Hang, Pass, Refuse, refused_port
from gcp_kit import KEY, SECRET, failure, within
from lamini_creds_gcp import GcpProvider

from lamini_creds import ProviderUnavailable

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from faults import Fault
    from gcp_store import Store

PAGE = f"<html><body>Sign in, {KEY}</body></html>".encode()


@pytest.mark.parametrize("fault", [Refuse(), Hang(), Cut(1500), Cut(1500, reset=False)], ids=str)
def test_no_answer(options: dict[str, Any], way: FaultProxy, fault: Fault) -> None:
    """Connections that are reset, hang or are cut are UNAVAILABLE within the time."""
    way.faults = [fault]

    assert isinstance(failure(GcpProvider(**options), 1), ProviderUnavailable)


def test_slow_store(provider: GcpProvider, store: Store) -> None:
    """A store that takes the request and does not answer is UNAVAILABLE within the time."""
    store.held.clear()
    try:
        assert isinstance(failure(provider, 1), ProviderUnavailable)
    finally:
        store.held.set()


def test_nobody_there(options: dict[str, Any]) -> None:
    """A port where nobody listens is UNAVAILABLE."""
    with refused_port() as port, pytest.raises(ProviderUnavailable):
        GcpProvider(**{**options, "endpoint": f"localhost:{port}"}).provide(within(1))


def test_reset_once(options: dict[str, Any], way: FaultProxy) -> None:
    """A connection that is reset once is not noticed."""
    way.faults = [Refuse(), Pass()]

    assert KEY == GcpProvider(**options).provide(within()).key


def test_after_outage(options: dict[str, Any], way: FaultProxy) -> None:
    """When the store is back, the same provider reads it."""
    provider = GcpProvider(**options)
    way.faults = [Refuse()]
    with pytest.raises(ProviderUnavailable):
        provider.provide(within(0.5))
    way.faults = [Pass()]

    assert KEY == provider.provide(within(20)).key


def test_untrusted(options: dict[str, Any]) -> None:
    """A server whose certificate nobody vouches for is UNAVAILABLE."""
    del options["ca_file"]

    with pytest.raises(ProviderUnavailable):
        GcpProvider(**options).provide(within(2))


def test_other_bundle(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """The option `ca_file` goes before what the environment trusts."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    variable = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" if transport == "grpc" else "REQUESTS_CA_BUNDLE"
    monkeypatch.setenv(variable, str(tmp_path / "other.pem"))

    assert KEY == GcpProvider(**options).provide(within()).key


@pytest.mark.parametrize("status", [200, 403, 429, 500, 503])
def test_page_instead_of_grpc(tls: ssl.SSLContext, ca_file: str, status: int) -> None:
    """Over gRPC a web page is no answer at all: UNAVAILABLE."""
    with FaultProxy(tls=tls) as proxy:
        proxy.faults = [Answer(status, PAGE)]
        provider = GcpProvider(SECRET, endpoint=f"localhost:{proxy.port}", ca_file=ca_file, transport="grpc")

        assert isinstance(failure(provider, 1), ProviderUnavailable)

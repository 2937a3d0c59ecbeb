"""What becomes of a vault, or of a login, that is not to be reached, or too slowly."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from azure_kit import failure
from faults import Answer, Cut, Dribble, Fault, FaultProxy, Hang, Pass, Refuse, refused_port
from lamini_creds_azure import AzureProvider

from lamini_creds import ProviderInvalid, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_entra import Entra
    from azure_vault import Vault

    from lamini_creds import Context

pytestmark = pytest.mark.usefixtures("client_secret")

KEY = "test-key-azure-1"


def test_refused(options: dict[str, Any], within: Callable[..., Context]) -> None:
    """A vault that nobody listens for is unavailable."""
    with refused_port() as port:
        error = failure(AzureProvider(**{**options, "vault_url": f"https://localhost:{port}"}), within())

    assert ProviderUnavailable is type(error)


def test_no_such_host(options: dict[str, Any], within: Callable[..., Context], monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault whose name leads nowhere is unavailable."""
    monkeypatch.setenv("NO_PROXY", "*")
    error = failure(AzureProvider(**{**options, "vault_url": "https://vault.invalid"}), within())

    assert ProviderUnavailable is type(error)


def test_untrusted(options: dict[str, Any], within: Callable[..., Context]) -> None:
    """A certificate of a CA that nobody trusts makes the vault unavailable, and names `ca_file`."""
    error = failure(AzureProvider(**{**options, "ca_file": None}), within())

    assert (ProviderUnavailable, "there was no answer (SSLError)") == (type(error), error.reason)


def test_no_ca_file(options: dict[str, Any], within: Callable[..., Context]) -> None:
    """A CA file that is not there is invalid, and named as it is written."""
    error = failure(AzureProvider(**{**options, "ca_file": "~/no/such/ca.pem"}), within())

    assert (ProviderInvalid, "the CA file can't be read") == (type(error), error.reason)
    assert "'~/no/such/ca.pem'" in error.remedy


def test_no_ca_bundle(options: dict[str, Any], within: Callable[..., Context], monkeypatch: pytest.MonkeyPatch) -> None:
    """A CA file that is not there is invalid too where a variable names it, and the variable is named."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/ca.pem")
    error = failure(AzureProvider(**{**options, "ca_file": None}), within())

    assert (ProviderInvalid, True) == (type(error), "REQUESTS_CA_BUNDLE" in error.remedy)


@pytest.mark.parametrize(
    "fault",
    [Refuse(), Hang(), Hang(after=450), Cut(after=0), Cut(after=900), Cut(after=900, reset=False)],
    ids=["refuse", "hang", "hang later", "cut", "cut body", "cut politely"],
)
def test_faults(
    faulty: AzureProvider, way: FaultProxy, vault: Vault, within: Callable[..., Context], fault: Fault
) -> None:
    """A connection that fails or hangs makes the vault unavailable, within the time that there is."""
    vault.put("lamini", KEY * 100)
    way.faults = [fault]

    assert ProviderUnavailable is type(failure(faulty, within(1.0)))


def test_dribbled_handshake(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """A TLS handshake that dribbles is held to the same time."""
    with FaultProxy(vault.port) as way:
        way.faults = [Dribble(every=0.2)]
        provider = AzureProvider(**{**options, "vault_url": f"https://localhost:{way.port}"})
        error = failure(provider, within(1.0))

    assert ProviderUnavailable is type(error)


def test_dribbled_body(faulty: AzureProvider, way: FaultProxy, vault: Vault, within: Callable[..., Context]) -> None:
    """A body that comes too slowly is not waited for, though no single read takes long."""
    vault.put("lamini", KEY * 100)
    way.faults = [Dribble(after=700, every=0.05)]

    assert "there was no answer in time" == failure(faulty, within(1.5)).reason


def test_compressed(faulty: AzureProvider, way: FaultProxy, within: Callable[..., Context]) -> None:
    """A compressed answer is read."""
    body = gzip.compress(json.dumps({"value": KEY, "id": "https://localhost/secrets/lamini/1"}).encode())
    way.faults = [Answer(200, body, {"Content-Type": "application/json", "Content-Encoding": "gzip"})]

    assert KEY == faulty.provide(within()).key


def test_cut_once(faulty: AzureProvider, way: FaultProxy, within: Callable[..., Context]) -> None:
    """One broken connection is made good by a second try."""
    way.faults = [Refuse(), Pass()]

    assert KEY == faulty.provide(within()).key


def test_entra_hangs(
    provider: AzureProvider, entra: Entra, within: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login is held to the same time."""
    with FaultProxy(entra.port) as way:
        way.faults = [Hang()]
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://localhost:{way.port}")
        error = failure(provider, within(1.0))

    assert (ProviderUnavailable, "there was no answer in time") == (type(error), error.reason)


def test_no_time(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """Where no time is left nobody is asked."""
    error = failure(provider, within(0.0))

    assert (ProviderUnavailable, []) == (type(error), vault.requests)

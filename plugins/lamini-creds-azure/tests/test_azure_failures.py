"""What becomes of a vault that refuses, breaks, or is not to be reached; and that nothing of its answers shows."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from azure_http import Reply
from azure_kit import failure
from azure_vault import Vault, refusal
from faults import Answer, Fault, FaultProxy, Pass
from lamini_creds_azure import AzureProvider

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_entra import Entra

    from lamini_creds import Context

pytestmark = pytest.mark.usefixtures("client_secret")

KEY = "test-key-azure-1"
HTML = f"<html><body>{KEY}</body></html>".encode()


def test_missing(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """A secret that is not there is invalid; vault and secret are named."""
    error = failure(AzureProvider(**{**options, "secret": "other"}), within())

    assert (ProviderInvalid, f"{vault.url}/secrets/other") == (type(error), error.place)


def test_deleted(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A deleted secret is invalid."""
    vault.delete("lamini")

    assert "is not there, or deleted (HTTP 404)" == failure(provider, within()).reason


def test_no_such_version(options: dict[str, Any], within: Callable[..., Context]) -> None:
    """A version that is not there is invalid, and named."""
    error = failure(AzureProvider(**options, version="0" * 32), within())

    assert (ProviderInvalid, "/secrets/lamini/" + "0" * 32) == (type(error), error.place[-48:])


def test_disabled(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A disabled version is invalid, though the vault answers 403 for it."""
    vault.put("lamini", KEY, enabled=False)
    error = failure(provider, within())

    assert (ProviderInvalid, "is disabled (HTTP 403, SecretDisabled)") == (type(error), error.reason)


@pytest.mark.parametrize(
    "code", ["ForbiddenByRbac", "ForbiddenByPolicy", "ForbiddenByFirewall", "ForbiddenByConnection"]
)
def test_denied(provider: AzureProvider, vault: Vault, within: Callable[..., Context], code: str) -> None:
    """A refusal tells the vault's reason, and what permits the reading."""
    vault.denials["app"] = code
    error = failure(provider, within())

    assert (ProviderDenied, f"the vault refuses it (HTTP 403, {code})", True) == (
        type(error),
        error.reason,
        "Microsoft.KeyVault/vaults/secrets/getSecret/action" in error.remedy,
    )


def test_denied_for_missing(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A refusal says that it may stand for a secret that is not there."""
    vault.denials["app"] = "ForbiddenByRbac"

    assert "Some vaults answer so for a secret that is not there." in failure(provider, within()).remedy


def test_unknown_code(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A code that is not known is not repeated: it could be anything."""
    vault.denials["app"] = KEY

    assert "the vault refuses it (HTTP 403)" == failure(provider, within()).reason


def test_fresh_token_refused(
    provider: AzureProvider, vault: Vault, entra: Entra, within: Callable[..., Context]
) -> None:
    """A vault that takes not even a fresh token denies the secret."""
    vault.replies = [vault.challenge()] * 8
    error = failure(provider, within())

    assert (ProviderDenied, 1) == (type(error), entra.tokens)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy(provider: AzureProvider, vault: Vault, within: Callable[..., Context], status: int) -> None:
    """A vault that is throttled or broken is unavailable."""
    vault.replies = [refusal(status, "Busy", KEY)] * 2
    error = failure(provider, within())

    assert (ProviderUnavailable, f"the vault is busy or broken (HTTP {status})") == (type(error), error.reason)


def test_busy_once(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """One failure is made good by a second try."""
    vault.replies = [refusal(503, "ServiceUnavailable", "Try again.")]

    assert KEY == provider.provide(within()).key


def test_retry_after(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A vault that asks to wait longer than there is time is not waited for."""
    vault.replies = [refusal(429, "Throttled", "Wait.")._replace(headers={"Retry-After": "3600"})]
    error = failure(provider, within())

    assert (ProviderUnavailable, [False, True]) == (type(error), vault.authorized)


def test_strange_status(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A status that Key Vault never has is invalid."""
    vault.replies = [Reply(418, HTML.decode())]

    assert "the answer is none of a Key Vault (HTTP 418)" == failure(provider, within()).reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(provider: AzureProvider, vault: Vault, within: Callable[..., Context], status: int) -> None:
    """A vault that sends elsewhere is invalid, and nobody goes there."""
    vault.put("elsewhere", "test-key-of-another")
    vault.replies = [Reply(status, {}, {"Location": f"{vault.url}/secrets/elsewhere/"})]
    error = failure(provider, within())

    assert (ProviderInvalid, 2) == (type(error), len(vault.requests))


STRANGE: dict[str, Fault] = {
    "html": Answer(200, HTML, {"Content-Type": "text/html"}),
    "html as json": Answer(200, HTML, {"Content-Type": "application/json"}),
    "truncated": Answer(200, f'{{"value":"{KEY}'.encode(), {"Content-Type": "application/json"}),
    "list": Answer(200, json.dumps({"value": [KEY]}).encode(), {"Content-Type": "application/json"}),
    "no object": Answer(200, json.dumps([KEY]).encode(), {"Content-Type": "application/json"}),
    "no value": Answer(200, json.dumps({"tags": {"x": KEY}}).encode(), {"Content-Type": "application/json"}),
    "no date": Answer(
        200,
        json.dumps({"value": KEY, "attributes": {"nbf": KEY}}).encode(),
        {"Content-Type": "application/json"},
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_answers(faulty: AzureProvider, way: FaultProxy, within: Callable[..., Context], name: str) -> None:
    """An answer of status 200 that is no secret is invalid, and is no reason to check less."""
    way.faults = [STRANGE[name]]
    error = failure(faulty, within())

    assert (ProviderInvalid, False) == (type(error), "verify_challenge_resource" in error.remedy)


@pytest.mark.parametrize("name", [*STRANGE, "refused"])
def test_errors_show_nothing(faulty: AzureProvider, way: FaultProxy, within: Callable[..., Context], name: str) -> None:
    """No error shows what the vault answered: not in its text, not in what it is chained to, not in our frames."""
    way.faults = [STRANGE.get(name, Answer(500, HTML))]
    error = failure(faulty, within())

    assert_no_leak(KEY, error, frames_of="lamini_creds_azure")


def test_unusable_value_shows_nowhere(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """No error shows a value that can't be used."""
    vault.put("lamini", json.dumps({"token": KEY}))
    error = failure(provider, within())

    assert_no_leak(KEY, error, frames_of="lamini_creds_azure")


@pytest.mark.parametrize("name", ["found", "html as json", "refused", "no login"])
def test_logs(
    faulty: AzureProvider,
    way: FaultProxy,
    within: Callable[..., Context],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """No log record shows a secret, whatever its level."""
    caplog.set_level(logging.DEBUG)
    faults: dict[str, Fault] = {**STRANGE, "refused": Answer(500, HTML)}
    way.faults = [faults.get(name, Pass())]
    if name == "no login":
        monkeypatch.setenv("AZURE_CLIENT_ID", "stranger")
    try:
        faulty.provide(within())
    except ProviderError:
        assert name != "found"
    texts = [caplog.text, *(record.__dict__ for record in caplog.records)]

    assert_no_leak(KEY, *texts)
    assert_no_leak("test-client-secret", *texts)

"""While a secret is read, neither a vault's answer nor a login's shows in a log or on the terminal."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from azure_http import Reply
from lamini_creds_azure import AzureProvider

from lamini_creds import ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure_entra import Entra, Metadata

    from lamini_creds import Context

pytestmark = pytest.mark.usefixtures("client_secret")

KEY = "test-key-azure-1"
LOGIN_ANSWERS = {
    "cut": f'{{"access_token": "{KEY}',
    "html": f"<html><body>{KEY}</body></html>",
    "no token": {"token": KEY},
    "refusal": {"error": "invalid_client", "error_description": f"AADSTS7000215: {KEY}"},
}


@pytest.mark.parametrize("body", LOGIN_ANSWERS.values(), ids=LOGIN_ANSWERS)
@pytest.mark.parametrize("by", ["entra", "metadata"])
def test_logs_of_login(
    options: dict[str, Any],
    entra: Entra,
    metadata: Metadata,
    within: Callable[..., Context],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
    body: object,
) -> None:
    """What a login answers shows in no error and in no log record, whatever its level."""
    caplog.set_level(logging.DEBUG)
    if by == "metadata":
        monkeypatch.delenv("AZURE_CLIENT_SECRET")
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url)
        metadata.replies = [Reply(200, body)] * 8
    else:
        known = entra.answer
        monkeypatch.setattr(entra, "answer", lambda sent: Reply(200, body) if sent.method == "POST" else known(sent))
    with pytest.raises(ProviderUnavailable) as raised:
        AzureProvider(**options).provide(within())

    assert_no_leak(KEY, raised.value, caplog.text, *(record.__dict__ for record in caplog.records))


def test_prints_nothing(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody has set up logging, a missing login prints the provider's own words alone."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "test-wrong-secret")
    config = tmp_path / ".config" / "lamini_creds" / "config.toml"
    config.parent.mkdir(parents=True)
    table = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    config.write_text("\n".join(['providers = ["azure"]', "[provider.azure]", *table]))
    command = [sys.executable, "-m", "lamini_creds", "explain"]
    ran = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)

    assert ("AADSTS7000215" in ran.stdout + ran.stderr, False) == (True, "DefaultAzureCredential" in ran.stderr)


def test_quiet(provider: AzureProvider, within: Callable[..., Context], caplog: pytest.LogCaptureFixture) -> None:
    """While a secret is read, what the SDK says is withheld."""
    caplog.set_level(logging.DEBUG)
    provider.provide(within())

    assert [] == [record.name for record in caplog.records if "/secrets/" in record.getMessage()]

"""The double and the provider, held against answers of the real Key Vault that Microsoft recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure_http import JsonServer, Reply, Request
from azure_vault import Vault, Version, refusal
from connect_proxy import ConnectProxy
from lamini_creds_azure import AzureProvider

from lamini_creds import ProviderInvalid

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from azure_entra import Entra

    from lamini_creds import Context

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded" / "key_vault.json").read_text())
HOST = "vault458ad70cc7d267137a.vault.azure.net"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
ENDS = datetime.fromtimestamp(2527401600, UTC)


class Replay(JsonServer):
    """A vault that gives the recorded answers: to strangers the challenge, to others what `after` names."""

    after = "secret"

    def answer(self, request: Request) -> Reply:
        recorded = RECORDED[self.after if "authorization" in request.headers else "challenge"]
        return Reply(recorded["status"], recorded["body"], recorded["headers"])


@pytest.fixture
def replay(
    tls: ssl.SSLContext,
    entra: Entra,
    ca_file: str,
    client_secret: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Replay]:
    """Give the replaying vault by its recorded name, and Entra by its own."""
    entra.authority = "https://login.microsoftonline.com"
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    with (
        Replay(tls) as replay,
        ConnectProxy({f"{HOST}:443": replay.port, "login.microsoftonline.com:443": entra.port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield replay
        assert not proxy.refused


@pytest.fixture
def provider(replay: Replay) -> AzureProvider:
    return AzureProvider(secret="crud-secret", vault_url=f"https://{HOST}")


def test_value(provider: AzureProvider, within: Callable[..., Context]) -> None:
    """The recorded secret is read as it was."""
    secret = provider.provide(within())

    assert ("crud_secret_valued267137a", "3e81a677070d4ad8bb8085248d01ca8b", ENDS) == (
        secret.key,
        secret.version,
        secret.expires_at,
    )


def test_missing(provider: AzureProvider, replay: Replay, within: Callable[..., Context]) -> None:
    """The recorded answer for what is missing is taken as such."""
    replay.after = "missing"

    with pytest.raises(ProviderInvalid, match="is not there, or deleted"):
        provider.provide(within())


def test_double_answers_as_recorded() -> None:
    """The double words a secret, byte for byte, as the real vault did."""
    version = Version(
        "crud_secret_valued267137a",
        "3e81a677070d4ad8bb8085248d01ca8b",
        not_before=datetime.fromtimestamp(1422864000, UTC),
        expires_at=ENDS,
        content_type="password",
        created=1571703761,
        tags={"foo": "created tag"},
    )
    bundle = version.bundle(f"https://{HOST}/secrets/crud-secret")

    assert RECORDED["secret"]["body"] == json.dumps(bundle, separators=(",", ":"))


def test_double_challenges_as_recorded(entra: Entra, tls: ssl.SSLContext) -> None:
    """The double asks for a login as the real vault did."""
    entra.authority = "https://login.windows.net"
    with Vault(entra, tls) as vault:
        vault.tenant = TENANT
        challenge = vault.challenge()

    recorded = RECORDED["challenge"]
    assert (recorded["status"], json.loads(recorded["body"]), recorded["headers"]["www-authenticate"]) == (
        challenge.status,
        challenge.body,
        challenge.headers["WWW-Authenticate"],
    )


def test_double_refuses_as_recorded() -> None:
    """The double's error for what is missing has the real one's fields, up to the words of its message."""
    recorded = json.loads(RECORDED["missing"]["body"])["error"]

    assert {"error": recorded} == refusal(RECORDED["missing"]["status"], "SecretNotFound", recorded["message"]).body

"""The plugin as the core finds it, and production's names with nothing but their defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from azure_vault import Vault
from connect_proxy import ConnectProxy
from faults import refused_port
from lamini_creds_azure import AzureProvider

from lamini_creds import ConfigError, ProviderInvalid, ProviderUnavailable, Resolver

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from azure_entra import Entra

pytestmark = pytest.mark.usefixtures("client_secret")


def resolver(home: Path, entry: str, table: dict[str, Any]) -> Resolver:
    """Give a resolver whose chain is this entry."""
    return Resolver({"providers": [entry], "provider": {entry: table}}, environ={}, home=home)


def test_production_names(
    vault: Vault, entra: Entra, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no option but vault and secret, the SDK's own endpoints and checks lead to the key."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    entra.authority = "https://login.microsoftonline.com"
    vault.put("lamini-production", '{"key": "test-key-production", "url": "https://lamini.example.com"}')
    table = {"vault_url": "https://lamini-test.vault.azure.net", "secret": "lamini-{profile}"}
    routes = {"lamini-test.vault.azure.net:443": vault.port, "login.microsoftonline.com:443": entra.port}
    with ConnectProxy(routes) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        credential = resolver(tmp_path, "azure", table).resolve()

    assert ("test-key-production", "https://lamini.example.com", []) == (credential.key, credential.url, proxy.refused)


def test_proxy_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that lets nobody through to the vault makes it unavailable."""
    with ConnectProxy({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ProviderUnavailable, match="there was no answer"):
            resolver(tmp_path, "azure", {"secret": "https://nobody.vault.azure.net/secrets/lamini"}).resolve()

    assert {"nobody.vault.azure.net:443"} == {*proxy.refused}


def test_two_vaults(options: dict[str, Any], entra: Entra, tls: ssl.SSLContext, tmp_path: Path) -> None:
    """Two vaults stand in one chain by labelled entries: the second answers where the first is unavailable."""
    with Vault(entra, tls) as second, refused_port() as port:
        second.put("lamini", "test-key-second")
        first = {**options, "vault_url": f"https://localhost:{port}", "continue_on": ["unavailable"]}
        tables = {"azure:first": first, "azure:second": {**options, "vault_url": second.url}}
        settings = {"providers": [*tables], "provider": tables}
        credential = Resolver(settings, environ={}, home=tmp_path).resolve()

    assert ("azure:second", "test-key-second") == (credential.provider, credential.key)


def test_version_told(options: dict[str, Any], vault: Vault, tmp_path: Path) -> None:
    """The credential tells the version that it came from."""
    newest = vault.put("lamini", "test-key-azure-2")

    assert newest.name == resolver(tmp_path, "azure", options).resolve().version


def test_expired(options: dict[str, Any], vault: Vault, tmp_path: Path) -> None:
    """A secret whose time is over is no credential, though the vault still gives it."""
    vault.put("lamini", "test-key-azure-2", expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    with pytest.raises(ProviderInvalid, match="the key has expired"):
        resolver(tmp_path, "azure", options).resolve()


def test_secret_required(tmp_path: Path) -> None:
    """A table without `secret` is an error of the configuration."""
    with pytest.raises(ConfigError, match="needs the option 'secret'"):
        resolver(tmp_path, "azure", {"vault_url": "https://lamini-test.vault.azure.net"}).resolve()


def test_constructor(entra: Entra, vault: Vault, options: dict[str, Any]) -> None:
    """Nothing is asked before a secret is."""
    AzureProvider(**options)

    assert ([], []) == (entra.requests, vault.requests)

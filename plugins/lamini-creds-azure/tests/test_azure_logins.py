"""How the provider comes by a token, and how long it keeps what it has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from azure_entra import TENANT
from faults import FaultProxy, Hang
from lamini_creds_azure import AzureProvider

from lamini_creds import ProviderInvalid, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure_entra import Entra, Metadata
    from azure_vault import Vault

    from lamini_creds import Context

RESOURCE = "https://vault.azure.net"


def test_challenge(provider: AzureProvider, vault: Vault, entra: Entra, within: Callable[..., Context]) -> None:
    """The vault is asked without a token first, and says where one is to be had."""
    provider.provide(within())

    assert ([False, True], 1) == (vault.authorized, entra.tokens)


def test_kept(provider: AzureProvider, vault: Vault, entra: Entra, within: Callable[..., Context]) -> None:
    """Token and connection serve for further reads."""
    for _ in range(5):
        provider.provide(within())

    assert (1, 1) == (entra.tokens, len({request.port for request in vault.requests}))


@pytest.mark.usefixtures("client_secret")
def test_profiles_share(options: dict[str, Any], vault: Vault, entra: Entra, within: Callable[..., Context]) -> None:
    """Two profiles in one vault need one login."""
    vault.put("lamini-staging", "test-key-staging")
    vault.put("lamini-production", "test-key-production")
    provider = AzureProvider(**{**options, "secret": "lamini-{profile}"})
    for profile in ("staging", "production"):
        provider.provide(within(profile=profile))

    assert 1 == entra.tokens


def test_token_no_longer_taken(
    provider: AzureProvider, vault: Vault, entra: Entra, within: Callable[..., Context]
) -> None:
    """A token that the vault no longer takes is replaced by a fresh one."""
    provider.provide(within())
    vault.replies = [vault.challenge()]

    assert ("test-key-azure-1", 2) == (provider.provide(within()).key, entra.tokens)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A forked child reads on a connection of its own."""
    provider.provide(within())
    parents = {request.port for request in vault.requests}
    child = os.fork()
    if not child:
        found = False
        try:
            found = provider.provide(within()).key == "test-key-azure-1"
        finally:
            os._exit(0 if found else 1)
    status = os.waitpid(child, 0)[1]

    assert (0, True) == (status, vault.requests[-1].port not in parents)


def test_managed_identity(
    options: dict[str, Any], metadata: Metadata, within: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual machine's own identity is found."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url)

    assert "test-key-azure-1" == AzureProvider(**options).provide(within()).key


@pytest.mark.parametrize("by", ["client_id", "AZURE_CLIENT_ID"])
def test_user_assigned_identity(
    options: dict[str, Any],
    vault: Vault,
    metadata: Metadata,
    within: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    """`client_id` chooses a user-assigned identity, and so does Azure's own variable."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url)
    metadata.identities["chosen"] = "chosen"
    vault.denials["machine"] = "ForbiddenByRbac"
    if by == "client_id":
        options["client_id"] = "chosen"
    else:
        monkeypatch.setenv(by, "chosen")

    assert "test-key-azure-1" == AzureProvider(**options).provide(within()).key


def test_app_service(
    options: dict[str, Any], metadata: Metadata, within: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """App Service's identity endpoint is found."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{metadata.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", metadata.header)

    assert "test-key-azure-1" == AzureProvider(**options).provide(within()).key


@pytest.mark.parametrize("client_id", [None, "chosen"])
def test_workload_identity(
    options: dict[str, Any],
    entra: Entra,
    tmp_path: Path,
    within: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
    client_id: str | None,
) -> None:
    """A pod's federated token is traded for Entra's; `client_id` chooses among a pod's identities."""
    entra.secrets.update(pod=None, chosen=None)
    assertion = tmp_path / "token"
    assertion.write_text("test-assertion")
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "pod")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(assertion))
    AzureProvider(**options, client_id=client_id).provide(within())
    sent = entra.requests[-1].fields

    assert ("test-assertion", client_id or "pod") == (sent["client_assertion"], sent["client_id"])


def test_az(options: dict[str, Any], entra: Entra, tmp_path: Path, within: Callable[..., Context]) -> None:
    """The login of the `az` program is found, and asked for the vault's tenant."""
    token = entra.mint("app", RESOURCE)
    answer = f'{{"accessToken": "{token}", "expires_on": 4070908800}}'
    _install_az(tmp_path, f"echo \"$@\" >{tmp_path}/asked\necho '{answer}'")
    AzureProvider(**options).provide(within())

    assert f"--resource {RESOURCE} --tenant {TENANT}" in (tmp_path / "asked").read_text()


def test_other_tenant(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """No tenant but the login's own is told who asks."""
    vault.tenant = "99999999-2222-3333-4444-555555555555"

    with pytest.raises(ProviderUnavailable, match="no login"):
        provider.provide(within())


@pytest.mark.usefixtures("client_secret")
def test_other_domain(options: dict[str, Any], entra: Entra, within: Callable[..., Context]) -> None:
    """A vault that asks for a login of another domain than its own gets none."""
    provider = AzureProvider(**{**options, "verify_challenge_resource": True})

    with pytest.raises(ProviderInvalid, match="verify_challenge_resource = false"):
        provider.provide(within())

    assert 0 == entra.tokens


def test_az_login_expired(options: dict[str, Any], tmp_path: Path, within: Callable[..., Context]) -> None:
    """An expired login of `az` is none; its code is told."""
    _install_az(tmp_path, "echo 'ERROR: AADSTS700082: The refresh token has expired.' >&2\nexit 1")

    with pytest.raises(ProviderUnavailable, match=r"no login for the vault is to be had \(AADSTS700082\)"):
        AzureProvider(**options).provide(within())


def test_az_hangs(options: dict[str, Any], tmp_path: Path, within: Callable[..., Context]) -> None:
    """`az` is held to the time that there is."""
    _install_az(tmp_path, f"/bin/sleep 4\necho >{tmp_path}/ended")

    with pytest.raises(ProviderUnavailable, match="there was no answer in time"):
        AzureProvider(**options).provide(within(1.0))

    assert not (tmp_path / "ended").exists()


def test_az_after_hurry(options: dict[str, Any], entra: Entra, tmp_path: Path, within: Callable[..., Context]) -> None:
    """A first login that had little time takes none from later ones."""
    answer = f'{{"accessToken": "{entra.mint("app", RESOURCE)}", "expires_on": 4070908800}}'
    _install_az(tmp_path, f"/bin/sleep 1.2\necho '{answer}'")
    provider = AzureProvider(**options)
    with pytest.raises(ProviderUnavailable):
        provider.provide(within(1.1))

    assert "test-key-azure-1" == provider.provide(within()).key


def test_metadata_hangs(
    options: dict[str, Any], within: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metadata service that does not answer is held to the time that there is."""
    with FaultProxy() as way:
        way.faults = [Hang()]
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{way.port}")
        with pytest.raises(ProviderUnavailable):
            AzureProvider(**options).provide(within(0.5))

    assert way.connections


def test_no_login(options: dict[str, Any], within: Callable[..., Context]) -> None:
    """Where there is no login at all, the vault is unavailable, and the ways to one are told."""
    with pytest.raises(ProviderUnavailable, match="no login for the vault is to be had\n  Run `az login`"):
        AzureProvider(**options).provide(within())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AZURE_CLIENT_SECRET", "test-wrong-secret", r"\(AADSTS7000215\)"),
        ("AZURE_CLIENT_ID", "stranger", r"\(AADSTS700016\)"),
        ("AZURE_TENANT_ID", "no/tenant", "no login"),
    ],
    ids=["secret", "application", "tenant"],
)
def test_wrong_login(
    provider: AzureProvider,
    within: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    told: str,
) -> None:
    """A login that Entra refuses is none; its code is told, where it gives one."""
    monkeypatch.setenv(name, value)

    with pytest.raises(ProviderUnavailable, match=told):
        provider.provide(within())


def _install_az(folder: Path, does: str) -> None:
    """Put a program `az` where PATH leads."""
    program = folder / "az"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)

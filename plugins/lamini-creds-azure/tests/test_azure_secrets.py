"""What the provider finds in a vault that is well."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lamini_creds_azure import AzureProvider

from lamini_creds import ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_vault import Vault

    from lamini_creds import Context

pytestmark = pytest.mark.usefixtures("client_secret")


def test_whole_text(provider: AzureProvider, within: Callable[..., Context]) -> None:
    """The whole text of a secret is the key."""
    secret = provider.provide(within())

    assert ("test-key-azure-1", None) == (secret.key, secret.url)


def test_source(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """The source is the address by which Key Vault knows the secret."""
    assert f"{vault.url}/secrets/lamini" == provider.provide(within()).source


def test_slash(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """A vault's address may end with a slash, as the portal shows it."""
    provider = AzureProvider(**{**options, "vault_url": f"{vault.url}/"})

    assert f"{vault.url}/secrets/lamini" == provider.provide(within()).source


def test_newest_version(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """Without a version the newest is read, and its id is told."""
    newest = vault.put("lamini", "test-key-azure-2")
    secret = provider.provide(within())

    assert ("test-key-azure-2", newest.name) == (secret.key, secret.version)


def test_named_version(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """The option `version` names an older one."""
    old = vault.put("lamini", "test-key-azure-2")
    vault.put("lamini", "test-key-azure-3")

    assert "test-key-azure-2" == AzureProvider(**options, version=old.name).provide(within()).key


def test_profile_in_names(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """The profile stands where the secret's name holds `{profile}`."""
    vault.put("lamini-staging", "test-key-staging")
    provider = AzureProvider(**{**options, "secret": "lamini-{profile}"})

    assert "test-key-staging" == provider.provide(within(profile="staging")).key


def test_profile_in_vault(options: dict[str, Any], within: Callable[..., Context]) -> None:
    """The profile may stand in the vault's name, too."""
    provider = AzureProvider(**{**options, "vault_url": options["vault_url"].replace("localhost", "{profile}")})

    assert "test-key-azure-1" == provider.provide(within(profile="localhost")).key


@pytest.mark.parametrize("versioned", [False, True], ids=["newest", "version"])
def test_address(options: dict[str, Any], vault: Vault, within: Callable[..., Context], *, versioned: bool) -> None:
    """A secret's address names vault, secret and version at once."""
    old = vault.put("other", "test-key-old")
    vault.put("other", "test-key-new")
    address = f"{vault.url}/secrets/other" + (f"/{old.name}" if versioned else "")
    provider = AzureProvider(**{**options, "secret": address, "vault_url": None})

    assert ("test-key-old" if versioned else "test-key-new") == provider.provide(within()).key


def test_json(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """Key and URL come from one JSON secret."""
    vault.put("lamini", '{"key": "test-key-json", "url": "https://lamini.example.com"}')
    secret = provider.provide(within())

    assert ("test-key-json", "https://lamini.example.com") == (secret.key, secret.url)


def test_json_fields(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """`key_field` and `url_field` say where the two are in a JSON secret."""
    vault.put("lamini", '{"api": {"token": "test-key-json", "base": "https://lamini.example.com"}}')
    secret = AzureProvider(**options, key_field="/api/token", url_field="/api/base").provide(within())

    assert ("test-key-json", "https://lamini.example.com") == (secret.key, secret.url)


def test_url_secret(options: dict[str, Any], vault: Vault, within: Callable[..., Context]) -> None:
    """A second secret holds the URL, and is told as its source."""
    vault.put("lamini-url", "https://lamini.example.com")
    secret = AzureProvider(**options, url_secret="lamini-url").provide(within())

    assert ("https://lamini.example.com", f"{vault.url}/secrets/lamini-url") == (
        secret.url,
        secret.url_source,
    )


def test_expiry(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """The key ends when the vault says that the secret does."""
    ends = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)
    vault.put("lamini", "test-key-azure-2", expires_at=ends, not_before=datetime(2020, 1, 1, tzinfo=UTC))

    assert ends == provider.provide(within()).expires_at


def test_not_yet_valid(provider: AzureProvider, vault: Vault, within: Callable[..., Context]) -> None:
    """A version whose time is still to come is refused, with that time."""
    vault.put("lamini", "test-key-azure-2", not_before=datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(ProviderInvalid, match="is not valid before 20"):
        provider.provide(within())


@pytest.mark.parametrize(
    ("changed", "profile", "told"),
    [
        ({"secret": "team/lamini"}, "production", "/secrets/team/lamini'"),
        ({"secret": "lamini_{profile}"}, "production", "/secrets/lamini_production'"),
        ({"secret": "lamini-{profile}"}, "my_profile", "/secrets/lamini-my_profile'"),
        ({"vault_url": None}, "production", "'/secrets/lamini'"),
        ({"vault_url": "http://localhost:1"}, "production", "'http://localhost:1/secrets/lamini'"),
        ({"vault_url": "https://someone@localhost:1"}, "production", "'https://someone@localhost:1/secrets/lamini'"),
        ({"version": "../deletedsecrets"}, "production", "/secrets/lamini/../deletedsecrets'"),
        ({"secret": "https://localhost:1/secrets/lamini/0", "version": "1"}, "production", "/secrets/lamini/0/1'"),
    ],
    ids=["slash", "underscore", "profile", "no vault", "http", "user", "version", "two versions"],
)
def test_names_checked(
    options: dict[str, Any],
    vault: Vault,
    within: Callable[..., Context],
    changed: dict[str, Any],
    profile: str,
    told: str,
) -> None:
    """A name that Key Vault can't have is refused before anything is sent."""
    with pytest.raises(ProviderInvalid, match=f"{re.escape(told)}: is no secret's address"):
        AzureProvider(**{**options, **changed}).provide(within(profile=profile))

    assert [] == vault.requests


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "is empty"),
        ('{"key": ["test-key-azure-1"]}', "a list at '/key'"),
        ('{"token": "test-key-azure-1"}', "has no 'key'"),
        ('{"key": "test-key', "is not JSON"),
    ],
    ids=["empty", "list", "no field", "no JSON"],
)
def test_unusable_value(
    provider: AzureProvider, vault: Vault, within: Callable[..., Context], value: str, told: str
) -> None:
    """A value that holds no key is refused."""
    vault.put("lamini", value)

    with pytest.raises(ProviderInvalid, match=told):
        provider.provide(within())

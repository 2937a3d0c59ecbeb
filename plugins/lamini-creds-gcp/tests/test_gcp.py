"""What the provider finds in a store that is well, over REST and gRPC alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from gcp_kit import KEY, SECRET, within
from lamini_creds_gcp import GcpProvider

from lamini_creds import ProviderInvalid, ProviderUnavailable

if TYPE_CHECKING:
    from gcp_store import Store


def test_whole_text(provider: GcpProvider) -> None:
    """The whole text of a secret is the key."""
    secret = provider.provide(within())

    assert (KEY, None) == (secret.key, secret.url)


def test_version(provider: GcpProvider, store: Store) -> None:
    """The version is the number that `latest` stands for."""
    store.put(SECRET, b"test-key-2")

    assert "2" == provider.provide(within()).version


def test_source(provider: GcpProvider) -> None:
    """The source is the secret's full name, without its version."""
    assert SECRET == provider.provide(within()).source


@pytest.mark.parametrize("version", [1, "1", "stable"], ids=["number", "text", "alias"])
def test_named_version(options: dict[str, Any], store: Store, version: str | int) -> None:
    """A version may be named by its number or its alias."""
    store.put("projects/test-project/secrets/other", b"test-key-1", alias="stable")
    store.put("projects/test-project/secrets/other", b"test-key-2")
    provider = GcpProvider(**{**options, "secret": "projects/test-project/secrets/other"}, version=version)

    assert "test-key-1" == provider.provide(within()).key


def test_version_in_name(options: dict[str, Any], store: Store) -> None:
    """A version in the secret's own name goes before the option."""
    store.put(SECRET, b"test-key-2")
    provider = GcpProvider(**{**options, "secret": f"{SECRET}/versions/1"}, version=2)

    assert KEY == provider.provide(within()).key


def test_short_name(options: dict[str, Any]) -> None:
    """A short name is completed with the option `project`."""
    provider = GcpProvider(**{**options, "secret": "lamini"}, project="test-project")

    assert KEY == provider.provide(within()).key


def test_project_of_login(options: dict[str, Any], store: Store) -> None:
    """Without the option, a short name is completed with the login's project."""
    store.put("projects/machine-project/secrets/lamini", b"test-key-machine")
    provider = GcpProvider(**{**options, "secret": "lamini"})

    assert "test-key-machine" == provider.provide(within()).key


def test_profile_in_name(options: dict[str, Any], store: Store) -> None:
    """`{profile}` in a name stands for the profile."""
    store.put(f"{SECRET}-staging", b"test-key-staging")
    provider = GcpProvider(**{**options, "secret": f"{SECRET}-{{profile}}"})

    assert "test-key-staging" == provider.provide(within(profile="staging")).key


def test_regional_secret(options: dict[str, Any], store: Store) -> None:
    """A regional secret is read by its full name."""
    name = "projects/test-project/locations/europe-west3/secrets/lamini"
    store.put(name, b"test-key-regional")
    provider = GcpProvider(**{**options, "secret": name})

    assert "test-key-regional" == provider.provide(within()).key


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"key": "test-key-1", "url": "https://lamini.example.com"}', {}),
        ('{"staging": {"key": "test-key-1", "url": "https://lamini.example.com"}}', {}),
        ('{"a": {"b": "test-key-1", "c": "https://lamini.example.com"}}', {"key_field": "/a/b", "url_field": "/a/c"}),
    ],
    ids=["top", "profile", "pointers"],
)
def test_json(options: dict[str, Any], store: Store, text: str, fields: dict[str, Any]) -> None:
    """Key and URL are taken from JSON: at its top, under the profile, or where pointers lead."""
    store.put(SECRET, text.encode())
    secret = GcpProvider(**options, **fields).provide(within(profile="staging"))

    assert ("test-key-1", "https://lamini.example.com") == (secret.key, secret.url)


def test_url_secret(options: dict[str, Any], store: Store) -> None:
    """A second secret holds the URL."""
    store.put(f"{SECRET}-url", b"https://lamini.example.com")
    secret = GcpProvider(**options, url_secret=f"{SECRET}-url").provide(within())

    assert ("https://lamini.example.com", f"{SECRET}-url") == (secret.url, secret.url_source)


def test_url_secret_version(options: dict[str, Any], store: Store) -> None:
    """The version is the secret's own; of the second one the latest is read."""
    store.put(SECRET, b"test-key-2")
    store.put(f"{SECRET}-url", b"https://lamini.example.com")

    assert "test-key-2" == GcpProvider(**options, version=2, url_secret=f"{SECRET}-url").provide(within()).key


def test_no_expiry(provider: GcpProvider, store: Store) -> None:
    """By default nobody asks when a secret ends: there is one call, for its payload."""
    provider.provide(within())

    assert ["AccessSecretVersion"] == [call.method for call in store.calls]


def test_expiry(options: dict[str, Any], store: Store) -> None:
    """With `read_expiry`, the key ends when its secret does."""
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    store.put("projects/test-project/secrets/ending", b"test-key-1", expires_at=ends)
    provider = GcpProvider(**{**options, "secret": "projects/test-project/secrets/ending"}, read_expiry=True)

    assert ends == provider.provide(within()).expires_at


def test_lasting(options: dict[str, Any]) -> None:
    """With `read_expiry`, a secret that never ends has no expiry."""
    assert GcpProvider(**options, read_expiry=True).provide(within()).expires_at is None


def test_one_login(provider: GcpProvider, store: Store) -> None:
    """A client is kept with its login: many reads take one token."""
    for _ in range(3):
        provider.provide(within())

    assert 1 == len({call.token for call in store.calls})


@pytest.mark.parametrize(
    "secret",
    [
        "lamini.production",
        "projects/p/secrets/a b",
        "projects/p/secrets/a/versions/1/x",
        "../x",
        "projects/p?/secrets/a",
    ],
    ids=["dot", "blank", "longer", "parent", "query"],
)
def test_bad_name(options: dict[str, Any], store: Store, secret: str) -> None:
    """What is no secret's name is INVALID, and nobody is asked."""
    with pytest.raises(ProviderInvalid, match="is no secret's name"):
        GcpProvider(**{**options, "secret": secret}).provide(within())

    assert [] == store.calls


@pytest.mark.parametrize(
    "data", [b"", b"   ", b'{"url": "https://x"}', b'["test-key-1"]', b'{"key": ["test-key-1"]}', b"{"],
    ids=["empty", "blank", "no-key", "list", "list-in-key", "cut-json"],
)  # fmt: skip
def test_malformed(provider: GcpProvider, store: Store, data: bytes) -> None:
    """A payload that holds no key is INVALID, naming the secret."""
    store.put(SECRET, data)
    with pytest.raises(ProviderInvalid) as raised:
        provider.provide(within())

    assert SECRET in raised.value.place


def test_bytes(provider: GcpProvider, store: Store) -> None:
    """Bytes that are no text are INVALID, and called so."""
    store.put(SECRET, b"\xff\xfe")
    with pytest.raises(ProviderInvalid, match="no text in UTF-8"):
        provider.provide(within())


def test_checksum(provider: GcpProvider, store: Store) -> None:
    """A payload that does not fit its checksum is no answer: UNAVAILABLE."""
    store.hurt = True
    with pytest.raises(ProviderUnavailable, match="DataLoss"):
        provider.provide(within(0.5))


def test_checksum_once(provider: GcpProvider, store: Store) -> None:
    """A checksum that does not fit once is not noticed."""
    allowed = store.authorize

    def hurt_first(token: str | None) -> None:
        store.hurt = len(store.calls) == 1
        allowed(token)

    store.authorize = hurt_first

    assert KEY == provider.provide(within()).key


def test_missing_ca_file(options: dict[str, Any]) -> None:
    """A CA file that is not there is INVALID, by its option and its name as it is written."""
    with pytest.raises(ProviderInvalid) as raised:
        GcpProvider(**{**options, "ca_file": "~/nowhere/ca.pem"}).provide(within())

    assert "'~/nowhere/ca.pem'; `ca_file`" in raised.value.remedy

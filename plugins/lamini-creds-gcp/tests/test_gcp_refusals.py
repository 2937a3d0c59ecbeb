"""What the provider makes of the store's refusals, over REST and gRPC alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gcp_kit import KEY, SECRET, within
from gcp_store import Refusal, State
from lamini_creds_gcp import GcpProvider

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from gcp_store import Store

ACCESS = "Permission 'secretmanager.versions.access' denied for resource 'projects/p' (or it may not exist)."
READ = "Permission 'secretmanager.secrets.get' denied for resource 'projects/p' (or it may not exist)."
DECRYPT = "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource 'projects/p'."


def refused(provider: GcpProvider, store: Store, *refusals: Refusal, seconds: float = 10.0) -> ProviderError:
    """Give what the provider raises where the store refuses."""
    store.refusals.extend(refusals)
    with pytest.raises(ProviderError) as raised:
        provider.provide(within(seconds))
    return raised.value


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal("PERMISSION_DENIED", ACCESS), "secretmanager.versions.access"),
        (Refusal("PERMISSION_DENIED", "No.", "SERVICE_DISABLED"), "SERVICE_DISABLED"),
        (Refusal("PERMISSION_DENIED", "No."), "Google denies access"),
        (Refusal("FAILED_PRECONDITION", DECRYPT), "cloudkms.cryptoKeyVersions.useToDecrypt"),
    ],
    ids=["permission", "reason", "plain", "kms"],
)
def test_denied(provider: GcpProvider, store: Store, refusal: Refusal, words: str) -> None:
    """What the store forbids is DENIED, with the permission or reason where it is told."""
    error = refused(provider, store, refusal)

    assert (ProviderDenied, True) == (type(error), words in error.reason)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal("PERMISSION_DENIED", ACCESS), "roles/secretmanager.secretAccessor. What does not exist is denied too"),
        (Refusal("PERMISSION_DENIED", "No."), "roles/secretmanager.secretAccessor"),
        (Refusal("PERMISSION_DENIED", "No.", "SERVICE_DISABLED"), "Enable secretmanager.googleapis.com"),
        (Refusal("PERMISSION_DENIED", READ), "a role with secretmanager.secrets.get."),
        (Refusal("FAILED_PRECONDITION", DECRYPT), "a role with cloudkms.cryptoKeyVersions.useToDecrypt."),
    ],
    ids=["permission", "plain", "reason", "expiry", "kms"],
)
def test_denied_remedy(provider: GcpProvider, store: Store, refusal: Refusal, words: str) -> None:
    """Whoever is denied is told what helps against what was told."""
    assert words in refused(provider, store, refusal).remedy


def test_denied_expiry(options: dict[str, Any], store: Store) -> None:
    """With `read_expiry`, it is DENIED to read the payload alone."""
    provider = GcpProvider(**options, read_expiry=True)
    provider.provide(within())
    allowed = store.authorize

    def deny_metadata(token: str | None) -> None:
        allowed(token)
        if store.calls[-1].method == "GetSecret":
            raise Refusal("PERMISSION_DENIED", "Permission 'secretmanager.secrets.get' denied.")

    store.authorize = deny_metadata

    with pytest.raises(ProviderDenied, match=r"secretmanager\.secrets\.get"):
        provider.provide(within())


@pytest.mark.parametrize(
    ("state", "words"), [(State.DISABLED, "DISABLED"), (State.DESTROYED, "DESTROYED")], ids=["disabled", "destroyed"]
)
def test_state(provider: GcpProvider, store: Store, state: State, words: str) -> None:
    """A version that is disabled or destroyed is INVALID, and is called so."""
    store.mark(SECRET, 1, state)

    with pytest.raises(ProviderInvalid, match=words):
        provider.provide(within())


@pytest.mark.parametrize(
    ("secret", "version"),
    [("projects/test-project/secrets/other", "latest"), (SECRET, 7), (SECRET, "no-alias")],
    ids=["secret", "version", "alias"],
)
def test_not_found(options: dict[str, Any], secret: str, version: str | int) -> None:
    """What is not there is INVALID, naming project, secret and version."""
    with pytest.raises(ProviderInvalid, match="there is no such secret or version") as raised:
        GcpProvider(**{**options, "secret": secret}, version=version).provide(within())

    assert f"{secret}/versions/{version}" == raised.value.place


def test_bad_request(provider: GcpProvider, store: Store) -> None:
    """A request that the store does not understand is INVALID."""
    assert ProviderInvalid is type(refused(provider, store, Refusal("INVALID_ARGUMENT", "No.")))


@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED"])
def test_unavailable(provider: GcpProvider, store: Store, status: str) -> None:
    """Throttling and the store's own troubles are UNAVAILABLE."""
    error = refused(provider, store, *[Refusal(status, "Not now.")] * 50, seconds=0.4)

    assert ProviderUnavailable is type(error)


def test_client_survives(provider: GcpProvider, store: Store) -> None:
    """A secret that can't be used is no reason for another login."""
    refused(provider, store, Refusal("NOT_FOUND", "No."))
    provider.provide(within())

    assert 1 == len({call.token for call in store.calls})


@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "UNAVAILABLE"])
def test_passing(provider: GcpProvider, store: Store, status: str) -> None:
    """Throttling and outages that pass within the time are not noticed."""
    store.refusals.append(Refusal(status, "Not now."))

    assert KEY == provider.provide(within()).key


@pytest.mark.parametrize("status", ["PERMISSION_DENIED", "UNAVAILABLE", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"])
def test_no_leak(provider: GcpProvider, store: Store, status: str) -> None:
    """The store's own words stay out of the error, its chain and its frames."""
    error = refused(provider, store, *[Refusal(status, f"It is {KEY}.", KEY)] * 50, seconds=0.4)

    assert_no_leak(KEY, error, frames_of=GcpProvider.__module__)
    assert (None, None) == (error.__cause__, error.__context__)


def test_no_leak_of_payload(provider: GcpProvider, store: Store) -> None:
    """A payload that can't be used stays out of the error."""
    store.put(SECRET, b'{"wrong": "%s"}' % KEY.encode())

    assert_no_leak(KEY, refused(provider, store), frames_of=GcpProvider.__module__)

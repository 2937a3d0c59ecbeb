"""Where the provider's login comes from, and what becomes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from faults import Dribble, FaultProxy, Hang, Pass, Refuse
from gcp_kit import KEY, PERSON, SECRET, failure, within
from gcp_store import Refusal
from lamini_creds_gcp import GcpProvider

from lamini_creds import ProviderDenied, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connect_proxy import ConnectProxy
    from faults import Fault
    from gcp_login import LoginServer
    from gcp_store import Store

IMPERSONATION = "/v1/projects/-/serviceAccounts/other@test-project.iam.gserviceaccount.com:generateAccessToken"


@pytest.fixture
def transport() -> str:
    """Give one transport: the login is the same for both."""
    return "rest"


def test_metadata_server(provider: GcpProvider, store: Store) -> None:
    """On Google's machines the login is the machine's."""
    provider.provide(within())

    assert "test-token-machine-0" == store.calls[-1].token


def test_metadata_server_late(provider: GcpProvider, login: LoginServer) -> None:
    """A metadata server that is not ready yet is asked again."""
    login.metadata_statuses = [503]

    assert KEY == provider.provide(within()).key


def test_metadata_server_failing(provider: GcpProvider, login: LoginServer, store: Store) -> None:
    """A metadata server that has no token in time is UNAVAILABLE, and the store is not asked."""
    login.metadata_statuses = [503] * 50

    assert isinstance(failure(provider, 0.3), ProviderUnavailable)
    assert [] == store.calls


@pytest.mark.parametrize("fault", [Refuse(), Hang()], ids=["refuse", "hang"])
def test_no_login(provider: GcpProvider, metadata: FaultProxy, store: Store, fault: Fault) -> None:
    """A machine without any login is UNAVAILABLE, with what to do about it."""
    metadata.faults = [fault]
    error = failure(provider, 0.3)

    assert isinstance(error, ProviderUnavailable)
    assert "gcloud auth application-default login" in error.remedy
    assert [] == store.calls


def test_login_hangs(
    provider: GcpProvider, google_hosts: ConnectProxy, store: Store, use_login: Callable[[object], None]
) -> None:
    """A token endpoint that does not answer is UNAVAILABLE within the time."""
    use_login(PERSON)
    google_hosts.fault = Hang()

    assert isinstance(failure(provider, 0.3), ProviderUnavailable)
    assert [] == store.calls


def test_login_dribbles(provider: GcpProvider, metadata: FaultProxy, login: LoginServer) -> None:
    """A metadata server whose answer trickles in is UNAVAILABLE within the time."""
    login.padding = "a" * 10_000
    metadata.faults = [Dribble(after=5000)]

    assert isinstance(failure(provider, 0.3), ProviderUnavailable)


def test_login_replaced(
    provider: GcpProvider, metadata: FaultProxy, login: LoginServer, use_login: Callable[[object], None]
) -> None:
    """A login that is gone is not held on to: another one is found."""
    login.lifetime = 1
    provider.provide(within())
    metadata.faults = [Refuse()]
    with pytest.raises(ProviderUnavailable):
        provider.provide(within())
    use_login(login.service_account())

    assert KEY == provider.provide(within()).key


def test_login_later(provider: GcpProvider, metadata: FaultProxy) -> None:
    """A login that comes later is found."""
    metadata.faults = [Refuse(), Pass()]
    with pytest.raises(ProviderUnavailable):
        provider.provide(within())

    assert KEY == provider.provide(within()).key


def test_service_account(
    provider: GcpProvider, store: Store, login: LoginServer, use_login: Callable[[object], None]
) -> None:
    """A service account signs its tokens itself: nobody is asked for one."""
    use_login(login.service_account())
    provider.provide(within())

    assert (2, []) == ((store.calls[-1].token or "").count("."), login.asked)


def test_project_of_service_account(
    options: dict[str, Any],
    login: LoginServer,
    use_login: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The project is the service account's, where neither option nor variable names one."""
    use_login(login.service_account())
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")

    assert SECRET == GcpProvider(**{**options, "secret": "lamini"}).provide(within()).source


def test_workload_identity(
    provider: GcpProvider, store: Store, login: LoginServer, tmp_path: Path, use_login: Callable[[object], None]
) -> None:
    """A workload shows the token in its file and gets Google's for it."""
    (tmp_path / "token").write_text("workload")
    use_login(login.workload(tmp_path / "token"))
    provider.provide(within())

    assert "test-token-workload-0" == store.calls[-1].token


@pytest.mark.usefixtures("google_hosts")
def test_person(provider: GcpProvider, store: Store, use_login: Callable[[object], None]) -> None:
    """A person's login works."""
    use_login(PERSON)
    provider.provide(within())

    assert "test-token-user-0" == store.calls[-1].token


@pytest.mark.usefixtures("google_hosts")
def test_gclouds_file(provider: GcpProvider, store: Store, tmp_path: Path) -> None:
    """The file that `gcloud auth application-default login` leaves behind is found where gcloud keeps it."""
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(PERSON))
    provider.provide(within())

    assert "test-token-user-0" == store.calls[-1].token


@pytest.mark.usefixtures("google_hosts")
def test_revoked_person(
    provider: GcpProvider, store: Store, login: LoginServer, use_login: Callable[[object], None]
) -> None:
    """A login that has expired or was revoked is UNAVAILABLE, and shows nothing of itself."""
    use_login(PERSON)
    login.revoked = True
    with pytest.raises(ProviderUnavailable, match="no Google login") as raised:
        provider.provide(within())

    assert [] == store.calls
    assert_no_leak(KEY, raised.value)


@pytest.mark.usefixtures("google_hosts")
def test_no_project(
    options: dict[str, Any], use_login: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short name without any project is INVALID."""
    use_login(PERSON)
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    with pytest.raises(ProviderInvalid, match="no project"):
        GcpProvider(**{**options, "secret": "lamini"}).provide(within())


def test_malformed_login(provider: GcpProvider, use_login: Callable[[object], None]) -> None:
    """A login's file that can't be used is UNAVAILABLE, and its text stays where it is."""
    use_login({"type": "service_account", "private_key": KEY, "client_email": "a", "token_uri": "b"})
    with pytest.raises(ProviderUnavailable, match="no Google login") as raised:
        provider.provide(within())

    assert "login.json', which GOOGLE_APPLICATION_CREDENTIALS names" in raised.value.remedy
    assert_no_leak(KEY, raised.value)


@pytest.mark.usefixtures("google_hosts")
def test_impersonation(options: dict[str, Any], store: Store, login: LoginServer) -> None:
    """With `impersonate`, the store sees another service account's token."""
    address = "other@test-project.iam.gserviceaccount.com"
    GcpProvider(**options, impersonate=address).provide(within())

    assert IMPERSONATION in login.asked
    assert f"test-token-{address}-1" == store.calls[-1].token


@pytest.mark.usefixtures("google_hosts")
def test_no_impersonation(options: dict[str, Any], store: Store, login: LoginServer) -> None:
    """Where impersonation is refused, no login works: UNAVAILABLE, with the missing permission."""
    login.revoked = True
    with pytest.raises(
        ProviderUnavailable, match=r"\(iam\.serviceAccounts\.getAccessToken\)\n.* roles/iam\.serviceAccountTokenCreator"
    ):
        GcpProvider(**options, impersonate="other@test-project.iam.gserviceaccount.com").provide(within())

    assert [] == store.calls


def test_expired_token(provider: GcpProvider, store: Store, login: LoginServer) -> None:
    """A token that has expired is replaced before it is used."""
    login.lifetime = 1
    provider.provide(within())
    provider.provide(within())

    assert 2 == len({call.token for call in store.calls})


def test_login_not_accepted(provider: GcpProvider, store: Store) -> None:
    """A login that the store does not accept is DENIED."""

    def nobody(_: str | None) -> None:
        raise Refusal("UNAUTHENTICATED", "Request had invalid authentication credentials.")

    store.authorize = nobody

    with pytest.raises(ProviderDenied, match="does not accept the login"):
        provider.provide(within())


def test_another_login(
    provider: GcpProvider, store: Store, login: LoginServer, use_login: Callable[[object], None]
) -> None:
    """After a denial the login is looked for anew."""
    store.authorize = lambda token: None if token and token.count(".") == 2 else login.authorize(None)
    with pytest.raises(ProviderDenied):
        provider.provide(within())
    use_login(login.service_account())

    assert KEY == provider.provide(within()).key

"""What the provider is to its process: in the chain, when imported, across a fork, in what it shows."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import TYPE_CHECKING, Any

import pytest
from faults import Dribble, FaultProxy
from lamini_creds_vault import VaultProvider

from lamini_creds import ConfigError, Outcome, ProviderUnavailable, Resolver
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openbao import Bao

    from lamini_creds import Context

KEY = "test-key-vault-1"


@pytest.fixture(autouse=True)
def stored(bao: Bao, path: str) -> None:
    bao.put(path, {"key": KEY})


@pytest.fixture
def approle(bao: Bao, path: str) -> dict[str, str]:
    """Give a login that can be made once."""
    role_id, secret_id = bao.role(f"secret/data/{path}", secret_id_num_uses=1)
    return {"VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": secret_id}


@pytest.fixture
def far(way: FaultProxy, path: str) -> VaultProvider:
    """Give a provider whose connections are counted."""
    return VaultProvider(path, f"http://127.0.0.1:{way.port}")


def resolver(tables: dict[str, dict[str, Any]], **environ: str) -> Resolver:
    return Resolver({"providers": [*tables], "provider": tables}, environ=environ)


def test_chain(bao: Bao, path: str) -> None:
    """The provider `vault` answers in a chain, with place and version."""
    found = resolver({"vault": {"secret": path, "address": bao.url}}, VAULT_TOKEN=bao.root_token).resolve()

    assert (KEY, "vault", "1") == (found.key, found.provider, found.version)


def test_options_from_the_environment(bao: Bao, path: str) -> None:
    """Variables set every option, numbers too."""
    environ = {"SECRET": path, "ADDRESS": bao.url, "KV_VERSION": "2", "VERSION": "1"}
    told = {f"LAMINI_CREDS__VAULT__{name}": value for name, value in environ.items()}
    found = Resolver(environ={"LAMINI_CREDS_PROVIDERS": "vault", "VAULT_TOKEN": bao.root_token, **told}).resolve()

    assert KEY == found.key


def test_unknown_engine(path: str) -> None:
    """There is no KV 3."""
    with pytest.raises(ConfigError, match="kv_version"):
        resolver({"vault": {"secret": path, "kv_version": 3}}).resolve()


@pytest.mark.parametrize("version", [0, -1])
def test_no_such_version_number(path: str, version: int) -> None:
    """Versions begin with 1: what the server takes for the newest pins nothing."""
    with pytest.raises(ConfigError, match=r"\[provider.vault\] version"):
        resolver({"vault": {"secret": path, "version": version}}).resolve()


def test_two_servers(bao: Bao, path: str) -> None:
    """Two labelled entries ask two mounts; the first has nothing."""
    tables: dict[str, dict[str, Any]] = {
        "vault:team": {"secret": path, "address": bao.url, "mount": "none"},
        "vault:company": {"secret": path, "address": bao.url},
    }
    report = resolver(tables, VAULT_TOKEN=bao.root_token).explain(all=True)

    assert [("vault:team", Outcome.INVALID), ("vault:company", Outcome.FOUND)] == [
        (attempt.entry, attempt.outcome) for attempt in report.attempts if attempt.entry.startswith("vault")
    ]


def test_dribbled_headers(way: FaultProxy, bao: Bao, path: str) -> None:
    """Headers that come byte by byte set off no limit of the SDK's; the entry's time ends it."""
    way.faults = [Dribble(every=0.2)]
    table = {"secret": path, "address": f"http://127.0.0.1:{way.port}", "timeout": 0.5}
    report = resolver({"vault": table}, VAULT_TOKEN=bao.root_token).explain()

    assert [Outcome.UNAVAILABLE] == [attempt.outcome for attempt in report.attempts if attempt.entry == "vault"]


def test_a_chain_without_it_imports_no_sdk(tmp_path: Path) -> None:
    """Installed and not named, the plugin costs no import."""
    program = (
        "import sys, lamini_creds\n"
        "lamini_creds.resolve_credentials()\n"
        "print([name for name in ('hvac', 'requests', 'lamini_creds_vault') if name in sys.modules])\n"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LAMINI_API_KEY": KEY}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "[]\n" == ran.stdout


def test_construction(far: VaultProvider, way: FaultProxy) -> None:
    """Making a provider asks nobody."""
    assert 0 == way.connections


def test_one_connection(far: VaultProvider, way: FaultProxy, context: Callable[..., Context]) -> None:
    """Every call goes over the connection of the first."""
    for _ in range(3):
        far.provide(context())

    assert 1 == way.connections


def test_one_connection_for_login_and_secret(
    far: VaultProvider, way: FaultProxy, approle: dict[str, str], context: Callable[..., Context]
) -> None:
    """The login goes over it too."""
    far.provide(context(approle))

    assert 1 == way.connections


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork(far: VaultProvider, way: FaultProxy, approle: dict[str, str], context: Callable[..., Context]) -> None:
    """A forked child has a connection of its own, and its parent's login: a secret ID may serve only once."""
    far.provide(context(approle))
    child = os.fork()
    if not child:
        os._exit(0 if far.provide(context(approle)).key == KEY else 1)
    _, status = os.waitpid(child, 0)

    assert (0, 2) == (os.waitstatus_to_exitcode(status), way.connections)


def test_threads(far: VaultProvider, bao: Bao, path: str, context: Callable[..., Context]) -> None:
    """Many threads read at once, each with its own login and time."""
    environ = [{"VAULT_TOKEN": bao.token(f"secret/data/{path}")} for _ in range(4)] * 8
    with ThreadPoolExecutor(8) as pool:
        keys = {secret.key for secret in pool.map(lambda told: far.provide(context(told)), environ)}

    assert {KEY} == keys


def test_threads_log_in_once(
    way: FaultProxy, far: VaultProvider, approle: dict[str, str], context: Callable[..., Context]
) -> None:
    """Threads that come at once share one login: a secret ID may serve only once."""
    together = Barrier(8)

    def read(_: int) -> str | None:
        together.wait(10)
        return far.provide(context(approle)).key

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(read, range(8)))

    assert {KEY} == keys


def test_a_login_under_way_is_not_waited_for_without_end(
    way: FaultProxy, far: VaultProvider, approle: dict[str, str], context: Callable[..., Context]
) -> None:
    """A thread whose time is up before another's login is, says that there was no answer."""
    far._locks[os.getpid()] = lock = Lock()
    with lock, pytest.raises(ProviderUnavailable, match=r"there was no answer \(ReadTimeout\)"):
        far.provide(context(approle, seconds=0.2))

    assert 0 == way.connections


@pytest.mark.parametrize("name", ["hvac.adapters", "requests.sessions", "urllib3.connectionpool"])
def test_what_its_libraries_say_is_withheld(
    far: VaultProvider, context: Callable[..., Context], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Whatever the SDK and what is below it log of an answer does not show."""
    caplog.set_level(logging.DEBUG)
    far.provide(context())
    (session,) = far._sessions.values()
    session.hooks["response"] = [lambda *_, **__: logging.getLogger(name).debug(KEY)]
    far.provide(context())

    assert any(record.name == name for record in caplog.records)
    assert_no_leak(KEY, caplog.text)


def test_no_netrc(far: VaultProvider, tmp_path: Path, context: Callable[..., Context]) -> None:
    """The passwords in ~/.netrc are for other programs: none goes to the server."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password test-password-1")
    far.provide(context())
    (session,) = far._sessions.values()
    sent: list[Any] = []
    session.hooks["response"] = [lambda response, **_: sent.append(response.request.headers)]
    far.provide(context())

    assert [False] == ["Authorization" in headers for headers in sent]


def test_nothing_shows(bao: Bao, path: str, approle: dict[str, str], context: Callable[..., Context]) -> None:
    """A provider that keeps a login shows neither it nor the key."""
    provider = VaultProvider(path, bao.url)
    provider.provide(context(approle))
    kept = [login.key for login in provider._logins.values()]

    assert 1 == len(kept)
    for canary in (KEY, *kept, approle["VAULT_SECRET_ID"]):
        assert_no_leak(str(canary), provider, repr(vars(provider)))

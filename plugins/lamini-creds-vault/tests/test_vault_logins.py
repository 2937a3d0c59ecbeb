"""The login: tokens and AppRole, from variables and files; what becomes of one that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lamini_creds_vault import VaultProvider, _Call

from lamini_creds import Context, ProviderDenied, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openbao import Bao

    from conftest import Fail, Read

KEY = "test-key-vault-1"


@pytest.fixture(autouse=True)
def stored(bao: Bao, path: str) -> None:
    bao.put(path, {"key": KEY})


@pytest.fixture
def rule(path: str) -> str:
    """Give the path of the API that reads the test's secret."""
    return f"secret/data/{path}"


def approle(ids: tuple[str, str]) -> dict[str, str]:
    return {"VAULT_ROLE_ID": ids[0], "VAULT_SECRET_ID": ids[1]}


def written(file: Path, text: str) -> str:
    file.write_text(f"{text}\n")
    return str(file)


def test_token_variable(bao: Bao, rule: str, read: Read) -> None:
    """VAULT_TOKEN is a login, with no more rights than it needs."""
    assert KEY == read({"VAULT_TOKEN": bao.token(rule)}).key


def test_token_of_the_home(bao: Bao, rule: str, read: Read, tmp_path: Path) -> None:
    """Without the variable it is the token that `vault login` leaves."""
    written(tmp_path / ".vault-token", bao.token(rule))

    assert KEY == read({}).key


@pytest.mark.parametrize("place", ["absolute", "home"])
def test_token_file(bao: Bao, rule: str, read: Read, tmp_path: Path, place: str) -> None:
    """A file that an option names goes before the variable."""
    file = written(tmp_path / "sink", bao.token(rule))

    assert KEY == read({"VAULT_TOKEN": "stale"}, token_file=file if place == "absolute" else "~/sink").key


def test_token_file_is_read_again(
    bao: Bao, rule: str, tmp_path: Path, path: str, context: Callable[..., Context]
) -> None:
    """A token that an agent has renewed in its file is taken up, when the old one has ended."""
    old = bao.token(rule)
    provider = VaultProvider(path, bao.url, token_file=written(tmp_path / "sink", old))
    provider.provide(context({}))
    bao.admin.auth.token.revoke(old)
    written(tmp_path / "sink", bao.token(rule))

    assert KEY == provider.provide(context({})).key


def test_approle_variables(bao: Bao, rule: str, read: Read) -> None:
    """AppRole logs in by VAULT_ROLE_ID and VAULT_SECRET_ID."""
    assert KEY == read(approle(bao.role(rule))).key


def test_approle_files(bao: Bao, rule: str, read: Read, tmp_path: Path) -> None:
    """AppRole's IDs may stand in files, which go before every variable."""
    role_id, secret_id = bao.role(rule)
    files = {
        "role_id_file": written(tmp_path / "role", role_id),
        "secret_id_file": written(tmp_path / "secret", secret_id),
    }

    assert KEY == read({"VAULT_TOKEN": "other", "VAULT_ROLE_ID": "other"}, **files).key


def test_approle_mount(bao: Bao, rule: str, read: Read, path: str) -> None:
    """AppRole may be mounted anywhere."""
    bao.admin.sys.enable_auth_method("approle", path=f"team-{path}")

    assert KEY == read(approle(bao.role(rule, mount=f"team-{path}")), approle_mount=f"team-{path}").key


def test_token_before_approle(bao: Bao, rule: str, read: Read) -> None:
    """Of the variables, the token's goes first."""
    assert KEY == read({"VAULT_TOKEN": bao.token(rule), **approle(("other", "other"))}).key


def test_approle_before_home(bao: Bao, rule: str, read: Read, tmp_path: Path) -> None:
    """AppRole's variables go before the token that `vault login` has left."""
    written(tmp_path / ".vault-token", "stale")

    assert KEY == read(approle(bao.role(rule))).key


def test_approle_logs_in_once(bao: Bao, rule: str, path: str, context: Callable[..., Context]) -> None:
    """The token is kept: a secret ID for one use serves many reads."""
    environ = approle(bao.role(rule, secret_id_num_uses=1))
    provider = VaultProvider(path, bao.url)

    assert [KEY, KEY, KEY] == [provider.provide(context(environ)).key for _ in range(3)]


def test_approle_logs_in_anew(bao: Bao, rule: str, path: str, context: Callable[..., Context]) -> None:
    """A token that has ended is replaced within the same call."""
    environ = approle(bao.role(rule, token_num_uses=1))
    provider = VaultProvider(path, bao.url)

    assert [KEY, KEY, KEY] == [provider.provide(context(environ)).key for _ in range(3)]


def test_approle_login_that_ended(bao: Bao, rule: str, path: str, context: Callable[..., Context]) -> None:
    """Where the secret ID is used up too, the store is unavailable: no login is to be had."""
    environ = approle(bao.role(rule, token_num_uses=1, secret_id_num_uses=1))
    provider = VaultProvider(path, bao.url)
    provider.provide(context(environ))
    with pytest.raises(ProviderUnavailable, match="AppRole gives no login") as caught:
        provider.provide(context(environ))

    assert path in caught.value.place


def test_approle_of_another_server(bao: Bao, rule: str, path: str, context: Callable[..., Context]) -> None:
    """A kept token goes to the server that gave it, and to no other: there the used-up secret ID is tried."""
    environ = approle(bao.role(rule, secret_id_num_uses=1))
    provider = VaultProvider(path)
    provider.provide(context({**environ, "VAULT_ADDR": bao.url}))

    with pytest.raises(ProviderUnavailable, match="AppRole gives no login"):
        provider.provide(context({**environ, "VAULT_ADDR": f"http://localhost:{bao.port}"}))


def test_approle_of_another_namespace(bao: Bao, rule: str, path: str, context: Callable[..., Context]) -> None:
    """Nor does it go to another namespace."""
    environ = approle(bao.role(rule, secret_id_num_uses=1))
    provider = VaultProvider(path, bao.url)
    provider.provide(context(environ))

    with pytest.raises(ProviderUnavailable, match="AppRole gives no login"):
        provider.provide(context({**environ, "VAULT_NAMESPACE": "other"}))


def test_another_approle(bao: Bao, rule: str, path: str, context: Callable[..., Context]) -> None:
    """A kept token is that of its role alone."""
    provider = VaultProvider(path, bao.url)
    provider.provide(context(approle(bao.role(rule))))

    with pytest.raises(ProviderDenied):
        provider.provide(context(approle(bao.role("secret/data/other"))))


def test_no_home(path: str) -> None:
    """Where there is no home directory, no other is looked into for the token that `vault login` leaves."""
    call = _Call(VaultProvider(path), Context())

    assert not call._file("~/.vault-token").parent.is_dir()


@pytest.mark.parametrize("ids", [("other", "other"), ("role", "other")])
def test_approle_refused(bao: Bao, rule: str, fail: Fail, ids: tuple[str, str]) -> None:
    """IDs that the server does not know are no login."""
    role_id, _ = bao.role(rule)
    error = fail(approle((role_id if ids[0] == "role" else "other", ids[1])))

    assert (ProviderUnavailable, "AppRole gives no login (HTTP 400)") == (type(error), error.reason)


def test_approle_denied(bao: Bao, path: str, context: Callable[..., Context]) -> None:
    """A refusal of the secret is no reason to log in anew: the secret ID would be used up."""
    environ = approle(bao.role("secret/data/other", secret_id_num_uses=1))
    provider = VaultProvider(path, bao.url)
    for _ in range(2):
        with pytest.raises(ProviderDenied, match="the server refuses it"):
            provider.provide(context(environ))


@pytest.mark.parametrize(
    ("environ", "options", "missing"),
    [
        ({}, {}, "~/.vault-token"),
        ({"VAULT_TOKEN": " "}, {}, "VAULT_TOKEN"),
        ({"VAULT_TOKEN": "two\nlines"}, {}, "VAULT_TOKEN"),
        ({"VAULT_TOKEN": "t\u00f6ken"}, {}, "VAULT_TOKEN"),
        ({"VAULT_TOKEN": "token"}, {"token_file": "/no/such/file"}, "/no/such/file"),
        ({"VAULT_ROLE_ID": "role"}, {}, "VAULT_SECRET_ID"),
        ({"VAULT_ROLE_ID": "role"}, {"role_id_file": "~/role"}, "~/role"),
    ],
    ids=["none", "blank", "two lines", "no ASCII", "no file", "half an AppRole", "no role file"],
)
def test_no_login(fail: Fail, environ: dict[str, str], options: dict[str, Any], missing: str) -> None:
    """Without a login the store is unavailable, and the place that holds none is named."""
    error = fail(environ, **options)

    assert (ProviderUnavailable, f"there is no login in {missing}") == (type(error), error.reason)


def test_token_that_ended(bao: Bao, rule: str, fail: Fail) -> None:
    """A token that has ended is not a refusal of the secret: the store is unavailable."""
    token = bao.token(rule)
    bao.admin.auth.token.revoke(token)
    error = fail({"VAULT_TOKEN": token})

    assert (ProviderUnavailable, "the login has ended") == (type(error), error.reason)


def test_token_without_default_policy(bao: Bao, fail: Fail) -> None:
    """A live token that may not even look itself up is denied the secret, not thought to have ended."""
    assert ProviderDenied is type(fail({"VAULT_TOKEN": bao.token("secret/data/other", no_default_policy=True)}))


def test_nobody_is_asked_by_default(bao: Bao, rule: str, fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    """The login is looked for in the context alone, though the SDK would look at the process's environment."""
    monkeypatch.setenv("VAULT_TOKEN", bao.token(rule))

    assert "there is no login in ~/.vault-token" == fail({}).reason


def test_login_carries_no_token(bao: Bao, rule: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does AppRole's login send that environment's token along: this one would break the request."""
    monkeypatch.setenv("VAULT_TOKEN", "two\nlines")

    assert KEY == read(approle(bao.role(rule))).key

"""The provider `google`: where the account's token is from, and where it goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults import Hang, Refuse
from gcp_kit import KEY, PERSON, failure, within
from gcp_lamini import PATH
from lamini_creds_gcp.google_account import GoogleProvider

from lamini_creds import Context, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults import FaultProxy
    from gcp_lamini import LaminiLogin
    from gcp_login import LoginServer

NARROW = {"openid", "https://www.googleapis.com/auth/userinfo.email"}


@pytest.fixture
def provider(lamini: LaminiLogin) -> GoogleProvider:
    return GoogleProvider(f"http://127.0.0.1:{lamini.port}{PATH}")


@pytest.fixture
def colab(tmp_path: Path, login: LoginServer) -> Path:
    """Give a directory with a package google.colab, whose login leaves what Colab's does: the person's file."""
    package, file = tmp_path / "site" / "google" / "colab", tmp_path / "adc.json"
    file.write_text(json.dumps(login.service_account()))
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "auth.py").write_text(f"""
import os

def authenticate_user():
    os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = {str(file)!r}
""")
    return tmp_path / "site"


@pytest.fixture
def nobody(metadata: FaultProxy) -> None:
    """Make it a machine without a default login."""
    metadata.faults = [Refuse()]


def test_request(provider: GoogleProvider, lamini: LaminiLogin, login: LoginServer) -> None:
    """Lamini is asked once, at the documented path, with the token and nothing else."""
    provider.provide(within())
    asked = lamini.asked[0]

    assert ("GET", PATH, {"token": ["test-token-machine-0"]}) == (asked.method, asked.path, asked.query)
    assert 1 == len(lamini.asked)
    assert not asked.headers & {"authorization", "cookie", "referer"}


def test_found(provider: GoogleProvider) -> None:
    """What Lamini gives is the key, and its source is Lamini's address, without the token."""
    secret = provider.provide(within())

    assert (KEY, provider.endpoint) == (secret.key, secret.source)


def test_metadata_server(provider: GoogleProvider, login: LoginServer) -> None:
    """A machine's token is asked for with the scopes that say who it is, and no others."""
    provider.provide(within())

    assert [NARROW] == [set(scopes.split()) for scopes in login.scopes]


def test_service_account(
    provider: GoogleProvider, lamini: LaminiLogin, login: LoginServer, use_login: Callable[[object], None]
) -> None:
    """A service account gets a token of the same narrow scopes."""
    use_login(login.service_account())
    provider.provide(within())

    assert ["test-token-account-0"] == lamini.asked[0].query["token"]
    assert [NARROW] == [set(scopes.split()) for scopes in login.scopes]


@pytest.mark.usefixtures("google_hosts")
def test_person(
    provider: GoogleProvider, lamini: LaminiLogin, login: LoginServer, use_login: Callable[[object], None]
) -> None:
    """A person's login gives a token of the same narrow scopes, though it could give a wider one."""
    use_login(PERSON)
    provider.provide(within())

    assert ["test-token-user-0"] == lamini.asked[0].query["token"]
    assert [NARROW] == [set(scopes.split()) for scopes in login.scopes]


@pytest.mark.usefixtures("nobody")
def test_gcloud(
    provider: GoogleProvider, lamini: LaminiLogin, login: LoginServer, gcloud: Callable[[str], Path]
) -> None:
    """Where there is no default login, gcloud's token is used."""
    asked = gcloud(f"echo {login.give('gcloud')}")
    provider.provide(within())

    assert ["test-token-gcloud-0"] == lamini.asked[0].query["token"]
    assert "auth print-access-token --quiet\n" == asked.read_text()


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("command", "words"),
    [("exit 1", "`gcloud auth application-default login`; in"), ("true", "in Colab"), ("/bin/sleep 60", "`timeout`")],
    ids=["fails", "says nothing", "hangs"],
)
def test_gcloud_without_token(
    provider: GoogleProvider, lamini: LaminiLogin, gcloud: Callable[[str], Path], command: str, words: str
) -> None:
    """A gcloud without a token is UNAVAILABLE within the time, with what to do, and Lamini is not asked."""
    gcloud(f"echo {KEY} >&2; {command}")
    error = failure(provider, 0.7)

    assert isinstance(error, ProviderUnavailable)
    assert words in error.remedy
    assert [] == lamini.asked
    assert_no_leak(KEY, error)


@pytest.mark.usefixtures("nobody")
def test_gcloud_ends(provider: GoogleProvider, gcloud: Callable[[str], Path], tmp_path: Path) -> None:
    """A gcloud that hangs is ended with the programs that it has started."""
    fifo = tmp_path / "open"
    os.mkfifo(fifo)
    gcloud(f"/bin/sleep 60 >{fifo} &\nwait")
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(fifo.read_bytes)  # until nobody holds the other end open
        failure(provider, 0.7)

        assert b"" == ended.result(10)


@pytest.mark.usefixtures("nobody")
def test_gclouds_environment(
    provider: GoogleProvider, gcloud: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gcloud gets the caller's environment without Lamini's variables, and nothing to read."""
    monkeypatch.setenv("LAMINI_API_KEY", KEY)
    monkeypatch.setenv("CLOUDSDK_ACTIVE_CONFIG_NAME", "of-the-process")
    gcloud(f'echo "$CLOUDSDK_ACTIVE_CONFIG_NAME,$LAMINI_API_KEY,$(read line && echo read)" >{tmp_path}/seen; exit 1')
    environ = {"PATH": f"{tmp_path}/bin", "CLOUDSDK_ACTIVE_CONFIG_NAME": "of-the-caller", "LAMINI_API_KEY": KEY}
    with pytest.raises(ProviderUnavailable):
        provider.provide(Context(environ=environ))

    assert "of-the-caller,,\n" == (tmp_path / "seen").read_text()


@pytest.mark.usefixtures("nobody")
def test_gcloud_of_the_working_directory(
    provider: GoogleProvider, gcloud: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gcloud that lies in the working directory is not run, even if the PATH leads there."""
    asked = gcloud("echo test-token")
    monkeypatch.chdir(asked.parent / "bin")
    monkeypatch.setenv("PATH", ".")

    assert isinstance(failure(provider, 1), ProviderUnavailable)
    assert not asked.exists()


def test_broken_login(
    provider: GoogleProvider, login: LoginServer, gcloud: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that is named and can't be used is UNAVAILABLE: nobody else's is taken for it."""
    asked = gcloud(f"echo {login.give('gcloud')}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/login.json")
    error = failure(provider, 2)

    assert isinstance(error, ProviderUnavailable)
    assert "'/nowhere/login.json', which GOOGLE_APPLICATION_CREDENTIALS names" in error.remedy
    assert not asked.exists()


def test_revoked_login(
    provider: GoogleProvider, login: LoginServer, lamini: LaminiLogin, use_login: Callable[[object], None]
) -> None:
    """A login that Google does not take any more is UNAVAILABLE, and Lamini is not asked."""
    use_login(login.service_account())
    login.revoked = True

    assert isinstance(failure(provider, 2), ProviderUnavailable)
    assert [] == lamini.asked


def test_login_hangs(provider: GoogleProvider, metadata: FaultProxy, lamini: LaminiLogin) -> None:
    """A metadata server that does not answer is UNAVAILABLE within the time."""
    metadata.faults = [Hang()]

    assert isinstance(failure(provider, 0.3), ProviderUnavailable)
    assert [] == lamini.asked


def test_colab(
    provider: GoogleProvider, login: LoginServer, lamini: LaminiLogin, colab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Colab the person is asked by Colab's own function, and the login that it leaves is used."""
    monkeypatch.syspath_prepend(colab)
    import google.colab

    try:
        provider.provide(within())
    finally:
        del google.colab, sys.modules["google.colab"], sys.modules["google.colab.auth"]

    assert ["test-token-account-0"] == lamini.asked[0].query["token"]


def test_colab_cell(provider: GoogleProvider, colab: Path, tmp_path: Path) -> None:
    """The cell for Colab that stands in the README works as it stands."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (cell,) = re.findall(r"```py\n(from google\.colab.*?)```", readme, re.DOTALL)
    environ = {**os.environ, "PYTHONPATH": str(colab), "LAMINI_CREDS__GOOGLE__ENDPOINT": provider.endpoint}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{cell}\nprint(credential.key)"],
        cwd=tmp_path, env=environ, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (f"{KEY}\n", "") == (ran.stdout, ran.stderr)

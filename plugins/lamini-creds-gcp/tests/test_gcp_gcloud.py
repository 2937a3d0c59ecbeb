"""What becomes of gcloud, where its file is the login: it is slow, and asked for a project that nobody else knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from gcp_kit import KEY, PERSON, SECRET, failure, within
from gcp_lamini import PATH
from lamini_creds_gcp import GcpProvider
from lamini_creds_gcp.google_account import GoogleProvider

from lamini_creds import ProviderInvalid, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gcp_lamini import LaminiLogin

pytestmark = pytest.mark.usefixtures("google_hosts")

SLOW = "exec /bin/sleep 60"


@pytest.fixture
def transport() -> str:
    """Give one transport: the login is the same for both."""
    return "rest"


@pytest.fixture(autouse=True)
def file(tmp_path: Path) -> Path:
    """Leave what `gcloud auth application-default login` leaves."""
    path = tmp_path / "application_default_credentials.json"
    path.write_text(json.dumps(PERSON))
    return path


@pytest.mark.parametrize("variable", [False, True], ids=["default", "variable"])
@pytest.mark.parametrize("known", ["name", "option", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"])
def test_project_known(
    options: dict[str, Any],
    gcloud: Callable[[str], Path],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    known: str,
    *,
    variable: bool,
) -> None:
    """Where the project is known, gcloud is not asked."""
    asked = gcloud(SLOW)
    if variable:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    if known == "option":
        options |= {"secret": "lamini", "project": "test-project"}
    elif known != "name":
        options["secret"] = "lamini"
        monkeypatch.setenv(known, "test-project")
    secret = GcpProvider(**options).provide(within())

    assert (KEY, SECRET, False) == (secret.key, secret.source, asked.exists())


def test_project_of_gcloud(options: dict[str, Any], gcloud: Callable[[str], Path]) -> None:
    """A short name without a project is completed with gcloud's."""
    asked = gcloud("echo test-project")
    secret = GcpProvider(**{**options, "secret": "lamini"}).provide(within())

    assert (SECRET, "config get project --quiet\n") == (secret.source, asked.read_text())


def test_slow(options: dict[str, Any], gcloud: Callable[[str], Path]) -> None:
    """A gcloud that does not say its project in time is UNAVAILABLE, with the option that does without it."""
    gcloud(SLOW)
    error = failure(GcpProvider(**{**options, "secret": "lamini"}), 0.5)

    assert isinstance(error, ProviderUnavailable)
    assert "`project`" in error.remedy


@pytest.mark.parametrize("command", ["exit 1", "true"])
def test_no_project(options: dict[str, Any], gcloud: Callable[[str], Path], command: str) -> None:
    """Where gcloud has no project either, there is none: INVALID."""
    gcloud(command)

    assert isinstance(failure(GcpProvider(**{**options, "secret": "lamini"}), 5), ProviderInvalid)


def test_google(lamini: LaminiLogin, gcloud: Callable[[str], Path]) -> None:
    """Lamini's login needs no project, and asks for none."""
    asked = gcloud(SLOW)
    secret = GoogleProvider(f"http://127.0.0.1:{lamini.port}{PATH}").provide(within())

    assert (KEY, False) == (secret.key, asked.exists())


@pytest.mark.parametrize("text", ["[]", '"a"', "{", '{"type": 1}', '{"type": "authorized_user"}', "\xff"])
def test_malformed(options: dict[str, Any], file: Path, text: str) -> None:
    """A file that is no login is UNAVAILABLE: no login works."""
    file.write_text(text, encoding="latin-1")

    with pytest.raises(ProviderUnavailable, match="no Google login works"):
        GcpProvider(**options).provide(within())

"""The provider `google` in a resolver: only where trusted settings name it, and from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from gcp_kit import KEY
from gcp_lamini import PATH
from lamini_creds_gcp.google_account import GoogleProvider, lamini_creds_register_provider

from lamini_creds import ConfigError, Resolver, UntrustedConfigError
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from pathlib import Path

    from gcp_lamini import LaminiLogin
    from gcp_login import LoginServer

TOKEN = "test-token-machine-0"


@pytest.fixture
def provider(lamini: LaminiLogin) -> GoogleProvider:
    return GoogleProvider(f"http://127.0.0.1:{lamini.port}{PATH}")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://lamini.example.com/login",
        "https://lamini.example.com/login?token=x",
        "https://user@lamini.example.com/login",
        "ftp://lamini.example.com/login",
        "lamini.example.com",
    ],
)
def test_endpoint(tmp_path: Path, endpoint: str) -> None:
    """An endpoint without https beyond this machine, or with more than host and path, is an error that names it."""
    settings = {"providers": ["google"], "provider": {"google": {"endpoint": endpoint}}}

    with pytest.raises(ConfigError, match="endpoint"):
        Resolver(settings, environ={}, home=tmp_path).resolve()


def user_config(home: Path, text: str) -> None:
    """Write the user's own configuration."""
    path = home / ".config" / "lamini_creds" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a checkout whose pyproject.toml names `google`."""
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").write_text('[tool.lamini_creds]\nproviders = ["google"]\n')
    monkeypatch.chdir(tmp_path / "project")


def test_not_by_a_project(
    tmp_path: Path, lamini: LaminiLogin, login: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project's file that nobody trusted can't have the person's token sent: Google and Lamini are not asked."""
    project(tmp_path, monkeypatch)
    with pytest.raises(UntrustedConfigError, match="names the entry 'google'"):
        Resolver(environ={}, home=tmp_path).resolve()

    assert ([], []) == (login.asked, lamini.asked)


@pytest.mark.parametrize("by", ["environment", "user's config", "trusted project"])
def test_by_trusted_settings(
    tmp_path: Path, provider: GoogleProvider, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """As an entry of a trusted chain it gives the key, for the profile's own URL."""
    project(tmp_path, monkeypatch)
    environ = {"LAMINI_CREDS__GOOGLE__ENDPOINT": provider.endpoint}
    if by == "environment":
        environ["LAMINI_CREDS_PROVIDERS"] = "env,google"
    elif by == "trusted project":
        environ["LAMINI_CREDS_CONFIG"] = str(tmp_path / "project" / "pyproject.toml")
    else:
        user_config(tmp_path, 'providers = ["env", "google"]\n')
    found = Resolver(environ=environ, home=tmp_path).resolve()

    assert (KEY, "https://api.lamini.ai", "google") == (found.key, found.url, found.provider)


def test_login_command(tmp_path: Path, provider: GoogleProvider, lamini: LaminiLogin) -> None:
    """`lamini-creds login --from google` stores the key, and shows neither it nor the token."""
    user_config(
        tmp_path, f'providers = ["env", "yaml", "google"]\n[provider.google]\nendpoint = "{provider.endpoint}"\n'
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "lamini_creds", "login", "--from", "google"],
        cwd=tmp_path, env=os.environ, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    stored = tmp_path / ".powerml" / "configure_llama.yaml"

    assert (0, 1) == (ran.returncode, len(lamini.asked)), ran.stderr
    assert KEY in stored.read_text()
    for secret in (KEY, TOKEN):
        assert_no_leak(secret, ran.stdout, ran.stderr)


def test_registration() -> None:
    """The entry point's module offers the provider."""
    assert GoogleProvider is lamini_creds_register_provider()

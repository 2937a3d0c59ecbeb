"""
A pytest plugin that keeps the machine's own credentials out of tests.

One line of its configuration turns it on:

    addopts = ["-p", "lamini_creds.testing.isolation"]

Every test, and whatever a session imports and prepares for its tests, then has
an empty home and none of the variables by which clouds and services find a
login; metadata services are out of reach; and the chain is `explicit` alone,
so that `resolve_credentials()` fails unless a test fakes a credential: with
`override`, with variables of its own, with a chain of its own. Processes that
a test starts inherit all of it.
"""

from __future__ import annotations

import os
import re
import site
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from lamini_creds import _api
from lamini_creds.testing import _override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOGINS = re.compile(
    "LAMINI|LLAMA_|POWERML|OPENAI_|ANTHROPIC_|AWS_|BOTO_|GOOGLE_|GCLOUD_|GCE_|CLOUDSDK_"
    "|AZURE_|ARM_|MSI_|IDENTITY_|IMDS_|VAULT_|BAO_|KUBERNETES_"
)
_NOBODY = "127.0.0.1:9"  # the port of RFC 863, where nobody listens
_SET = {
    "LAMINI_CREDS_PROVIDERS": "explicit",
    "LAMINI_CREDS_NO_PROJECT": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "BOTO_CONFIG": os.devnull,
    "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
    "NO_GCE_CHECK": "true",
    "GCE_METADATA_HOST": _NOBODY,
    "GCE_METADATA_IP": _NOBODY,
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://{_NOBODY}",
    "PYTHONUSERBASE": site.getuserbase(),  # the home moves, and what is installed there is still found
}
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Hide the machine's credentials before anything of the tests is imported."""
    home, patch = TemporaryDirectory(), pytest.MonkeyPatch()
    _hide(patch, home.name)
    early_config.add_cleanup(patch.undo)
    early_config.add_cleanup(home.cleanup)


@pytest.fixture(autouse=True)
def lamini_creds_isolation(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """
    Give every test a home and a process-wide resolver of its own, and hide again what came to be set meanwhile.

    Yields:
        The empty home directory, for files of the test's own.
    """
    home = tmp_path_factory.mktemp("home")
    _hide(monkeypatch, str(home))
    _forget()
    yield home
    _forget()


def _forget() -> None:
    """Forget the process-wide resolver, unless it is that of an `override` around several tests."""
    if _api._resolver not in _override._covered:
        _api.reset()


def _hide(patch: pytest.MonkeyPatch, home: str) -> None:
    for name in filter(_LOGINS.match, [*os.environ]):
        patch.delenv(name)
    for name, value in (*_SET.items(), *((name, home) for name in _HOMES)):
        patch.setenv(name, value)

"""
A pytest plugin that keeps the machine's own credentials out of tests.

One line of its configuration turns it on:

    addopts = ["-p", "lamini_creds.testing.isolation"]

Every test then has an empty home and none of the variables by which clouds
and services find a login; metadata services are out of reach; and the chain
is `explicit` alone, so that `resolve_credentials()` fails unless a test fakes
a credential: with `override`, with variables of its own, with a chain of its
own. Processes that a test starts inherit all of it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from lamini_creds._api import reset

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
    "NO_GCE_CHECK": "true",
    "GCE_METADATA_HOST": _NOBODY,
    "GCE_METADATA_IP": _NOBODY,
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://{_NOBODY}",
}
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def lamini_creds_isolation(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """
    Hide the machine's credentials from every test.

    Yields:
        The empty home directory, for files of the test's own.
    """
    home = tmp_path_factory.mktemp("home")
    for name in filter(_LOGINS.match, [*os.environ]):
        monkeypatch.delenv(name)
    for name, value in (*_SET.items(), *((name, str(home)) for name in _HOMES)):
        monkeypatch.setenv(name, value)
    reset()
    yield home
    reset()

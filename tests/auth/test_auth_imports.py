"""Each adapter imports its own client and no other; a client that is missing is named, with the command that installs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = {"aiohttp", "httpx", "httpx2", "requests", "urllib3"}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
BELOW = {"requests": {"urllib3"}}


def run(code: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout.strip()


def imported(module: str) -> set[str]:
    return CLIENTS & set(run(f"import sys, {module}; print(*sys.modules)").split())


@pytest.mark.parametrize("module", ["lamini_creds", "lamini_creds.auth"])
def test_the_package_imports_no_client(module: str) -> None:
    """Neither the package nor `lamini_creds.auth` imports an HTTP client."""
    assert set() == imported(module)


@pytest.mark.parametrize("client", [*sorted(CLIENTS), "urllib"])
def test_an_adapter_imports_its_client(client: str) -> None:
    """An adapter brings its client and what that stands on, and no other."""
    assert ({client} & CLIENTS) | BELOW.get(client, set()) == imported(f"lamini_creds.auth.{client}")


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a_missing_client(client: str) -> None:
    """Without its client an adapter says how to install it."""
    code = (
        f"import sys; sys.modules['{client}'] = None\n"
        f"try: import lamini_creds.auth.{client}\n"
        "except ImportError as error: print(error, error.__cause__, error.__suppress_context__)"
    )

    said = run(code).partition(": pip install ")[2]
    needed = said.partition(" None True")[0].strip('"')

    assert client == re.match(r"\w+", needed)[0]  # type: ignore[index]
    assert needed in (client, *EXTRAS[client])


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a_client_that_is_broken(client: str) -> None:
    """Where it is a module of the client's, or one that it needs, that can't be imported, Python's own error says so."""
    broken = {"httpx": "httpx._models", "httpx2": "httpx2._models", "aiohttp": "multidict"}.get(
        client, f"{client}.exceptions"
    )
    code = (
        f"import sys; sys.modules['{broken}'] = None\n"
        f"try: import lamini_creds.auth.{client}\n"
        "except ImportError as error: print(error.name)"
    )

    assert broken == run(code)


def test_an_old_aiohttp() -> None:
    """An aiohttp from before middlewares is as good as none, and the version that has them is named."""
    code = (
        "import aiohttp; del aiohttp.ClientMiddlewareType\n"
        "try: import lamini_creds.auth.aiohttp\n"
        "except ImportError as error: print(error)"
    )

    assert run(code).startswith("lamini_creds.auth.aiohttp needs aiohttp 3.13")

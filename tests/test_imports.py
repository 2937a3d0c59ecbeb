"""What a first call imports, stated exactly for each place that may have the key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {
    "asyncio", "dataclasses", "datetime", "decimal", "difflib", "email", "hashlib", "importlib.metadata", "inspect",
    "ipaddress", "json", "logging", "pathlib", "random", "shlex", "socket", "ssl", "subprocess", "tempfile", "tomllib", "traceback",
    "urllib.parse", "urllib.request", "zipfile",
}  # fmt: skip
PROBE = """
import os, sys
before = set(sys.modules)
import lamini_creds
{code}
print(*sorted(set(sys.modules) - before))
"""
FIND = "lamini_creds.resolve_credentials()"
PAIR = "lamini_creds.resolve_credentials(key='test-key-1', url='https://lamini.example.com')"
KEY = {"LAMINI_API_KEY": "test-key-1"}
BOTH = {**KEY, "LAMINI_API_URL": "https://lamini.example.com"}
TABLE = '[tool.lamini_creds]\nproviders = ["env"]\n'
OTHER_TABLE = '[tool.other]\nlamini = "lamini-creds>=1"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home directory that nobody else can write to."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    return home


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def imported(home: Path, code: str, environ: dict[str, str]) -> set[str]:
    """Run a first call in an interpreter of its own; give the modules that came in."""
    variables = {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(ROOT), **environ}
    if sys.platform == "win32":
        variables["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    ran = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)],
        env=variables, cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == ran.returncode, ran.stderr
    return set(ran.stdout.split())


def third_party(modules: set[str]) -> set[str]:
    """Give the top-level names that come neither with Python nor from us."""
    tops = {name.partition(".")[0] for name in modules if "cython" not in name}
    return tops - sys.stdlib_module_names - {"lamini_creds"}


def heavy(modules: set[str]) -> set[str]:
    return modules & HEAVY


def test_the_import_alone(home: Path) -> None:
    """`import lamini_creds` brings what Python has, and nothing heavy of that."""
    modules = imported(home, "", {})

    assert (set(), set()) == (third_party(modules), heavy(modules))


def test_explicit_pair(home: Path) -> None:
    """Key and URL passed bring no more than the import does: no provider is loaded."""
    assert imported(home, "", {}) == imported(home, PAIR, {})


def test_explicit_pair_beside_a_project_file(home: Path) -> None:
    """Nor does a project file, which is not read."""
    put(home / "pyproject.toml", TABLE)

    assert imported(home, "", {}) == imported(home, PAIR, {})


def test_env_with_key_and_url(home: Path) -> None:
    """The environment brings its own provider alone."""
    assert {"lamini_creds.providers.env"} == imported(home, FIND, BOTH) - imported(home, "", {})


def test_env_with_a_key_alone(home: Path) -> None:
    """A key without a URL has file and yaml looked at, and no YAML parser loaded where no file is."""
    modules = imported(home, FIND, KEY)

    assert (set(), set()) == (third_party(modules), heavy(modules))


def test_file(home: Path) -> None:
    """A mounted file brings nothing heavy."""
    modules = imported(home, FIND, {"LAMINI_API_KEY_FILE": str(put(home / "key", "test-key-1"))})

    assert (set(), set()) == (third_party(modules), heavy(modules))


def test_yaml(home: Path) -> None:
    """The home YAML brings PyYAML, which brings datetime."""
    put(home / ".lamini" / "configure.yaml", "production: {key: test-key-1}")
    modules = imported(home, FIND, {})

    assert ({"yaml"}, {"datetime"}) == (third_party(modules), heavy(modules))


def test_a_project_file_of_others(home: Path) -> None:
    """A pyproject.toml without our table costs its reading: neither tomllib nor msgspec."""
    put(home / "pyproject.toml", OTHER_TABLE)

    assert {"lamini_creds.providers.env"} == imported(home, FIND, BOTH) - imported(home, "", {})


def test_a_project_file_of_ours(home: Path) -> None:
    """A pyproject.toml with our table brings tomllib, and msgspec with what that imports."""
    put(home / "pyproject.toml", TABLE)
    modules = imported(home, FIND, BOTH)

    assert {"msgspec", "typing_extensions"} >= third_party(modules)
    assert {"tomllib", "dataclasses", "datetime", "decimal", "inspect"} == heavy(modules)


@pytest.mark.parametrize("code", ["lamini_creds.hookimpl", "lamini_creds.Resolver({'observers': ['x']}).explain()"])
def test_a_plugin(home: Path, code: str) -> None:
    """Pluggy comes with the first plugin that is named, or written."""
    assert "pluggy" in third_party(imported(home, code, BOTH))


@pytest.mark.parametrize("environ", [BOTH, KEY], ids=["key and url", "key"])
def test_no_entry_point_is_looked_up(home: Path, environ: dict[str, str]) -> None:
    """Where a built-in provider answers, installed metadata is not read."""
    assert "importlib.metadata" not in imported(home, FIND, environ)


def test_nothing_found(home: Path) -> None:
    """A search that fails reads no metadata either, since no plugin is configured."""
    code = f"try: {FIND}\nexcept lamini_creds.CredentialsNotFoundError: pass"

    assert {"importlib.metadata", "tomllib", "logging", "asyncio"}.isdisjoint(imported(home, code, {}))

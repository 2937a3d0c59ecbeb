"""With the pytest plugin, a test of an application sees nothing of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

INI = "[pytest]\naddopts = -p lamini_creds.testing.isolation -p no:cacheprovider\n"
MACHINE = {
    "LAMINI_API_KEY": "test-key-of-the-machine",
    "AWS_ACCESS_KEY_ID": "test-key-id",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json",
    "AZURE_CLIENT_SECRET": "test-key-azure",
    "VAULT_TOKEN": "test-key-vault",
}


def run(tmp_path: Path, test: str, ini: str = INI) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project of its own, on a machine that has logins."""
    home = tmp_path / "home"
    (home / ".powerml").mkdir(parents=True)
    (home / ".powerml" / "configure_llama.yaml").write_text("production:\n  key: test-key-of-the-home\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text(ini)
    (project / "pyproject.toml").write_text('[tool.lamini_creds]\nproviders = ["env", "yaml"]\n')
    (project / "test_it.py").write_text(f"import os, subprocess, sys\nimport lamini_creds\nimport pytest\n\n{test}")
    environ = {**os.environ, **MACHINE, "HOME": str(home), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s"],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


FACTS = {
    "the chain is refused": """
def test_it():
    with pytest.raises(lamini_creds.CredentialsNotFoundError, match="override"):
        lamini_creds.resolve_credentials()
""",
    "it is refused in processes that a test starts": """
def test_it():
    code = "import lamini_creds; lamini_creds.resolve_credentials()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "CredentialsNotFoundError" in ran.stderr
""",
    "a fake is found": """
from lamini_creds.testing import override

def test_it():
    with override(key="test-key-1", url="http://localhost"):
        assert lamini_creds.resolve_credentials().key == "test-key-1"
""",
    "a test may set its own chain and variables": """
def test_it(monkeypatch):
    monkeypatch.setenv("LAMINI_CREDS_PROVIDERS", "env")
    monkeypatch.setenv("LAMINI_API_KEY", "test-key-1")
    assert lamini_creds.resolve_credentials().key == "test-key-1"
""",
    "the home directory is empty": """
def test_it(lamini_creds_isolation):
    assert [*lamini_creds_isolation.iterdir()] == []
    assert os.path.expanduser("~") == str(lamini_creds_isolation)
""",
    "no cloud's login shows": """
def test_it():
    assert not {"LAMINI_API_KEY", "AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "VAULT_TOKEN"} & {*os.environ}
""",
    "nor at the import of the tests": """
with pytest.raises(lamini_creds.CredentialsNotFoundError):
    lamini_creds.resolve_credentials()

def test_it():
    pass
""",
    "nor in a fixture of the session": """
@pytest.fixture(scope="session")
def found():
    return lamini_creds.Resolver({"providers": ["env", "yaml"]}).explain().credential

def test_it(found):
    assert found is None
""",
    "one test's resolver is not the next one's": """
@pytest.mark.parametrize("number", "12")
def test_it(number, monkeypatch):
    monkeypatch.setenv("LAMINI_CREDS_PROVIDERS", "env")
    monkeypatch.setenv("LAMINI_CREDS_PROFILE", f"p{number}")
    monkeypatch.setenv("LAMINI_API_KEY", "test-key-1")
    monkeypatch.setenv("LAMINI_API_URL", "http://localhost")
    assert lamini_creds.resolve_credentials().profile == f"p{number}"
""",
}


@pytest.mark.parametrize("test", FACTS.values(), ids=FACTS)
def test_the_machine_is_hidden(test: str, tmp_path: Path) -> None:
    """What a test of an application sees of the machine's credentials."""
    ran = run(tmp_path, test)

    assert 0 == ran.returncode, ran.stdout + ran.stderr


def test_it_is_opt_in(tmp_path: Path) -> None:
    """Without the line in the configuration, tests see the machine as it is."""
    ran = run(tmp_path, "def test_it():\n    assert lamini_creds.resolve_credentials().key\n", "[pytest]\n")

    assert 0 == ran.returncode, ran.stdout + ran.stderr

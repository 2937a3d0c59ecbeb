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
LOGINS = [
    "LAMINI_API_KEY",
    "LLAMA_TOKEN",
    "POWERML_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "BOTO_PATH",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GCLOUD_PROJECT",
    "GCE_METADATA_ROOT",
    "CLOUDSDK_CONFIG",
    "AZURE_CLIENT_SECRET",
    "ARM_CLIENT_SECRET",
    "MSI_ENDPOINT",
    "IDENTITY_ENDPOINT",
    "IMDS_ENDPOINT",
    "VAULT_TOKEN",
    "BAO_TOKEN",
    "KUBERNETES_SERVICE_HOST",
]
NOWHERE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "BOTO_CONFIG": os.devnull,
    "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
    "NO_GCE_CHECK": "true",
    "GCE_METADATA_HOST": "127.0.0.1:9",
    "GCE_METADATA_IP": "127.0.0.1:9",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9",
}
MACHINE = dict.fromkeys(LOGINS, "test-key-of-the-machine")


def run(
    tmp_path: Path, test: str, ini: str = INI, command: tuple[str, ...] = ("-m", "pytest", "-qs")
) -> subprocess.CompletedProcess[str]:
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
        [sys.executable, *command],
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
    "a fake of a whole module is found": """
from lamini_creds.testing import override

@pytest.fixture(scope="module", autouse=True)
def fake():
    with override(key="test-key-1", url="http://localhost"):
        yield

@pytest.mark.parametrize("number", "12")
def test_it(number):
    assert lamini_creds.resolve_credentials().key == "test-key-1"
""",
    "a fake of a whole class is found": """
import unittest
from lamini_creds.testing import override

class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(override(key="test-key-1", url="http://localhost"))

    def test_it(self):
        assert lamini_creds.resolve_credentials().key == "test-key-1"

def test_another():
    with pytest.raises(lamini_creds.CredentialsNotFoundError):
        lamini_creds.resolve_credentials()
""",
    "every home directory is empty": """
def test_it(lamini_creds_isolation):
    homes = "HOME USERPROFILE APPDATA LOCALAPPDATA XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME".split()
    assert [*lamini_creds_isolation.iterdir()] == []
    assert {os.path.expanduser("~"), *map(os.environ.get, homes)} == {str(lamini_creds_isolation)}
""",
    "what is installed in the user's home is found all the same": """
def test_it(lamini_creds_isolation):
    code = "import site; print(site.getuserbase())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout and not ran.stdout.startswith(str(lamini_creds_isolation))
""",
    "no project's settings count": """
def test_it(monkeypatch):
    monkeypatch.delenv("LAMINI_CREDS_PROVIDERS")
    assert "aws" in [attempt.entry for attempt in lamini_creds.Resolver().explain().attempts]
""",
    "no login shows": f"""
def test_it():
    assert not {{*{LOGINS}}} & {{*os.environ}}
""",
    "nor one of a fixture of the session": """
@pytest.fixture(scope="session", autouse=True)
def login():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMINI_API_KEY", "test-key-1")
        yield

def test_it():
    assert "LAMINI_API_KEY" not in os.environ
""",
    "metadata services are out of reach": f"""
def test_it():
    assert {NOWHERE}.items() <= os.environ.items()
""",
    "clouds' SDKs ask none": """
import select, socket

def test_it(monkeypatch):
    session, google_auth = pytest.importorskip("botocore.session"), pytest.importorskip("google.auth")
    with socket.create_server(("127.0.0.1", 0)) as service:
        host = f"127.0.0.1:{service.getsockname()[1]}"
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://{host}")
        monkeypatch.setenv("GCE_METADATA_HOST", host)
        monkeypatch.setenv("GCE_METADATA_IP", host)
        assert session.get_session().get_credentials() is None
        with pytest.raises(google_auth.exceptions.DefaultCredentialsError):
            google_auth.default()
        assert ([], [], []) == select.select([service], [], [], 0)
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
    "nor is it left behind": """
@pytest.fixture(scope="module", autouse=True)
def afterwards():
    yield
    with pytest.raises(lamini_creds.CredentialsNotFoundError, match="override"):
        lamini_creds.resolve_credentials()

def test_it(monkeypatch):
    monkeypatch.setenv("LAMINI_CREDS_PROVIDERS", "env")
    monkeypatch.setenv("LAMINI_API_KEY", "test-key-1")
    assert lamini_creds.resolve_credentials()
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


def test_it_ends_with_the_session(tmp_path: Path) -> None:
    """A program that runs pytest has its own environment back afterwards."""
    code = "import os, pytest; pytest.main(['-q']); print(os.environ['LAMINI_API_KEY'], os.environ['HOME'])"
    ran = run(tmp_path, "def test_it():\n    pass\n", command=("-c", code))

    assert f"test-key-of-the-machine {tmp_path / 'home'}" == ran.stdout.splitlines()[-1], ran.stdout + ran.stderr

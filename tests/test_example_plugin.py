"""The provider of a third party: its distribution is installed with pip into a fresh environment, and used."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "lamini-creds-example"
PRINT = "from lamini_creds import resolve_credentials as r; c = r(); print(c.provider, c.source, c.url, c.fingerprint)"


class Installation:
    """An environment with the core and the example, a home and a project."""

    def __init__(self, root: Path) -> None:
        self.python = root / ("venv/Scripts/python.exe" if sys.platform == "win32" else "venv/bin/python")
        self.home = root / "home"
        self.project = root / "project"
        self.home.mkdir()
        self.project.mkdir()

    def run(self, *arguments: str, **variables: str) -> str:
        """Run Python in the project; give what it prints."""
        environ = {"HOME": str(self.home), "USERPROFILE": str(self.home), **variables}
        ran = subprocess.run(
            [str(self.python), *arguments], env=environ, cwd=self.project, capture_output=True, text=True, check=False
        )
        assert 0 == ran.returncode, ran.stderr
        return ran.stdout.strip()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install both; what they need is borrowed from the environment of the tests, so that no registry is asked."""
    root = tmp_path_factory.mktemp("example")
    venv.create(root / "venv", with_pip=True, symlinks=sys.platform != "win32")
    made = Installation(root)
    site_packages = made.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    borrowed = (path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    Path(site_packages, "borrowed.pth").write_text("\n".join(borrowed))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed"]
    made.run("-m", "pip", "install", *options, str(ROOT), str(EXAMPLE), PIP_DISABLE_PIP_VERSION_CHECK="1")
    return made


@pytest.fixture
def stored(installation: Installation) -> Path:
    """Give a key to the example's file."""
    path = installation.home / ".example.json"
    path.write_text(json.dumps({"key": "test-key-example", "url": "https://example.com/"}))
    return path


def test_the_fresh_environment_runs_what_was_installed(installation: Installation) -> None:
    """Core and example come from the fresh environment, not from this checkout."""
    printed = installation.run("-c", "import lamini_creds, lamini_creds_example as e; print(lamini_creds.__file__, e)")

    assert 2 == printed.count(str(installation.python.parent.parent))


def test_a_variable_names_the_provider(installation: Installation, stored: Path) -> None:
    """LAMINI_CREDS_PROVIDERS puts the example into the chain."""
    printed = installation.run("-c", PRINT, LAMINI_CREDS_PROVIDERS="env,example").split()

    assert ["example", str(stored), "https://example.com"] == printed[:3]


def test_a_named_file_sets_its_option(installation: Installation) -> None:
    """A pyproject.toml names the example and fills its option."""
    (installation.home / "other.json").write_text(json.dumps({"key": "test-key-other"}))
    settings = '[tool.lamini_creds]\nproviders = ["example"]\n[tool.lamini_creds.provider.example]\npath = "other.json"'
    (installation.project / "pyproject.toml").write_text(settings)

    printed = installation.run("-c", PRINT, LAMINI_CREDS_CONFIG=str(installation.project / "pyproject.toml")).split()
    (installation.project / "pyproject.toml").unlink()

    assert ["example", str(installation.home / "other.json"), "https://api.lamini.ai"] == printed[:3]


def test_installing_alone_loads_nothing(installation: Installation, stored: Path) -> None:
    """A chain that does not name the example does not import it."""
    code = (
        "import sys, lamini_creds as l; "
        "error = l.Resolver().explain().error; print(type(error).__name__, 'lamini_creds_example' in sys.modules)"
    )

    assert stored.exists()
    assert "CredentialsNotFoundError False" == installation.run("-c", code)


def test_a_broken_file_is_an_error_without_its_text(installation: Installation, stored: Path) -> None:
    """What the provider can't read is INVALID with its place, and nothing of what stands there."""
    stored.write_text('{"key": "test-key-exam')
    code = "import lamini_creds as l; print(l.Resolver().explain().error)"

    printed = installation.run("-c", code, LAMINI_CREDS_PROVIDERS="example")

    assert f"example: {stored}: is not JSON with a key and a URL" == printed

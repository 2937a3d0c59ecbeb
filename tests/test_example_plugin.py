"""The provider of a third party: the page's steps, from an empty folder to a package that is tested and used."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import venv
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "lamini-creds-example"
PAGE = ROOT / "docs" / "how-to" / "write-a-provider.md"
PRINT = "from lamini_creds import resolve_credentials as r; c = r(); print(c.provider, c.source, c.url, c.fingerprint)"
SETTING_UP = [
    "mkdir lamini-creds-example && cd lamini-creds-example",
    "python3 -m venv .venv && . .venv/bin/activate",
    "pip install -q ~/lamini_creds pytest",
]
INSTALLING = "pip install -q -e ."


class Installation:
    """An environment with the core and the page's package, a home and a project."""

    def __init__(self, root: Path) -> None:
        self.python = root / ("venv/Scripts/python.exe" if sys.platform == "win32" else "venv/bin/python")
        self.home = root / "home"
        self.project = root / "project"
        self.package = root / "lamini-creds-example"
        for directory in (self.home, self.project, self.package):
            directory.mkdir()

    def run(self, *arguments: str, **variables: str) -> str:
        """Run Python in the project; give what it prints."""
        ran = subprocess.run(
            [str(self.python), *arguments],
            env=self.environ(variables),
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == ran.returncode, ran.stderr
        return ran.stdout.strip()

    def shell(self, command: str, variables: dict[str, str]) -> str:
        """Run a command of the page in the package's folder; give what it prints, errors too."""
        ran = subprocess.run(
            ["bash", "-c", command],  # noqa: S607  # a reader's shell is the one on the path
            env=self.environ(variables),
            cwd=self.package,
            capture_output=True,
            text=True,
            check=False,
        )
        return (ran.stdout + ran.stderr).replace(str(self.home), "/home/you")

    def environ(self, variables: dict[str, str]) -> dict[str, str]:
        """Give an environment that has this one's programs, and nothing of this process's."""
        path = os.pathsep.join([str(self.python.parent), os.environ["PATH"]])
        return {"PATH": path, "HOME": str(self.home), "USERPROFILE": str(self.home), **variables}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Write the page's files and install them; what they need is borrowed from the tests: no registry is asked."""
    root = tmp_path_factory.mktemp("example")
    venv.create(root / "venv", with_pip=True, symlinks=sys.platform != "win32")
    made = Installation(root)
    for path, text in re.findall(r"<!-- file: \S+/(\S+) -->\n```\w+\n(.*?)```\n", PAGE.read_text(), re.DOTALL):
        (made.package / path).write_text(text)
    site_packages = made.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    borrowed = (path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    Path(site_packages, "borrowed.pth").write_text("\n".join(borrowed))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed"]
    made.run("-m", "pip", "install", *options, str(ROOT), str(made.package), PIP_DISABLE_PIP_VERSION_CHECK="1")
    return made


@pytest.fixture
def stored(installation: Installation) -> Path:
    """Give a key to the example's file."""
    path = installation.home / ".example.json"
    path.write_text(json.dumps({"key": "test-key-example", "url": "https://example.com/"}))
    return path


def test_the_page_shows_the_whole_folder() -> None:
    """Each file of the example but its own page is on this page; another test compares their text."""
    shown = re.findall(r"<!-- file: examples/lamini-creds-example/(\S+) -->", PAGE.read_text())
    there = {path.name for path in EXAMPLE.iterdir() if path.is_file()}

    assert there - {"README.md"} == set(shown)


def test_a_provider_is_short() -> None:
    """It takes less than 30 lines of Python, and 12 lines of configuration."""
    lengths = [len((EXAMPLE / name).read_text().splitlines()) for name in ("lamini_creds_example.py", "pyproject.toml")]

    assert lengths[0] < 30
    assert lengths[1] <= 12


def test_the_steps_of_the_page(installation: Installation) -> None:
    """Each command of the page prints what stands below it, the package's own tests too."""
    sessions = "".join(re.findall(r"^```shell\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", sessions, re.MULTILINE)
    assert [*SETTING_UP, INSTALLING] == [command for command, _ in steps[:4]]

    variables = {"COLUMNS": "200", "NO_COLOR": "1"}
    for command, expected in steps[4:]:
        if command.startswith("export "):
            variables.update([shlex.split(command)[1].partition("=")[::2]])
            continue
        printed = installation.shell(command, variables)
        told = f"$ {command}\nexpected:\n{expected}\nprinted:\n{printed}"
        assert OutputChecker().check_output(_plain(expected), _plain(printed), ELLIPSIS | NORMALIZE_WHITESPACE), told


def _plain(text: str) -> str:
    """Take what differs from run to run out of what a command prints."""
    return re.sub(r"[\d.]+ ?(ms|s)\b", "0 s", text)


def test_the_real_provider_is_shown_as_it_is() -> None:
    """Each part of another file that the page shows stands in that file."""
    parts = re.findall(r"<!-- part: (\S+) -->\n<!-- skip: next -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    assert parts
    assert [] == [text for path, text in parts if text not in (ROOT / "docs" / path).read_text()]


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

    assert printed.startswith(f"example: {stored}: is not JSON, though it begins like it (line 1, column 9)")
    assert "test-key" not in printed

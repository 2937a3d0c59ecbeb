"""Ways to run the command line: in this process, in one of its own, with plugins installed or without."""

from __future__ import annotations

import codecs
import os
import select
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Protocol

import pytest
from click.testing import CliRunner

import lamini_creds
from lamini_creds.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.testing import Result

PACKAGE = Path(lamini_creds.__file__).parents[1]
_IN_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from lamini_creds.cli import main
main(prog_name="lamini-creds")
"""


class Command(Protocol):
    """Runs a command in this process."""

    def __call__(self, *arguments: str, **environ: str) -> Result: ...


class Process(Protocol):
    """Runs `python -m lamini_creds` with an environment of its own."""

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]: ...


class Terminal:
    """
    A command in a terminal of its own: the one that it may open as /dev/tty, too.

    Args:
        arguments: What stands after `lamini-creds`.
        directory: The working directory.
        environ: The whole environment.
    """

    def __init__(self, arguments: Sequence[str], directory: Path, environ: Mapping[str, str]) -> None:
        self._master, theirs = os.openpty()
        self.shown = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a part may end within a character
        self._running = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _IN_TERMINAL, *arguments],
            cwd=directory, env={**environ, "TERM": "xterm"}, start_new_session=True,
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)

    def expect(self, text: str) -> None:
        """Read until the last that is shown is this text."""
        while not self.shown.endswith(text) and self._take():
            pass
        assert self.shown.endswith(text)

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._master, f"{line}\n".encode())

    def end(self) -> int:
        """Read what is left, and give the exit status."""
        while self._take():
            pass
        os.close(self._master)
        self.shown = self.shown.replace("\r\n", "\n")
        return self._running.wait(30)

    def _take(self) -> bool:
        """Take in what is shown next; a terminal whose program has ended is an error to read on Linux."""
        ready, _, _ = select.select([self._master], [], [], 30)
        assert ready, f"nothing more is shown after: {self.shown}"
        try:
            part = os.read(self._master, 4096)
        except OSError:
            part = b""
        self.shown += self._decoder.decode(part)
        return bool(part)


class Open(Protocol):
    """Starts a command in a terminal."""

    def __call__(self, *arguments: str, **environ: str) -> Terminal: ...


class Install(Protocol):
    """Installs a distribution with one plugin."""

    def __call__(self, name: str, source: str, *, distribution: str = "", summary: str = "") -> Path: ...


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The user's home directory, empty."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The working directory: a repository's root, empty."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    return project


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory that distributions are installed into."""
    site = tmp_path / "site"
    site.mkdir()
    return site


@pytest.fixture
def command(home: Path, project: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in this process, with nothing in the environment but what is given."""

    def run(*arguments: str, **environ: str) -> Result:
        for name in [name for name in os.environ if name.startswith(("LAMINI", "LLAMA", "POWERML", "XDG_"))]:
            monkeypatch.delenv(name)
        for name, value in {"HOME": str(home), "USERPROFILE": str(home), "APPDATA": str(home), **environ}.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(main, arguments, prog_name="lamini-creds")

    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(site)
    return run


@pytest.fixture
def clean(home: Path, site: Path) -> dict[str, str]:
    """An environment with a home directory and a path to the package."""
    path = os.pathsep.join(map(str, (site, PACKAGE)))
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {"HOME": str(home), "USERPROFILE": str(home), "APPDATA": str(home), "PYTHONPATH": path}


@pytest.fixture
def process(clean: dict[str, str], project: Path) -> Process:
    """Run `python -m lamini_creds` in a process and an environment of its own."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "lamini_creds", *arguments],
            cwd=project,
            env=clean | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,  # no terminal to ask at, wherever the tests run
        )

    return run


@pytest.fixture
def terminal(clean: dict[str, str], project: Path) -> Open:
    """Start `lamini-creds` in a pseudo-terminal, with an environment of its own."""
    if sys.platform == "win32":
        pytest.skip("a pseudo-terminal is needed")
    return lambda *arguments, **environ: Terminal(arguments, project, clean | environ)


@pytest.fixture
def install(site: Path, tmp_path: Path) -> Install:
    """Install a plugin as pip would: a module, and its metadata with one entry point."""

    def write(name: str, source: str, *, distribution: str = "", summary: str = "") -> Path:
        distribution = distribution or f"creds-{name}"
        module = f"plugin_{distribution}_{tmp_path.name}".replace("-", "_")
        (site / f"{module}.py").write_text(dedent(source))
        metadata = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\nSummary: {summary}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[lamini_creds]\n{name} = {module}\n")
        return site / f"{module}.py"

    return write

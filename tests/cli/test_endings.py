"""Commands that can't write what they found, and commands that are broken off."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, FIFOs and devices of POSIX")

FOUND = {"LAMINI_API_KEY": "test-key-1"}
FULL = "error: the standard output can't be written (No space left on device)\n"
CLOSED = "error: the standard output can't be written (Broken pipe)\n"
REPORTS = [
    "explain", "explain --json", "explain --config", "doctor", "doctor --json", "check", "providers", "schema",
    "schema --explain", "get", "trust --show", "trust --show --json", "trust --revoke",
    "--help", "run --help",
]  # fmt: skip

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(clean: dict[str, str], project: Path) -> Start:
    """Start a command; a project file is there to be trusted."""
    (project / "pyproject.toml").write_text('[tool.lamini_creds]\nproviders = ["env"]\n')

    def run(words: str, stdout: int = subprocess.DEVNULL, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "lamini_creds", *words.split()], cwd=project, env=clean | environ,
            stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    return run


@pytest.fixture
def full() -> Iterator[int]:
    """A device that is full."""
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is needed")
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def closed() -> Iterator[int]:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("words", REPORTS)
def test_a_full_disk(words: str, start: Start, full: int) -> None:
    """What can't be written is an error of one line and of its own status."""
    running = start(words, full, **FOUND)

    assert FULL == running.communicate(timeout=60)[1]
    assert 2 == running.returncode


@pytest.mark.parametrize("words", REPORTS)
def test_a_closed_pipe(words: str, start: Start, closed: int) -> None:
    """Nor does a reader that is gone make it look as if nothing was found, or something to be mended."""
    running = start(words, closed, **FOUND)

    assert CLOSED == running.communicate(timeout=60)[1]
    assert 2 == running.returncode


def test_what_is_stored_is_stored(start: Start, full: int, home: Path) -> None:
    """A login whose report can't be written has stored the key all the same, and its status says so."""
    running = start("login --stdin", full, LAMINI_CREDS_PROVIDERS="env,yaml")

    assert FULL == running.communicate("test-key-1", timeout=60)[1]
    assert (0, True) == (running.returncode, (home / ".powerml" / "configure_llama.yaml").exists())


def test_what_is_taken_out_is_taken_out(start: Start, full: int, home: Path) -> None:
    """So has a logout, and what still gives a key is told."""
    file = home / ".powerml" / "configure_llama.yaml"
    file.parent.mkdir(mode=0o700)
    file.write_text("production:\n  key: test-key-2\n")
    file.chmod(0o600)
    running = start("logout", full, **FOUND)
    told = running.communicate(timeout=60)[1]

    assert (0, "production:\n") == (running.returncode, file.read_text())
    assert told.startswith(f"{FULL}warning: env: LAMINI_API_KEY still gives a key")


def test_no_way_to_tell(clean: dict[str, str], project: Path, full: int) -> None:
    """Where nothing can be told at all, a command that runs another still does so."""
    done = subprocess.run(
        [sys.executable, "-m", "lamini_creds", "run", "--", "sh", "-c", "exit 7"], cwd=project, timeout=60, check=False,
        env=clean | FOUND | {"LAMINI_API_URL": "http://gpu.internal:8000"}, stderr=full,
    )  # fmt: skip

    assert 7 == done.returncode


class Helper:
    """A helper that comes to no end, and the FIFO that it has open for as long as it is there."""

    def __init__(self, directory: Path) -> None:
        fifo, script = directory / "fifo", directory / "helper"
        os.mkfifo(fifo)
        script.write_text(f"#!/bin/sh\nexec 9>'{fifo}'\necho up >&9\nexec sleep 60\n")
        script.chmod(0o700)
        self._reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.environ = {"LAMINI_CREDS_PROVIDERS": "exec", "LAMINI_CREDS__EXEC__COMMAND": str(script)}

    def takes(self) -> bytes | None:
        """Wait for its word that it runs, or for its end."""
        ready, _, _ = select.select([self._reading], [], [], 20)
        return os.read(self._reading, 9) if ready else None

    def close(self) -> None:
        os.close(self._reading)


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[Helper]:
    helper = Helper(tmp_path)
    yield helper
    helper.close()


ASKING = ["explain", "get", "doctor", "login --from exec", "run -- true"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("words", ASKING)
def test_broken_off(words: str, name: str, start: Start, helper: Helper, project: Path) -> None:
    """A command that a signal ends has a status of its own, says so in a word, and leaves no helper behind."""
    (project / "pyproject.toml").unlink()
    number = getattr(signal, name)
    running = start(words, **helper.environ)
    assert b"up\n" == helper.takes()
    running.send_signal(number)
    told = running.communicate(timeout=60)[1]

    assert (125 if words.startswith("run") else 128 + number, "\nbroken off\n") == (running.returncode, told)
    assert b"" == helper.takes()


def test_a_signal_that_is_ignored_stays_so(start: Start, helper: Helper, clean: dict[str, str], project: Path) -> None:
    """Under nohup the end of the terminal's session ends nothing."""
    code = (
        "import signal, os, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    words = [sys.executable, "-m", "lamini_creds", "get"]
    (project / "pyproject.toml").unlink()
    running = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=project, env=clean | helper.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert b"up\n" == helper.takes()
    running.send_signal(signal.SIGHUP)
    running.send_signal(signal.SIGTERM)

    assert "\nbroken off\n" == running.communicate(timeout=60)[1]
    assert 128 + signal.SIGTERM == running.returncode


TWICE = """
import atexit, os, signal
from lamini_creds.cli._ending import broken_off
atexit.register(print, "cleared up")
for second in (signal.SIGHUP, signal.SIGTERM):
    atexit.register(os.kill, os.getpid(), second)
with broken_off():
    os.kill(os.getpid(), signal.SIGHUP)
    signal.pause()
"""


def test_a_signal_that_comes_twice(clean: dict[str, str]) -> None:
    """A terminal that is closed sends SIGHUP twice: the second one ends no clearing up."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE], env=clean, capture_output=True, text=True, timeout=60, check=False
    )

    assert (128 + signal.SIGHUP, "cleared up\n") == (done.returncode, done.stdout)

"""That something takes its time is shown on a terminal, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")

KEY = {"LAMINI_API_KEY": "test-key-1", "TERM": "xterm"}
NO_RICH = "import sys; sys.modules['rich'] = None"


def complained(environ: dict[str, str], *arguments: str) -> tuple[str, str]:
    """Run a command with a pseudo-terminal as its standard error stream; give what it prints, and what that shows."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "lamini_creds", *arguments]
    running = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    printed, _ = running.communicate(timeout=60)
    return printed, shown.decode()


@pytest.mark.parametrize(("name", "what"), [("explain", "asking the places"), ("doctor", "asking every place")])
def test_waiting_is_shown_on_a_terminal(name: str, what: str, clean: dict[str, str]) -> None:
    """While the places are asked the terminal says so, and wipes it out; what is printed is as ever."""
    pytest.importorskip("rich")
    printed, shown = complained(clean | KEY, name)

    assert f"{what} of the chain ..." in shown
    assert shown.endswith(("\x1b[2K\x1b[?25h", "\x1b[1A\x1b[2K"))
    assert "LAMINI_API_KEY" in printed
    assert "\x1b" not in printed


def test_a_terminal_that_knows_ascii_alone(clean: dict[str, str]) -> None:
    """The sign for waiting is one that the terminal's encoding can say."""
    pytest.importorskip("rich")
    _, shown = complained(clean | KEY | {"PYTHONIOENCODING": "ascii"}, "explain")

    assert "asking the places of the chain ..." in shown
    assert "\\u28" not in shown


@pytest.mark.parametrize("name", ["explain", "doctor"])
def test_without_rich_nothing_is_shown(name: str, clean: dict[str, str], site: Path) -> None:
    """Where rich is not installed the terminal shows nothing of it."""
    (site / "sitecustomize.py").write_text(NO_RICH)
    printed, shown = complained(clean | KEY, name)

    assert "" == shown
    assert "LAMINI_API_KEY" in printed


@pytest.mark.parametrize("name", ["get", "run", "check"])
def test_what_asks_nobody_for_long_shows_nothing(name: str, clean: dict[str, str]) -> None:
    """The commands for scripts leave the terminal alone."""
    more = ["--", "true"] if name == "run" else []

    assert "" == complained(clean | KEY, name, *more)[1]

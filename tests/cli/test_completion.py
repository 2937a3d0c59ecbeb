"""Completion of the command line in bash, zsh and fish."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lamini_creds.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Process = Callable[..., subprocess.CompletedProcess[str]]

VARIABLE = "_LAMINI_CREDS_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


def completed(process: Process, shell: str, *words: str) -> list[str]:
    """Complete the last word as the shell's script would, and give the suggestions."""
    position = words[-1] if shell == "fish" else str(len(words))
    line = " ".join(("lamini-creds", *words))
    done = process(**{VARIABLE: f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": position})
    lines = done.stdout.splitlines()
    return lines[1::3] if shell == "zsh" else [line.split(",", 1)[1].split("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed(shell: str, process: Process) -> None:
    """Each shell gets a script of its own, for the command by its installed name."""
    done = process(**{VARIABLE: f"{shell}_source"})

    assert (0, "") == (done.returncode, done.stderr)
    assert f"{VARIABLE}={shell}_complete" in done.stdout
    assert re.search(r"^ *(complete|compdef) .*lamini-creds", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_are_completed(shell: str, process: Process) -> None:
    """The beginning of a command's name is completed."""
    assert ["doctor"] == completed(process, shell, "doc")


def test_every_command_is_offered(process: Process) -> None:
    """Where nothing is typed yet, each command is offered."""
    with main.make_context("lamini-creds", ["--"], resilient_parsing=True) as context:
        assert main.list_commands(context) == completed(process, "bash", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_options_and_their_values_are_completed(shell: str, process: Process) -> None:
    """So are a command's options, and the values of those that take one of a few words."""
    assert ["--format"] == completed(process, shell, "get", "--fo")
    assert ["json"] == completed(process, shell, "get", "--format", "j")


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is needed")
def test_bash_itself_completes(clean: dict[str, str], tmp_path: Path) -> None:
    """The line of the documentation makes bash complete the installed command."""
    script = tmp_path / "lamini-creds"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lamini_creds "$@"\n')
    script.chmod(0o700)
    typed = f"""
        PATH="{tmp_path}:$PATH"
        eval "$({VARIABLE}=bash_source lamini-creds)"
        COMP_WORDS=(lamini-creds exp) COMP_CWORD=1
        "$(complete -p lamini-creds | sed 's/.*-F \\([^ ]*\\).*/\\1/')" lamini-creds
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", typed], env=clean, capture_output=True, text=True, timeout=60, check=True
    )

    assert ("explain", "") == (done.stdout.strip(), done.stderr)

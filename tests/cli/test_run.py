"""`lamini-creds run`: the command gets key and URL, and is what the caller then deals with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process becomes another")

CANARY = "test-key-c4n4ry9f8e7d"
PAIR = {"LAMINI_API_KEY": "test-key-1", "LAMINI_API_URL": "https://lamini.example.com"}
SHOW = 'for name; do eval "echo $name=\\$$name"; done'


def show(*names: str) -> tuple[str, ...]:
    """Give a command that prints variables."""
    return ("sh", "-c", SHOW, "sh", *names)


def test_key_and_url_are_in_the_environment(process: Process, home: Path) -> None:
    """The command finds key and URL under the names that Lamini's own clients read."""
    (home / ".lamini").mkdir()
    file = home / ".lamini" / "configure.yaml"
    file.touch(mode=0o600)
    file.write_text("production: {key: test-key-2, url: https://home.example.com}")
    done = process("run", "--", *show("LAMINI_API_KEY", "LAMINI_API_URL"))

    assert (0, "") == (done.returncode, done.stderr)
    assert "LAMINI_API_KEY=test-key-2\nLAMINI_API_URL=https://home.example.com\n" == done.stdout


def test_other_names(process: Process) -> None:
    """--as gives key and URL other names, over whatever these held, and leaves our own as they were."""
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LAMINI_CREDS_PROFILE")
    environ = PAIR | {"OPENAI_API_KEY": "test-key-9"}
    done = process("run", "--as", "OPENAI_API_KEY, OPENAI_BASE_URL", "--", *show(*names), **environ)

    assert [
        "OPENAI_API_KEY=test-key-1",
        "OPENAI_BASE_URL=https://lamini.example.com",
        "LAMINI_CREDS_PROFILE=",
    ] == done.stdout.splitlines()


def test_another_profile_s_key_is_overwritten(process: Process) -> None:
    """The variables of another profile give way, and the profile is told, so that they speak for the right one."""
    names = ("LAMINI_API_KEY", "LAMINI_API_URL", "LAMINI_CREDS_PROFILE")
    environ = PAIR | {"LAMINI__STAGING__KEY": "test-key-2", "LAMINI_CREDS_PROFILE": "production"}
    done = process("run", "--profile", "staging", "--", *show(*names), **environ)

    assert [
        "LAMINI_API_KEY=test-key-2",
        "LAMINI_API_URL=https://staging.lamini.ai",
        "LAMINI_CREDS_PROFILE=staging",
    ] == done.stdout.splitlines()


def test_a_program_of_ours_finds_the_same(process: Process) -> None:
    """A program that resolves for itself gets the very credential, of that profile."""
    code = "import lamini_creds as l; c = l.resolve_credentials(); print(c.key, c.url, c.profile)"
    environ = PAIR | {"LAMINI__STAGING__KEY": "test-key-2", "LLAMA_ENVIRONMENT": "LOCAL"}
    done = process("run", "--profile", "staging", sys.executable, "-c", code, **environ)

    assert "test-key-2 https://staging.lamini.ai staging\n" == done.stdout


def test_the_rest_of_the_environment_stays(process: Process) -> None:
    """All other variables are handed on."""
    assert "OTHER=o\n" == process("run", *show("OTHER"), OTHER="o", **PAIR).stdout


def test_options_of_the_command_are_its_own(process: Process) -> None:
    """What follows the command is not read, with or without `--` before it."""
    for dashes in ([], ["--"]):
        assert "--help -h --profile\n" == process("run", *dashes, "echo", "--help", "-h", "--profile", **PAIR).stdout


@pytest.mark.parametrize("status", [0, 1, 42, 125, 255])
def test_the_status_is_the_command_s(status: int, process: Process) -> None:
    """The exit status is the command's own, whatever it is."""
    assert status == process("run", "--", "sh", "-c", f"exit {status}", **PAIR).returncode


def test_the_process_is_the_command_s(clean: dict[str, str]) -> None:
    """No process stands between: the command has the very number that was started."""
    running = subprocess.Popen(
        [sys.executable, "-m", "lamini_creds", "run", "--", "sh", "-c", "echo $$"],
        env=clean | PAIR, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    printed, _ = running.communicate(timeout=60)

    assert str(running.pid) == printed.strip()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGUSR1"])
def test_signals_reach_the_command(name: str, clean: dict[str, str]) -> None:
    """A signal that is sent to the process ends the command, and is what the caller is told."""
    number = getattr(signal, name)
    running = subprocess.Popen(
        [sys.executable, "-m", "lamini_creds", "run", "--", "sh", "-c", "echo up; exec sleep 60"],
        env=clean | PAIR, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with running, running.stdout or open(os.devnull) as output:
        output.readline()
        running.send_signal(number)

        assert -number == running.wait(60)


def test_a_pipe_that_closes_ends_the_command(clean: dict[str, str]) -> None:
    """SIGPIPE, which Python ignores, has its usual effect in the command."""
    script = f"'{sys.executable}' -m lamini_creds run -- sh -c 'yes; echo $? >&2' | head -n 1"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=clean | PAIR, capture_output=True, text=True, timeout=60, check=True
    )

    assert ("y\n", "141") == (done.stdout, done.stderr.strip())


def test_the_streams_are_the_command_s(clean: dict[str, str]) -> None:
    """What comes in goes to the command, and nothing is printed but by it."""
    done = subprocess.run(
        [sys.executable, "-m", "lamini_creds", "run", "--", "cat"],
        env=clean | PAIR, input="in and out", capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert ("in and out", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "no provider has a key for Lamini"),
        ({"LAMINI_API_KEY": f"Bearer {CANARY}"}, "the key starts with a header's words"),
        ({"LAMINI_CREDS_HTTP": CANARY}, "item 1 is not an origin"),
    ],
    ids=["nothing", "invalid", "configuration"],
)
def test_without_a_credential_nothing_is_started(
    environ: dict[str, str], reason: str, process: Process, project: Path
) -> None:
    """Where there is no credential the status is 125, the reason is told, and the command does not start."""
    done = process("run", "--", "touch", "started", **environ)

    assert (125, "") == (done.returncode, done.stdout)
    assert reason in done.stderr
    assert not (project / "started").exists()
    assert_no_leak(CANARY, done.stderr)


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["no-such-command"], 127, "error: no-such-command: there is no such command"),
        (["./absent"], 127, "error: ./absent: there is no such command"),
        ([""], 127, "error: there is no such command"),
        (["./closed"], 126, "error: ./closed: can't be executed (Permission denied)"),
        (["./text"], 126, "error: ./text: can't be executed (Exec format error)"),
        (["."], 126, "error: .: can't be executed (Permission denied)"),
        (["\x1b[31m"], 127, "error: \\x1b[31m: there is no such command"),
    ],
    ids=["unknown", "absent", "empty", "closed", "no program", "directory", "control characters"],
)
def test_a_command_that_can_t_be_started(
    words: list[str], status: int, reason: str, process: Process, project: Path
) -> None:
    """A shell's own statuses: 127 there is no such command, 126 it can't be executed; no key is shown."""
    (project / "closed").write_text("#!/bin/sh\n")
    (project / "closed").chmod(0o600)
    (project / "text").write_text("no program")
    (project / "text").chmod(0o700)
    done = process("run", "--", *words, **PAIR | {"LAMINI_API_KEY": CANARY})

    assert (status, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(reason)
    assert_no_leak(CANARY, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Missing argument 'COMMAND...'"),
        (["--"], "Missing argument 'COMMAND...'"),
        (["--bogus", "true"], "there is no such argument or option"),
        (["--as", "A_KEY", "true"], "name two variables, for the key and for its URL"),
        (["--as", "A,A", "true"], "name two variables"),
        (["--as", "A,B,C", "true"], "name two variables"),
        (["--as", "A,", "true"], "a name has letters, digits and '_'"),
        (["--as", "A,B=C", "true"], "a name has letters, digits and '_'"),
        (["--as", "1A,B", "true"], "a name has letters, digits and '_'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_status_125(arguments: list[str], reason: str, command: Command) -> None:
    """A call that is wrong starts nothing, and is told apart from a command that fails with status 2."""
    done = command("run", *arguments, **PAIR)

    assert (125, "") == (done.exit_code, done.stdout)
    assert reason in done.stderr


def test_warnings_are_told_before(process: Process) -> None:
    """What should be mended is said on the standard error stream, before the command starts."""
    environ = PAIR | {"LAMINI_API_URL": "http://gpu.internal:8000"}
    done = process("run", "--", "sh", "-c", "echo started >&2", **environ)

    assert done.stderr.startswith("warning: LAMINI_API_URL: the key goes to http://gpu.internal:8000 over plain http")
    assert "started" == done.stderr.splitlines()[-1]

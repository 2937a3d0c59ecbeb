"""`lamini-creds get`: each form for a script, none for a screen, and a status for each way to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

import lamini_creds
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]

SCHEMA = json.loads((Path(lamini_creds.__file__).parent / "providers" / "exec.schema.json").read_text())
CANARY = "test-key-c4n4ry9f8e7d"
PAIR = {"LAMINI_API_KEY": "test-key-1", "LAMINI_API_URL": "https://lamini.example.com"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a shell and a pseudo-terminal are needed")


def test_the_key_in_a_process_of_its_own(process: Process) -> None:
    """Without options the key is printed, and nothing else."""
    done = process("get", **PAIR)

    assert (0, "test-key-1\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--field", "key"], "test-key-1\n"),
        (["--field", "url"], "https://lamini.example.com\n"),
        (["--field", "headers"], "Authorization: Bearer test-key-1\n"),
        (["--field", "key", "--format", "json"], '"test-key-1"\n'),
        (["--field", "url", "--format", "json"], '"https://lamini.example.com"\n'),
        (["--field", "headers", "--format", "json"], '{"Authorization": "Bearer test-key-1"}\n'),
        (["--format", "env"], "export LAMINI_API_KEY=test-key-1\nexport LAMINI_API_URL=https://lamini.example.com\n"),
        (["--format", "env", "--field", "key"], "export LAMINI_API_KEY=test-key-1\n"),
        (["--format", "env", "--field", "url"], "export LAMINI_API_URL=https://lamini.example.com\n"),
        (["--format", "plain"], "test-key-1\n"),
    ],
    ids=" ".join,
)
def test_fields_and_formats(arguments: list[str], printed: str, command: Command) -> None:
    """Each field can be had plain, as JSON, and those that are variables as lines for a shell."""
    done = command("get", *arguments, **PAIR)

    assert (0, printed) == (done.exit_code, done.stdout)


def test_a_header_is_no_variable(command: Command) -> None:
    """A header in the form of a variable is refused before anybody is asked."""
    done = command("get", "--format", "env", "--field", "headers", **PAIR)

    assert (2, "") == (done.exit_code, done.stdout)
    assert "a header is no variable" in done.stderr


def test_json_is_the_answer_of_a_helper(command: Command) -> None:
    """JSON without a field is what the provider `exec` reads, by its schema."""
    answer = json.loads(command("get", "--format", "json", **PAIR).stdout)

    assert [] == [problem.message for problem in Draft202012Validator(SCHEMA).iter_errors(answer)]
    assert {
        "version": 1,
        "key": "test-key-1",
        "url": "https://lamini.example.com",
        "source": "env: LAMINI_API_KEY",
    } == answer


@POSIX
def test_all_that_a_store_knows_is_handed_on(command: Command, home: Path) -> None:
    """Version and expiry, where the key's place knows them, are in the JSON."""
    answer = {"version": 1, "key": "test-key-1", "secret_version": "7", "expires_at": "2100-01-31T12:00:00+02:00"}
    helper = ["sh", "-c", f"echo '{json.dumps(answer)}'"]
    environ = {"LAMINI_CREDS_PROVIDERS": "exec", "LAMINI_CREDS__EXEC__COMMAND": json.dumps(helper)}
    printed = json.loads(command("get", "--format", "json", **environ).stdout)

    assert ("7", "2100-01-31T10:00:00+00:00") == (printed["secret_version"], printed["expires_at"])


@POSIX
@pytest.mark.parametrize("key", ["test-key-1'\"`$(exit)\\;&|<!*", "test-key-1#~{a,b}%"])
def test_a_shell_reads_back_what_was_printed(key: str, process: Process, clean: dict[str, str]) -> None:
    """The lines of `--format env`, given to `eval`, set and export the key as it is, whatever characters it has."""
    lines = process("get", "--format", "env", **PAIR | {"LAMINI_API_KEY": key}).stdout
    script = f'eval "$1"; exec {sys.executable} -c "import os; print(os.environ[\'LAMINI_API_KEY\'])"'
    done = subprocess.run(["/bin/sh", "-c", script, "sh", lines], env=clean, capture_output=True, text=True, check=True)

    assert key == done.stdout.rstrip("\n")


def test_a_profile_is_asked_for(command: Command) -> None:
    """--profile chooses the profile, and so the key and the URL."""
    environ = PAIR | {"LAMINI__STAGING__KEY": "test-key-2"}

    assert "test-key-2\n" == command("get", "--profile", "staging", **environ).stdout
    assert "https://staging.lamini.ai\n" == command("get", "--profile", "staging", "--field", "url", **environ).stdout


@POSIX
@pytest.mark.parametrize(
    ("environ", "status"),
    [
        pytest.param({}, 3, id="missing"),
        pytest.param({"LAMINI_CREDS__EXEC__COMMAND": "sh,-c,exit 4"}, 4, id="denied"),
        pytest.param({"LAMINI_CREDS__EXEC__COMMAND": "sh,-c,exit 5"}, 5, id="unavailable"),
        pytest.param({"LAMINI_CREDS__EXEC__COMMAND": "sh,-c,exit 1"}, 2, id="invalid"),
        pytest.param({"LAMINI_CREDS_HTTP": "maybe"}, 2, id="configuration"),
        pytest.param({"LAMINI_API_KEY": "Bearer test-key-1"}, 2, id="key"),
        pytest.param({"LAMINI_CREDS_PROFILE": "lab", "LAMINI_API_KEY": "test-key-1"}, 2, id="no URL"),
    ],
)
@pytest.mark.parametrize("shape", ["plain", "json", "env"])
def test_each_way_to_fail_has_its_status(shape: str, environ: dict[str, str], status: int, command: Command) -> None:
    """Whatever the format, a failure prints nothing, says why on the standard error stream, and has its own status."""
    if "LAMINI_CREDS__EXEC__COMMAND" in environ:
        environ = environ | {"LAMINI_CREDS_PROVIDERS": "exec"}
    done = command("get", "--format", shape, **environ)

    assert (status, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith("error: ")


def test_a_failure_shows_no_key(command: Command) -> None:
    """A key that is refused is not shown by the command that prints keys."""
    done = command("get", LAMINI_API_KEY=f"Bearer {CANARY}")

    assert 2 == done.exit_code
    assert_no_leak(CANARY, done.output, done.exception)


def test_warnings_go_beside(command: Command) -> None:
    """What should be mended is said on the standard error stream, and the key is printed all the same."""
    done = command("get", **PAIR | {"LAMINI_API_URL": "http://gpu.internal:8000"})

    assert (0, "test-key-1\n") == (done.exit_code, done.stdout)
    assert done.stderr.startswith("warning: LAMINI_API_URL: the key goes to http://gpu.internal:8000 over plain http")


def on_terminal(environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run the command with a pseudo-terminal as its standard output; give status and what the terminal shows."""
    ours, theirs = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "lamini_creds", "get", *arguments], env=environ, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return running.wait(60), shown.decode()


@POSIX
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (2, "")),
        (["--field", "headers"], (2, "")),
        (["--format", "json"], (2, "")),
        (["--format", "env"], (2, "")),
        (["--show"], (0, "test-key-1\r\n")),
        (["--field", "url"], (0, "https://lamini.example.com\r\n")),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_a_key_is_for_no_screen(arguments: list[str], expected: tuple[int, str], clean: dict[str, str]) -> None:
    """On a terminal nothing with the key in it is printed, unless --show says so; the URL is no secret."""
    assert expected == on_terminal(clean | PAIR, *arguments)


@POSIX
def test_the_refusal_says_what_to_do(clean: dict[str, str]) -> None:
    """The refusal names the two ways out, before anybody is asked."""
    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "lamini_creds", "get"],
        env=clean | {"LAMINI_CREDS_HTTP": "maybe"}, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)

    assert "error: the key would stand on the screen\n  Send it into a pipe, or say --show.\n" == done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full device is needed")
def test_a_full_disk(clean: dict[str, str]) -> None:
    """What can't be written is an error that shows no key."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lamini_creds", "get"],
            env=clean | PAIR | {"LAMINI_API_KEY": CANARY}, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert (2, "error: the standard output can't be written (No space left on device)\n\n") == (
        done.returncode,
        done.stderr + "\n",
    )
    assert_no_leak(CANARY, done.stderr)


@POSIX
def test_no_standard_output(clean: dict[str, str]) -> None:
    """Without a standard output nothing can be printed, and that is said."""
    script = f"exec '{sys.executable}' -m lamini_creds get >&-"
    done = subprocess.run(["/bin/sh", "-c", script], env=clean | PAIR, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert "error: the standard output can't be written" in done.stderr

"""The command line as a whole: what it imports, where it draws, how it fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lamini_creds
from lamini_creds.cli import main
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]

CANARY = "test-key-c4n4ry9f8e7d"
COMMANDS = ("check", "doctor", "explain", "get", "login", "logout", "providers", "run", "schema", "trust")
NO_RICH = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "rich":
            raise ModuleNotFoundError("blocked", name="rich")
sys.meta_path.insert(0, Blocked())
"""
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")


def python(code: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def on_terminal(environ: dict[str, str], *arguments: str) -> str:
    """Run a command with a pseudo-terminal as its standard output, and give what it shows."""
    ours, theirs = os.openpty()
    running = subprocess.Popen([sys.executable, "-m", "lamini_creds", *arguments], env=environ, stdout=theirs)
    os.close(theirs)
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        while chunk := _read(terminal.fileno()):
            shown += chunk
    running.wait(60)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_the_package_does_not_import_click(clean: dict[str, str]) -> None:
    """Importing lamini_creds imports neither click nor rich."""
    code = "import sys, lamini_creds; print(sorted({'click', 'rich', 'lamini_creds.cli'} & set(sys.modules)))"

    assert "[]" == python(code, clean)


def test_only_the_command_that_runs_is_imported(clean: dict[str, str]) -> None:
    """Running one command imports the module of no other."""
    code = (
        "import sys\nfrom lamini_creds.cli import main\n"
        "try: main(['check'])\nexcept SystemExit: pass\n"
        "print([name for name in ('explain', 'providers', 'schema') if f'lamini_creds.cli.{name}' in sys.modules])"
    )

    assert "[]" == python(code, clean).splitlines()[-1]


def test_help_names_every_command(process: Process) -> None:
    """The help of `python -m lamini_creds` names every command, and itself as lamini-creds."""
    done = process("--help")

    assert 0 == done.returncode
    assert list(COMMANDS) == re.findall(r"^  (\w+)  ", done.stdout, re.MULTILINE)
    assert done.stdout.startswith("Usage: lamini-creds ")


def test_help_cuts_nothing_off(process: Process) -> None:
    """What a command is for fits into a line of a terminal of 80 columns."""
    assert "..." not in process("--help", COLUMNS="80").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_tells_the_exit_status(name: str, command: Command) -> None:
    """The help of each command says what its exit status means."""
    assert "Exit status: 0" in command(name, "--help").stdout


def test_an_unknown_command_is_refused(command: Command) -> None:
    """A command that does not exist is a mistake of the call: status 2."""
    done = command("explian")

    assert 2 == done.exit_code
    assert "there is no such command; did you mean 'explain'?" in done.stderr


MISPLACED = [
    "{0}",
    "--{0}",
    "{1} {0}",
    "{1} --{0}",
    "{1} --key={0}",
    "{1} -{0}",
    "{1} --profile /{0}",
    "get --field {0}",
]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("run", "trust")])
@pytest.mark.parametrize("words", MISPLACED)
def test_a_key_as_an_argument_is_not_repeated(words: str, name: str, command: Command) -> None:
    """Wherever a key stands in a wrong call, the call is refused without it."""
    done = command(*words.format(CANARY, name).split())

    assert 2 == done.exit_code
    assert_no_leak(CANARY, done.output)


def test_the_script_is_the_group() -> None:
    """The script that is installed calls this very group."""
    pyproject = Path(lamini_creds.__file__).parents[1] / "pyproject.toml"
    if not pyproject.exists():
        pytest.skip("the package is installed apart from its sources")
    script = tomllib.loads(pyproject.read_text())["project"]["scripts"]["lamini-creds"]

    assert f"{main.callback.__module__}:main" == script


@POSIX
def test_a_terminal_gets_a_drawn_table(clean: dict[str, str]) -> None:
    """On a terminal, with rich, the table is drawn and what was found stands out in colour."""
    pytest.importorskip("rich")
    shown = on_terminal(clean | {"LAMINI_API_KEY": "test-key-1", "TERM": "xterm"}, "explain")

    assert re.search("\x1b\\[[0-9;]*mfound", shown)


@POSIX
def test_a_terminal_without_rich_gets_plain_text(clean: dict[str, str], site: Path) -> None:
    """On a terminal, without rich, the table is plain text and complete."""
    (site / "sitecustomize.py").write_text(NO_RICH)
    shown = on_terminal(clean | {"LAMINI_API_KEY": "test-key-1", "TERM": "xterm"}, "explain")

    assert "\x1b" not in shown
    assert re.search(r"^env +found +LAMINI_API_KEY", shown, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_works_without_rich(name: str, process: Process, site: Path) -> None:
    """Without rich each command does the same as with it, where no terminal is."""
    with_rich = process(name, LAMINI_API_KEY="test-key-1")
    (site / "sitecustomize.py").write_text(NO_RICH)
    without = process(name, LAMINI_API_KEY="test-key-1")

    assert (with_rich.returncode, _untimed(with_rich.stdout)) == (without.returncode, _untimed(without.stdout))


def _untimed(report: str) -> str:
    return re.sub(r"^clock: .*| *\d+\.\d\d ms$", "", report, flags=re.MULTILINE)


def test_no_colours_where_no_terminal_is(process: Process) -> None:
    """Piped output has no colours, also where a variable asks rich for them."""
    assert "\x1b" not in process("explain", "--all", LAMINI_API_KEY="test-key-1", FORCE_COLOR="1").stdout


def test_a_narrow_encoding_does_no_harm(process: Process, tmp_path: Path) -> None:
    """A path that the terminal's encoding can't say is written with escapes."""
    home = tmp_path / "h\N{LATIN SMALL LETTER O WITH DOUBLE ACUTE}me"
    home.mkdir()
    done = process("explain", HOME=str(home), USERPROFILE=str(home), PYTHONIOENCODING="latin-1")

    assert 1 == done.returncode
    assert r"h\u0151me" in done.stdout


CLOSED = {
    "explain": (">&-", 0),
    "doctor": (">&-", 0),
    "providers": (">&-", 0),
    "run -- true": (">&- 2>&-", 0),
    "login --stdin": ("<&-", 2),
    "trust": ("<&-", 2),
}


@POSIX
@pytest.mark.parametrize("words", CLOSED)
def test_closed_streams(words: str, clean: dict[str, str], project: Path) -> None:
    """A command that is started with a standard stream closed, as daemons do, does what it can."""
    closed, status = CLOSED[words]
    (project / "pyproject.toml").write_text("[tool.lamini_creds]\ndeadline = 3\n" if words == "trust" else "")
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m lamini_creds {words} {closed}', sys.executable],
        cwd=project, env=clean | {"LAMINI_API_KEY": "test-key-1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (status, False) == (done.returncode, "Traceback" in done.stderr)

"""`lamini-creds trust`: what is shown is what is asked about, what is remembered and what counts."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import Result

Command = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[str]]

QUESTION = "? [y/N]: "
HOSTILE = '[tool.lamini_creds]\nallow_origins = ["https://a.test"]\ndeadline = 3\n'


class Terminal(Protocol):
    shown: str

    def expect(self, text: str) -> None: ...
    def type(self, line: str) -> None: ...
    def end(self) -> int: ...


Open = Callable[..., Terminal]


@pytest.fixture
def file(project: Path) -> Path:
    """A project file that asks for trust."""
    file = project / "pyproject.toml"
    file.write_text(HOSTILE)
    return file


@pytest.fixture
def agree(terminal: Open) -> Callable[..., tuple[int, str]]:
    """Run `trust` and answer its question."""

    def run(answer: str = "y", *arguments: str, **environ: str) -> tuple[int, str]:
        asking = terminal("trust", *arguments, **environ)
        asking.expect(QUESTION)
        asking.type(answer)
        return asking.end(), asking.shown

    return run


Agree = Callable[..., tuple[int, str]]


def unwrapped(shown: str) -> str:
    """Join the lines of one block, which are as long as the terminal is wide."""
    return re.sub(r"(?<=.{70})\n +", "", shown)


def test_what_is_shown_asked_and_remembered(agree: Agree, file: Path, process: Process) -> None:
    """Each setting is shown with its table and value; after a yes the file counts."""
    before = process("explain", LAMINI_API_KEY="test-key-1")
    status, shown = agree()
    after = process("explain", "--config", LAMINI_API_KEY="test-key-1")

    assert [
        "the project file",
        f"    {file}",
        "sets what needs trust:",
        "    [tool.lamini_creds] allow_origins",
        '        ["https://a.test"]',
        "    [tool.lamini_creds] deadline",
        "        3",
        "it is not trusted",
        "Trust these 2 settings? [y/N]: y",
        "trusted, until it is edited; lamini-creds trust --revoke ends it",
    ] == unwrapped(shown).splitlines()
    assert (2, 0, 0) == (before.returncode, status, after.returncode)
    assert re.search(rf"^trust +given +{file}$", after.stdout, re.MULTILINE)
    assert re.search(rf"^allow_origins +https://a.test +{file}: ", after.stdout, re.MULTILINE)


@pytest.mark.parametrize("answer", ["n", "", "N"])
def test_anything_but_yes_is_no(agree: Agree, file: Path, process: Process, home: Path, answer: str) -> None:
    """Without a yes nothing is remembered: status 1."""
    status, shown = agree(answer)

    assert (1, "not trusted", []) == (status, shown.splitlines()[-1], list(home.iterdir()))
    assert 2 == process("explain", LAMINI_API_KEY="test-key-1").returncode


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_store_is_the_user_s(agree: Agree, file: Path, tmp_path: Path) -> None:
    """Trust is kept in the state directory, for the user's eyes alone."""
    agree("y", XDG_STATE_HOME=str(tmp_path / "state"))
    store = tmp_path / "state" / "lamini_creds" / "trusted"

    assert (0o600, 0o700) == (stat.S_IMODE(store.stat().st_mode), stat.S_IMODE(store.parent.stat().st_mode))
    assert store.read_text().endswith(f" {file}\n")


@pytest.mark.parametrize(
    "edit",
    [
        HOSTILE.replace("a.test", "b.test"),
        HOSTILE + 'http = "any"\n',
        HOSTILE + '[tool.lamini_creds.provider.yaml]\npath = "/a"\n',
    ],
    ids=["another value", "another setting", "another table"],
)
def test_an_edit_ends_it(agree: Agree, file: Path, process: Process, edit: str) -> None:
    """A trusted file that is changed needs trust anew, and is told to have changed."""
    agree()
    file.write_text(edit)
    done = process("check")

    assert 2 == done.returncode
    assert "since the file came with a checkout; it has changed since you trusted it\n" in done.stderr
    assert "it has changed since it was trusted" in process("trust", "--show").stdout


@pytest.mark.parametrize("edit", ["# a comment\n" + HOSTILE, HOSTILE + "[tool.ruff]\nline-length = 9\n"])
def test_other_parts_of_the_file_may_change(agree: Agree, file: Path, process: Process, edit: str) -> None:
    """Comments and other tools' tables are none of ours."""
    agree()
    file.write_text(edit)

    assert (0, 0) == (process("check").returncode, process("trust").returncode)


def test_what_changes_while_it_is_asked_is_not_trusted(terminal: Open, file: Path, process: Process) -> None:
    """A file that is swapped between the showing and the answer is not what was trusted."""
    asking = terminal("trust")
    asking.expect(QUESTION)
    file.write_text(HOSTILE.replace("a.test", "evil.test"))
    asking.type("y")
    asking.end()

    assert 2 == process("check").returncode
    file.write_text(HOSTILE)
    assert 0 == process("check").returncode


def test_a_helper_of_the_checkout_counts(agree: Agree, file: Path, process: Process, project: Path) -> None:
    """Files of the checkout that are named are shown, and trusted as they are."""
    helper = project / "key.sh"
    helper.write_text("#!/bin/sh\n")
    file.write_text(f'[tool.lamini_creds.provider.exec]\ncommand = ["{helper}"]\n')
    _, shown = agree()
    before = process("trust", "--show").returncode
    helper.write_text("#!/bin/sh\nevil\n")

    assert f"and names these files of the checkout, which count as they are now:\n    {helper}\n" in unwrapped(shown)
    assert (0, 1) == (before, process("trust", "--show").returncode)


def test_a_new_entry_needs_it(agree: Agree, file: Path, process: Process) -> None:
    """An order that names an entry which nobody made eligible is asked about, and counts after a yes."""
    file.write_text('[tool.lamini_creds]\nproviders = ["env", "yaml:mine"]\n')
    before = process("check").returncode
    status, shown = agree()
    after = process("check")

    assert '    [tool.lamini_creds] providers\n        ["env", "yaml:mine"]\n' in shown
    assert "Trust this 1 setting?" in shown
    assert (2, 0, 0) == (before, status, after.returncode)
    assert "explicit, env, yaml:mine" in after.stdout


def test_an_order_alone_needs_none(process: Process, file: Path) -> None:
    """What needs no trust is not asked about."""
    file.write_text('[tool.lamini_creds]\nproviders = ["yaml", "env"]\n')
    done = process("trust")

    assert (0, "sets nothing that needs trust") == (done.returncode, done.stdout.splitlines()[-1])


SPOOF = {
    "an escape": '"\\u001B[2J\\u001B[H[tool.lamini_creds] nothing"',
    "a carriage return": '"\\r[tool.lamini_creds] nothing"',
    "lines": '"""\nTrust this 1 setting? [y/N]: y\ntrusted"""',
    "other writing direction": '"\\u202Etset.live//:sptth"',
    "letters that look alike": '"https://\\u0430.test"',
    "blanks": f'"{" " * 200}Trust this 1 setting? [y/N]: y"',
}


@pytest.mark.parametrize("what", SPOOF)
def test_a_file_can_t_speak_for_us(agree: Agree, file: Path, what: str) -> None:
    """Nothing of the file's own moves the cursor, looks like another letter, or starts at the margin."""
    file.write_text(f"[tool.lamini_creds.provider.yaml]\npath = {SPOOF[what]}\n")
    _, shown = agree("n")
    ours = [line for line in shown.splitlines() if not line.startswith("    ")]

    assert shown.isascii()
    assert shown.replace("\n", "").isprintable()
    assert [
        "the project file",
        "sets what needs trust:",
        "it is not trusted",
        "Trust this 1 setting? [y/N]: n",
        "not trusted",
    ] == ours
    assert max(map(len, shown.splitlines())) < 80


def test_names_can_t_speak_for_us_either(agree: Agree, file: Path) -> None:
    """A table's name is shown as it could be written, without what moves the cursor."""
    file.write_text('[tool.lamini_creds.provider.vault]\n"\\u001B[2J\\nx" = 1\n"p\\u0430th" = 2\n')
    _, shown = agree("n")

    assert "    [tool.lamini_creds.provider.vault] \\x1b[2J\\nx\n        1\n" in shown
    assert "    [tool.lamini_creds.provider.vault] p\\u0430th\n        2\n" in shown


FLOOD = {
    "a value": f'path = "{"a" * 200_000}"\n',
    "settings": "".join(f"x{number} = 1\n" for number in range(60)),
}


@pytest.mark.parametrize("what", FLOOD)
def test_what_can_t_be_read_at_once_is_not_asked_about(
    terminal: Open, file: Path, process: Process, home: Path, what: str
) -> None:
    """A file can't push a command of its own out of sight before the question; `--show` shows all of it."""
    command = '[tool.lamini_creds.provider.exec]\ncommand = ["/bin/evil"]\n'
    file.write_text(f"{command}[tool.lamini_creds.provider.vault]\n{FLOOD[what]}")
    asking = terminal("trust")
    status = asking.end()
    shown = process("trust", "--show").stdout

    assert (2, [], False) == (status, list(home.iterdir()), "[y/N]" in asking.shown)
    assert f"error: {file}: what needs trust fills more than 100 lines here" in asking.shown
    assert '["/bin/evil"]' in shown
    assert len(shown.splitlines()) > 100


@pytest.mark.parametrize("value", ["nan", "inf", "[-inf]"])
def test_a_number_that_json_has_not(process: Process, file: Path, value: str) -> None:
    """TOML's endless numbers are text in the report, which is JSON by any parser's rules."""
    file.write_text(f"[tool.lamini_creds.provider.vault]\nmore = {value}\n")
    shown = process("trust", "--show", "--json").stdout

    assert [value] == [setting["value"] for setting in json.loads(shown, parse_constant=pytest.fail)["settings"]]


@pytest.mark.skipif(sys.platform == "win32", reason="a working directory can't be deleted there")
def test_no_working_directory(clean: dict[str, str], tmp_path: Path) -> None:
    """A name that starts from a directory that is gone is told as such."""
    (tmp_path / "gone").mkdir()
    words = f'cd "{tmp_path}/gone" && rmdir "{tmp_path}/gone" && exec "{sys.executable}" -m lamini_creds trust a.toml'
    done = subprocess.run(["/bin/sh", "-c", words], env=clean, capture_output=True, text=True, check=False, timeout=60)

    assert 2 == done.returncode
    assert done.stderr.startswith("error: FILE: is not an absolute path, and there is no working directory\n")


def test_nobody_is_asked_without_a_terminal(process: Process, file: Path, home: Path) -> None:
    """A script can't say yes, and is told what a container does."""
    done = process("trust", CI="true")

    assert (2, []) == (done.returncode, list(home.iterdir()))
    assert [
        f"error: {file}: there is no terminal, and only a person can trust a file",
        "  Where no one can be asked, name the file instead: LAMINI_CREDS_CONFIG=FILE",
    ] == done.stderr.splitlines()


def test_a_piped_yes_is_none(clean: dict[str, str], project: Path, file: Path) -> None:
    """An answer that comes through a pipe is not a person's."""
    done = subprocess.run(
        [sys.executable, "-m", "lamini_creds", "trust"], input="y\n" * 9, cwd=project, env=clean,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert 2 == done.returncode


def test_the_report(agree: Agree, process: Process, file: Path) -> None:
    """--show --json tells a program the same."""
    before = process("trust", "--show", "--json")
    agree()
    after = process("trust", "--show", "--json")
    settings = [
        {"setting": "[tool.lamini_creds] allow_origins", "value": ["https://a.test"]},
        {"setting": "[tool.lamini_creds] deadline", "value": 3},
    ]

    assert {"file": str(file), "standing": "unknown", "settings": settings, "files": []} == json.loads(before.stdout)
    assert "trusted" == json.loads(after.stdout)["standing"]
    assert (1, 0) == (before.returncode, after.returncode)


def test_revoked(agree: Agree, process: Process, file: Path) -> None:
    """--revoke ends the trust, also of a file that is gone; a second time there is none: status 1."""
    agree()
    file.unlink()
    ended = process("trust", "--revoke", str(file))
    again = process("trust", "--revoke", str(file))
    file.write_text(HOSTILE)

    assert [(0, "no longer trusted\n"), (1, "it was not trusted\n")] == [
        (d.returncode, d.stdout) for d in (ended, again)
    ]
    assert 2 == process("check").returncode


def test_a_file_elsewhere(agree: Agree, tmp_path: Path, process: Process) -> None:
    """FILE names another project's."""
    other = tmp_path / "other" / "pyproject.toml"
    other.parent.mkdir()
    other.write_text(HOSTILE)

    assert 0 == agree("y", str(other))[0]
    assert 0 == process("trust", "--show", str(other)).returncode


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no such file"),
        ("[tool.ruff]", "has no table [tool.lamini_creds]"),
        ("[tool.lamini_creds]\nhtttp = 1", "[tool.lamini_creds] htttp: [tool.lamini_creds] has no option 'htttp'"),
        ("[tool.lamini_creds]\ndeadline = 'x'", "[tool.lamini_creds] deadline: has the wrong type or value"),
        ("[tool", "end of document: this is not TOML"),
    ],
)
def test_what_is_wrong_is_told_first(process: Process, project: Path, text: str | None, reason: str) -> None:
    """A file that would be refused once it is trusted is refused now."""
    if text is not None:
        (project / "pyproject.toml").write_text(text)
    done = process("trust", "pyproject.toml")

    assert 2 == done.returncode
    assert done.stderr.startswith(f"error: {project / 'pyproject.toml'}: {reason}")


def test_no_project_file(process: Process) -> None:
    """Where there is none to trust, FILE is asked for."""
    done = process("trust")

    assert (2, "  Name one: lamini-creds trust FILE") == (done.returncode, done.stderr.splitlines()[-1])


def test_options_that_contradict_each_other(command: Command) -> None:
    """--show and --revoke are two things, and --json is for --show."""
    assert [2, 2] == [command("trust", *given).exit_code for given in (["--show", "--revoke"], ["--json"])]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_store_that_others_could_write(agree: Agree, process: Process, file: Path, home: Path) -> None:
    """A store that others could have written is not believed, and every command says so."""
    agree()
    store = home / ".local" / "state" / "lamini_creds" / "trusted"
    store.chmod(0o666)
    told = f"the store of trust, {store}, is not believed, since other users could have written it"

    assert [2, 2] == [process(name).returncode for name in ("check", "trust")]
    assert told in process("check").stderr
    assert told in process("trust").stderr

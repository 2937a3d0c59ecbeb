"""`lamini-creds logout`: the key goes, the rest stays, and what still gives a key is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Command = Callable[..., Result]

FILES = (".lamini/configure.yaml", ".powerml/configure_llama.yaml")


@pytest.fixture
def write(home: Path) -> Callable[[str, str], Path]:
    """Write one of the home directory's files."""

    def write(name: str, text: str) -> Path:
        path = home / name
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    return write


def test_the_key_alone_goes(command: Command, write: Callable[[str, str], Path]) -> None:
    """URL, comments and other profiles stay."""
    path = write(FILES[1], "production:\n    key: a # mine\n    url: https://a.test\nstaging:\n    key: b\n")
    done = command("logout")

    assert (0, f"taken out of {path}\n", "") == (done.exit_code, done.stdout, done.stderr)
    assert "production:\n    # mine\n    url: https://a.test\nstaging:\n    key: b\n" == path.read_text()


def test_another_profile_s(command: Command, write: Callable[[str, str], Path]) -> None:
    """--profile says whose."""
    path = write(FILES[1], "production: {key: a}\nstaging:\n  key: b\n")

    assert 0 == command("logout", "--profile", "staging").exit_code
    assert "production: {key: a}\nstaging:\n" == path.read_text()


def test_both_files(command: Command, write: Callable[[str, str], Path]) -> None:
    """A key that the second file would give instead goes too."""
    paths = [write(name, "production: {key: a}") for name in FILES]
    done = command("logout")

    assert [f"taken out of {path}" for path in paths] == done.stdout.splitlines()
    assert (0, "") == (done.exit_code, done.stderr)
    assert 1 == command("explain").exit_code


def test_a_key_that_is_left(command: Command, write: Callable[[str, str], Path]) -> None:
    """What still gives a key afterwards is told."""
    write(FILES[1], "production: {key: a}")
    done = command("logout", LAMINI_API_KEY="test-key-1")

    assert 0 == done.exit_code
    assert [
        "warning: env: LAMINI_API_KEY still gives a key for the profile 'production'",
        "  See: lamini-creds explain --all",
    ] == done.stderr.splitlines()


def test_nothing_to_take_out(command: Command, home: Path) -> None:
    """Where no key is stored the status is 1, and nothing is made."""
    done = command("logout")
    paths = " nor ".join(str(home / name) for name in FILES)

    assert (1, f"error: neither {paths} holds a key of the profile 'production'\n") == (done.exit_code, done.stderr)
    assert [] == list(home.iterdir())


def test_a_file_that_can_t_be_changed(command: Command, write: Callable[[str, str], Path]) -> None:
    """A file that would lose more than the key is left to people."""
    text = "production:\n  key: &k a\nstaging:\n  key: *k\n"
    path = write(FILES[1], text)
    done = command("logout")

    assert (2, text) == (done.exit_code, path.read_text())
    assert f"error: {path}: can't be changed without touching other parts of it\n" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_through_a_link(command: Command, write: Callable[[str, str], Path], home: Path) -> None:
    """A file that is linked from a collection of settings is changed there."""
    write(FILES[1], "").unlink()
    target = home / "settings.yaml"
    target.write_text("production: {key: a, url: https://a.test}")
    (home / FILES[1]).symlink_to(target)
    command("logout")

    assert (True, "production: {key: null, url: https://a.test}") == (
        (home / FILES[1]).is_symlink(),
        target.read_text(),
    )


def test_without_a_home(command: Command) -> None:
    """Without a home directory there is no file: status 2."""
    done = command("logout", HOME="relative", USERPROFILE="relative")

    assert (2, "error: there is no home directory\n  Set HOME to an absolute path.\n") == (done.exit_code, done.stderr)

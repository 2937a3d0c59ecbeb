"""Writing a file whole or not at all: killed at every call, without room, two at once."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

from lamini_creds import CredentialError, _atomic
from lamini_creds._credential import Hidden
from lamini_creds.testing import assert_no_leak

ROOT = Path(__file__).parent.parent
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and signals of POSIX")
OLD, NEW = b"old " * 3000, b"new " * 3000
KILLED_AT_EVERY_CALL = f"""
import json, os, shutil, signal, sys
from pathlib import Path
from lamini_creds import _atomic
from lamini_creds._credential import Hidden

def write(path, content, calls=-1):
    def count(frame, event, argument):
        nonlocal calls
        if event in ("c_call", "c_return") and frame.f_code.co_filename == _atomic.__file__:
            if calls == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            calls -= 1
    child = os.fork()
    if child == 0:
        sys.setprofile(count)
        _atomic.update(str(path), lambda: Hidden(content))
        os._exit(0)
    return os.waitpid(child, 0)[1]

path, stages = Path(sys.argv[1]) / "new directory" / "file", []
for calls in range(1000):
    if sys.argv[2] == "old":
        write(path, {OLD!r})
    else:
        shutil.rmtree(path.parent, ignore_errors=True)
    ended = write(path, {NEW!r}, calls)
    held = path.read_bytes() if path.exists() else b""
    secret = {NEW[:4]!r}
    modes = [file.stat().st_mode & 0o777 for file in path.parent.glob(".*.new")] if path.parent.exists() else []
    again = write(path, {NEW!r})
    stages.append([held[:4].decode(), len(held), modes, again, path.read_bytes() == {NEW!r}, len(os.listdir(path.parent))])
    if ended == 0:
        break
print(json.dumps(stages))
"""
NO_ROOM = f"""
import resource, sys
from lamini_creds import CredentialError, _atomic
from lamini_creds._credential import Hidden
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    _atomic.update(sys.argv[1], lambda: Hidden({NEW!r}))
except CredentialError as error:
    print(error)
"""


def run(code: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "inner" / "file"


def write(path: Path, content: bytes) -> None:
    _atomic.update(str(path), lambda: Hidden(content))


def test_a_new_file(file: Path) -> None:
    """A file is made with its directory, and nothing but the lock stays beside it."""
    write(file, NEW)

    assert (NEW, [".file.lock", "file"]) == (file.read_bytes(), sorted(path.name for path in file.parent.iterdir()))


@POSIX
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_gets_at_it(file: Path, mask: int) -> None:
    """File, lock and directory are the user's alone, whatever the mask."""
    before = os.umask(mask)
    try:
        write(file, NEW)
    finally:
        os.umask(before)

    assert [0o700, 0o600, 0o600] == [mode(file.parent), mode(file), mode(file.parent / ".file.lock")]


@POSIX
def test_an_open_file_becomes_private(file: Path) -> None:
    """What replaces a file that others could read is the user's alone."""
    file.parent.mkdir()
    file.write_bytes(OLD)
    file.chmod(0o644)
    write(file, NEW)

    assert 0o600 == mode(file)


def test_nothing_to_write(file: Path) -> None:
    """An edit that gives None leaves the file alone."""
    write(file, OLD)
    before = file.stat().st_ino
    _atomic.update(str(file), lambda: None)

    assert (OLD, before) == (file.read_bytes(), file.stat().st_ino)


@POSIX
@pytest.mark.parametrize("relative", [True, False])
def test_a_link_is_written_through(file: Path, tmp_path: Path, relative: bool) -> None:
    """What a link points at is replaced, and the link stays."""
    target = tmp_path / "elsewhere" / "target"
    write(target, OLD)
    file.parent.mkdir()
    file.symlink_to(Path("..", "elsewhere", "target") if relative else target)
    write(file, NEW)

    assert (True, NEW, False) == (file.is_symlink(), target.read_bytes(), target.is_symlink())


@POSIX
def test_a_link_that_is_planted_aside_is_not_written_through(file: Path, tmp_path: Path) -> None:
    """Who puts a link where the content is written aside, in the moment before that, gets none of it."""
    write(file, OLD)
    target = tmp_path / "target"
    target.write_bytes(b"mine")

    def plant(frame: FrameType, event: str, argument: object) -> None:
        if event in ("c_return", "c_exception") and getattr(argument, "__name__", "") == "unlink":
            sys.setprofile(None)
            (file.parent / ".file.new").symlink_to(target)

    sys.setprofile(plant)
    try:
        with pytest.raises(CredentialError, match=r"can't be written \(File exists\)"):
            write(file, NEW)
    finally:
        sys.setprofile(None)

    assert (b"mine", OLD) == (target.read_bytes(), file.read_bytes())


@POSIX
def test_a_link_is_no_lock(file: Path, tmp_path: Path) -> None:
    """A link where the lock belongs is refused, and nothing is made where it points."""
    file.parent.mkdir()
    (file.parent / ".file.lock").symlink_to(tmp_path / "target")
    with pytest.raises(CredentialError, match="can't be written"):
        write(file, NEW)

    assert [False, False] == [(tmp_path / "target").exists(), file.exists()]


@POSIX
@pytest.mark.parametrize("before", ["old", "none"])
def test_killed_at_any_moment(tmp_path: Path, before: str) -> None:
    """A process killed before or after any of its calls leaves the old content or the new; the next one goes on."""
    stages = json.loads(run(KILLED_AT_EVERY_CALL, str(tmp_path), before))
    whole = {("old ", len(OLD)), ("new ", len(NEW))} if before == "old" else {("", 0), ("new ", len(NEW))}

    assert len(stages) > 20
    assert whole == {(start, length) for start, length, *_ in stages}
    assert {0o600} == {seen for _, _, modes, *_ in stages for seen in modes}
    assert [[0, True, 2]] * len(stages) == [left for _, _, _, *left in stages]


@POSIX
def test_no_room(file: Path) -> None:
    """Where the content does not fit, the old one stays, nothing is left beside it, and the error says so."""
    write(file, OLD)
    printed = run(NO_ROOM, str(file))

    assert printed.startswith(f"{file}: can't be written (File too large)\n")
    assert (OLD, [".file.lock", "file"]) == (file.read_bytes(), sorted(path.name for path in file.parent.iterdir()))


def test_no_directory_to_write_in(tmp_path: Path) -> None:
    """A directory that can't be made is told with the reason, and with nothing of the content."""
    (tmp_path / "inner").write_text("a file")
    with pytest.raises(CredentialError, match=r"can't be written") as caught:
        _atomic.update(str(tmp_path / "inner" / "file"), lambda: Hidden(b"test-key-1"))

    assert_no_leak("test-key-1", caught.value)


def test_an_interrupt_leaves_the_old_one(file: Path) -> None:
    """An exception between the writing and the renaming takes back what was written aside."""
    write(file, OLD)

    def interrupt(frame: FrameType, event: str, argument: object) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") == "fsync":
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            write(file, NEW)
    finally:
        sys.setprofile(None)

    assert (OLD, [".file.lock", "file"]) == (file.read_bytes(), sorted(path.name for path in file.parent.iterdir()))


@POSIX
def test_the_content_is_durable_before_the_name(file: Path) -> None:
    """The content is synced, then renamed, then the directory is synced."""
    write(file, OLD)
    calls: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        name = getattr(argument, "__name__", "")
        if event == "c_call" and name in ("write", "fsync", "replace"):
            calls.append(name)

    sys.setprofile(note)
    try:
        write(file, NEW)
    finally:
        sys.setprofile(None)

    assert ["write", "fsync", "replace", "fsync"] == calls


def test_two_writers_wait_for_each_other(file: Path) -> None:
    """Of two edits at once the second sees what the first wrote."""
    write(file, b"")
    second = threading.Thread(target=lambda: _atomic.update(str(file), lambda: Hidden(file.read_bytes() + b"second")))

    def first() -> Hidden[bytes]:
        before = file.read_bytes()
        second.start()
        second.join(0.2)  # without the lock it is done by now
        return Hidden(before + b"first ")

    _atomic.update(str(file), first)
    second.join()

    assert b"first second" == file.read_bytes()

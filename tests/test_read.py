"""Reading a file that may be anything: nothing blocks, nothing is raised, and others' access is judged."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import TYPE_CHECKING, Literal

import pytest

from lamini_creds import _read
from lamini_creds._outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")
as_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can be somebody else")

SOMEBODY = 12345
USERS = 100  # a group that several users are in


def _read_by_somebody(path: Path) -> str:
    """Give the type and the reason of what another user gets."""
    code = (
        "import os, sys; from lamini_creds import _read\n"
        f"os.setgroups([]); os.setresgid(*[{SOMEBODY}] * 3); os.setresuid(*[{SOMEBODY}] * 3)\n"
        "found = _read.read(sys.argv[1])\n"
        "print(type(found).__name__, getattr(found, 'reason', ''))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.strip()


@pytest.fixture
def open_path() -> Iterator[Path]:
    """Make a directory that every user may enter, as those of pytest are not."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    rmtree(path)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock ahead, so that every file has been left alone for long."""
    monkeypatch.setattr(_read, "time_ns", lambda: time.time_ns() + 10**12)


def _directory(path: Path) -> None:
    path.mkdir()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _looping(path: Path) -> None:
    path.symlink_to(path.name)


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(_read.LIMIT + 1)


KINDS = {
    "directory": (_directory, "is a directory"),
    "FIFO": (_fifo, "is a FIFO"),
    "socket": (_socket, "is a socket"),
    "device": (_device, "is a device"),
    "dangling link": (_dangling, "is a link to nothing"),
    "looping link": (_looping, "can't be opened"),
    "over 1 MiB": (_large, "is larger than 1 MiB"),
}


@posix
@pytest.mark.parametrize(("make", "reason"), KINDS.values(), ids=KINDS.keys())
def test_no_regular_file(tmp_path: Path, make: Callable[[Path], None], reason: str) -> None:
    """What is no regular file of reasonable size is a problem, found out without waiting."""
    make(tmp_path / "key")

    found = _read.read(str(tmp_path / "key"))

    assert isinstance(found, Problem)
    assert found.reason.startswith(reason)


def test_content(tmp_path: Path) -> None:
    """A regular file is read whole, up to the limit itself."""
    data = b"k" * _read.LIMIT
    (tmp_path / "key").write_bytes(data)

    found = _read.read(str(tmp_path / "key"))

    assert isinstance(found, _read.Content)
    assert data == found.data


@posix
def test_linked_content(tmp_path: Path) -> None:
    """A link is followed."""
    (tmp_path / "key").write_bytes(b"test-key-1")
    (tmp_path / "link").symlink_to("key")

    found = _read.read(str(tmp_path / "link"))

    assert isinstance(found, _read.Content)
    assert found.data == b"test-key-1"


def test_content_is_not_shown(tmp_path: Path) -> None:
    """The repr of a file's content has its size only."""
    (tmp_path / "key").write_bytes(b"test-key-1")

    assert repr(_read.read(str(tmp_path / "key"))) == "<Content of 10 bytes>"


@pytest.mark.parametrize("path", ["absent", "absent/key", "file/key"])
def test_absent(tmp_path: Path, path: str) -> None:
    """Nothing there, or a file where a directory should be: missing."""
    (tmp_path / "file").write_bytes(b"")

    assert _read.read(str(tmp_path / path)) == _read.ABSENT


def test_impossible_name() -> None:
    """A name that no file can have is a problem."""
    assert _read.read("/tmp/a\0b") == Problem(  # noqa: S108  # nothing is made there
        "can't be opened (ValueError)", "Make it a file that this user may read."
    )


@as_root
def test_unreadable(open_path: Path) -> None:
    """A file that this user may not read is a problem."""
    (open_path / "key").write_bytes(b"test-key-1")
    (open_path / "key").chmod(0o600)

    assert _read_by_somebody(open_path / "key") == "Problem can't be opened (Permission denied)"


@as_root
def test_closed_directory(open_path: Path) -> None:
    """A directory that is closed to this user hides its files: they are missing, for that reason."""
    (open_path / "closed").mkdir(mode=0o700)
    (open_path / "closed" / "key").write_bytes(b"test-key-1")

    assert _read_by_somebody(open_path / "closed" / "key") == "Missing the directory is closed to this user"


@as_root
def test_roots_file(open_path: Path) -> None:
    """A file of root's that this user may read is all right."""
    (open_path / "key").write_bytes(b"test-key-1")
    (open_path / "key").chmod(0o644)

    assert _read_by_somebody(open_path / "key") == "Content"


LOCATED = {
    "absolute": ("/run/key", "/home/me", "/run/key"),
    "below home": ("~/key", "/home/me", "/home/me/key"),
    "relative": ("key", "/home/me", "is not an absolute path"),
    "dotted": ("./key", "/home/me", "is not an absolute path"),
    "home alone": ("~", "/home/me", "is not an absolute path"),
    "somebody's home": ("~you/key", "/home/me", "is not an absolute path"),
    "no home": ("~/key", None, "there is no home directory"),
    "relative home": ("~/key", "me", "is not an absolute path"),
    "NUL": ("/run/a\0b", None, "is not an absolute path"),
    "empty": ("", "/home/me", "is not an absolute path"),
}


@posix
@pytest.mark.parametrize(("path", "home", "expected"), LOCATED.values(), ids=LOCATED.keys())
def test_located(path: str, home: str | None, expected: str) -> None:
    """A path that a user writes is absolute or below the home directory, or it is refused."""
    found = _read.located(path, home and Path(home))

    assert expected == (found.reason if isinstance(found, Problem) else found)


def test_a_recent_file_has_no_lasting_state(tmp_path: Path) -> None:
    """Two changes within one tick of the clock can't be told apart, so a file just changed is always read again."""
    (tmp_path / "key").write_bytes(b"test-key-1")

    assert _read.state(str(tmp_path / "key")) != _read.state(str(tmp_path / "key"))


@pytest.mark.usefixtures("settled")
def test_a_settled_file_keeps_its_state(tmp_path: Path) -> None:
    """A file left alone has one state."""
    (tmp_path / "key").write_bytes(b"test-key-1")

    assert _read.state(str(tmp_path / "key")) == _read.state(str(tmp_path / "key"))


def test_a_missing_file_keeps_its_state(tmp_path: Path) -> None:
    """A file that is not there has one state."""
    assert _read.state(str(tmp_path / "key")) == _read.state(str(tmp_path / "key"))


def _edit(path: Path) -> None:
    path.write_bytes(b"test-key-22")


def _edit_and_set_the_time_back(path: Path) -> None:
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # a tick of the file system's clock
        path.write_bytes(b"test-key-2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _rename_over(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(b"test-key-2")
    new.rename(path)


def _delete(path: Path) -> None:
    path.unlink()


def _replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _replace_by_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _hide(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.write_bytes(b"")


CHANGES = {
    "edited": _edit, "edited, the time set back": _edit_and_set_the_time_back, "renamed over": _rename_over, "deleted": _delete, "replaced by a dangling link": _replace_by_link,
    "replaced by a looping link": _replace_by_loop, "directory replaced by a file": _hide,
}  # fmt: skip


@posix
@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_changes_the_state(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Whatever becomes of a file gives it another state."""
    path = tmp_path / "mount" / "key"
    path.parent.mkdir()
    path.write_bytes(b"test-key-1")
    before = _read.state(str(path))

    change(path)

    assert before != _read.state(str(path))


@posix
def test_a_dangling_link_is_not_an_absent_file(tmp_path: Path) -> None:
    """A link to nothing is a problem and an absent file is none: their states differ."""
    before = _read.state(str(tmp_path / "key"))

    (tmp_path / "key").symlink_to("nowhere")

    assert before != _read.state(str(tmp_path / "key"))


@posix
@pytest.mark.usefixtures("settled")
def test_a_link_that_points_elsewhere_has_another_state(tmp_path: Path) -> None:
    """A link swapped from one file to its equal in size and time is seen."""
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"test-key-1")
        os.utime(tmp_path / name, ns=(0, 0))
    (tmp_path / "key").symlink_to("one")
    before = _read.state(str(tmp_path / "key"))

    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "key")

    assert before != _read.state(str(tmp_path / "key"))


@posix
@pytest.mark.usefixtures("settled")
def test_an_edit_behind_a_link_changes_the_state(tmp_path: Path) -> None:
    """The state is that of the file which a link leads to."""
    (tmp_path / "target").write_bytes(b"test-key-1")
    (tmp_path / "key").symlink_to("target")
    before = _read.state(str(tmp_path / "key"))

    _edit(tmp_path / "target")

    assert before != _read.state(str(tmp_path / "key"))


Mode = Literal["strict", "warn", "off"]
UNWRITABLE = "holds a key and can be changed by other users"
READABLE = "holds a key and can be read by other users"
REASONS = {
    0o600: (None, None),
    0o400: (None, None),
    0o640: (READABLE, READABLE),
    0o604: (READABLE, READABLE),
    0o644: (READABLE, READABLE),
    0o620: (UNWRITABLE, UNWRITABLE),
    0o660: (UNWRITABLE, UNWRITABLE),
    0o666: (UNWRITABLE, UNWRITABLE),
}
EXPOSED = {
    f"{mode:04o} {permissions}": (mode, permissions, reason)
    for mode, reasons in REASONS.items()
    for permissions, reason in zip(("strict", "warn", "off"), (*reasons, None), strict=True)
}


def _judge(path: Path, permissions: Mode) -> Problem | str | None:
    content = _read.read(str(path))
    assert isinstance(content, _read.Content)
    return _read.exposure(content, permissions, str(path), key=True)


@as_root
@pytest.mark.parametrize(("mode", "permissions", "expected"), EXPOSED.values(), ids=EXPOSED.keys())
def test_mode(open_path: Path, mode: int, permissions: Mode, expected: str | None) -> None:
    """A user's file that others may change is refused; one that others may read is refused, warned of, or let be."""
    judged = _judged_by_its_owner(open_path / "key", mode, USERS, permissions)

    assert str(expected) in judged
    assert (expected is not None) == (f"chmod 600 {open_path}/key" in judged)


@as_root
@pytest.mark.parametrize(("mode", "expected"), [(0o640, None), (0o660, None), (0o664, READABLE), (0o666, UNWRITABLE)])
def test_a_group_of_the_owner_s_own(open_path: Path, mode: int, expected: str | None) -> None:
    """Where each user has a group of that number, as umask 002 supposes, its permissions are the owner's."""
    assert str(expected) in _judged_by_its_owner(open_path / "key", mode, SOMEBODY, "warn")


def _judged_by_its_owner(path: Path, mode: int, group: int, permissions: Mode) -> str:
    path.write_bytes(b"test-key-1")
    path.chmod(mode)
    os.chown(path, SOMEBODY, group)
    code = (
        "import os, sys; from lamini_creds import _read, _outcome; import shlex\n"
        f"os.setgroups([]); os.setresgid(*[{SOMEBODY}] * 3); os.setresuid(*[{SOMEBODY}] * 3)\n"
        "found = _read.exposure(_read.read(sys.argv[1]), sys.argv[2], sys.argv[1], key=True)\n"
        "print(getattr(found, 'reason', found), '|', getattr(found, 'remedy', ''))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path), permissions], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout


@as_root
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_owned_by_another_user(tmp_path: Path, mode: int) -> None:
    """A file of somebody else is refused, and the remedy is to own it."""
    (tmp_path / "key").write_bytes(b"test-key-1")
    (tmp_path / "key").chmod(mode)
    os.chown(tmp_path / "key", SOMEBODY, SOMEBODY)

    assert _judge(tmp_path / "key", "warn") == Problem(
        "holds a key and belongs to another user",
        f'Run: chown "$(id -u)" {tmp_path}/key; or, if that is meant, set permissions = "off".',
    )


@as_root
def test_roots_own_file_may_be_read(tmp_path: Path) -> None:
    """A file of root's that others may read was meant so."""
    (tmp_path / "key").write_bytes(b"test-key-1")
    (tmp_path / "key").chmod(0o644)

    assert _judge(tmp_path / "key", "strict") is None


def test_a_url_alone_may_be_read_but_not_changed() -> None:
    """Whoever may change a file with a URL could have the key sent elsewhere; reading it tells them nothing."""
    open_to_readers = _read.Content(b"", "", "can be read by other users")
    open_to_writers = _read.Content(b"", "can be changed by other users", "can be read by other users")
    changeable = _read.exposure(open_to_writers, "warn", "/run/url", key=False)

    assert _read.exposure(open_to_readers, "strict", "/run/url", key=False) is None
    assert isinstance(changeable, Problem)
    assert changeable.reason == "holds a URL and can be changed by other users"


@posix
def test_the_remedy_is_quoted_for_the_shell(tmp_path: Path) -> None:
    """A path with a blank can be pasted as it is printed."""
    (tmp_path / "my key").write_bytes(b"test-key-1")
    (tmp_path / "my key").chmod(0o666)
    found = _judge(tmp_path / "my key", "warn")

    assert isinstance(found, Problem)
    assert f"chmod 600 '{tmp_path}/my key'" in found.remedy


@as_root
@pytest.mark.parametrize(("flags", "readable"), [(0, True), (getattr(os, "ST_RDONLY", 0), False)])
def test_read_only_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int, readable: bool) -> None:
    """A file on a read-only mount is nobody's to close: no warning."""
    (tmp_path / "key").write_bytes(b"test-key-1")
    (tmp_path / "key").chmod(0o644)
    os.chown(tmp_path / "key", SOMEBODY, SOMEBODY)
    monkeypatch.setattr(os, "fstatvfs", lambda _: SimpleNamespace(f_flag=flags))  # mounting takes a right of its own
    content = _read.read(str(tmp_path / "key"))

    assert isinstance(content, _read.Content)
    assert readable == bool(content.readable)


def test_imports_on_windows() -> None:
    """What only POSIX has is not touched where the platform says that it is another."""
    code = (
        "import os, sys, tempfile, pathlib\n"
        "for name in ('geteuid', 'getuid', 'fstatvfs', 'ST_RDONLY', 'O_NONBLOCK', 'O_NOCTTY', 'O_CLOEXEC'):\n"
        "    vars(os).pop(name, None)\n"
        "sys.platform = 'win32'\n"
        "from lamini_creds import _read\n"
        "path = sys.argv[1]\n"
        "content = _read.read(path)\n"
        "print(content, _read.exposure(content, 'strict', path, key=True), len(_read.state(path)))"
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "key"
        path.write_bytes(b"test-key-1")
        path.chmod(0o666)
        os.utime(path, ns=(0, 0))
        ran = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=60
        )

    assert ran.stdout.strip() == "<Content of 10 bytes> None 5"

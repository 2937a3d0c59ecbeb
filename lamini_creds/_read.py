"""Read a small file that may be anything: guarded, bounded, judged by what was opened."""

from __future__ import annotations

import os
import stat
import sys
from time import time_ns
from typing import TYPE_CHECKING, Literal

from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds._value import Value

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

Permissions = Literal["strict", "warn", "off"]

ABSOLUTE = "Write it from the root, or from '~/'."
LIMIT = 1024 * 1024
_FOREIGN = "belongs to another user"
_SETTLED = 2_000_000_000
_POSIX = sys.platform != "win32"
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Missing(Value):
    """There is no such file, or no way to it."""

    reason: str


ABSENT = Missing("there is no such file")
CLOSED = Missing("the directory is closed to this user")


class Content:
    """
    What a file held, and how open it is to others; it prints without the text.

    Args:
        data: The bytes.
        writable: Why somebody else could have changed it, or empty.
        readable: Why somebody else could read it, or empty.
    """

    __slots__ = ("data", "readable", "writable")

    def __init__(self, data: bytes, writable: str, readable: str) -> None:
        self.data, self.writable, self.readable = data, writable, readable

    def __repr__(self) -> str:
        return f"<Content of {len(self.data)} bytes>"


def located(path: str, home: Path | str | None) -> str | Problem:
    """Give the absolute path of a file, from the root or from `~/`; or what is wrong with its name."""
    if path.startswith("~/"):
        if home is None:
            return Problem("there is no home directory", "Set HOME to an absolute path.")
        path = os.path.join(home, path[2:])
    if not os.path.isabs(path) or "\0" in path:
        return Problem("is not an absolute path", ABSOLUTE)
    return path


def named(path: str) -> str:
    """Print the name of a file that the user gave; what is no absolute path may be a key, and is not repeated."""
    return printable(path) if os.path.isabs(path) or path.startswith("~/") else "the file named"


def state(path: str) -> Hashable:
    """
    Give a token of a file that changes whenever its content may have changed.

    A file changed less than 2 s ago has a token that equals no other: two
    changes within one tick of the file system's clock leave the same time.
    """
    link = None
    try:
        seen = os.lstat(path)
        if stat.S_ISLNK(seen.st_mode):
            link = seen.st_ino
            seen = os.stat(path)
    except (OSError, ValueError) as error:
        return link, type(error), getattr(error, "errno", None)
    changed = seen.st_ctime_ns if _POSIX else seen.st_mtime_ns
    if abs(time_ns() - changed) < _SETTLED:
        return object()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, changed


def read(path: str) -> Content | Missing | Problem:
    """
    Read a whole regular file without ever blocking on what is none.

    Returns:
        The content; Missing where nothing is there; or what is wrong with it.
    """
    try:
        opened = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        return _unopened(path, error)
    try:
        return _read_opened(opened)
    except OSError as error:
        return Problem(f"can't be read ({_cause(error)})")
    finally:
        os.close(opened)


def exposure(content: Content, permissions: Permissions, path: str, *, key: bool) -> Problem | str | None:
    """
    Judge a file by who else can get at it.

    Args:
        content: The file as it was read.
        permissions: What the user wants done about it.
        path: The file's name, fit for a message.
        key: It holds a key; else a URL alone, which nobody else may change but anybody may read.

    Returns:
        None where all is well, the text of a warning, or a Problem.
    """
    what = content.writable or (content.readable if key else "")
    if permissions == "off" or not what:
        return None
    held = f"holds a {'key' if key else 'URL'} and {what}"
    mend = mending(what, path, "600")
    if content.writable or permissions == "strict":
        return Problem(held, f'Run: {mend}; or, if that is meant, set permissions = "off".')
    return f"{path} {held}; run: {mend}"


def mending(what: str, path: str, mode: str) -> str:
    """Give the command that keeps others out of a file which they could change or read."""
    from shlex import quote

    command = 'chown "$(id -u)"' if what == _FOREIGN else f"chmod {mode}"
    return f"{command} {quote(path)}"


def _read_opened(opened: int) -> Content | Problem:
    seen = os.fstat(opened)
    if not stat.S_ISREG(seen.st_mode):
        return _not_a_file(seen)
    parts: list[bytes] = []
    left = LIMIT + 1
    while left and (part := os.read(opened, left)):
        parts.append(part)
        left -= len(part)
    if not left:
        return Problem("is larger than 1 MiB", "Is it the right file?")
    return Content(b"".join(parts), writable(seen), _readable(opened, seen))


def _not_a_file(seen: os.stat_result) -> Problem:
    kind = next((name for is_kind, name in _KINDS if is_kind(seen.st_mode)), "something else")
    return Problem(f"is {kind}, not a file", "Put a regular file there.")


def writable(seen: os.stat_result) -> str:
    """Say why somebody else could change a file or directory; nothing where nobody could."""
    if not _POSIX:
        return ""
    if seen.st_uid not in (0, os.geteuid()):
        return _FOREIGN
    return "can be changed by other users" if _others_may(seen, 0o022) else ""


def _readable(opened: int, seen: os.stat_result) -> str:
    if not _POSIX or seen.st_uid == 0 or not _others_may(seen, 0o044):
        return ""
    return "" if os.fstatvfs(opened).f_flag & os.ST_RDONLY else "can be read by other users"


def _others_may(seen: os.stat_result, bits: int) -> bool:
    """Judge by the mode; a group with the owner's own number is the owner's alone, as umask 002 supposes."""
    private = stat.S_IRWXG if seen.st_gid == seen.st_uid else 0
    return bool(seen.st_mode & bits & ~private)


def _unopened(path: str, error: OSError | ValueError) -> Missing | Problem:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return Problem("is a link to nothing", "Mend the link, or take it away.") if os.path.islink(path) else ABSENT
    if isinstance(error, PermissionError) and not os.path.lexists(path):
        return CLOSED
    try:
        seen = os.stat(path)
    except (OSError, ValueError):
        seen = None
    if seen is not None and not stat.S_ISREG(seen.st_mode):
        return _not_a_file(seen)
    return Problem(f"can't be opened ({_cause(error)})", "Make it a file that this user may read.")


def _cause(error: OSError | ValueError) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__

"""Read a small file that may be anything: guarded, bounded, judged by what was opened."""

from __future__ import annotations

import os
import stat
import sys
from time import time_ns
from typing import TYPE_CHECKING, Literal, NamedTuple

from lamini_creds._outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

Permissions = Literal["strict", "warn", "off"]

ABSOLUTE = "Write it from the root, or from '~/'."
LIMIT = 1024 * 1024
_SETTLED = 2_000_000_000
_POSIX = sys.platform != "win32"
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Missing(NamedTuple):
    """There is no such file, or no way to it."""

    reason: str


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


def located(path: str, home: Path | None) -> str | None:
    """Give the absolute path of a file that the user named; None where it is relative or there is no home."""
    if path.startswith("~/"):
        return None if home is None else os.path.join(home, path[2:])
    return path if os.path.isabs(path) else None


def state(path: str) -> Hashable:
    """
    Give a token of a file that changes whenever its content may have changed.

    A file changed less than 2 s ago has a token that equals no other: two
    changes within one tick of the file system's clock leave the same time.
    """
    try:
        seen = os.stat(path)
    except (OSError, ValueError) as error:
        return type(error).__name__
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
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        opened = os.open(path, flags)
    except (OSError, ValueError) as error:
        return _unopened(path, error)
    try:
        return _read_opened(opened)
    except OSError as error:
        return Problem(f"can't be read ({_cause(error)})")
    finally:
        os.close(opened)


def _read_opened(opened: int) -> Content | Problem:
    seen = os.fstat(opened)
    if not stat.S_ISREG(seen.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(seen.st_mode)), "not a regular file")
        return Problem(f"is {kind}, not a file", "Name a regular file.")
    parts: list[bytes] = []
    left = LIMIT + 1
    while left and (part := os.read(opened, left)):
        parts.append(part)
        left -= len(part)
    if not left:
        return Problem("is larger than 1 MiB", "Is it the right file?")
    return Content(b"".join(parts), _writable(seen), _readable(opened, seen))


def _writable(seen: os.stat_result) -> str:
    if not _POSIX:
        return ""
    if seen.st_uid not in (0, os.geteuid()):
        return "belongs to another user"
    return "can be changed by other users" if seen.st_mode & 0o022 else ""


def _readable(opened: int, seen: os.stat_result) -> str:
    if not _POSIX or seen.st_uid == 0 or not seen.st_mode & 0o044:
        return ""
    return "" if os.fstatvfs(opened).f_flag & os.ST_RDONLY else "can be read by other users"


def _unopened(path: str, error: OSError | ValueError) -> Missing | Problem:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        if os.path.islink(path):
            return Problem("is a link to nothing", "Mend the link, or take it away.")
        return Missing("there is no such file")
    if isinstance(error, PermissionError) and not os.path.lexists(path):
        return Missing("the directory is closed to this user")
    return Problem(f"can't be opened ({_cause(error)})", "Make it a file that this user may read.")


def _cause(error: OSError | ValueError) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__


def exposure(content: Content, permissions: Permissions) -> Problem | str | None:
    """
    Judge a file that holds a key by who else can get at it.

    Returns:
        None where all is well, the reason of a warning, or a Problem.
    """
    if permissions == "off":
        return None
    remedy = 'Run: chmod 600 on it (and chown to this user); or set permissions = "off".'
    if content.writable:
        return Problem(content.writable, remedy)
    if content.readable and permissions == "strict":
        return Problem(content.readable, remedy)
    return content.readable or None

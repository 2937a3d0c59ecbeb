"""Write a private file whole or not at all, one writer at a time."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lamini_creds._text import printable
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamini_creds._credential import Hidden

_POSIX = sys.platform != "win32"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_BINARY"))
_LOCK = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW"))


def update(path: str, edit: Callable[[], Hidden[bytes] | None]) -> None:
    """
    Replace a file by what `edit` makes of it, while every other writer waits.

    The new content is written aside and renamed over the old, both made
    durable: a full disk, or an end at any moment, leaves the one or the other.
    The file is the user's alone from its first byte, and so is its directory
    where it is made here. A link is followed: what it points at is replaced.

    Args:
        path: The file.
        edit: Reads the file and gives the new content, or None to leave it alone.

    Raises:
        CredentialError: The file or its directory can't be written.
    """
    place, problem = os.path.realpath(path), ""
    try:
        _make_directory(os.path.dirname(place))
        with _locked(place):
            content = edit()
            if content is not None:
                _replace(place, content)
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else type(error).__name__
    if problem:
        raise CredentialError(
            f"can't be written ({problem})",
            place=printable(path),
            remedy="What was there before is unchanged. Make room, or make the directory one that this user may write.",
        )


def _make_directory(path: str) -> None:
    parent = os.path.dirname(path)
    if os.path.isdir(path) or parent == path:
        return
    _make_directory(parent)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
        _settle(parent)


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold a lock file beside the file; it stays there, since taking it away would let two writers in."""
    opened = os.open(_beside(path, "lock"), _LOCK, 0o600)
    try:
        _lock(opened)
        yield
    finally:
        os.close(opened)


def _lock(opened: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(opened, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX)


def _replace(path: str, content: Hidden[bytes]) -> None:
    """Write aside, then rename; what an earlier writer left when it was killed is in nobody's use."""
    aside = _beside(path, "new")
    with suppress(FileNotFoundError):
        os.unlink(aside)
    opened = os.open(aside, _NEW, 0o600)
    try:
        try:
            _write(opened, content)
        finally:
            os.close(opened)
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise
    _settle(os.path.dirname(path))


def _write(opened: int, content: Hidden[bytes]) -> None:
    written = 0
    while written < len(content.value):
        written += os.write(opened, content.value[written:])
    os.fsync(opened)


def _settle(directory: str) -> None:
    """Make the directory's entries durable, where the system has a way to do so; the file itself is in place."""
    if not _POSIX:
        return
    with suppress(OSError):
        opened = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _beside(path: str, what: str) -> str:
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.{what}")

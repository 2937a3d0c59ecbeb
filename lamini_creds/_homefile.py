"""The service's YAML files in the home directory: which one a login changes, and that nobody else had a hand in it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

from lamini_creds import _atomic, _config, _read, _yamlfile
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import CredentialError, ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds._credential import Hidden
    from lamini_creds._resolver import Resolver
    from lamini_creds.providers._yamltext import Fields

T = TypeVar("T")


def files(resolver: Resolver) -> list[str]:
    """Give the home directory's files, nearest first, be they there or not."""
    setup = resolver._setup
    if setup._home is None:
        raise CredentialError("there is no home directory", remedy="Set HOME to an absolute path.")
    return [os.path.join(setup._home, file) for file in setup._service.files]


def choose(resolver: Resolver, profile: str) -> str:
    """Choose the nearest that has the profile's key, else its section, else nothing yet; else that of Lamini's docs."""
    places = files(resolver)
    with_key = [path for path in places if fields(path, profile)[0].value]
    with_section = [path for path in places if _yamlfile.stands(_content(path), profile)]
    empty = [path for path in places if os.path.lexists(path) and _yamlfile.is_empty(_content(path))]
    return [*with_key, *with_section, *empty, places[-1]][0]


def fields(path: str, profile: str) -> Fields:
    """Give the key and the URL of a profile; of a file that is not there, none."""
    return _sound(path, _yamlfile.fields(_content(path), profile))


def change(path: str, edit: Callable[[bytes], Hidden[bytes] | Problem | None]) -> None:
    """
    Replace a file by what `edit` makes of its content, which nobody changes meanwhile.

    Args:
        path: The file.
        edit: Gives the new content, None to leave it alone, or what is wrong with the file.

    Raises:
        CredentialError: The file can't be read, is somebody else's too, or can't be written.
    """

    def made() -> Hidden[bytes] | None:
        content = edit(_content(path))
        return None if content is None else _sound(path, content)

    _atomic.update(path, made)


def check_directory(path: str) -> None:
    """Refuse a directory in which somebody else could put another file in this one's place."""
    directory = own = os.path.dirname(os.path.realpath(path))
    while not os.path.isdir(directory) and directory != os.path.dirname(directory):
        directory = os.path.dirname(directory)
    place = printable(directory)
    if sys.platform != "win32" and os.stat(directory).st_uid not in (0, os.geteuid()):
        raise CredentialError("this directory belongs to another user", place=place, remedy="Log in as that user.")
    if directory == own and _config._others_write(directory):
        from shlex import quote

        remedy = f"Run: chmod 700 {quote(place)}"
        raise CredentialError("other users can write to this directory", place=place, remedy=remedy)


def _content(path: str) -> bytes:
    """
    Read a file; one that is not there is empty.

    A file that others may have changed is refused, whatever it holds: once it
    is written anew it is the user's alone, and a URL of theirs would be too.
    """
    content = _read.read(path)
    if isinstance(content, _read.Content) and content.writable:
        command = _read.mending(content.writable, printable(path), "600")
        content = Problem(content.writable, f"Look at what it holds, at each URL above all; then run: {command}")
    if isinstance(content, _read.Missing):
        return b""
    return _sound(path, content).data


def _sound(path: str, found: T | Problem) -> T:
    if isinstance(found, Problem):
        raise ProviderInvalid(found.reason, place=printable(path), remedy=found.remedy)
    return found

"""What a project file's table claims, as one fingerprint: the user's trust is in that, and ends with any edit."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from lamini_creds import _read, _truststore
from lamini_creds._outcome import Problem
from lamini_creds._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._credential import Hidden

Standing = Literal["trusted", "changed", "unknown"]

_FORM = "lamini_creds trust 1"
_WORDS = re.compile(r"[\s=:,;'\"]+")


class Claim:
    """
    A project file's table, and whether the user trusts it.

    The fingerprint is taken of the table as it was parsed, of the file's real
    path, and of the files of the same checkout that the table names: whatever
    is changed on the disk meanwhile, what counts is what was looked at.

    Args:
        settings: The table.
        path: The project file.
        environ: The environment, which says where trust is kept.
        home: The home directory, or None.
    """

    def __init__(self, settings: Hidden[Any], path: str, environ: Hidden[Mapping[str, str]], home: str | None) -> None:
        self.settings, self.path, self._home = settings, os.path.realpath(path), home
        self.store = _truststore.find(environ, home)

    @cached_property
    def standing(self) -> Standing | Problem:
        """Whether the user trusts this very table; or why that can't be told."""
        kept = self.store.get(self.path) if self.store else None
        if kept is None or isinstance(kept, Problem):
            return kept or "unknown"
        fingerprint = self.fingerprint
        if isinstance(fingerprint, Problem):
            return fingerprint
        return "trusted" if kept == fingerprint else "changed"

    @cached_property
    def fingerprint(self) -> str | Problem:
        """The SHA-256 of all that trust is in; or why there is none."""
        from hashlib import sha256

        if isinstance(self.files, Problem):
            return self.files
        try:
            text = ascii((_FORM, self.path, self.settings.value, sorted(self.files.items())))
        except RecursionError:
            return Problem("is nested too deeply")
        return sha256(text.encode()).hexdigest()

    @cached_property
    def files(self) -> dict[str, str] | Problem:
        """The files of the checkout that the table names, each with what it leads to and holds."""
        root, found = _checkout(self.path, self._home), {}
        for path in dict.fromkeys(self._named()):
            real = os.path.realpath(path)
            if not (_within(os.path.normpath(path), root) or _within(real, root)):
                continue
            if "{profile}" in path:
                return Problem(f"names {printable(path)}: which file of the checkout that is, can't be told beforehand")
            held = _held(real) if _within(real, root) else "elsewhere"
            if isinstance(held, Problem):
                return held
            found[path] = f"{real} {held}"
        return found

    def _named(self) -> Iterator[str]:
        """Give every path that a text of the table may mean; helpers run in the root directory."""
        for text in _texts(self.settings.value):
            for word in (text, *_WORDS.split(text)):
                if "\0" in word or not (os.sep in word or "/" in word):
                    continue
                if word.startswith("~/") and self._home:
                    yield os.path.join(self._home, word[2:])
                else:
                    yield from (os.path.join(base, word) for base in (os.path.dirname(self.path), os.sep))


def _texts(value: object) -> Iterator[str]:
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, list):
            left += value


def _checkout(path: str, home: str | None) -> str:
    """Give the root of the repository that a project file is in; without one, the file's own directory."""
    own = directory = os.path.dirname(path)
    home = home and os.path.realpath(home)
    while not os.path.lexists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent in (directory, home):
            return own
        directory = parent
    return directory


def _within(path: str, root: str) -> bool:
    return path.startswith(os.path.join(root, ""))


def _held(path: str) -> str | Problem:
    """Give the content of a file, or of a directory's files, as a fingerprint."""
    try:
        if os.path.isdir(path):
            return repr([(name, _content(os.path.join(path, name))) for name in sorted(os.listdir(path))])
        return _content(path)
    except OSError as error:
        return Problem(f"names {printable(path)}, which can't be read ({_read._cause(error)})")


def _content(path: str) -> str:
    from hashlib import file_digest

    try:
        opened = os.open(path, _read._FLAGS)
    except FileNotFoundError:
        return "absent"
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return "no file"
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file_digest(file, "sha256").hexdigest()
    finally:
        os.close(opened)

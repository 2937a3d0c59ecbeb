"""What a project file's table claims, as one fingerprint: the user's trust is in that, and ends with any edit."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from glob import escape, glob
from typing import TYPE_CHECKING, Any, Literal

from lamini_creds import _read, _truststore
from lamini_creds._outcome import Problem
from lamini_creds._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._credential import Hidden

Standing = Literal["trusted", "changed", "unknown"]

_FORM = "lamini_creds trust 1"
_BETWEEN_WORDS = re.compile(r"[\s=:,;'\"|&<>()`]+")
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class Claim:
    """
    A project file's table, and whether the user trusts it.

    The fingerprint is taken of the table as it was parsed, of the file's path
    and its real path, and of the files of the same checkout that the table
    names: whatever is changed on the disk meanwhile, what counts is what was
    looked at. A link to the file of another checkout is a file of its own.

    Args:
        settings: The table.
        path: The project file.
        environ: The environment, which says where trust is kept.
        home: The home directory, or None.
    """

    def __init__(self, settings: Hidden[Any], path: str, environ: Hidden[Mapping[str, str]], home: str | None) -> None:
        directory, name = os.path.split(path)
        self.path, self._real = os.path.join(os.path.realpath(directory), name), os.path.realpath(path)
        self.settings, self._environ, self._home = settings, environ, home
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
        text = ascii((_FORM, self.path, self._real, self.settings.value, sorted(self.files)))
        return sha256(text.encode()).hexdigest()

    @cached_property
    def files(self) -> set[tuple[str, str]] | Problem:
        """The files of the checkout that the table names and that are there, each with what it leads to and holds."""
        root, found = _checkout(self.path, self._home), set()
        for path in dict.fromkeys(self._named(root)):
            name, real = os.path.normpath(path), os.path.realpath(path)
            if not (_within(name, root) or _within(real, root)):
                continue
            held = _held(real) if _within(real, root) else "elsewhere"
            if isinstance(held, Problem):
                return held
            if held:
                found.add((name, f"{real} {held}"))
        return found

    def _named(self, root: str) -> Iterator[str]:
        """Give every path that a word may mean: helpers run in the root directory, plugins where the process does."""
        beside = [os.path.dirname(self.path), os.sep, *_working_directory()]
        on_path = (path for path in self._environ.value.get("PATH", "").split(os.pathsep) if os.path.isabs(path))
        commands = [path for path in on_path if _within(os.path.realpath(path), root)]
        for word in _words(self.settings.value):
            bare = not (os.sep in word or "/" in word)
            places = [*beside, *commands] if bare else beside
            if word.startswith("~/"):
                places = [self._home] if self._home else []
            for path in (os.path.join(place, word.removeprefix("~/")) for place in places):
                meant = glob(escape(path).replace("{profile}", "*")) if "{profile}" in path else [path]
                # A directory may by chance be called like an entry.
                yield from filter(os.path.isfile, meant) if bare else meant


def _words(value: object) -> Iterator[str]:
    """Give every text of a table, its words, and each of these from its first slash on."""
    for text in _texts(value):
        for word in (text, *_BETWEEN_WORDS.split(text)):
            if word not in ("", "{profile}") and "\0" not in word:
                before, slash, path = word.partition("/")
                yield word
                yield from [slash + path] if slash and before else ()


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


def _working_directory() -> list[str]:
    try:
        return [os.getcwd()]
    except OSError:
        return []


def _within(path: str, root: str) -> bool:
    """Say whether a path leads through a directory; some systems know that by many spellings."""
    above = ""
    while path != above:
        with suppress(OSError):
            if os.path.samefile(path, root):
                return True
        path, above = os.path.dirname(path), path
    return False


def _held(path: str) -> str | Problem:
    """Give the content of a file, or of a directory's files, as a fingerprint; empty where nothing is there."""
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
    except OSError as error:
        if error.errno in _NOTHING:
            return ""
        raise
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return "no file"
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file_digest(file, "sha256").hexdigest()
    finally:
        os.close(opened)

"""Where the user's trust in project files is kept: one file of the user's own, a line for each project file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from lamini_creds import _config, _read
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = 3


class Store(NamedTuple):
    """
    The file that says what is trusted.

    Attributes:
        path: Where it is.
    """

    path: str

    def get(self, project: str) -> str | Problem | None:
        """
        Look up what is trusted of a project file.

        Args:
            project: The project file's path, its directory's real one.

        Returns:
            The fingerprint that the user agreed to, None where there is none,
            or why the store is not believed: somebody else could have written it.
        """
        lines, name = self._lines(), _name(project)
        if isinstance(lines, Problem):
            return lines
        return next((line.split(" ")[1] for line in lines if line.startswith(name)), None)

    def put(self, project: str, fingerprint: str | None) -> None:
        """
        Keep what the user agreed to, in place of what was kept for this file.

        Args:
            project: The project file's path, its directory's real one.
            fingerprint: What is trusted of it; None to forget it.

        Raises:
            CredentialError: The store can't be written, or is not the user's own.
        """
        from lamini_creds import _atomic

        def edit() -> Hidden[bytes]:
            lines, name = self._lines(), _name(project)
            if isinstance(lines, Problem):
                raise CredentialError(lines.reason, remedy=lines.remedy)
            kept = [line for line in lines if not line.startswith(name)]
            added = [] if fingerprint is None else [f"{name}{fingerprint} {printable(project)}"]
            return Hidden("".join(f"{line}\n" for line in (*kept, *added)).encode())

        _atomic.update(self.path, edit)

    def _lines(self) -> list[str] | Problem:
        content, directory = _read.read(self.path), os.path.dirname(self.path)
        if isinstance(content, Problem):
            return Problem(f"the store of trust, {printable(self.path)}, {content.reason}", content.remedy)
        writable = isinstance(content, _read.Content) and content.writable
        if writable or (os.path.isdir(directory) and _config._others_write(directory)):
            return Problem(
                f"the store of trust, {printable(self.path)}, is not believed, since other users could have written it",
                f"Delete it, and let nobody else write to {printable(directory)}.",
            )
        text = content.data.decode("utf-8", "replace") if isinstance(content, _read.Content) else ""
        return [line for line in text.split("\n") if len(line.split(" ", _FIELDS - 1)) == _FIELDS]


def find(environ: Hidden[Mapping[str, str]], home: str | None) -> Store | None:
    """Give the store of the user whose environment and home directory these are; None where there is no home."""
    directory = _config._own_directory(environ, home, "XDG_STATE_HOME", ".local/state", on_windows="LOCALAPPDATA")
    return Store(os.path.join(directory, "trusted")) if directory else None


def _name(project: str) -> str:
    """Start the line of a project file: a path itself may hold blanks, or be no text."""
    from hashlib import sha256

    return f"{sha256(os.fsencode(project)).hexdigest()} "

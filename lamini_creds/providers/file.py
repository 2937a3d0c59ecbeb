"""Files that hold nothing but the key or the URL: Docker's and Kubernetes' mounted secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from lamini_creds import _read
from lamini_creds._credential import BLANKS, Hidden, Secret
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import ProviderInvalid
from lamini_creds.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Hashable

    import msgspec

    from lamini_creds._provider import Context

_SWAPS = 10


@dataclass(frozen=True)
class FileProvider:
    """Files with the bare key and URL, named by LAMINI_API_KEY_FILE and LAMINI_API_URL_FILE or by options."""

    key_file: Annotated[str | None, msgspec.Meta(description="The file that holds the key; it must exist.")] = None
    url_file: Annotated[str | None, msgspec.Meta(description="The file that holds the URL; it must exist.")] = None
    directory: Annotated[
        str | None, msgspec.Meta(description="A mounted directory with the files `key` and, if wanted, `url`.")
    ] = None
    permissions: Annotated[
        _read.Permissions,
        msgspec.Meta(description="What to do about a key file that other users may read: refuse, warn, or nothing."),
    ] = "warn"

    def state(self, context: Context) -> Hashable:
        """Give the names of the files and the state of each."""
        return tuple(
            (path, path and _read.state(_read.located(path, context.home) or path)) for path in self._named(context)
        )

    def provide(self, context: Context) -> Secret | None:
        """Read both files as of one moment, though a Kubernetes volume be swapped meanwhile."""
        key_file, url_file = self._named(context)
        variable = f"{context.service.key_variable}_FILE"
        if not key_file and not url_file:
            return Secret(source=variable, reason="is not set")
        key, url = self._snapshot(key_file, url_file, context)
        return Secret(
            key.value,
            url=url.value,
            source=printable(key_file or variable),
            url_source=printable(url_file or ""),
            reason="holds no key" if key_file else "is not set",
        )

    def _named(self, context: Context) -> tuple[str | None, str | None]:
        """Name both files: the options, then the variables, then what the directory has."""
        environ, service = context.environ, context.service
        key_file, url_file = self.key_file, self.url_file
        if context.ambient:
            key_file = key_file or environ.get(f"{service.key_variable}_FILE")
            url_file = url_file or environ.get(f"{service.url_variable}_FILE")
        if self.directory:
            key_file = key_file or os.path.join(self.directory, "key")
            url_file = url_file or os.path.join(self.directory, "url")
        return key_file, url_file

    def _snapshot(
        self, key_file: str | None, url_file: str | None, context: Context
    ) -> tuple[Hidden[str | None], Hidden[str | None]]:
        """
        Read the two files of one version of the directory.

        The kubelet replaces such a directory by pointing the link `..data` at
        a new one: it is followed once for both files, and once more when the
        old one has gone.
        """
        for _ in range(_SWAPS):
            pinned: dict[str, str] = {}
            key = self._read(key_file, pinned, context)
            url = self._read(url_file, pinned, context)
            if key is not None and url is not None:
                break
        if self.directory and not os.path.isdir(_absolute(self.directory, context)):
            raise ProviderInvalid("there is no such directory", place=printable(self.directory), remedy="Mount it.")
        return self._required(key, key_file), self._required(url, url_file)

    def _required(self, value: Hidden[str | None] | None, path: str | None) -> Hidden[str | None]:
        if value is not None:
            return value
        if self.directory and path and os.path.dirname(path) == self.directory.rstrip("/"):
            return Hidden(None)
        raise ProviderInvalid(
            "there is no such file", place=printable(path), remedy="Create the file, or mend its name."
        )

    def _read(self, path: str | None, pinned: dict[str, str], context: Context) -> Hidden[str | None] | None:
        """Give a file's text, or None when it is not there (any more)."""
        if not path:
            return Hidden(None)
        directory, name = os.path.split(_absolute(path, context))
        if directory not in pinned:
            data = os.path.join(directory, "..data")
            pinned[directory] = os.path.realpath(data) if os.path.islink(data) else directory
        content = _read.read(os.path.join(pinned[directory], name))
        if isinstance(content, _read.Missing):
            return None
        judged = content if isinstance(content, Problem) else _read.exposure(content, self.permissions)
        if isinstance(judged, Problem):
            raise ProviderInvalid(judged.reason, place=printable(path), remedy=judged.remedy)
        if judged:
            context.warn(f"{printable(path)} {judged}; run: chmod 600 '{printable(path)}'")
        return _text(content)


def _absolute(path: str, context: Context) -> str:
    located = _read.located(path, context.home)
    if located is None:
        raise ProviderInvalid("is not an absolute path", place=printable(path), remedy=_read.ABSOLUTE)
    return located


def _text(content: _read.Content | Problem) -> Hidden[str | None]:
    """Give the text of a file; what is no UTF-8 stays visible as such to the key's own check."""
    if isinstance(content, Problem):
        return Hidden(None)
    return Hidden(content.data.decode("utf-8-sig", "surrogateescape").strip(BLANKS) or None)


@hookimpl
def lamini_creds_register_provider() -> type[FileProvider]:
    """Offer the provider `file`."""
    return FileProvider

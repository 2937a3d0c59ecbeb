"""Files that hold nothing but the key or the URL: Docker's and Kubernetes' mounted secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from lamini_creds import _read
from lamini_creds._credential import BLANKS, Hidden, Secret
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds._value import Value
from lamini_creds.errors import ProviderInvalid, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Hashable

    import msgspec

    from lamini_creds._provider import Context, LocalProvider

_TRIES = 100


class FileProvider(Value):
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

    def places(self, _context: Context) -> tuple[LocalProvider, ...]:
        """Give the files that are named, then the directory: a key stored beside a URL stays with that one."""
        named = _NamedFiles(self.key_file, self.url_file, self.permissions)
        return (named, _Directory(self.directory, self.permissions)) if self.directory else (named,)

    def state(self, context: Context) -> Hashable:
        """Give the state of every file."""
        return tuple(place.state(context) for place in self.places(context))

    def provide(self, context: Context) -> Secret | None:
        """Give what the first place with a key holds, for use without a chain."""
        found = (place.provide(context) for place in self.places(context))
        return next((secret for secret in found if secret and secret.key), None)


class _NamedFiles(Value):
    """Two files, each named by an option or a variable and so bound to exist."""

    key_file: str | None
    url_file: str | None
    permissions: _read.Permissions

    def state(self, context: Context) -> Hashable:
        paths = self._paths(context)
        return tuple(path and (path, _state(path, context)) for path in paths) if any(paths) else None

    def provide(self, context: Context) -> Secret | None:
        key_file, url_file = self._paths(context)
        if not key_file and not url_file:
            return Secret(source=f"{context.service.key_variable}_FILE", reason="is not set")
        contents = _snapshot([path for path in (key_file, url_file) if path], context)
        for path, content in contents.items():
            if isinstance(content, _read.Missing):
                raise _invalid(path, Problem(content.reason, "Create the file, or mend its name."))
        return _secret(key_file, url_file, contents, self.permissions, context)

    def _paths(self, context: Context) -> tuple[str | None, str | None]:
        service = context.service
        return (
            self.key_file or _variable(f"{service.key_variable}_FILE", context),
            self.url_file or _variable(f"{service.url_variable}_FILE", context),
        )


class _Directory(Value):
    """A directory that must exist; the files in it need not."""

    path: str
    permissions: _read.Permissions

    def state(self, context: Context) -> Hashable:
        path = _located(self.path, context)
        return os.path.isdir(path), *(_read.state(os.path.join(path, name)) for name in ("key", "url"))

    def provide(self, context: Context) -> Secret | None:
        if not os.path.isdir(_located(self.path, context)):
            raise _invalid(self.path, Problem("there is no such directory", "Mount it, or mend its name."))
        key_file, url_file = (os.path.join(self.path, name) for name in ("key", "url"))
        contents = _snapshot([key_file, url_file], context)
        if _read.CLOSED in contents.values():
            raise _invalid(self.path, Problem("is closed to this user", "Make it a directory that this user may read."))
        return _secret(key_file, url_file, contents, self.permissions, context)


_Contents = dict[str, _read.Content | _read.Missing | Problem]


def _snapshot(paths: list[str], context: Context) -> _Contents:
    """
    Read files as of one moment, though a Kubernetes volume be swapped meanwhile.

    The kubelet points a link at a new directory and deletes the old one. What
    was read belongs together if every file was reached by the same way
    afterwards as before.
    """
    located = {path: _located(path, context) for path in paths}
    for _ in range(_TRIES):
        before = [os.path.realpath(path) for path in located.values()]
        contents = {path: _read.read(where) for path, where in located.items()}
        if before == [os.path.realpath(path) for path in located.values()]:
            return contents
    raise ProviderUnavailable("changes faster than it can be read", place=printable(paths[0]))


def _secret(
    key_file: str | None, url_file: str | None, contents: _Contents, permissions: _read.Permissions, context: Context
) -> Secret:
    key = _text(key_file, contents, permissions, context, key=True)
    url = _text(url_file, contents, permissions, context, key=False)
    return Secret(
        key.value,
        url=url.value,
        source=printable(key_file or f"{context.service.key_variable}_FILE"),
        url_source=printable(url_file or ""),
        reason="holds no key" if key_file else "is not set",
    )


def _text(
    path: str | None, contents: _Contents, permissions: _read.Permissions, context: Context, *, key: bool
) -> Hidden[str | None]:
    """Give the text of a file; what is no UTF-8 stays visible as such to the key's own check."""
    content = contents.get(path or "")
    if path is None or content is None or isinstance(content, _read.Missing):
        return Hidden(None)
    if isinstance(content, Problem):
        raise _invalid(path, content)
    text = Hidden(content.data.decode("utf-8-sig", "surrogateescape").strip(BLANKS) or None)
    judged = _read.exposure(content, permissions, printable(path), key=key) if text.value else None
    if isinstance(judged, Problem):
        raise _invalid(path, judged)
    if judged:
        context.warn(judged)
    return text


def _variable(name: str, context: Context) -> str | None:
    """Give a file's name out of a variable, which speaks for the ambient profile only."""
    return (context.environ.get(name) or "").strip(BLANKS) or None if context.ambient else None


def _state(path: str, context: Context) -> Hashable:
    return _read.state(_located(path, context))


def _located(path: str, context: Context) -> str:
    located = _read.located(path, context._home)  # `home` imports pathlib
    if isinstance(located, Problem):
        raise _invalid(path, located)
    return located


def _invalid(path: str, problem: Problem) -> ProviderInvalid:
    return ProviderInvalid(problem.reason, place=_read.named(path), remedy=problem.remedy)


def lamini_creds_register_provider() -> type[FileProvider]:
    """Offer the provider `file`."""
    return FileProvider

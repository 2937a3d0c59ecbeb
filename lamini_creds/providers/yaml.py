"""Lamini's YAML files in the home directory, or one file that the user names; each file is a place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from lamini_creds import _read
from lamini_creds._credential import Hidden, Secret
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import ProviderInvalid
from lamini_creds.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Hashable

    import msgspec

    from lamini_creds._provider import Context, LocalProvider


@dataclass(frozen=True)
class YamlProvider:
    """YAML files with `<profile>: {key: ..., url: ...}`: the service's home files, or one of your own."""

    path: Annotated[
        str | None,
        msgspec.Meta(description="A file to read in place of those in the home directory; it must exist."),
    ] = None
    permissions: Annotated[
        _read.Permissions,
        msgspec.Meta(description="What to do about a key file that other users may read: refuse, warn, or nothing."),
    ] = "warn"

    def places(self, context: Context) -> tuple[LocalProvider, ...]:
        """Give one provider a file."""
        if self.path is not None:
            return (_YamlFile(self.path, self.permissions, named=True),)
        return tuple(_YamlFile(file, self.permissions, named=False) for file in context.service.files)

    def state(self, context: Context) -> Hashable:
        """Give the state of every file."""
        return tuple(place.state(context) for place in self.places(context))

    def provide(self, context: Context) -> Secret | None:
        """Give what the first file with a key holds, for use without a chain."""
        found = (place.provide(context) for place in self.places(context))
        return next((secret for secret in found if secret and secret.key), None)


@dataclass(frozen=True)
class _YamlFile:
    """One YAML file: below the home directory, or named by the user and so bound to exist."""

    path: str
    permissions: _read.Permissions
    named: bool

    def state(self, context: Context) -> Hashable:
        path = self._located(context)
        return path and _read.state(path)

    def provide(self, context: Context) -> Secret | None:
        path = self._located(context)
        if path is None:
            if self.named:
                raise ProviderInvalid("is not an absolute path", place=printable(self.path), remedy=_read.ABSOLUTE)
            return Secret(source=f"~/{self.path}", reason="there is no home directory")
        content = _read.read(path)
        place = printable(path)
        if isinstance(content, _read.Missing):
            if self.named:
                raise ProviderInvalid(content.reason, place=place, remedy="Create the file, or mend its name.")
            return Secret(source=place, reason=content.reason)
        found = content if isinstance(content, Problem) else _section(content, context.profile)
        if isinstance(found, Problem):
            raise ProviderInvalid(found.reason, place=place, remedy=found.remedy)
        key, url = found
        if key.value and not isinstance(content, Problem):
            self._judge(content, place, context)
        return Secret(
            key.value, url=url.value, source=place, reason=f"there is no key under '{printable(context.profile)}'"
        )

    def _located(self, context: Context) -> str | None:
        if self.named:
            return _read.located(self.path, context.home)
        return None if context.home is None else os.path.join(context.home, self.path)

    def _judge(self, content: _read.Content, place: str, context: Context) -> None:
        judged = _read.exposure(content, self.permissions)
        if isinstance(judged, Problem):
            raise ProviderInvalid(f"holds a key and {judged.reason}", place=place, remedy=judged.remedy)
        if judged:
            context.warn(f"{place} holds a key and {judged}; run: chmod 600 '{place}'")


def _section(content: _read.Content, profile: str) -> tuple[Hidden[str | None], Hidden[str | None]] | Problem:
    from lamini_creds.providers._yamltext import fields

    return fields(content.data, profile)


@hookimpl
def lamini_creds_register_provider() -> type[YamlProvider]:
    """Offer the provider `yaml`."""
    return YamlProvider

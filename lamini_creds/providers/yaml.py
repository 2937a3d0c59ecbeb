"""Lamini's YAML files in the home directory, or one file that the user names; each file is a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from lamini_creds import _read
from lamini_creds._credential import Secret
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds._value import Value
from lamini_creds.errors import ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Hashable

    import msgspec

    from lamini_creds._provider import Context, LocalProvider
    from lamini_creds.providers._yamltext import Fields


class YamlProvider(Value):
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
        names = [f"~/{file}" for file in context.service.files] if self.path is None else [self.path]
        home = context._home  # `home` imports pathlib
        return tuple(
            _YamlFile(name, _read.located(name, home), self.permissions, named=self.path is not None) for name in names
        )

    def state(self, context: Context) -> Hashable:
        """Give the state of every file."""
        return tuple(place.state(context) for place in self.places(context))

    def provide(self, context: Context) -> Secret | None:
        """Give what the first file with a key holds, for use without a chain."""
        found = (place.provide(context) for place in self.places(context))
        return next((secret for secret in found if secret and secret.key), None)


class _YamlFile(Value):
    """One YAML file: below the home directory, or named by the user and so bound to exist."""

    name: str
    path: str | Problem
    permissions: _read.Permissions
    named: bool

    def state(self, _context: Context) -> Hashable:
        return None if isinstance(self.path, Problem) else _read.state(self.path)

    def provide(self, context: Context) -> Secret | None:
        if isinstance(self.path, Problem):
            return self._absent(self.path)
        content = _read.read(self.path)
        if isinstance(content, _read.Missing):
            return self._absent(Problem(content.reason, "Create the file, or mend its name."))
        if isinstance(content, Problem):
            raise self._invalid(content)
        key, url = self._found(content, context.profile)
        self._judge(content, context, key=key.value is not None, url=url.value is not None)
        return Secret(
            key.value,
            url=url.value,
            source=self._place,
            reason=f"there is no key under '{printable(context.profile)}'",
        )

    @property
    def _place(self) -> str:
        return _read.named(self.name if isinstance(self.path, Problem) else self.path)

    def _absent(self, problem: Problem) -> Secret:
        if self.named:
            raise self._invalid(problem)
        return Secret(source=self._place, reason=problem.reason)

    def _found(self, content: _read.Content, profile: str) -> Fields:
        from lamini_creds.providers._yamltext import fields

        found = fields(content.data, profile)
        if isinstance(found, Problem):
            raise self._invalid(found)
        return found

    def _judge(self, content: _read.Content, context: Context, *, key: bool, url: bool) -> None:
        judged = _read.exposure(content, self.permissions, self._place, key=key) if key or url else None
        if isinstance(judged, Problem):
            raise self._invalid(judged)
        if judged:
            context.warn(judged)

    def _invalid(self, problem: Problem) -> ProviderInvalid:
        return ProviderInvalid(problem.reason, place=self._place, remedy=problem.remedy)


def lamini_creds_register_provider() -> type[YamlProvider]:
    """Offer the provider `yaml`."""
    return YamlProvider

"""What the caller passed: a config dict as in Lamini's docs, or key and URL themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Never

from lamini_creds._credential import BLANKS, Hidden, Secret
from lamini_creds._text import printable
from lamini_creds.errors import ProviderInvalid

if TYPE_CHECKING:
    from lamini_creds._provider import Context


class _NotADependency:
    """Makes FastAPI refuse, at start, a function whose arguments it would fill from the request."""

    @staticmethod
    def __get_pydantic_core_schema__(*_: object) -> Never:
        raise TypeError(
            "resolve_credentials can't be a dependency itself: whoever sends a request would choose its arguments, "
            "the URL among them. Wrap it: def credential() -> Credential: return resolve_credentials()"
        )


Explicit = Annotated[Mapping[str, object] | None, _NotADependency]


class ExplicitProvider:
    """
    Arguments of the call, always asked first; made anew for each call.

    Args:
        mapping: `{"production": {"key": ..., "url": ...}}`, or with dotted keys.
        key: The key itself.
        url: The URL itself.
    """

    __slots__ = ("_key", "_mapping", "_url")

    def __init__(self, mapping: object = None, key: object = None, url: object = None) -> None:
        self._mapping, self._key, self._url = Hidden(mapping), Hidden(key), Hidden(url)

    def __bool__(self) -> bool:
        return any(given.value is not None for given in (self._mapping, self._key, self._url))

    def complete(self) -> bool:
        """Say whether key and URL were passed themselves, so that nobody else needs to be asked."""
        return self._mapping.value is None and None not in (self._key.value, self._url.value)

    def provide(self, context: Context) -> Secret | None:
        """Take what was passed; nothing blank, nothing twice, and no mapping without the profile."""
        if not self:
            return None
        stored = _Section(self._mapping, context.profile)
        return Secret(
            _one(self._key, stored.field("key"), "key"),
            url=_one(self._url, stored.field("url"), "url"),
            source="explicit",
        )


class _Section:
    """One profile's part of the mapping that was passed."""

    __slots__ = ("_mapping", "_nested", "_profile")

    def __init__(self, mapping: Hidden[object], profile: str) -> None:
        self._mapping, self._profile = mapping, profile
        self._nested: Hidden[object] = Hidden(None)
        if mapping.value is None:
            return
        if not isinstance(mapping.value, Mapping):
            raise ProviderInvalid(f"the configuration passed is of type {type(mapping.value).__name__}, not a mapping")
        self._nested = Hidden(mapping.value.get(profile))
        if profile not in mapping.value and not any(f"{profile}.{field}" in mapping.value for field in ("key", "url")):
            raise ProviderInvalid(
                f"the configuration passed has no profile '{printable(profile)}'",
                remedy=f'Pass {{"{printable(profile)}": {{"key": ..., "url": ...}}}}, or name its profile: profile=...',
            )
        if not isinstance(self._nested.value, (Mapping, type(None))):
            raise ProviderInvalid(
                f"the configuration passed holds no mapping under '{printable(profile)}'",
                remedy='Nest the key: {"key": ...}.',
            )

    def field(self, name: str) -> Hidden[object]:
        """Look a field up by its dotted name, then below the profile."""
        dotted = _found(self._mapping, f"{self._profile}.{name}")
        return _found(self._nested, name) if dotted.value is None else dotted


def _found(mapping: Hidden[object], name: str) -> Hidden[object]:
    return Hidden(mapping.value.get(name) if isinstance(mapping.value, Mapping) else None)


def _one(argument: Hidden[object], stored: Hidden[object], name: str) -> str | None:
    """Choose between the argument and the mapping's field; both at once are one too many."""
    what = "URL" if name == "url" else name
    if argument.value is not None and stored.value is not None:
        raise ProviderInvalid(f"the {what} was passed twice, as {name}= and in the mapping", remedy="Pass one of them.")
    given = argument if argument.value is not None else stored
    if given.value is None:
        return None
    if not isinstance(given.value, str):
        raise ProviderInvalid(f"the {what} passed is of type {type(given.value).__name__}, not text")
    if not str.strip(given.value, BLANKS):
        raise ProviderInvalid(f"the {what} passed is blank", remedy="Pass None to have it looked for.")
    return given.value


def lamini_creds_register_provider() -> type[ExplicitProvider]:
    """Offer the provider `explicit`."""
    return ExplicitProvider

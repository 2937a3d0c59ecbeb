"""The environment: LAMINI_API_KEY and LAMINI_API_URL, then LAMINI__<PROFILE>__KEY and __URL."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lamini_creds._credential import BLANKS, Secret

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from lamini_creds._provider import Context


_Names = tuple[tuple[str, ...], tuple[str, ...]]  # the variables with the key, and those with the URL, first one first


class EnvProvider:
    """Environment variables of the service: flat ones for the ambient profile, then the profile's own."""

    __slots__ = ()

    def places(self, context: Context) -> tuple[EnvProvider, ...]:
        """Look once for the odd spellings that Lamini's clients take: case, extra underscores, a dot."""
        odd = _odd_spellings(context.environ, context.service.prefix)
        return (_OddEnvProvider(odd) if odd else self,)

    def state(self, context: Context) -> Hashable:
        """Give the values of the variables that count."""
        get = context.environ.get
        if not context.ambient:
            return tuple(map(get, sum(self._section(context), ())))
        service = context.service
        key, url = get(service.key_variable), get(service.url_variable)
        if key and url and key.strip(BLANKS) and url.strip(BLANKS):
            return key, url
        return key, url, *map(get, sum(self._section(context), ()))

    def provide(self, context: Context) -> Secret | None:
        """Take key and URL each from the first variable that is not blank."""
        keys, urls = self._section(context)
        if context.ambient:
            keys, urls = (context.service.key_variable, *keys), (context.service.url_variable, *urls)
        key, url = _first(context.environ, keys), _first(context.environ, urls)
        return Secret(
            key and context.environ[key],
            url=url and context.environ[url],
            source=key or keys[0],
            url_source=url or "",
            reason="is not set",
        )

    def _section(self, context: Context) -> _Names:
        return _section(context.service.prefix, context.profile)


class _OddEnvProvider(EnvProvider):
    """
    The environment, with some variables spelled in a way of their own.

    Args:
        odd: The usual name of a section's variable, and the unusual ones that are set.
    """

    __slots__ = ("_odd",)

    def __init__(self, odd: Mapping[str, tuple[str, ...]]) -> None:
        self._odd = odd

    def _section(self, context: Context) -> _Names:
        keys, urls = super()._section(context)
        return keys + self._odd.get(keys[0], ()), urls + self._odd.get(urls[0], ())


@lru_cache(maxsize=128)
def _section(prefix: str, profile: str) -> _Names:
    return (_variable(prefix, profile, "key"),), (_variable(prefix, profile, "url"),)


def _variable(prefix: str, section: str, field: str) -> str:
    name = "".join(c if c.isalnum() else "_" for c in section)
    return f"{prefix}__{name}__{field}".upper()


def _odd_spellings(environ: Mapping[str, str], prefix: str) -> dict[str, tuple[str, ...]]:
    """Map the usual name of a section's variable to the unusual ones that are set."""
    found: dict[str, tuple[str, ...]] = {}
    for name in environ:
        if name.startswith(f"{prefix}__"):
            parts = [part for part in name[len(prefix) :].lower().replace(".", "__").split("__") if part]
            match parts:
                case [section, ("key" | "url") as field] if name != (usual := _variable(prefix, section, field)):
                    found[usual] = (*found.get(usual, ()), name)
    return found


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """Give the first of these variables that holds more than blanks."""
    return next((name for name in names if (environ.get(name) or "").strip(BLANKS)), None)


def lamini_creds_register_provider() -> type[EnvProvider]:
    """Offer the provider `env`."""
    return EnvProvider

"""The functions of the package: one resolver for the whole process, made at first use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lamini_creds._credential import Hidden
from lamini_creds._forks import SETTING_UP
from lamini_creds._resolver import Resolver
from lamini_creds.errors import ConfigError
from lamini_creds.providers.explicit import Explicit  # noqa: TC001  # FastAPI looks at annotations

if TYPE_CHECKING:
    from lamini_creds._credential import Credential

_resolver: Resolver | None = None


def resolve_credentials(
    explicit: Explicit = None, /, *, key: str | None = None, url: str | None = None, profile: str | None = None
) -> Credential:
    """
    Find an API key and the URL it belongs to, wherever they live.

    >>> resolve_credentials(key="test-key-1", url="https://lamini.example.com")
    <Credential 1b39b8f5 for https://lamini.example.com from explicit (explicit), profile production>

    Args:
        explicit: A configuration as in Lamini's docs, `{"production": {"key": ..., "url": ...}}`.
        key: The key itself.
        url: The URL itself.
        profile: The profile; by default the ambient one, "production" unless configured.

    Returns:
        The credential. Call again for every request, since an unchanged answer costs little and a changed one is seen.

    Raises:
        CredentialError: The subclass says what to do, `.attempts` who was asked.
    """
    resolver = _resolver or _default()
    if explicit is None and key is None and url is None:
        return resolver.remembered(profile) or resolver.resolve(profile=profile)
    resolve = Hidden(partial(resolver.resolve, explicit, key=key, url=url, profile=profile))
    explicit = key = url = None  # what is raised from here on shows no key in this frame
    return resolve.value()


async def aresolve_credentials(
    explicit: Explicit = None, /, *, key: str | None = None, url: str | None = None, profile: str | None = None
) -> Credential:
    """Find an API key and its URL as `resolve_credentials` does, in an event loop."""
    resolving = (_resolver or _default()).aresolve(explicit, key=key, url=url, profile=profile)
    explicit = key = url = None  # what is raised from here on shows no key in this frame
    return await resolving


def configure(resolver: Resolver) -> None:
    """
    Set the process-wide resolver: once, before its first use.

    Raises:
        ConfigError: There is one already.
    """
    global _resolver  # noqa: PLW0603  # the one global of the package
    if _resolver is not None:
        raise ConfigError(
            "the process-wide resolver is in use already", remedy="Call configure() first of all, or reset() before it."
        )
    _resolver = resolver


def reset() -> None:
    """Forget the process-wide resolver; the next call makes a new one and reads the configuration again."""
    global _resolver  # noqa: PLW0603  # the one global of the package
    _resolver = None


def _default() -> Resolver:
    global _resolver  # noqa: PLW0603  # the one global of the package
    with SETTING_UP:
        if _resolver is None:
            _resolver = Resolver()
        return _resolver

"""Somebody else's provider at work: what it does wrong is told with the distribution that it came from."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING

from lamini_creds import errors
from lamini_creds._credential import Secret
from lamini_creds._provider import LocalProvider
from lamini_creds._text import printable
from lamini_creds.errors import CredentialError, ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Hashable

    from lamini_creds._provider import Context, CredentialProvider

_asking: ContextVar[frozenset[int]] = ContextVar("lamini_creds_asking", default=frozenset())
_DEEPEST = 4  # who asks by a Resolver of its own that asks it again is another provider each time


class Plugged:
    """
    A remote provider of a plugin.

    Args:
        provider: The plugin's own.
        offer: What to call it: the plugin of a distribution.
    """

    __slots__ = ("_offer", "provider")

    def __init__(self, provider: CredentialProvider, offer: str) -> None:
        self.provider = provider
        self._offer = offer

    def provide(self, context: Context) -> Secret | None:
        """Ask it, unless it is asking for itself; nothing but a Secret, None or one of our errors leaves."""
        if is_asking(self) or len(_asking.get()) >= _DEEPEST:
            raise ProviderInvalid(
                f"{self._offer} asks the resolver that is asking it",
                remedy="Let it use a Resolver of its own, without itself in `providers`.",
            )
        asking = _asking.set(_asking.get() | {id(self)})
        try:
            found = _ask(self.provider, context)
        finally:
            _asking.reset(asking)
        if isinstance(found, CredentialError):
            raise found
        if isinstance(found, str):
            raise ProviderInvalid(f"{self._offer} {found}", remedy="Its `provide` gives a Secret, or None.")
        return found


class LocalPlugged(Plugged):
    """A local provider of a plugin."""

    __slots__ = ()

    provider: LocalProvider

    def state(self, context: Context) -> Hashable:
        """Give the place's token, unless it is asking for itself."""
        if is_asking(self):
            raise ProviderInvalid(f"{self._offer} asks the resolver that is asking it")  # and `provide` tells the rest
        asking = _asking.set(_asking.get() | {id(self)})
        try:
            return self.provider.state(context)
        finally:
            _asking.reset(asking)


def plugged(provider: CredentialProvider, offer: str) -> Plugged:
    """Take a plugin's provider in, as local as it is."""
    return LocalPlugged(provider, offer) if isinstance(provider, LocalProvider) else Plugged(provider, offer)


def is_asking(provider: CredentialProvider) -> bool:
    """Say whether this very provider is being asked in this thread: then it asks for itself."""
    return id(provider) in _asking.get()


def plain(error: CredentialError) -> CredentialError:
    """Give the error as one of our own classes: a plugin's subclass may not be made from the same arguments."""
    if type(error).__module__ == errors.__name__:
        return error
    kind = next(base for base in type(error).__mro__ if base.__module__ == errors.__name__)
    made: CredentialError = kind(str(error.reason), place=str(error.place), remedy=str(error.remedy))
    return made


def unfit(given: list[object]) -> str:
    """Say what is wrong with what a plugin registers, or nothing."""
    if len(given) != 1:
        return "registers nothing"
    provide = getattr(given[0], "provide", None)
    if not isinstance(given[0], type):
        return f"registers {_called(given[0])}, not a class"
    if not callable(provide):
        return "registers a class without a method `provide`"
    return "has an async `provide`: it is a plain function" if inspect.iscoroutinefunction(provide) else ""


def _called(found: object) -> str:
    """Name the type of what it gave; a coroutine is closed, so that nobody hears of it later."""
    if inspect.iscoroutine(found):
        found.close()
        return "a coroutine: it is a plain function"
    return f"a value of type {printable(type(found).__name__)}"


def _ask(provider: CredentialProvider, context: Context) -> Secret | CredentialError | str | None:
    """Give what it found, an error, or words for what it did wrong: this frame holds it bare and never raises."""
    try:
        found: object = provider.provide(context)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # its text may hold the key
        if isinstance(error, CredentialError) and hasattr(error, "remedy"):  # a subclass may leave our __init__ out
            return plain(error)
        return f"raised {printable(type(error).__name__)}"
    if found is None or isinstance(found, Secret):
        return found
    return f"returned {_called(found)}"

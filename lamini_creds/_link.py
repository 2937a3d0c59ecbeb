"""One position of the chain: a name in the order that becomes entries when the walk reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini_creds._credential import Secret
from lamini_creds._entry import Entry
from lamini_creds._registry import BUILT_IN, Registry
from lamini_creds.errors import CredentialError, ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Hashable

    from lamini_creds._provider import Context, CredentialProvider
    from lamini_creds._settings import Settings

ENTRY_KEYS = ("ttl", "timeout", "max_stale", "continue_on", "distribution")


class Link:
    """
    A label of the order, its plugin not loaded yet.

    Args:
        label: The provider's name, or `name:label`.
        registry: Where providers come from.
        settings: Where their options come from.
        context: The profile's context.
        continue_on: Outcomes after which the whole chain goes on.

    Attributes:
        entries: One for each place of the provider; None until loaded.
    """

    __slots__ = ("_context", "_continue_on", "_registry", "_settings", "entries", "label")

    def __init__(
        self, label: str, registry: Registry, settings: Settings, context: Context, continue_on: frozenset[str]
    ) -> None:
        self.label = label
        self.entries: tuple[Entry, ...] | None = None
        self._registry = registry
        self._settings = settings
        self._context = context
        self._continue_on = continue_on

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.label.partition(":")[0]

    @property
    def built_in(self) -> bool:
        """Whether loading it runs no foreign code."""
        return self.name in BUILT_IN

    def loaded(self) -> tuple[Entry, ...]:
        """Give the entries, loaded if need be; what can't be loaded gives one that says why."""
        if self.entries is None:
            try:
                self.entries = self._load()
            except CredentialError as error:
                self.entries = (
                    Entry(
                        self.label, _Unloadable(type(error), error.reason, error.place, error.remedy), self._continue_on
                    ),
                )
        return self.entries

    def _load(self) -> tuple[Entry, ...]:
        table = self._settings.entry(self.label, self._context.profile)
        if not self.built_in and not self._settings.listed(self.label, self._context.profile):
            return (Entry(self.label, _NotConfigured()),)
        own = {name: setting for name, setting in table.items() if name not in ENTRY_KEYS}
        shared = {name: setting for name, setting in table.items() if name in ENTRY_KEYS}
        if self.built_in and not table:
            return self._places(self._registry.provider(self.name)())
        from lamini_creds._options import EntryOptions, build, option_types

        options: EntryOptions = build(EntryOptions, shared, self.name)
        if options.continue_on is not None:
            self._continue_on = frozenset(options.continue_on)
        provider_class = self._registry.provider(self.name, options.distribution)
        taken = [name for name in option_types(provider_class) if name in ENTRY_KEYS]
        if taken:
            raise ProviderInvalid(f"the provider has an option '{taken[0]}', a name that every entry has already")
        return self._places(build(provider_class, own, self.label))

    def _places(self, provider: CredentialProvider) -> tuple[Entry, ...]:
        places = getattr(provider, "places", None)
        providers = places(self._context) if places else (provider,)
        return tuple(Entry(self.label, place, self._continue_on) for place in providers)


@dataclass(frozen=True)
class _Unloadable:
    """Stands in for a provider that could not be loaded: asked, it says why."""

    error: type[CredentialError]
    reason: str
    place: str
    remedy: str

    def state(self, _context: Context) -> Hashable:
        return None

    def provide(self, _context: Context) -> Secret | None:
        raise self.error(self.reason, place=self.place, remedy=self.remedy)


@dataclass(frozen=True)
class _NotConfigured:
    """Stands in for a provider of the default order that nobody configured."""

    def state(self, _context: Context) -> Hashable:
        return None

    def provide(self, _context: Context) -> Secret | None:
        return Secret(reason="is not configured")

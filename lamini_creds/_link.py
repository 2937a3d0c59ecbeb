"""One position of the chain: a name in the order that becomes entries when the walk reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lamini_creds._credential import Secret
from lamini_creds._entry import Entry
from lamini_creds._forks import IMPORTS, SETTING_UP
from lamini_creds._provider import LocalProvider
from lamini_creds._registry import BUILT_IN, Registry
from lamini_creds._settings import DEFAULT_ORDER
from lamini_creds._text import printable
from lamini_creds.errors import CredentialError, ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from lamini_creds._options import EntryOptions
    from lamini_creds._provider import Context, CredentialProvider
    from lamini_creds._remote import RemoteEntry
    from lamini_creds._settings import Setting, Settings

ENTRY_KEYS = ("ttl", "timeout", "max_stale", "continue_on", "distribution")
_TAKEN = (*ENTRY_KEYS, "provide", "state")

MakeRemote: TypeAlias = "Callable[[str, CredentialProvider, frozenset[str], EntryOptions | None], RemoteEntry]"


class Link:
    """
    A label of the order, its plugin not loaded yet.

    Args:
        label: The provider's name, or `name:label`.
        registry: Where providers come from.
        settings: Where their options come from.
        context: The profile's context.
        continue_on: Outcomes after which the whole chain goes on.
        make_remote: Makes the entry of a provider that has no `state`.

    Attributes:
        entries: One for each place of the provider; None until loaded.
    """

    __slots__ = ("_context", "_continue_on", "_make_remote", "_registry", "_settings", "entries", "label")

    def __init__(
        self,
        label: str,
        registry: Registry,
        settings: Settings,
        context: Context,
        continue_on: frozenset[str],
        make_remote: MakeRemote,
    ) -> None:
        self.label = label
        self.entries: tuple[Entry | RemoteEntry, ...] | None = None
        self._make_remote = make_remote
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

    def loaded(self) -> tuple[Entry | RemoteEntry, ...]:
        """Give the entries, loaded if need be; what can't be loaded gives one that says why."""
        if self.entries is None:
            with SETTING_UP if self.built_in else IMPORTS:
                if self.entries is None:
                    self.entries = self._load_or_tell()
        return self.entries

    def wait(self) -> None:
        """Load it in this thread."""
        self.loaded()

    async def awaited(self) -> None:
        """Load it without blocking the event loop for a plugin's import."""
        if self.built_in:
            self.loaded()
        else:
            from lamini_creds._flight import in_thread

            await in_thread(self.loaded)

    def _load_or_tell(self) -> tuple[Entry | RemoteEntry, ...]:
        try:
            return self._load()
        except CredentialError as error:
            from lamini_creds._plugged import plain

            unloadable = _Unloadable(plain(error))
        return (Entry(self.label, unloadable, self._continue_on),)

    def _load(self) -> tuple[Entry | RemoteEntry, ...]:
        table = self._settings.entry(self.label, self._context.profile)
        if not self.built_in and not self._settings.listed(self.label, self._context.profile):
            return (Entry(self.label, _NotConfigured()),)
        own = {name: setting for name, setting in table.items() if name not in ENTRY_KEYS}
        shared = {name: setting for name, setting in table.items() if name in ENTRY_KEYS}
        if self.name in DEFAULT_ORDER and self.built_in and not table:
            return self._places(self._registry.provider(self.name)())
        from lamini_creds._options import EntryOptions, build

        options: EntryOptions = build(EntryOptions, shared, self.label)
        if options.continue_on is not None:
            self._continue_on = frozenset(options.continue_on)
        provider_class = self._registry.provider(self.name, options.distribution, self.label)
        if self.built_in:
            return self._places(build(provider_class, own, self.label), options)
        from lamini_creds._plugged import plugged

        offer = self._registry.origin(self.name, options.distribution)
        return (self._entry(plugged(self._made(provider_class, own, offer), offer), options),)

    def _made(
        self, provider_class: type[CredentialProvider], own: dict[str, Setting], offer: str
    ) -> CredentialProvider:
        """Make a plugin's provider from its options, whatever its class does meanwhile."""
        from lamini_creds._options import build, option_types

        try:
            taken = [name for name in option_types(provider_class) if name in _TAKEN]
            if not taken:
                return build(provider_class, own, self.label)
            problem = f"has an option '{taken[0]}', which is a name of ours"
        except CredentialError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a plugin does; its text may hold a value
            problem = f"raised {printable(type(error).__name__)} when it was made from its options"
        raise ProviderInvalid(f"{offer} {problem}", remedy="Look at its options, or report it to its author.")

    def _places(
        self, provider: CredentialProvider, options: EntryOptions | None = None
    ) -> tuple[Entry | RemoteEntry, ...]:
        """Give a built-in provider's entries, one a place."""
        places = getattr(provider, "places", None)
        providers = places(self._context) if places else (provider,)
        return tuple(self._entry(place, options) for place in providers)

    def _entry(self, place: CredentialProvider, options: EntryOptions | None) -> Entry | RemoteEntry:
        if isinstance(place, LocalProvider):
            return Entry(self.label, place, self._continue_on)
        return self._make_remote(self.label, place, self._continue_on, options)


class _Unloadable:
    """Stands in for a provider that could not be loaded: asked, it says why."""

    def __init__(self, error: CredentialError) -> None:
        self.error = type(error), error.reason, error.place, error.remedy

    def state(self, _context: Context) -> Hashable:
        return None

    def provide(self, _context: Context) -> Secret | None:
        kind, reason, place, remedy = self.error
        raise kind(reason, place=place, remedy=remedy)


class _NotConfigured:
    """Stands in for a provider of the default order that nobody configured."""

    def state(self, _context: Context) -> Hashable:
        return None

    def provide(self, _context: Context) -> Secret | None:
        return Secret(reason="is not configured")

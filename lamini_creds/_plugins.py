"""Installed plugins: who offers a name, loaded when asked for; the only file that knows pluggy and entry points."""

from __future__ import annotations

import re
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, NamedTuple

import pluggy

from lamini_creds import hookspecs
from lamini_creds._forks import IMPORTS
from lamini_creds._plugged import unfit
from lamini_creds._registry import BUILT_IN
from lamini_creds._settings import subtable
from lamini_creds._text import did_you_mean, printable
from lamini_creds.errors import (
    ConfigError,
    CredentialError,
    ProviderConflictError,
    ProviderInvalid,
    ProviderUnsupported,
    UnknownProviderError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import Distribution, EntryPoint

    from lamini_creds._event import Event
    from lamini_creds._provider import CredentialProvider


# Which plugin of this project, lamini-creds-NAME, offers what.
_OURS = {"aws": "aws", "aws-ssm": "aws", "azure": "azure", "gcp": "gcp", "google": "gcp", "vault": "vault"}


class Offer(NamedTuple):
    """One entry point of one installed distribution."""

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint

    def __str__(self) -> str:
        return printable(f"{self.distribution} {self.version}")


class Observer(NamedTuple):
    """A plugin that is told of events."""

    name: str
    distribution: str
    observe: Callable[[Event], object]


class Plugins:
    """Loads the plugins that the chain names, each when it is first reached, and never another."""

    __slots__ = ("_manager", "_offers", "_providers")

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._offers: tuple[Offer, ...] | None = None
        self._providers: dict[Offer, type[CredentialProvider] | CredentialError] = {}

    def provider(self, name: str, distribution: str | None, label: str) -> type[CredentialProvider]:
        """Give a provider's class, as `Registry.provider` does; what failed to load once is not tried again."""
        with IMPORTS:
            offer = _one_offer(self._installed(), name, distribution, subtable("tool.lamini_creds.provider", label))
            if isinstance(offer, CredentialError):
                raise offer
            if offer not in self._providers:
                self._providers[offer] = self._load(offer)
            loaded = self._providers[offer]
        if isinstance(loaded, CredentialError):
            raise type(loaded)(loaded.reason, place=loaded.place, remedy=loaded.remedy)
        return loaded

    def origin(self, name: str, distribution: str | None = None) -> str:
        """Say whose plugin a provider is, for messages."""
        offer = _one_offer(self._installed(), name, distribution)
        return f"the plugin of {offer}" if isinstance(offer, Offer) else "the provider"

    def observer(self, name: str) -> Observer:
        """Give an observer; raises as `provider` does."""
        with IMPORTS:
            offer = _one_offer(self._installed(), name)
            plugin = offer if isinstance(offer, CredentialError) else self._plugin(offer)
            if isinstance(plugin, CredentialError):
                plugin.place = f"observers: {printable(name)}"
                raise plugin
            hook = self._own_hook("lamini_creds_observe", plugin)
        hooks = hook.get_hookimpls()
        if not hooks or iscoroutinefunction(hooks[0].function):
            raise ProviderInvalid(
                f"the plugin of {offer} has {'an async' if hooks else 'no'} hook lamini_creds_observe",
                place=f"observers: {name}",
                remedy="It should have: @hookimpl def lamini_creds_observe(event): ...",
            )
        return Observer(name, str(offer), lambda event: hook(event=event))

    def _installed(self) -> tuple[Offer, ...]:
        """Scan once: a plugin that is installed meanwhile is there for the next resolver."""
        if self._offers is None:
            self._offers = installed()
        return self._offers

    def _load(self, offer: Offer) -> type[CredentialProvider] | CredentialError:
        plugin = self._plugin(offer)
        return plugin if isinstance(plugin, CredentialError) else self._provider_class(plugin, str(offer))

    def _plugin(self, offer: Offer) -> object:
        """Import a plugin and check its hooks, so that a misspelt one is told of; a plugin or an error."""
        plugin: object = None
        try:
            plugin = offer.entry_point.load()
            if not self._manager.is_registered(plugin):
                self._manager.register(plugin)
                self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            problem = _misfit(error)
        except ModuleNotFoundError as error:
            problem = f"can't be imported: there is no module '{printable(error.name)}'"
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a plugin does, the others go on
            problem = f"can't be loaded: it raised {printable(type(error).__name__)}"
        else:
            return plugin
        if plugin is not None and self._manager.is_registered(plugin):
            self._manager.unregister(plugin)
        return ProviderInvalid(
            f"the plugin of {offer} {problem}", remedy=f"Mend or update {printable(offer.distribution)}, or drop it."
        )

    def _provider_class(self, plugin: object, offer: str) -> type[CredentialProvider] | CredentialError:
        """Ask a plugin for its class, and see that it is one."""
        try:
            given: list[object] = self._own_hook("lamini_creds_register_provider", plugin)()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a plugin does, the others go on
            problem = f"raised {printable(type(error).__name__)} when asked for its provider"
        else:
            problem = unfit(given)
            if not problem and isinstance(given[0], type):
                return given[0]
        return ProviderInvalid(
            f"the plugin of {offer} {problem}",
            remedy="It should have: @hookimpl def lamini_creds_register_provider(): return ItsProviderClass",
        )

    def _own_hook(self, hook: str, plugin: object) -> pluggy.HookCaller:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        return self._manager.subset_hook_caller(hook, remove_plugins=others)


def installed() -> tuple[Offer, ...]:
    """
    Give every provider that an installed distribution offers, from metadata alone.

    Of two copies of a distribution the nearer on the path counts, as for an import.
    """
    from importlib.metadata import distributions

    found: dict[tuple[str, str], Offer] = {}
    for distribution in distributions():
        for offer in _offers_of(distribution):
            found.setdefault((offer.name, _normal(offer.distribution)), offer)
    return tuple(found.values())


def _offers_of(distribution: Distribution) -> list[Offer]:
    """Give what one distribution offers; somebody's broken metadata is no reason to fail."""
    try:
        if hookspecs.PROJECT not in (distribution.read_text("entry_points.txt") or ""):
            return []
        ours, named = distribution.entry_points.select(group=hookspecs.PROJECT), distribution.metadata
        return [Offer(point.name, named["Name"] or "(unnamed)", named["Version"] or "", point) for point in ours]
    except Exception:  # noqa: BLE001  # the parsers of metadata raise whatever they like
        return []


def _one_offer(
    installed: tuple[Offer, ...], name: str, distribution: str | None = None, table: str = ""
) -> Offer | CredentialError:
    """Give the one offer of a name, or what is wrong; in the table, if there is one, a distribution can be picked."""
    offers = [offer for offer in installed if offer.name == name]
    if distribution is not None:
        chosen = [offer for offer in offers if _normal(offer.distribution) == _normal(distribution)]
        if offers and not chosen:
            return ConfigError(
                f"the distribution '{printable(distribution)}' offers no provider '{name}'",
                remedy=f"These do: {', '.join(map(str, offers))}.",
            )
        offers = chosen
    if len(offers) == 1:
        return offers[0]
    if offers:
        pick = f', or pick: [{table}] distribution = "{printable(offers[0].distribution)}"'
        return ProviderConflictError(
            f"'{name}' is offered by {' and '.join(map(str, offers))}", remedy=f"Uninstall one{pick if table else '.'}"
        )
    if name in _OURS:
        plugin = f"lamini-creds-{_OURS[name]}"
        return ProviderUnsupported(
            f"the plugin {plugin} is not installed",
            remedy=f"Install it from this project's plugins/{plugin}, or take '{name}' out of `providers`.",
        )
    names = {*BUILT_IN, *(offer.name for offer in installed)}
    near, listed = did_you_mean(name, names), f"Installed: {', '.join(map(printable, sorted(names)))}."
    return UnknownProviderError(
        f"nothing installed offers a provider '{name}'", remedy=f"{near} {listed}" if near.endswith("?") else listed
    )


def _misfit(error: pluggy.PluginValidationError) -> str:
    """Say which hook does not fit; pluggy's words are made of names alone."""
    unknown = re.search(r"unknown hook '(\w+)'", str(error))
    if unknown:
        known = [name for name in vars(hookspecs) if name.startswith("lamini_creds_")]
        return f"has an unknown hook '{unknown[1]}'; {did_you_mean(unknown[1], known)}"
    return "has a hook whose arguments are not those of the specification"


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()

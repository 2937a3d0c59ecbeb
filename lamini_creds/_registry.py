"""From a provider's name to its class: built in, or a plugin's; neither is loaded before its name is reached."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lamini_creds._forks import IMPORTS
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from lamini_creds._plugins import Observer, Plugins
    from lamini_creds._provider import CredentialProvider

BUILT_IN = ("explicit", "env", "file", "yaml", "exec")


class Registry:
    """Knows every provider by its name. Where a built-in one answers, pluggy is not even imported."""

    __slots__ = ("_offered", "_plugins")

    def __init__(self) -> None:
        self._offered: dict[str, type[CredentialProvider]] = {}
        self._plugins: Plugins | None = None

    def provider(self, name: str, distribution: str | None = None, label: str = "") -> type[CredentialProvider]:
        """
        Give a provider's class.

        Args:
            name: The provider's name.
            distribution: Whose plugin to use, where several offer the name.
            label: The entry's name in the chain, whose table picks one of several; by default the provider's.

        Raises:
            UnknownProviderError: Nothing installed offers the name.
            ProviderConflictError: Several distributions do.
            ProviderUnsupported: It is a known plugin that is not installed.
            ProviderInvalid: The plugin breaks; its distribution and version are named.
        """
        if name in self._offered:
            return self._offered[name]
        if name not in BUILT_IN:
            return self._installed().provider(name, distribution, label or name)
        if distribution is not None:
            raise ConfigError(f"'{name}' is built in: no distribution can be picked for it")
        built_in: type[CredentialProvider] = import_module(
            f"lamini_creds.providers.{name}"
        ).lamini_creds_register_provider()
        return built_in

    def origin(self, name: str, distribution: str | None = None) -> str:
        """Say whose plugin a provider is, for messages."""
        return "the provider" if name in self._offered else self._installed().origin(name, distribution)

    def offer(self, name: str, provider: type[CredentialProvider]) -> None:
        """Offer a provider that is no plugin, as tests do."""
        self._offered[name] = provider

    def observer(self, name: str) -> Observer:
        """Give an observer; raises as `provider` does."""
        return self._installed().observer(name)

    def _installed(self) -> Plugins:
        """Give the plugins, with pluggy imported by now."""
        with IMPORTS:
            if self._plugins is None:
                from lamini_creds._plugins import Plugins

                self._plugins = Plugins()
            return self._plugins

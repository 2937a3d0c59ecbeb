"""What a resolver reads once: the settings and the ambient profile; and the chain of each profile, made from them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lamini_creds import _config
from lamini_creds._chain import Chain
from lamini_creds._clock import SystemClock
from lamini_creds._events import Events
from lamini_creds._forks import SETTING_UP
from lamini_creds._link import Link
from lamini_creds._pairing import HttpPolicy, Rules
from lamini_creds._provider import Context
from lamini_creds._registry import Registry
from lamini_creds.errors import UntrustedConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lamini_creds._call import Calls
    from lamini_creds._clock import Clock
    from lamini_creds._credential import Hidden
    from lamini_creds._options import EntryOptions
    from lamini_creds._plugins import Observer
    from lamini_creds._provider import CredentialProvider
    from lamini_creds._remote import RemoteEntry
    from lamini_creds._service import Service
    from lamini_creds._settings import Layer, Settings

_MOST_CHAINS = 128
_DEADLINE = 15.0


class Setup:
    """
    The configuration of one resolver, read at the first use.

    Args:
        code: Settings given in Python.
        file: A file of settings given in Python.
        environ: The environment variables.
        home: The home directory, or None.
        service: Whose key is looked for.
        warn: Takes what should be mended.
        clock: The clocks that remote answers age by.
    """

    def __init__(
        self,
        code: Hidden[Mapping[str, object]] | None,
        file: str | None,
        environ: Hidden[Mapping[str, str]],
        home: str | None,
        service: Service,
        warn: Callable[[str], object],
        clock: Clock | None = None,
    ) -> None:
        self._code, self._file, self._environ, self._home = code, file, environ, home
        self._service, self._warn = service, warn
        self._settings: Settings | None = None
        self._trusted: Settings | None = None
        self._clock = clock or SystemClock()
        self.registry = Registry()
        self.events = Events(self._load_observers, warn)
        self.chains: dict[str | None, Chain] = {}
        self._resting: dict[str | None, Chain] = {}
        self._calls: dict[str, Calls] = {}

    @property
    def settings(self) -> Settings:
        """
        The merged settings.

        Raises:
            ConfigError: A layer is wrong; it is read again at the next use.
        """
        if self._settings is None:
            with SETTING_UP:
                if self._settings is None:
                    self._settings = self._read()
        return self._settings

    def ambient_profile(self) -> str:
        """Give the profile where the caller names none: code, then LAMINI_CREDS_PROFILE, the service's, files."""
        setting = self.settings.find("default_profile", "")
        if setting and setting.source in ("code", f"{_config.PREFIX}PROFILE"):
            return str(setting.value)
        return self._services_profile() or (str(setting.value) if setting else "production")

    def environ_profile(self) -> str:
        """Give the ambient profile as far as code and environment tell, with no file read."""
        code = self._code and _from_code(self._code).base.top.get("default_profile")
        if code:
            return str(code.value)
        named = self._environ.value.get(f"{_config.PREFIX}PROFILE", "").strip()
        if named:
            return _config.check_profile(named, f"{_config.PREFIX}PROFILE")
        return self._services_profile() or "production"

    def chain(self, profile: str | None) -> Chain:
        """Give the chain of a profile, the ambient one's by default."""
        return self.chains.get(profile) or self._new_chain(profile)

    def explicit_chain(self, profile: str | None) -> Chain:
        """Give a chain of nobody, for a caller who passed key and URL: nothing is read unless a rule needs it."""
        name = self.environ_profile() if profile is None else _config.check_profile(profile, "profile=")
        return Chain(self.context(name), lambda: self._rules(name))

    def deadline(self, profile: str) -> float:
        """Give the seconds that one caller waits at most."""
        setting = self._settings and self._settings.find("deadline", profile)
        return setting.value if setting and isinstance(setting.value, float) else _DEADLINE

    def context(self, profile: str, *, ambient: bool = True, deadline: float = float("inf")) -> Context:
        """Make what providers may look at."""
        return Context(
            environ=self._environ.value,
            home=self._home,
            profile=profile,
            deadline=deadline,
            service=self._service,
            ambient=ambient,
            warn=self._warn,
        )

    @property
    def unobserved(self) -> bool:
        """Whether there are observers still to be loaded."""
        return bool(self._observers()) and not self.events.observed

    def _observers(self) -> list[str]:
        """Give the observers that the settings name; where a project's are refused, those that are trusted."""
        settings = self._settings or self._trusted
        setting = settings and settings.find("observers", "")
        return setting.value if setting and isinstance(setting.value, list) else []

    def _load_observers(self) -> tuple[Observer, ...]:
        return tuple(map(self.registry.observer, self._observers()))

    def _read(self) -> Settings:
        try:
            return _config.read(self._code, self._file, self._environ, self._home)
        except UntrustedConfigError:
            self._trusted = _config.read(self._code, self._file, self._environ, self._home, search=False)
            raise

    def _new_chain(self, profile: str | None) -> Chain:
        with SETTING_UP:
            if profile is not None:
                _config.check_profile(profile, "profile=")
            ambient = self.ambient_profile()
            name = profile or ambient
            if name not in self.chains:
                self._make_room()
                self.chains[name] = self._resting.get(name) or self._chain(name, ambient=name == ambient)
                self._resting.pop(name, None)
            chain = self.chains[profile] = self.chains[name]
            return chain

    def made_chain(self, profile: str) -> Chain | None:
        """Give the chain of a profile, if there is one."""
        return self.chains.get(profile) or self._resting.get(profile) or self.chains.get(profile)

    def _chain(self, profile: str, *, ambient: bool) -> Chain:
        context = self.context(profile, ambient=ambient)
        chain = Chain(context, lambda: self._rules(profile))

        def make_remote(
            label: str, provider: CredentialProvider, continue_on: frozenset[str], options: EntryOptions | None
        ) -> RemoteEntry:
            from lamini_creds._call import Calls
            from lamini_creds._freshness import Timing
            from lamini_creds._remote import RemoteEntry

            timing = Timing(options.ttl, options.timeout, options.max_stale) if options else Timing()
            calls = self._calls.setdefault(label, Calls())
            return RemoteEntry(
                label, provider, continue_on,
                timing=timing, clock=self._clock, calls=calls, tell=self.events.tell, changed=chain.changed,
            )  # fmt: skip

        continue_on = self._rules(profile).continue_on

        def link(label: str) -> Link:
            return Link(label, self.registry, self.settings, context, continue_on, make_remote)

        chain.links = tuple(map(link, self.settings.order(profile)))
        listed = {listed.label: listed for listed in chain.links}
        chain.url_links = tuple(listed.get(label) or link(label) for label in self.settings.url_places(profile))
        return chain

    def _rules(self, profile: str) -> Rules:
        find = self.settings.find
        http, allow = find("http", profile), find("allow_origins", profile)
        continue_on = find("continue_on", profile)
        policy: HttpPolicy = http.value if http else "private"  # type: ignore[assignment]  # checked when it was read
        return Rules(
            allow.value if allow and isinstance(allow.value, list) else (),
            policy,
            frozenset(continue_on.value if continue_on and isinstance(continue_on.value, list) else ()),
        )

    def _make_room(self) -> None:
        """
        Put the oldest chain but the ambient one aside, where a program makes up profiles without end.

        Whoever uses it comes back for it, and those that nobody uses are forgotten: so the callers
        who have what they look for need not keep account of it.
        """
        if len(self.chains) >= _MOST_CHAINS:
            ambient = self.chains.get(None)
            oldest = next(name for name, chain in self.chains.items() if chain is not ambient)
            self._resting[oldest] = self.chains[oldest]
            del self.chains[oldest]
            if len(self._resting) > _MOST_CHAINS:
                del self._resting[next(iter(self._resting))]

    def _services_profile(self) -> str | None:
        """Give the profile that the service's own variable names, as Lamini's clients understand it."""
        variable = self._service.profile_variable
        value = self._environ.value.get(variable, "") if variable else ""
        if not value.strip():
            return None
        if value in ("LOCAL", "STAGING"):
            return value.lower()
        if value.lower() != "production":
            self._warn(f"{variable} is neither LOCAL nor STAGING, in capitals: the profile is production")
        return "production"


def _from_code(settings: Hidden[Mapping[str, object]]) -> Layer:
    from lamini_creds._layers import from_code

    return from_code(settings)


def home_directory(environ: Hidden[Mapping[str, str]], *, own: bool) -> str | None:
    """Give the home directory as an absolute path, or None: HOME, and for the process itself its account's."""
    variable = "USERPROFILE" if sys.platform == "win32" else "HOME"
    home = environ.value.get(variable)
    if home is None and own:
        home = os.path.expanduser("~")
    return home if home and os.path.isabs(home) else None

"""The resolver: a configuration, and the walks along its chains."""

from __future__ import annotations

import os
from collections import deque
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Self

from lamini_creds._clock import SystemClock
from lamini_creds._credential import Credential, Hidden
from lamini_creds._outcome import Resolution
from lamini_creds._service import LAMINI, Service
from lamini_creds._setup import Setup, home_directory
from lamini_creds._walk import Walk
from lamini_creds.errors import CredentialError, UntrustedConfigError
from lamini_creds.providers.explicit import Explicit, ExplicitProvider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lamini_creds._clock import Clock
    from lamini_creds._loops import Finding, Walks


_MOST_WARNINGS = 256


class Resolver:
    """
    Finds a credential along a chain of providers, anew at every call.

    Make one and keep it: it reads its configuration once, at its first use,
    and remembers what each place looked like, so that a call that would find
    the same costs little. It may be shared by threads and event loops.

    Args:
        settings: What `[tool.lamini_creds]` would hold; with it no project
            file is searched.
        service: Whose key is looked for.
        environ: The environment variables; the process's own by default.
        home: The home directory; by default the user's own, or HOME of `environ`.
        clock: The clocks that remote answers age by; the machine's own by default.
    """

    def __init__(
        self,
        settings: Mapping[str, object] | None = None,
        *,
        service: Service = LAMINI,
        environ: Mapping[str, str] | None = None,
        home: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        code, variables = Hidden(settings) if settings is not None else None, _hidden(environ)
        settings = environ = None  # what is raised from here on shows neither
        self._build(code, None, service, variables, home, clock)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        service: Service = LAMINI,
        environ: Mapping[str, str] | None = None,
        home: Path | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """
        Make a resolver that reads this file, and searches no project file.

        Args:
            path: A pyproject.toml with `[tool.lamini_creds]`, or a TOML file of those settings alone.
            service: As for the class.
            environ: As for the class.
            home: As for the class.
            clock: As for the class.
        """
        resolver, variables = cls.__new__(cls), _hidden(environ)
        environ = None  # what is raised from here on does not show it
        resolver._build(None, os.path.abspath(path), service, variables, home, clock)
        return resolver

    def _build(
        self,
        code: Hidden[Mapping[str, object]] | None,
        file: str | None,
        service: Service,
        variables: Hidden[Mapping[str, str]] | None,
        home: Path | None,
        clock: Clock | None,
    ) -> None:
        clock = clock or SystemClock()
        hidden = variables or Hidden(os.environ)
        folder = home_directory(hidden, own=variables is None) if home is None else os.fspath(home)
        self._notices: deque[str] = deque(maxlen=_MOST_WARNINGS)
        self._warned: deque[str] = deque(maxlen=_MOST_WARNINGS)
        self._setup = Setup(code, file, hidden, folder, service, self._notice, clock)
        self._chains = self._setup.chains
        self._tell = self._setup.events.tell
        self._monotonic, self._time = clock.monotonic, clock.time

    def resolve(
        self,
        explicit: Explicit = None,
        /,
        *,
        key: str | None = None,
        url: str | None = None,
        profile: str | None = None,
    ) -> Credential:
        """
        Find the credential.

        Args:
            explicit: A configuration as in Lamini's docs, `{"production": {"key": ..., "url": ...}}`.
            key: The key itself.
            url: The URL itself.
            profile: The profile; the ambient one by default.

        Raises:
            CredentialError: The subclass says what to do, `.attempts` who was asked.
        """
        if explicit is None and key is None and url is None:
            known = self.remembered(profile)
            if known is not None:
                return known
        given = ExplicitProvider(explicit, key, url)
        explicit = key = url = None  # what is raised from here on shows no key in this frame
        finding = self._find(given, profile, monotonic())
        try:
            while True:
                next(finding).wait()
        except StopIteration as found:
            credential: Credential = found.value
        return credential

    async def aresolve(
        self,
        explicit: Explicit = None,
        /,
        *,
        key: str | None = None,
        url: str | None = None,
        profile: str | None = None,
    ) -> Credential:
        """Find the credential as `resolve` does, and block the event loop for a local look at most."""
        if explicit is None and key is None and url is None:
            return self.remembered(profile) or await self._shared(profile)
        given = ExplicitProvider(explicit, key, url)
        explicit = key = url = None  # what is raised from here on shows no key in this frame
        from lamini_creds._loops import driven

        return await driven(self._find(given, profile, monotonic()))

    def remembered(self, profile: str | None = None) -> Credential | None:
        """
        Give what the last walk found, if another walk would find the same; nobody is asked.

        Args:
            profile: The profile; the ambient one by default.

        Returns:
            The credential, or None where `resolve` has to look.
        """
        chain = self._chains.get(profile)
        if chain is None:
            return None
        memo = chain.memory.memo
        if memo is None or (memo.looks and memo.changed(chain.context)):
            return None
        if memo.remote and (self._monotonic() >= memo.until or self._time() >= memo.until_time):
            return None
        return memo.credential

    def explain(
        self,
        explicit: Explicit = None,
        /,
        *,
        key: str | None = None,
        url: str | None = None,
        profile: str | None = None,
        all: bool = False,  # noqa: A002  # the word of the command line too
    ) -> Resolution:
        """
        Resolve and report every attempt, on success too; nothing is raised, and no key is shown.

        Args:
            explicit: As for `resolve`.
            key: As for `resolve`.
            url: As for `resolve`.
            profile: As for `resolve`.
            all: Ask the entries after the winner too, and mark them as shadowed.
        """
        given = ExplicitProvider(explicit, key, url)
        explicit = key = url = None
        try:
            walk = self._walk(given, profile, monotonic(), ask_all=all)
            for step in walk.steps():
                step.wait()
        except CredentialError as error:
            return self._unwalked(profile, error)
        return walk.resolution(tuple(self._notices))

    def invalidate(self, credential: Credential) -> None:
        """
        Say that a server rejected this credential: the next call asks its entry anew.

        An answer that is under way is not believed. Many callers may say so of
        one credential: it is asked for once; and where the place gives the
        same key again, or a fourth one that is rejected, not again for 5 s.

        Args:
            credential: What `resolve` gave.
        """
        chain = self._setup.made_chain(credential.profile)
        if chain is None or not chain.reject(credential):
            return
        self._tell(
            "invalidated",
            entry=credential.provider,
            place=credential.source,
            profile=credential.profile,
            version=credential.version,
            fingerprint=credential.fingerprint,
        )

    async def _shared(self, profile: str | None) -> Credential:
        """Wait for the walk that another task of this loop has begun, or begin one."""
        began = monotonic()
        known = self.remembered(profile) if await self._walks.joined(profile) else None
        return known or await self._walks.walk(profile, self._find(ExplicitProvider(), profile, began))

    @cached_property
    def _walks(self) -> Walks:
        from lamini_creds._loops import Walks

        return Walks()

    def _find(self, given: ExplicitProvider, profile: str | None, began: float) -> Finding:
        """Walk the chain for both drivers: yield what has to be waited for, return the credential or raise."""
        try:
            walk = self._walk(given, profile, began)
            if self._setup.unobserved:
                yield self._setup.events
            for step in walk.steps():
                yield step
                known = None if given else self.remembered(profile)
                if known is not None:  # another caller has finished the same walk meanwhile
                    return known
        except CredentialError as error:
            resolution = self._unwalked(profile, error)
        else:
            resolution = walk.resolution(tuple(self._notices))
        return self._outcome(resolution)

    def _walk(self, given: ExplicitProvider, profile: str | None, began: float, *, ask_all: bool = False) -> Walk:
        """Start a walk along the profile's chain; nobody's chain will do for a caller who has key and URL."""
        nobody = given.complete() and not ask_all
        chain = self._setup.explicit_chain(profile) if nobody else self._setup.chain(profile)
        context = self._setup.context(
            chain.context.profile,
            ambient=chain.context.ambient,
            deadline=began + self._setup.deadline(chain.context.profile),
        )
        return Walk(chain, context, given, self._tell, ask_all=ask_all)

    def _unwalked(self, profile: str | None, error: CredentialError) -> Resolution:
        """Report a configuration that allows no walk."""
        if isinstance(error, UntrustedConfigError):
            self._tell("trust_refused", place=error.place, reason=error.reason)
        return Resolution(profile or "", None, (), error, tuple(self._notices))

    def _outcome(self, resolution: Resolution) -> Credential:
        """Give the credential out, or raise the error; before either, give each warning once."""
        if resolution.warnings:
            from lamini_creds._warned import warn_once

            warn_once(resolution.warnings, self._warned)
        if resolution.credential is None:
            raise resolution.error or CredentialError("no walk was made")
        return resolution.credential

    def _notice(self, message: str) -> None:
        if message not in self._notices:
            self._notices.append(message)


def _hidden(environ: Mapping[str, str] | None) -> Hidden[Mapping[str, str]] | None:
    return None if environ is None else Hidden(environ)

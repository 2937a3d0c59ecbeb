"""A provider under test, made anew and asked."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lamini_creds._options import build
from lamini_creds._provider import Context
from lamini_creds._registry import Registry
from lamini_creds._resolver import Resolver
from lamini_creds._settings import Setting
from lamini_creds.testing._heard import Heard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._outcome import Attempt
    from lamini_creds._provider import CredentialProvider
    from lamini_creds.testing._store import Store

KEY, NEXT_KEY = "test-key-1-conformance", "test-key-2-conformance"
TIMEOUT = 20.0
SHORT = 1.0
_LATE = 3.0
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


class Asking(NamedTuple):
    """
    A provider with the store's options.

    Attributes:
        name: What it is called.
        resolver: A resolver whose chain it is.
        provider: The provider itself, another instance.
        environ: The environment.
        heard: Takes what it tells and raises; nothing of it may show a key.
    """

    name: str
    resolver: Resolver
    provider: CredentialProvider
    environ: dict[str, str]
    heard: Heard

    def context(self, seconds: float = TIMEOUT) -> Context:
        """Give what a provider is asked with."""
        deadline = time.monotonic() + seconds
        return Context(environ=self.environ, home=self.environ["HOME"], deadline=deadline, warn=self.heard.told.append)

    def attempt(self) -> Attempt:
        """Ask the resolver, and give the outcome."""
        resolution = self.resolver.explain()
        self.heard.told.append(resolution)
        for attempt in resolution.attempts:
            if attempt.entry == self.name:
                return attempt
        raise resolution.error or AssertionError("the entry was not asked")

    def provided(self, together: threading.Barrier | None = None) -> str | None:
        """Ask the provider, at the same moment as others, and give the key."""
        if together:
            together.wait(TIMEOUT)
        secret = self.provider.provide(self.context())
        return None if secret is None else secret.key

    def failure(self, seconds: float = TIMEOUT) -> BaseException | None:
        """Ask the provider, and give what it raises."""
        try:
            self.provider.provide(self.context(seconds))
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it raises is what is looked at
            frame = error.__traceback__
            self.heard.told.append(error.with_traceback(frame and frame.tb_next))  # this frame knows the login
            return error
        return None

    def hurried(self) -> BaseException | None:
        """Ask with little time, wait for little more, and give what was raised."""
        raised: list[BaseException | None] = []
        asked = threading.Thread(target=lambda: raised.append(self.failure(SHORT)), daemon=True)
        asked.start()
        asked.join(SHORT * _LATE)
        assert raised, f"given {SHORT:g} s, it has not come back after {SHORT * _LATE:g} s"
        return raised[0]


@contextmanager
def asking_of(store: Store, timeout: float = TIMEOUT) -> Iterator[Asking]:
    """
    Make provider and resolver anew, with the store's variables in an environment of their own.

    At the end nothing that was logged, printed, warned of, raised or told may show a key, or the login.
    """
    __tracebackhide__ = True
    import pytest

    heard = Heard()

    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        for name in filter(_is_ours, [*os.environ]):
            patch.delenv(name)
        for name, value in {**dict.fromkeys(_HOMES, home), **store.environ()}.items():
            patch.setenv(name, value)
        options = store.options()
        chain = {store.provider: {**options, "timeout": timeout}}
        settings = {"providers": [store.provider], "provider": chain, "deadline": 2 * TIMEOUT}
        environ = dict(os.environ)
        resolver = Resolver(settings, environ=environ, home=Path(environ["HOME"]))
        with heard.listening():
            provider = made(store.provider, options)
            yield Asking(store.provider, resolver, provider, environ, heard)
        for key in (KEY, NEXT_KEY):
            heard.check("the key", key, type(provider).__module__)
        for text in store.logins():
            heard.check("the login", text)


def made(name: str, options: dict[str, object]) -> CredentialProvider:
    """Make a provider as a resolver does, from its name and its options."""
    return build(
        Registry().provider(name),
        {option: Setting(value, "Store.options()") for option, value in options.items()},
        name,
    )


def _is_ours(variable: str) -> bool:
    return variable.startswith(("LAMINI", "LLAMA_", "POWERML"))

"""What the tests of the adapters share: the key, the stores that give it, and how a client is made."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any, NamedTuple

from lamini_creds import Context, Resolver, Secret, Service
from lamini_creds.testing import StaticProvider, resolver_of

KEY = "test-key-1"
Open = Callable[..., Any]
Content = bytes | IO[bytes] | Iterator[bytes] | None
TIMEOUT = 10


class Answer(NamedTuple):
    """What a client made of the last response."""

    status: int
    body: bytes = b""


@dataclass
class Options:
    """
    How a client is made.

    Attributes:
        auth: The adapter's own options, its source among them; none for the client alone.
        ca_file: Whom to trust.
        trust_env: Whether to read ~/.netrc and the proxies of the environment.
        headers: Headers of the client.
        timeout: In seconds.
        follow: Whether to follow redirects.
        keep: Whether to keep connections for the next request.
    """

    auth: Mapping[str, Any] = field(default_factory=dict)
    ca_file: str | None = None
    trust_env: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT
    follow: bool = True
    keep: bool = True

    @property
    def context(self) -> ssl.SSLContext:
        return _trusting(self.ca_file)


@cache
def _trusting(ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def source_of(url: str, key: str = KEY, service: Service | None = None) -> Resolver:
    """Make a resolver whose one store holds this key for this URL."""
    store = StaticProvider(Secret(key, url=url, source="store"))
    return resolver_of({"store": store}, {"http": [url]}, service=service)


class Keys:
    """A store that gives one key after the other, and the last one from then on."""

    def __init__(self, url: str, *keys: str) -> None:
        self.url, self.keys, self.calls = url, list(keys), 0

    def provide(self, _context: Context) -> Secret:
        """Count, and give the next key."""
        self.calls += 1
        key = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        return Secret(key, url=self.url, source="store")


def changing(url: str, *keys: str) -> Resolver:
    """Make a resolver whose store has a new key at each call."""
    return resolver_of({"store": Keys(url, *keys)}, {"http": [url]})

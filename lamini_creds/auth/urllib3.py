"""
The key for [urllib3](https://urllib3.readthedocs.io/): `CredentialPoolManager().request("GET", url)`.

    pip install "urllib3>=2"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamini_creds._credential import Hidden
from lamini_creds.auth._guard import Guard
from lamini_creds.auth._replay import Replay

try:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, PoolManager
    from urllib3.connection import port_by_scheme
except ImportError as error:
    if error.name != "urllib3":
        raise  # it is here, and something that it needs is not
    raise ImportError('lamini_creds.auth.urllib3 needs urllib3 2: pip install "urllib3>=2"') from None

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lamini_creds._credential import Credential
    from lamini_creds.auth._guard import Elsewhere, Source

    _Pool = HTTPConnectionPool
else:
    _Pool = object


class CredentialPoolManager(PoolManager):
    """
    A `PoolManager` that sends the key to its own origin, and once more with a new one when it is rejected.

    The key is put in by the pool of the origin's own connections, below all
    redirects: what a redirect forwards never had it.

    Args:
        source: A resolver, or a credential that stays as it is; the process-wide resolver by default.
        num_pools: As for `PoolManager`.
        headers: As for `PoolManager`.
        elsewhere: What becomes of a request to another origin: "without" sends it without the key, "raise" raises
            PairingError.
        header: The header that carries the key; the service's by default.
        scheme: The word before the key, as for `Credential.headers`.
        rejected: The statuses by which the server rejects a key; add 403 where it answers so.
        connection_pool_kw: As for `PoolManager`.
    """

    def __init__(
        self,
        source: Source = None,
        num_pools: int = 10,
        headers: Mapping[str, str] | None = None,
        *,
        elsewhere: Elsewhere = "without",
        header: str | None = None,
        scheme: str | None = None,
        rejected: Collection[int] = (401,),
        **connection_pool_kw: Any,
    ) -> None:
        given, source = Hidden(source), None  # what is raised from here on does not show it
        super().__init__(num_pools, headers, **connection_pool_kw)
        self._guard = Guard(given, elsewhere=elsewhere, header=header, scheme=scheme, rejected=rejected)
        self.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        if isinstance(pool, _Guarded):
            pool.guard, pool.origin = self._guard, _origin_of(pool)
        return pool


class _Guarded(_Pool):
    """The connections to one origin."""

    guard: Guard
    origin: str

    def urlopen(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, *args: Any, **kw: Any
    ) -> BaseHTTPResponse:
        """Send a request; urllib3 comes here again to retry it, with the headers that were made here."""
        if isinstance(headers, (_Headers, _HeaderDict)):
            return super().urlopen(method, url, body, headers, *args, **kw)
        given = Hidden(self.headers if headers is None else headers)
        headers = None  # what is raised from here on does not show them
        credential = self.guard.find()
        own = self.guard.admits(credential, self.origin)
        replay = Replay(body)
        response = super().urlopen(method, url, body, self._made(given, credential, own=own), *args, **kw)
        renewed = self.guard.renew(credential) if own and self.guard.rejects(response.status) else None
        if renewed is None:
            return response
        response.drain_conn()
        replay.rewind()
        return super().urlopen(method, url, body, self._made(given, renewed, own=own), *args, **kw)

    def _made(self, given: Hidden[Mapping[str, str]], credential: Credential, *, own: bool) -> _Headers | _HeaderDict:
        headers: _Headers | _HeaderDict
        if isinstance(given.value, HTTPHeaderDict) or not own:
            headers = _HeaderDict(given.value)
        else:
            name = self.guard.name(credential).lower()
            headers = _Headers(header for header in given.value.items() if header[0].lower() != name)
        self.guard.apply(headers, credential, own=own)
        return headers


def _origin_of(pool: HTTPConnectionPool) -> str:
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = "" if pool.port == port_by_scheme[pool.scheme] else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}"


class _HTTPPool(_Guarded, HTTPConnectionPool):
    pass


class _HTTPSPool(_Guarded, HTTPSConnectionPool):
    pass


class _Headers(dict[str, str]):
    """Headers that the frames of urllib3 hold without showing them; quicker than its own, where a dict will do."""

    def copy(self) -> _Headers:
        return _Headers(self)

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"


class _HeaderDict(HTTPHeaderDict):
    """The same as urllib3's own headers, which know no case and hold several of one name."""

    __repr__ = _Headers.__repr__

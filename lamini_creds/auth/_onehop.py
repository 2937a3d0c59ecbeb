"""A request that carries the key over one hop: whoever sends it sees the key, a copy for a redirect has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from lamini_creds._credential import Hidden

if TYPE_CHECKING:
    from collections.abc import ItemsView, KeysView, ValuesView

    from httpx import Headers, Request
else:
    Headers = Request = object


class OneHopHeaders(Headers):
    """
    Headers whose key is seen by everybody who reads them, and not copied with them.

    Args:
        headers: The headers without the key.
        key: The header that carries the key.
    """

    plain: ClassVar[type[Headers]]

    def __init__(self, headers: Headers, key: Hidden[dict[str, str]]) -> None:
        super().__init__(headers)
        self._key = self.plain(key.value)
        self._name = next(iter(self._key))

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """What goes over the wire."""
        name = self._name.encode()
        return [*(header for header in super().raw if header[0].lower() != name), *self._key.raw]

    def multi_items(self) -> list[tuple[str, str]]:
        """Names and values, one by one."""
        return self.plain(self.raw).multi_items()

    def items(self) -> ItemsView[str, str]:
        """Names and values."""
        return self.plain(self.raw).items()

    def keys(self) -> KeysView[str]:
        """Names."""
        return {**dict.fromkeys(super().keys()), self._name: None}.keys()

    def values(self) -> ValuesView[str]:
        """Values."""
        return self.plain(self.raw).values()

    def __getitem__(self, name: str) -> str:
        return self._key[name] if name.lower() == self._name else super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        return str(name).lower() == self._name or super().__contains__(name)

    def __repr__(self) -> str:
        return repr(self.plain(self))


class OneHopRequest(Request):
    """A request whose headers are `OneHopHeaders`, also when whoever instruments the client sets them anew."""

    one_hop_headers: ClassVar[type[OneHopHeaders]]
    _key: Hidden[dict[str, str]]

    @classmethod
    def of(cls, request: Request, key: Hidden[dict[str, str]]) -> Self:
        """Make the same request, with the key."""
        made = cls.__new__(cls)
        vars(made).update(vars(request))
        made._key, made.headers = key, request.headers
        return made

    @property
    def headers(self) -> Headers:
        """The request's headers."""
        return self._headers

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._headers = self.one_hop_headers(headers, self._key)


def check(headers: type[OneHopHeaders], client: str) -> None:
    """
    Make sure that a copy of the headers has no key, as the client's redirects make one.

    Raises:
        ImportError: This version of the client copies headers in another way.
    """
    if "x-probe" in headers.plain(headers(headers.plain(), Hidden({"x-probe": "test-key-probe"}))):
        raise ImportError(f"this version of {client} would forward the key on a redirect: use the version before it")

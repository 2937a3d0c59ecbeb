"""A request that carries the key over one hop: whoever sends it sees the key, a copy for a redirect has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from lamini_creds._credential import Hidden
from lamini_creds.auth._sealed import Sealed

if TYPE_CHECKING:
    from collections.abc import ItemsView, KeysView, ValuesView

    from httpx import Headers, Request
else:
    Headers = Request = object


class OneHopHeaders(Sealed, Headers):
    """
    Headers whose key is seen by everybody who reads them, and not copied with them into others.

    Args:
        headers: The headers without the key.
        key: The header that carries the key.
    """

    plain: ClassVar[type[Headers]]

    def __init__(self, headers: Headers, key: Hidden[dict[str, str]]) -> None:
        super().__init__(headers)
        self._key = self.plain(key.value)
        self._name = next(iter(self._key), "")

    def over(self, headers: Headers) -> Self:
        """Give the same key to other headers."""
        return type(self)(headers, Hidden(dict(self._key)))

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
        return self.plain(self.raw).keys()

    def values(self) -> ValuesView[str]:
        """Values."""
        return self.plain(self.raw).values()

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:  # noqa: FBT001, FBT002  # the client's
        """All values of one name."""
        return self.plain(self.raw).get_list(key, split_commas)

    def copy(self) -> Headers:  # type: ignore[override]  # as the client's own, this may be for a redirect
        """Copy the headers without the key."""
        return self.plain(self)

    def __copy__(self) -> Self:
        return self.over(self)

    def __deepcopy__(self, _: object) -> Self:
        return self.over(self)

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return self.plain(self.raw) == (other.raw if isinstance(other, OneHopHeaders) else other)

    __hash__ = None  # type: ignore[assignment]  # as the client's own

    def __getitem__(self, name: str) -> str:
        return self._key[name] if name.lower() == self._name else super().__getitem__(name)

    def __delitem__(self, name: str) -> None:
        if name.lower() == self._name:
            self._key, self._name = self.plain(), ""
        else:
            super().__delitem__(name)

    def __contains__(self, name: object) -> bool:
        return str(name).lower() == self._name or super().__contains__(name)

    def __repr__(self) -> str:
        return repr(self.plain(self))


class OneHopRequest(Request):
    """A request whose headers are `OneHopHeaders`, also when whoever instruments the client sets them anew."""

    one_hop_headers: ClassVar[type[OneHopHeaders]]
    _headers: OneHopHeaders

    @classmethod
    def of(cls, request: Request, key: Hidden[dict[str, str]]) -> Self:
        """Make the same request, with the key."""
        made = cls.__new__(cls)
        vars(made).update(vars(request))
        vars(made).pop("headers", None)
        made._headers = cls.one_hop_headers(request.headers, key)
        return made

    @property
    def headers(self) -> Headers:
        """The request's headers."""
        return self._headers

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._headers = self._headers.over(headers)


def check(headers: type[OneHopHeaders], client: str) -> None:
    """
    Make sure that a copy of the headers has no key, as the client's redirects make one.

    Raises:
        ImportError: This version of the client copies headers in another way.
    """
    if "x-probe" in headers.plain(headers(headers.plain(), Hidden({"x-probe": "test-key-probe"}))):
        raise ImportError(f"this version of {client} would forward the key on a redirect: use the version before it")

"""The values that hold a key, and everything that keeps it from being shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Never, TypeVar

from lamini_creds import _url
from lamini_creds._outcome import Problem
from lamini_creds._value import Frozen

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T")

BLANKS = " \t\r\n\v\f"
_LONGEST_KEY = 16 * 1024
_LOOKALIKES = (
    (("'", '"', "`", "\N{LEFT DOUBLE QUOTATION MARK}"), "has quotes around it", "Take the quotes away."),
    (("<",), "is a placeholder in angle brackets", "Put the real key in its place."),
    (("bearer ", "authorization:"), "starts with a header's words", "Give the key alone, without 'Bearer'."),
)


class _Sealed(Frozen):
    """Refuse change and pickling; print as the public part alone."""

    __slots__ = ()

    def __copy__(self) -> _Sealed:
        return self

    def __deepcopy__(self, _: object) -> _Sealed:
        return self

    def __getstate__(self) -> Never:
        self.__reduce_ex__(2)

    def __reduce_ex__(self, _: object) -> Never:
        raise TypeError(
            f"a {type(self).__name__} is never pickled, since the key would be written out with it: "
            "call resolve_credentials() in the process that needs it"
        )


class Hidden(_Sealed, Generic[T]):
    """A value that our frames hold without showing it in a traceback's locals."""

    __slots__ = ("value",)

    value: T

    def __init__(self, value: T) -> None:
        object.__setattr__(self, "value", value)

    def __repr__(self) -> str:
        return "<hidden>"


class Secret(_Sealed):
    """
    What a provider found: a key, a URL, or both, not validated yet.

    A Secret without a key counts as a miss; its URL still counts for a key
    that another place holds. Returning None is the shorter miss.

    Args:
        key: The key as it was found; outer blanks are trimmed later.
        url: The URL stored with it, if any: the key then goes to its origin only.
        source: The place: a variable's name, a file's path, a secret's name.
        url_source: The place of the URL, where it is another than the key's.
        version: The store's own name for this version.
        expires_at: When the key ends: an aware datetime, or seconds since 1970 in UTC.
        reason: Why there is no key, where there is none ("is not set").
    """

    __slots__ = ("expires_at", "key", "reason", "source", "url", "url_source", "version")

    key: str | None
    url: str | None
    source: str
    url_source: str
    version: str | None
    expires_at: datetime | float | None
    reason: str

    def __init__(
        self,
        key: str | None = None,
        *,
        url: str | None = None,
        source: str = "",
        url_source: str = "",
        version: str | None = None,
        expires_at: datetime | float | None = None,
        reason: str = "",
    ) -> None:
        seal = object.__setattr__
        seal(self, "key", key)
        seal(self, "url", url)
        seal(self, "source", source)
        seal(self, "url_source", url_source or source)
        seal(self, "version", version)
        seal(self, "expires_at", expires_at)
        seal(self, "reason", reason)

    def __repr__(self) -> str:
        held = " and ".join(name for name in ("key", "url") if getattr(self, name)) or "nothing"
        return f"<Secret with {held} from {self.source!r}>"


class Credential(_Sealed):
    """
    A validated key bound to one URL. Only `key` and `headers()` show the key.

    Attributes:
        key: The key.
        url: The URL it belongs to, without a trailing slash.
        provider: The chain's entry that gave the key.
        source: The place of the key: a variable, a file, a secret.
        url_source: The place of the URL.
        profile: The profile it was resolved for.
        version: The store's name for the key's version, if it has one.
        expires_at: When the key ends, in UTC, or None.
        origin: Scheme, host and port of the URL.
    """

    __slots__ = (
        "_header", "_scheme", "expires_at", "key", "origin", "profile",
        "provider", "source", "url", "url_source", "version",
    )  # fmt: skip

    key: str
    url: str
    provider: str
    source: str
    url_source: str
    profile: str
    version: str | None
    expires_at: datetime | None
    origin: str
    _header: str
    _scheme: str

    def __init__(
        self,
        key: Hidden[str],
        url: _url.Url,
        *,
        provider: str,
        source: str,
        url_source: str,
        profile: str,
        version: str | None = None,
        expires_at: datetime | None = None,
        header: str = "Authorization",
        scheme: str = "Bearer",
    ) -> None:
        seal = object.__setattr__
        seal(self, "key", key.value)
        seal(self, "url", url.text)
        seal(self, "origin", url.origin)
        seal(self, "provider", provider)
        seal(self, "source", source)
        seal(self, "url_source", url_source)
        seal(self, "profile", profile)
        seal(self, "version", version)
        seal(self, "expires_at", expires_at)
        seal(self, "_header", header)
        seal(self, "_scheme", scheme)

    def __repr__(self) -> str:
        return (
            f"<Credential {self.fingerprint} for {self.url} "
            f"from {self.provider} ({self.source}), profile {self.profile}>"
        )

    @property
    def fingerprint(self) -> str:
        """The first 8 hex digits of SHA-256 over key and origin, which tell two keys apart and show neither."""
        from hashlib import sha256

        return sha256(f"{self.key}\n{self.origin}".encode()).hexdigest()[:8]

    def headers(self, *, header: str | None = None, scheme: str | None = None) -> dict[str, str]:
        """
        Give the HTTP header that carries the key.

        Args:
            header: The header's name; the service's by default.
            scheme: The word before the key, empty for none; the service's by
                default, and none where only `header` is given.

        Returns:
            A new dict of one header. Send it to `url`'s origin only; `allows` says what is that.
        """
        if scheme is None:
            scheme = self._scheme if header is None else ""
        return {header or self._header: f"{scheme} {self.key}" if scheme else self.key}

    def allows(self, url: str) -> bool:
        """Say whether a request to this URL may carry the key: the same scheme, host and port."""
        return _url.origin(url) == self.origin


def parse_key(raw: object) -> Hidden[str] | Problem | None:
    """
    Validate a key as it was found (DESIGN.md, section 5.7).

    Returns:
        The trimmed key; None where there is nothing but blanks; or what is wrong with it.
    """
    if raw is None:
        return None
    if not isinstance(raw, str):
        return Problem(f"the key is of type {type(raw).__name__}, not text", "Give the key as a string.")
    key = str.strip(raw, BLANKS)
    if not key:
        return None
    return _refusal(key) or Hidden(key)


def _refusal(key: str) -> Problem | None:
    if len(key) > _LONGEST_KEY:
        return Problem("the key is longer than 16 KiB", "Is it a whole file? Give the key alone.")
    lowered = f"{key[:16].lower()} "  # "Bearer" with nothing after it too
    for starts, reason, remedy in _LOOKALIKES:
        if lowered.startswith(starts):
            return Problem(f"the key {reason}", remedy)
    if "****" in key:
        return Problem("the key is masked with asterisks", "Copy the key itself, not its masked form.")
    if "${" in key:
        return Problem("the key is a variable that nothing filled in", "Variables are not expanded; put the key there.")
    for position, character in enumerate(key, start=1):
        if not "!" <= character <= "~":
            return Problem(
                f"character {position} of the key is {_kind(character)}", "A key is printable ASCII without blanks."
            )
    return None


def _kind(character: str) -> str:
    if not character.isascii():
        return "not ASCII"
    return "a blank" if character in BLANKS else "a control character"

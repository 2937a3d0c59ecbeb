"""What a URL may be: parsed strictly, normalised, judged for plain http (DESIGN.md, 5.5 and 5.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from lamini_creds._outcome import Problem
from lamini_creds._value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv6Address

HttpPolicy = Literal["loopback", "private", "any"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535
_LONGEST_NAME = 253
_METADATA = frozenset({
    "metadata", "metadata.google.internal", "169.254.169.254", "[fd00:ec2::254]",  # Google Cloud, AWS, Azure and others
    "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",  # a container's login on ECS and EKS
    "100.100.100.200",  # Alibaba Cloud
})  # fmt: skip
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".cluster.local")
_BAD_CHARACTER = re.compile(r"[^!-~]|\\")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_EXAMPLE = "Expected something like https://api.example.com or localhost:8000."


class Url(Value):
    """
    A URL that a key may be bound to.

    Attributes:
        scheme: http or https.
        host: In lower case; IPv6 in brackets.
        port: The port, the scheme's default included.
        path: The base path without a trailing slash, or empty.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port, where the port is not the scheme's default."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def stays_private(self) -> bool:
        """Whether nobody on the way can read what is sent there: https, or this machine itself."""
        return self.scheme == "https" or _is_loopback(self.host)

    @property
    def text(self) -> str:
        """The normalised URL."""
        return self.origin + self.path


def parse(raw: str) -> Url | Problem:
    """
    Parse the URL of a server, as text that no library has mended.

    Args:
        raw: With or without a scheme; outer blanks are the caller's to trim.

    Returns:
        The URL, or what is wrong with it: the text itself is never repeated,
        since a key pasted in the wrong place stands where a URL should.
    """
    problem = _bad_characters(raw)
    if problem:
        return problem
    if "?" in raw or "#" in raw:
        return Problem("the URL has a query or a fragment", "Give scheme, host, port and base path alone.")
    return _split(raw)


def origin(url: str) -> str | None:
    """
    Give the origin of a request's URL, which may have a query and a fragment.

    Returns:
        The normalised origin, or None where the URL is not one that `parse`
        would take: what can't be told for certain is nobody's origin.
    """
    if not isinstance(url, str) or _bad_characters(url) or not _SCHEME.match(url):
        return None
    split = _split(re.split(r"[?#]", url, maxsplit=1)[0])
    return None if isinstance(split, Problem) else split.origin


def plain_http(url: Url, policy: HttpPolicy | Sequence[str]) -> Problem | str | None:
    """
    Judge whether a key may go to this URL unencrypted.

    Args:
        url: The URL.
        policy: "loopback", "private" or "any"; or the very origins that are
            allowed besides loopback.

    Returns:
        None where it may; the text of a warning where it may but should not;
        a Problem where it may not.
    """
    if url.stays_private:
        return None
    private = is_private(url.host)
    if isinstance(policy, str):
        if policy == "any" or (policy == "private" and private):
            return (
                f"the key goes to {url.origin} over plain http, readable on the way; "
                f'use https, or accept it: http = ["{url.origin}"]'
            )
    elif url.origin in map(origin, policy):
        return None
    return Problem(
        f"the URL is plain http to {'a private' if private else 'a public'} host, and the key would be readable",
        f'Use https; or allow it in a trusted configuration: http = ["{url.origin}"]',
    )


def is_private(host: str) -> bool:
    """Say whether a host is loopback or in a private network, by its name or address alone."""
    address = _address(host)
    if address is None:
        name = host.rstrip(".")
        return "." not in name or name.endswith(_PRIVATE_SUFFIXES)
    from ipaddress import ip_network

    return _is_loopback(host) or any(
        address in ip_network(network)
        for network in (
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "fc00::/7",
        )
    )  # fmt: skip


def _is_loopback(host: str) -> bool:
    """Say whether this is the very machine; the unspecified address, which servers print, leads to it as well."""
    address = _address(host)
    if address is None:
        return host.rstrip(".") == "localhost"
    return address.is_loopback or address.is_unspecified


def _bad_characters(raw: str) -> Problem | None:
    bad = _BAD_CHARACTER.search(raw)
    if bad is None:
        return None
    reason = f"character {bad.end()} of the URL is not allowed"
    return Problem(reason, "A URL is printable ASCII; write other names as xn--.")


def _split(raw: str) -> Url | Problem:
    """Take a URL without query and fragment apart; refuse what two parsers could read differently."""
    marked = _SCHEME.match(raw)
    rest = raw[marked.end() :] if marked else raw
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        return Problem("the URL has a user name or password in it", "Give the key as the key; take it out of the URL.")
    matched = _AUTHORITY.fullmatch(authority)
    if not matched or (marked is None and matched["host"].lower() in _DEFAULT_PORTS):
        return Problem("the URL's host or port can't be read", _EXAMPLE)
    host, port = matched["host"].lower(), matched["port"]
    if marked is None and port is None:
        return Problem("the URL has no scheme and no port", _EXAMPLE)
    scheme = marked[0][:-3].lower() if marked else "http" if is_private(host) else "https"
    if scheme not in _DEFAULT_PORTS:
        return Problem("the URL's scheme is neither http nor https", _EXAMPLE)
    number = int(port or _DEFAULT_PORTS[scheme])
    problem = _bad_port(number) or _bad_host(host) or _metadata(host)
    return problem or Url(scheme, _canonical(host), number, f"{slash}{path}".rstrip("/"))


def _bad_port(port: int) -> Problem | None:
    return Problem(f"the URL's port is over {_LAST_PORT}", _EXAMPLE) if port > _LAST_PORT else None


def _bad_host(host: str) -> Problem | None:
    if host.startswith("["):
        return _bad_ipv6(host)
    labels = host.removesuffix(".").split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        if _address(host) is None:
            return Problem("the URL's host is an odd form of an IPv4 address", "Write it as four decimal numbers.")
        return None
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return Problem("the URL's host is not a host name", _EXAMPLE)
    return None


def _metadata(host: str) -> Problem | None:
    if _canonical(host).rstrip(".") in _METADATA:
        return Problem("the URL is a cloud's metadata address", "A key never goes there; name your server.")
    return None


def _bad_ipv6(host: str) -> Problem | None:
    address = _address(host)
    if address is None:
        return Problem("the URL's host is not an IPv6 address", _EXAMPLE)
    embeds_ipv4 = int(address) >> 32 in (0xFFFF, 0x64FF9B << 64) or 1 < int(address) < 1 << 32
    if embeds_ipv4:
        return Problem("the URL's host is an IPv4 address in the guise of IPv6", "Write the IPv4 address itself.")
    return None


def _canonical(host: str) -> str:
    return f"[{_address(host)}]" if host.startswith("[") else host


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Give the address a host is written as, or None for a name; names cost no import."""
    if not host.startswith("[") and not host[-1:].isdigit():
        return None
    from ipaddress import IPv4Address, IPv6Address

    try:
        return IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host)
    except ValueError:
        return None

"""
The key for [httpx](https://www.python-httpx.org/): `httpx.Client(auth=CredentialAuth())`, and `AsyncClient` alike.

    pip install httpx
"""

from __future__ import annotations

from lamini_creds.auth._flow import Flow
from lamini_creds.auth._onehop import OneHopHeaders, OneHopRequest, check
from lamini_creds.auth._sealed import Sealed

try:
    import httpx
except ImportError as error:
    if error.name != "httpx":
        raise  # it is here, and something that it needs is not
    raise ImportError("lamini_creds.auth.httpx needs httpx: pip install httpx") from None


class CredentialAuth(Flow, httpx.Auth):
    """
    Sends the key with every request to its own origin, and once more with a new one when it is rejected.

    A hop of a redirect that httpx made without the key, though it goes to the
    key's origin, is sent again; see "Where it goes" in the how-to.

    Args:
        source: A resolver, or a credential that stays as it is; the process-wide resolver by default.
        elsewhere: What becomes of a request to another origin: "without" sends it without the key, "raise" raises
            PairingError; after a redirect that httpx follows, when that has been answered.
        header: The header that carries the key; the service's by default.
        scheme: The word before the key, as for `Credential.headers`.
        rejected: The statuses by which the server rejects a key; add 403 where it answers so.
    """


class _Sealed(Sealed, httpx.Headers):
    pass


class _Headers(OneHopHeaders, httpx.Headers):
    plain = httpx.Headers


class _Request(OneHopRequest, httpx.Request):
    one_hop_headers = _Headers


check(_Headers, "httpx")
CredentialAuth._one_hop = _Request
CredentialAuth._sealed = _Sealed

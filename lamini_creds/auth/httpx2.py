"""
The key for [httpx2](https://github.com/pydantic/httpx2), on which OpenAI's and Anthropic's clients stand.

    pip install httpx2
"""

from __future__ import annotations

from lamini_creds.auth._flow import Flow
from lamini_creds.auth._onehop import OneHopHeaders, OneHopRequest, check
from lamini_creds.auth._sealed import Sealed

try:
    import httpx2
except ImportError as error:
    if error.name != "httpx2":
        raise  # it is here, and something that it needs is not
    raise ImportError("lamini_creds.auth.httpx2 needs httpx2: pip install httpx2") from None


class CredentialAuth(Flow, httpx2.Auth):  # type: ignore[misc]  # httpx's types stand for both
    """
    Sends the key as the `CredentialAuth` for httpx does, which this is but for the client.

    Args:
        source: A resolver, or a credential that stays as it is; the process-wide resolver by default.
        elsewhere: What becomes of a request to another origin: "without" sends it without the key, "raise" raises
            PairingError; after a redirect that httpx2 follows, when that has been answered.
        header: The header that carries the key; the service's by default.
        scheme: The word before the key, as for `Credential.headers`.
        rejected: The statuses by which the server rejects a key; add 403 where it answers so.
    """


class _Sealed(Sealed, httpx2.Headers):
    pass


class _Headers(OneHopHeaders, httpx2.Headers):  # type: ignore[misc]
    plain = httpx2.Headers  # type: ignore[assignment]


class _Request(OneHopRequest, httpx2.Request):  # type: ignore[misc]
    one_hop_headers = _Headers


check(_Headers, "httpx2")
CredentialAuth._one_hop = _Request
CredentialAuth._sealed = _Sealed  # type: ignore[assignment]
